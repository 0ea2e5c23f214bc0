"""The article's protocol against its script, the others against what they must not see, and statistics by hand."""

import json
import math
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from orbitscope.errors import InputError
from orbitscope.evaluation import (
    PROTOCOLS,
    Divergence,
    block_bootstrap,
    displacement_metrics,
    divergence,
)
from orbitscope.forecast import (
    AnalogForecaster,
    Forecaster,
    KNNForecaster,
    LinearForecaster,
    MeanForecaster,
    PersistenceForecaster,
    SMapForecaster,
)
from orbitscope.types import Source, Trajectory

HOP_S = 0.02
ALL = [PersistenceForecaster(), MeanForecaster(), LinearForecaster(), KNNForecaster(), AnalogForecaster()]
ALL += [SMapForecaster(neighbors=20)]
each = pytest.mark.parametrize("forecaster", ALL, ids=lambda f: type(f).__name__)


def trajectory(count=300, dims=3, window=5, seed=0, name="song.wav"):
    """A noisy quasi-periodic path of single precision."""
    rng = np.random.default_rng(seed)
    times = np.arange(count)[:, None]
    rates, phases = rng.uniform(0.05, 0.4, dims), rng.uniform(0, 6, dims)
    points = np.arange(1, dims + 1) * np.sin(rates * times + phases) + 0.1 * rng.normal(size=(count, dims)) + 4
    return Trajectory(points.astype(np.float32), HOP_S, window * HOP_S, source=Source(name=name))


class Spy(Forecaster):
    """Knows that point i of :func:`places` is i, and remembers what it was shown; forecasts are right."""

    seen: ClassVar[list] = []

    def __init__(self, length=1):
        self.length = length

    @property
    def context(self):
        return self.length

    def _fit(self, library):
        self.learnt = [stretch[:, 0] for stretch in library.stretches]

    def _forecast(self, context, steps, at):
        Spy.seen.append((self.learnt, context[:, -1, 0].copy(), context))
        return context[:, -1:] + np.arange(1, steps + 1)[:, None]


@pytest.fixture
def spy():
    Spy.seen = []
    return Spy


def places(count, window=5):
    return Trajectory(np.arange(count, dtype=np.float32)[:, None], HOP_S, window * HOP_S)


# The article's protocol


def published(points, neighbors, steps, every, context):
    """The published script, read literally: one query of scikit-learn for each step of each initial condition."""
    z = np.asarray(points, np.float64)
    for axis in range(z.shape[1]):
        z[:, axis] = (z[:, axis] - min(z[:, axis])) / (max(z[:, axis]) - min(z[:, axis]))
    moves = z[1:] - z[:-1]
    search = NearestNeighbors(n_neighbors=neighbors + 1).fit(z[:-1])
    errors = []
    for start in range(context - 1, len(z) - steps, every):
        at, row = z[start], [0.0]
        for k in range(1, steps + 1):
            distances, found = search.kneighbors([at])
            weights = 1 / distances[0][1:]
            weights /= sum(weights)
            at = at + sum(weight * moves[i] for weight, i in zip(weights, found[0][1:], strict=True))
            row.append(math.dist(at, z[start + k]))
        errors.append(row)
    return np.array(errors)


@pytest.mark.parametrize(("neighbors", "steps", "every", "context"), [(5, 30, 10, 20), (2, 7, 23, 1)])
def test_the_articles_protocol_is_the_published_script(neighbors, steps, every, context):
    given = trajectory(400)
    found = divergence(given, KNNForecaster(neighbors), steps=steps, every=every, protocol="article", context=context)
    expected = published(given.points, neighbors, steps, every, context)
    assert found.errors.shape == expected.shape == (found.count, steps + 1)
    np.testing.assert_allclose(found.errors, expected, atol=1e-9)
    np.testing.assert_allclose(found.mean, expected.mean(axis=0), atol=1e-9)
    np.testing.assert_array_equal(found.starts, np.arange(context - 1, 400 - steps, every))


def test_the_published_number_of_initial_conditions():
    found = divergence(trajectory(1735), PersistenceForecaster(), protocol="article", context=20)
    assert found.errors.shape == (169, 31)


def test_the_articles_protocol_knows_the_future_and_scales_the_axes(spy):
    divergence(places(101), spy(), steps=10, protocol="article")
    (learnt, _, _), *more = spy.seen
    assert not more
    np.testing.assert_allclose(learnt[0], np.arange(101) / 100)


def test_scaled_axes_make_the_articles_protocol_blind_to_stretching():
    given = trajectory()
    stretched = Trajectory(given.points * np.float32([1, 64, 0.25]), HOP_S, given.window_s)
    one, other = (divergence(t, KNNForecaster(), protocol="article").mean for t in (given, stretched))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_an_axis_that_does_not_vary_is_no_trouble():
    given = trajectory()
    flat = Trajectory(np.column_stack([given.points, np.full(300, 7, np.float32)]), HOP_S, given.window_s)
    one, other = (divergence(t, KNNForecaster(), protocol="article").errors for t in (given, flat))
    np.testing.assert_allclose(one, other, atol=1e-12)


# Leak-free


@pytest.mark.parametrize(("window", "steps"), [(5, 8), (1, 30), (12, 3)])
def test_leak_free_passes_over_just_the_points_within_window_and_steps(window, steps):
    given = trajectory(260, window=window)
    points, gap = np.asarray(given.points, np.float64), window + steps
    found = divergence(given, KNNForecaster(1), steps=steps, every=7)
    for start, errors in zip(found.starts, found.errors, strict=True):
        library = [j for j in range(259) if abs(j - start) > gap]
        at = points[start]
        for k in range(1, steps + 1):
            nearest = min(library, key=lambda j: np.sum((points[j] - at) ** 2))
            at = at + points[nearest + 1] - points[nearest]
            assert errors[k] == pytest.approx(np.linalg.norm(at - points[start + k]), abs=1e-9)


def test_leak_free_keeps_a_larger_exclusion_of_the_forecasters_own():
    given = trajectory()
    wide = KNNForecaster(theiler=60)
    found = divergence(given, wide, steps=8, protocol="leak-free")
    points = given.points.astype(float)
    own = KNNForecaster(theiler=60).fit(points).forecast(points[found.starts, None], 8, at=found.starts)
    truth = points[found.starts[:, None] + np.arange(9)]
    np.testing.assert_array_equal(found.errors, np.linalg.norm(own - truth, axis=2))
    less = divergence(given, KNNForecaster(theiler=1), steps=8, protocol="leak-free")
    assert np.abs(less.errors - found.errors).max() > 0.01
    np.testing.assert_array_equal(less.errors, divergence(given, KNNForecaster(), steps=8).errors)
    assert wide.theiler == 60


def test_leak_free_takes_the_last_point_outside_and_none_inside():
    window, steps, start = 4, 6, 50
    for place, expected in ((start - 11, 1000.0), (start - 10, 0.0), (start + 10, 0.0), (start + 11, 1000.0)):
        points = np.random.default_rng(0).normal(size=(120, 1)) * 1e-3 + np.arange(120)[:, None]
        points[place], points[place + 1] = points[start] + 1e-9, points[start] + 1000  # a twin that leaps away
        found = divergence(
            Trajectory(points, HOP_S, window * HOP_S), KNNForecaster(1), steps=steps, every=start + 1, context=start + 1
        )
        np.testing.assert_array_equal(found.starts[:1], [start])
        leapt = found.errors[0, 1] > 500
        assert leapt == bool(expected), place


@pytest.mark.parametrize("length", [1, 6])
def test_leak_free_fits_others_anew_without_the_surroundings_of_each_block(spy, length):
    window, steps, count = 5, 8, 400
    found = divergence(places(count, window), spy(length), steps=steps, every=3)
    assert len(spy.seen) == 5
    np.testing.assert_array_equal(np.concatenate([initial for _, initial, _ in spy.seen]), found.starts)
    for learnt, initial, _ in spy.seen:
        first, last = initial.min(), initial.max()
        expected = [i for i in range(count) if i < first - window - steps or i > last + window + steps]
        np.testing.assert_array_equal(np.concatenate(learnt), expected)
        for stretch in learnt:
            np.testing.assert_array_equal(np.diff(stretch), 1)
            pairs = stretch[:-1]
            assert np.abs(pairs[:, None] - initial).min() > window + steps
    np.testing.assert_allclose(found.errors, 0, atol=1e-4)


@pytest.mark.parametrize(("folds", "fitted"), [(1, 1), (3, 3), (1000, 31)])
def test_leak_free_fits_as_often_as_asked(spy, folds, fitted):
    found = divergence(places(400), spy(), steps=8, every=3, context=300, folds=folds)
    assert found.count == 31
    assert len(spy.seen) == fitted
    for learnt, initial, _ in spy.seen:
        assert np.abs(np.concatenate(learnt)[:, None] - initial).min() == 5 + 8 + 1


def test_leak_free_leaves_a_forecaster_out_of_what_it_cannot_learn_from(spy):
    divergence(places(120, 5), spy(30), steps=8, every=10)
    assert all(len(stretch) > 30 for learnt, _, _ in spy.seen for stretch in learnt)


def test_the_articles_protocol_flatters():
    noise = np.random.default_rng(3).normal(size=(520, 10))
    means = np.apply_along_axis(lambda x: np.convolve(x, np.ones(20) / 20, "valid"), 0, noise)
    given = Trajectory(means, HOP_S, 20 * HOP_S)  # windows of noise: nothing can be known of the future but overlap
    assert divergence(given, KNNForecaster(), protocol="article").relative[10] < 0.7
    assert divergence(given, KNNForecaster()).relative[10] > 1


# Held out


@pytest.mark.parametrize(("count", "window", "steps"), [(400, 5, 8), (333, 20, 30), (151, 1, 1)])
def test_held_out_learns_the_first_part_and_starts_after_the_gap(spy, count, window, steps):
    found = divergence(places(count, window), spy(), steps=steps, every=4, protocol="held-out")
    ((learnt, initial, _),) = spy.seen
    trained = round(0.7 * count)
    np.testing.assert_array_equal(learnt[0], np.arange(trained))
    assert found.starts[0] == trained + window + steps
    assert found.starts[-1] + steps < count <= found.starts[-1] + steps + 4
    np.testing.assert_array_equal(initial, found.starts)
    assert found.radius == pytest.approx(np.arange(trained).std())


def test_held_out_by_neighbors_is_a_search_through_the_first_part():
    given = trajectory(300)
    points = np.asarray(given.points, np.float64)
    found = divergence(given, KNNForecaster(1), steps=5, protocol="held-out")
    for start, errors in zip(found.starts, found.errors, strict=True):
        nearest = np.argmin(np.sum((points[:209] - points[start]) ** 2, axis=1))
        assert errors[1] == pytest.approx(
            np.linalg.norm(points[nearest + 1] - points[nearest] - np.diff(points, axis=0)[start])
        )


# What holds for all


@each
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_forecaster_under_every_protocol(forecaster, protocol):
    given = trajectory()
    before = forecaster.get_params()
    found = divergence(given, forecaster, steps=12, protocol=protocol)
    assert forecaster.get_params() == before and not hasattr(forecaster, "n_features_in_")
    assert found.protocol == protocol
    assert found.forecaster == type(forecaster).__name__.removesuffix("Forecaster")
    assert found.errors.shape == found.persistence.shape == (found.count, 13)
    assert np.isfinite(found.errors).all()
    np.testing.assert_array_equal(found.errors[:, 0], 0)
    np.testing.assert_array_equal(found.persistence[:, 0], 0)
    again = divergence(given, forecaster, steps=12, protocol=protocol)
    np.testing.assert_array_equal(again.errors, found.errors)
    if isinstance(forecaster, PersistenceForecaster):
        np.testing.assert_allclose(found.relative[1:], 1)
        np.testing.assert_array_equal(found.errors, found.persistence)
        assert np.isnan(found.relative[0])
    words = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert words["initial_points"] == found.count
    assert words["relative"][0] is None
    np.testing.assert_allclose(words["mean"], found.mean)


def test_one_context_gives_all_forecasters_the_same_initial_points():
    found = [divergence(trajectory(), f, steps=5, context=9, protocol="leak-free").starts for f in ALL]
    assert all(f[0] == 8 for f in found)
    for starts in found[1:]:
        np.testing.assert_array_equal(starts, found[0])


@pytest.mark.parametrize(("window_s", "expected"), [(0.1, 5), (0.109, 5), (0.111, 6), (0.0, 1), (0.001, 1)])
def test_how_far_windows_reach(window_s, expected):
    assert Trajectory(np.zeros((3, 2)), HOP_S, window_s).window == expected


# Statistics


def made(errors, radius=1.0, window=1, every=10, persistence=None):
    errors = np.asarray(errors, float)
    starts = np.arange(len(errors)) * every
    return Divergence("Made", "article", starts, errors, errors if persistence is None else persistence, radius, HOP_S,
                      window, every)  # fmt: skip


def test_mean_and_standard_error_by_hand():
    found = made([[0, 1, 2], [0, 3, 2], [0, 5, 8]])
    np.testing.assert_allclose(found.mean, [0, 3, 4])
    np.testing.assert_allclose(found.standard_error, [0, 2 / math.sqrt(3), math.sqrt(12) / math.sqrt(3)])
    np.testing.assert_allclose(found.standard_error, stats.sem(found.errors))
    np.testing.assert_array_equal(found.steps, [0, 1, 2])
    assert np.isnan(made([[0, 1, 2]]).standard_error).all()


def test_scaled_and_relative_by_hand():
    found = made([[0, 1, 2], [0, 3, 2]], radius=4, persistence=np.array([[0, 2, 8.0], [0, 2, 0]]))
    np.testing.assert_allclose(found.scaled, [0, 0.5, 0.5])
    np.testing.assert_allclose(found.relative, [np.nan, 1, 0.5])


def test_valid_steps_by_hand():
    found = made([[0, 0.1, 0.5, 0.1], [0, 0.9, 0.0, 0.0], [0, 0.1, 0.1, 0.1], [0, 0.4, 0.4, 0.41]])
    np.testing.assert_array_equal(found.valid_steps(), [1, 0, 3, 2])
    np.testing.assert_array_equal(found.valid_steps(0.05), [0, 0, 0, 0])
    np.testing.assert_array_equal(found.valid_steps(9), [3, 3, 3, 3])
    assert found.valid_time_s() == pytest.approx(1.5 * HOP_S)
    larger = made(found.errors, radius=2)
    np.testing.assert_array_equal(larger.valid_steps(), found.valid_steps(0.8))


def test_a_bootstrap_of_independent_numbers_is_near_normal_theory():
    values = np.random.default_rng(0).normal(3, 2, size=(400, 2))
    low, high = block_bootstrap(values, 1, resamples=4000)
    error = stats.sem(values)
    np.testing.assert_allclose(low, values.mean(axis=0) - 1.96 * error, atol=0.12 * error.max())
    np.testing.assert_allclose(high, values.mean(axis=0) + 1.96 * error, atol=0.12 * error.max())


def test_blocks_widen_the_interval_of_numbers_that_are_alike():
    rng, rho = np.random.default_rng(0), 0.9
    values = [rng.normal()]
    while len(values) < 3000:
        values.append(rho * values[-1] + rng.normal())
    widths = {block: np.diff(block_bootstrap(np.array(values), block), axis=0)[0] for block in (1, 10, 60)}
    assert widths[60] > 1.3 * widths[10] > 1.6 * widths[1]
    truth = 2 * 1.96 / (1 - rho) / math.sqrt(3000)  # the long-run variance of an autoregression
    assert widths[60] == pytest.approx(truth, rel=0.3)


def test_a_bootstrap_is_the_same_every_time_and_another_by_another_seed():
    values = np.random.default_rng(0).normal(size=(50, 3))
    one, same, other = (block_bootstrap(values, 4, random_state=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_a_bootstrap_of_constants_is_that_constant_and_of_two_blocks_at_least():
    np.testing.assert_allclose(block_bootstrap(np.full((20, 2), 4.0), 6), 4)
    assert np.isfinite(block_bootstrap(np.arange(12.0), 6)).all()
    assert np.isnan(block_bootstrap(np.arange(11.0), 6)).all()


def test_the_interval_takes_blocks_as_long_as_windows_and_steps():
    errors = np.abs(np.random.default_rng(0).normal(size=(80, 31)))
    found = made(errors, window=22)
    np.testing.assert_array_equal(found.interval, block_bootstrap(errors, math.ceil((22 + 30) / 10)))
    assert (found.interval[0] <= found.mean).all() and (found.mean <= found.interval[1]).all()
    few = made(errors[:11], window=22)
    assert np.isnan(few.interval).all()
    assert few.to_dict()["low"] == [None] * 31


# Displacement metrics


def test_a_perfect_forecaster_scores_0_and_1():
    turn = np.array([[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]])
    points = [np.array([1.0, 0.0])]
    while len(points) < 200:
        points.append(turn @ points[-1])
    circle = Trajectory(np.array(points), HOP_S, 5 * HOP_S)
    found = displacement_metrics(circle, LinearForecaster(1, ridge=0))
    assert found["mse"] == pytest.approx(0, abs=1e-12)
    assert found["cosine"] == pytest.approx(1)
    assert found["mse_persistence"] == pytest.approx((2 * math.sin(0.05)) ** 2 / 2)
    assert found["displacements"] == 200 - 140 - 5 - 1


def test_persistence_has_no_direction():
    found = displacement_metrics(trajectory(), PersistenceForecaster())
    assert math.isnan(found["cosine"])
    assert found["mse"] == found["mse_persistence"] > 0


def test_displacements_by_hand():
    path = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0], [3, 1], [3, 1], [2, 1]])
    line = Trajectory(np.column_stack([np.arange(9.0), np.zeros(9)]), HOP_S, HOP_S)
    found = displacement_metrics(line, KNNForecaster(1), test=Trajectory(path, HOP_S, HOP_S))
    # always predicts (1, 0); true: three times that, (0, 1), nothing, (-1, 0)
    assert found["displacements"] == 6
    assert found["mse"] == pytest.approx((0 + 0 + 0 + 2 + 1 + 4) / 12)
    assert found["cosine"] == pytest.approx((1 + 1 + 1 + 0 - 1) / 5)


def test_the_rest_is_tested_after_a_gap_of_one_window(spy):
    displacement_metrics(places(100, 6), spy())
    ((learnt, initial, _),) = spy.seen
    np.testing.assert_array_equal(learnt[0], np.arange(70))
    np.testing.assert_array_equal(initial, np.arange(76, 99))


def test_another_recording_as_test_is_used_whole(spy):
    displacement_metrics(places(100), spy(4), test=places(30))
    ((learnt, initial, context),) = spy.seen
    np.testing.assert_array_equal(learnt[0], np.arange(100))
    np.testing.assert_array_equal(initial, np.arange(3, 29))
    np.testing.assert_array_equal(context[0, :, 0], np.arange(4))


# What is refused


@pytest.mark.parametrize("option", ["steps", "every", "context", "folds"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3"])
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(InputError, match=f"{option} is {value!r}; it must be a whole number from 1"):
        divergence(trajectory(), KNNForecaster(), **{option: value})


def test_an_unknown_protocol_is_refused():
    with pytest.raises(InputError, match="protocol 'strict' is unknown; choose one of article, leak-free, held-out"):
        divergence(trajectory(), KNNForecaster(), protocol="strict")


@pytest.mark.parametrize(
    ("protocol", "count", "context", "needed"),
    [("article", 49, 20, 50), ("leak-free", 30, 1, 31), ("held-out", 200, 1, 220), ("held-out", 300, 290, 320)],
)
def test_a_trajectory_too_short_says_how_long_it_must_be(protocol, count, context, needed):
    options = {"steps": 30, "context": context, "protocol": protocol}
    reason = f"song.wav: too short: {count} points, and {needed} are needed for 30 steps under the {protocol} protocol"
    with pytest.raises(InputError, match=reason):
        divergence(trajectory(count), MeanForecaster(), **options)
    if protocol != "leak-free":
        assert divergence(trajectory(needed), MeanForecaster(), **options).count >= 1


def test_a_long_context_is_no_trouble_in_a_long_trajectory():
    assert divergence(trajectory(200), KNNForecaster(), steps=3, context=180).starts[0] == 179


def test_a_trajectory_that_leaves_nothing_outside_is_refused():
    with pytest.raises(InputError, match="too short: 50 points leave nothing to learn from without the 25"):
        divergence(trajectory(50), LinearForecaster(), steps=20, every=1, context=25)
    with pytest.raises(InputError, match="5 neighbors are asked for, and . library points are left"):
        divergence(trajectory(52), KNNForecaster(), steps=20, context=25)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_no_numbers_are_refused(value):
    given = trajectory()
    given.points[-1, 1] = value
    with pytest.raises(InputError, match="song.wav: points hold NaN or infinite values"):
        divergence(given, KNNForecaster())
    with pytest.raises(InputError, match="song.wav: points hold NaN or infinite values"):
        displacement_metrics(given, KNNForecaster())
    with pytest.raises(InputError, match="song.wav: points hold NaN or infinite values"):
        displacement_metrics(trajectory(), KNNForecaster(), test=given)


def test_an_array_has_no_times_and_is_refused():
    with pytest.raises(InputError, match="a Trajectory is needed, which knows its times, not a ndarray"):
        divergence(trajectory().points, KNNForecaster())
    with pytest.raises(InputError, match="a Trajectory is needed"):
        displacement_metrics(trajectory(), KNNForecaster(), test=trajectory().points)


@pytest.mark.parametrize("theiler", [-1, 1.5, "5"])
def test_an_exclusion_out_of_range_is_refused(theiler):
    with pytest.raises(InputError, match=f"theiler is {theiler!r}; it must be a whole number from 0"):
        divergence(trajectory(), KNNForecaster(theiler=theiler))


@each
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_points_that_never_move_have_no_scale(forecaster, protocol):
    still = Trajectory(np.full((200, 2), 3.0, np.float32), HOP_S, 5 * HOP_S)
    found = divergence(still, forecaster, steps=5, protocol=protocol)
    np.testing.assert_allclose(found.errors, 0, atol=1e-9)
    assert np.isnan(found.scaled).all() and found.radius == 0
    json.dumps(found.to_dict(), allow_nan=False)
    assert math.isnan(displacement_metrics(still, PersistenceForecaster())["cosine"])


def test_a_test_of_another_dimension_or_of_nothing_is_refused():
    with pytest.raises(InputError, match="as in fit"):
        displacement_metrics(trajectory(), KNNForecaster(), test=trajectory(dims=2))
    with pytest.raises(InputError, match="song.wav: no displacement is left to test on"):
        displacement_metrics(trajectory(), KNNForecaster(), test=trajectory(1))
    with pytest.raises(InputError, match="no displacement is left to test on"):
        displacement_metrics(trajectory(20, window=6), KNNForecaster())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_forecaster_refuses_is_passed_on(protocol):
    with pytest.raises(InputError, match="order is 2.5"):
        divergence(trajectory(), LinearForecaster(2.5), protocol=protocol)
    with pytest.raises(InputError, match="neighbors are asked for"):
        divergence(trajectory(), KNNForecaster(1000), protocol=protocol)
