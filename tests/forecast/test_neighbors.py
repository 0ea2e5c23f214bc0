"""Neighbours against searches through all points, one at a time."""

import numpy as np
import pytest
from sklearn.base import clone

from orbitscope import _nearest
from orbitscope._nearest import neighbor_weights
from orbitscope.errors import InputError
from orbitscope.forecast import AnalogForecaster, KNNForecaster, LinearForecaster, SMapForecaster

STRETCHES = {"one": [90], "several": [40, 2, 31, 1, 25]}
stretched = pytest.mark.parametrize("lengths", STRETCHES.values(), ids=STRETCHES.keys())


def paths(lengths, dims=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, dims)).cumsum(axis=0) for n in lengths]


def candidates(lengths, ahead=1):
    """(place in all points, stretch) of every point whose stretch goes on for ``ahead`` more."""
    found, first = [], 0
    for stretch, n in enumerate(lengths):
        found += [(first + i, stretch) for i in range(n - ahead)]
        first += n
    return found


def nearest(points, query, pool, count, drop=0, at=None, theiler=0):
    """Distances and places of the nearest of ``pool``, sorted one by one; ``at`` is (place, stretch)."""
    far = [i for i, s in pool if at is None or not theiler or s != at[1] or abs(i - at[0]) > theiler]
    ranked = sorted((float(np.sqrt(np.sum((points[i] - query) ** 2))), i) for i in far)[drop : drop + count]
    return np.array([d for d, _ in ranked]), np.array([i for _, i in ranked])


def shares(distances, kind):
    if kind == "uniform":
        return np.full(len(distances), 1 / len(distances))
    if (distances == 0).any():
        return (distances == 0) / (distances == 0).sum()
    return (1 / distances) / (1 / distances).sum()


def stretch_of(place, lengths):
    return int(np.searchsorted(np.cumsum(lengths), place, side="right"))


def initial_points(points, batch=7, noise=0.3):
    """Points of the library, most of them moved a little, and their places."""
    at = np.linspace(0, len(points) - 1, batch).astype(int)
    moved = noise * np.random.default_rng(1).normal(size=(batch, points.shape[1]))
    moved[::3] = 0
    return (points[at] + moved)[:, None], at


# KNN


@stretched
@pytest.mark.parametrize("weights", ["distance", "uniform"])
@pytest.mark.parametrize("theiler", [0, 1, 6])
@pytest.mark.parametrize("drop", [False, True])
def test_knn_is_a_search_through_all_points_at_every_step(lengths, weights, theiler, drop):
    stretches = paths(lengths)
    points = np.concatenate(stretches)
    seen, at = initial_points(points)
    fitted = KNNForecaster(4, weights=weights, theiler=theiler, drop_nearest=drop).fit(stretches)
    forecast = fitted.forecast(seen, 12, at=at)
    pool = candidates(lengths)
    for row, place in enumerate(at):
        own = (place, stretch_of(place, lengths))
        z = seen[row, -1]
        for k in range(13):
            np.testing.assert_allclose(forecast[row, k], z, atol=1e-9)
            distances, found = nearest(points, z, pool, 4, int(drop), own, theiler)
            moved = [points[i + 1] - points[i] for i in found]
            z = z + shares(distances, weights) @ moved


def test_exclusion_takes_effect_where_places_are_given_only():
    stretches = paths([90])
    seen, at = initial_points(stretches[0])
    wide, plain = KNNForecaster(theiler=20).fit(stretches), KNNForecaster().fit(stretches)
    np.testing.assert_array_equal(wide.forecast(seen, 8), plain.forecast(seen, 8))
    np.testing.assert_array_equal(plain.forecast(seen, 8, at=at), plain.forecast(seen, 8))
    assert np.abs(wide.forecast(seen, 8, at=at) - plain.forecast(seen, 8)).max() > 0.1


def test_answers_held_at_once_make_no_difference(monkeypatch):
    (points,) = paths([400])
    seen, at = initial_points(points, batch=40)
    fitted = KNNForecaster(theiler=50).fit(points)
    whole = fitted.forecast(seen, 6, at=at)
    monkeypatch.setattr(_nearest, "_MOST", 100)
    np.testing.assert_array_equal(fitted.forecast(seen, 6, at=at), whole)


def test_points_of_another_stretch_are_never_near_in_time():
    line = np.arange(6.0)[:, None]
    fitted = KNNForecaster(1, theiler=50).fit([line, 10 * line])
    forecast = fitted.forecast([[[0.0]], [[0.0]]], 1, at=[5, 6])
    np.testing.assert_array_equal(forecast[:, 1, 0], [10, 1])  # from the one only the other is left


def test_no_displacement_leads_from_one_stretch_into_the_next():
    stretches = [np.arange(5.0)[:, None], 1000 + np.arange(5.0)[:, None]]
    forecast = KNNForecaster(1).fit(stretches).forecast([[[4.0]], [[1004.0]]], 3)
    np.testing.assert_array_equal(forecast[:, :, 0], [[4, 5, 6, 7], [1004, 1005, 1006, 1007]])


def test_duplicates_share_all_the_weight():
    path = np.array([[0.0], [1.0], [0.0], [3.0], [50.0]])
    fitted = KNNForecaster(3).fit(path)
    np.testing.assert_allclose(fitted.forecast([[[0.0]]], 1)[0, :, 0], [0, 2])  # the mean of + 1 and + 3
    assert np.isfinite(KNNForecaster(3).fit(np.ones((20, 2))).forecast(np.ones((1, 1, 2)), 5)).all()


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-200])
def test_distances_next_to_nothing_give_finite_weights(tiny):
    np.testing.assert_allclose(neighbor_weights(np.array([[tiny, 1.0]]), "distance"), [[1, 0]], atol=1e-100)
    np.testing.assert_allclose(neighbor_weights(np.array([[tiny, tiny]]), "distance"), [[0.5, 0.5]])


def test_weights_by_hand():
    distances = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 9.0]])
    np.testing.assert_allclose(neighbor_weights(distances, "distance"), [[4 / 7, 2 / 7, 1 / 7], [0.5, 0.5, 0]])
    np.testing.assert_allclose(neighbor_weights(distances, "uniform"), 1 / 3)


# Analogs


@stretched
@pytest.mark.parametrize("form", ["state", "displacement"])
@pytest.mark.parametrize("weights", ["distance", "uniform"])
@pytest.mark.parametrize("theiler", [0, 5])
def test_analogs_are_a_search_through_all_points_with_a_whole_future(lengths, form, weights, theiler):
    stretches, steps = paths(lengths), 9
    points = np.concatenate(stretches)
    seen, at = initial_points(points)
    fitted = AnalogForecaster(4, form=form, weights=weights, theiler=theiler).fit(stretches)
    forecast = fitted.forecast(seen, steps, at=at)
    pool = candidates(lengths, ahead=steps)
    for row, place in enumerate(at):
        own, z = (place, stretch_of(place, lengths)), seen[row, -1]
        distances, found = nearest(points, z, pool, 4, 0, own, theiler)
        share = shares(distances, weights)
        np.testing.assert_array_equal(forecast[row, 0], z)
        for k in range(1, steps + 1):
            went = sum(w * points[i + k] for w, i in zip(share, found, strict=True))
            came = sum(w * points[i] for w, i in zip(share, found, strict=True))
            expected = went if form == "state" else z + went - came
            np.testing.assert_allclose(forecast[row, k], expected, atol=1e-9)


@pytest.mark.parametrize("form", ["state", "displacement"])
def test_a_periodic_orbit_is_forecast_exactly(form):
    angle = 2 * np.pi * (np.arange(200) % 20) / 20
    orbit = np.column_stack([np.cos(angle), np.sin(angle), np.cos(3 * angle)])
    forecast = AnalogForecaster(form=form).fit(orbit).forecast(orbit[:20, None], 60)
    np.testing.assert_allclose(forecast, orbit[np.arange(20)[:, None] + np.arange(61)], atol=1e-12)
    stepwise = KNNForecaster(weights="uniform").fit(orbit).forecast(orbit[:20, None], 60)
    np.testing.assert_allclose(stepwise, orbit[np.arange(20)[:, None] + np.arange(61)], atol=1e-12)


def test_a_future_never_crosses_into_the_next_stretch():
    stretches = [np.arange(8.0)[:, None], 1000 + np.arange(8.0)[:, None], 5000 + np.arange(3.0)[:, None]]
    forecast = AnalogForecaster(1, form="state").fit(stretches).forecast([[[7.0]], [[999.0]], [[5002.0]]], 5)
    np.testing.assert_array_equal(forecast[:, 1:, 0], [[3, 4, 5, 6, 7], 1001 + np.arange(5), 1003 + np.arange(5)])


def test_futures_longer_than_every_stretch_are_refused():
    with pytest.raises(InputError, match=r"4 neighbors are asked for, and 3 library points .* too short a future"):
        AnalogForecaster(4).fit(paths([12, 11])).forecast(np.zeros((1, 1, 3)), 10, at=[0])


# S-map


def weighted_least_squares(points, nexts, query, theta, ridge=0.0):
    """A linear map fitted around ``query`` by rows of square-root weights, and its answer there."""
    distances = np.linalg.norm(points - query, axis=1)
    weights = np.exp(-theta * distances / distances.mean())
    root = np.sqrt(weights)[:, None]
    rows = np.column_stack([np.ones(len(points)), points - query]) * root
    penalty = np.sqrt(ridge * np.sum(rows[:, 1:] ** 2) / points.shape[1]) * np.eye(points.shape[1] + 1)[1:]
    zeros = np.zeros((points.shape[1], points.shape[1]))
    solved = np.linalg.lstsq(np.vstack([rows, penalty]), np.vstack([(nexts - points) * root, zeros]), rcond=None)[0]
    return query + solved[0]


@stretched
@pytest.mark.parametrize("theta", [0.0, 1.0, 8.0])
@pytest.mark.parametrize("theiler", [0, 6])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("neighbors", [None, 25])
def test_s_map_is_weighted_least_squares_at_every_step(lengths, theta, theiler, ridge, neighbors):
    stretches = paths(lengths)
    points = np.concatenate(stretches)
    seen, at = initial_points(points, batch=4)
    fitted = SMapForecaster(theta, neighbors=neighbors, ridge=ridge, theiler=theiler).fit(stretches)
    forecast = fitted.forecast(seen, 3, at=at)
    pool = candidates(lengths)
    for row, place in enumerate(at):
        z, own = seen[row, -1], (place, stretch_of(place, lengths))
        for k in range(4):
            np.testing.assert_allclose(forecast[row, k], z, rtol=1e-6, atol=1e-6)
            found = nearest(points, z, pool, neighbors or len(pool), 0, own, theiler)[1]
            z = weighted_least_squares(points[found], points[found + 1], z, theta, ridge)


def test_s_map_without_locality_is_one_linear_map():
    stretches = paths([60, 50])
    seen = initial_points(np.concatenate(stretches))[0]
    expected = LinearForecaster(1, ridge=0).fit(stretches).forecast(seen, 20)
    np.testing.assert_allclose(SMapForecaster(0, ridge=0).fit(stretches).forecast(seen, 20), expected, atol=1e-6)


@pytest.mark.parametrize("theiler", [0, 7])
def test_s_map_with_all_neighbors_is_that_without_a_number(theiler):
    stretches = paths([60, 50])
    seen, at = initial_points(np.concatenate(stretches))
    whole = SMapForecaster(3.0, theiler=theiler).fit(stretches).forecast(seen, 10)
    asked = SMapForecaster(3.0, neighbors=108, theiler=theiler).fit(stretches).forecast(seen, 10)
    np.testing.assert_allclose(asked, whole, atol=1e-7)
    if theiler:
        excluded = SMapForecaster(3.0, theiler=theiler).fit(stretches).forecast(seen, 10, at=at)
        assert np.abs(excluded - whole).max() > 1e-3


def test_s_map_takes_many_queries_in_blocks(monkeypatch):
    stretches = paths([70])
    seen, at = initial_points(stretches[0], batch=11)
    fitted = SMapForecaster(theiler=4).fit(stretches)
    whole = fitted.forecast(seen, 5, at=at)
    monkeypatch.setattr("orbitscope.forecast.smap._BLOCK", 3 * 69)
    np.testing.assert_allclose(fitted.forecast(seen, 5, at=at), whole, rtol=1e-9)


@pytest.mark.parametrize("ridge", [0, 1e-6])
@pytest.mark.parametrize("neighbors", [None, 2])
def test_s_map_is_finite_where_a_map_is_undetermined(ridge, neighbors):
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 3))
    for points in (plane, np.ones((9, 3)), np.repeat(plane[:9], 3, axis=0)):
        fitted = SMapForecaster(neighbors=neighbors, ridge=ridge).fit(points)
        assert np.isfinite(fitted.forecast(points[:3, None] + 0.01, 10)).all()


def test_s_map_forecasts_a_nonlinear_map_better_with_locality():
    logistic = [0.4]
    while len(logistic) < 600:
        logistic.append(3.8 * logistic[-1] * (1 - logistic[-1]))
    path = np.array(logistic)[:, None]
    truth = path[np.arange(500, 590)[:, None] + np.arange(4)]
    errors = [
        np.abs(SMapForecaster(theta).fit(path[:500]).forecast(truth[:, :1], 3) - truth).mean() for theta in (0, 2, 8)
    ]
    assert errors[0] > 1.5 * errors[1] > 3 * errors[2]


# What is refused


@pytest.mark.parametrize(
    ("forecaster", "reason"),
    [
        (KNNForecaster(0), "neighbors is 0; it must be a whole number from 1"),
        (KNNForecaster(2.0), "neighbors is 2.0"),
        (KNNForecaster(True), "neighbors is True"),
        (KNNForecaster(None), "neighbors is None"),
        (AnalogForecaster(-3), "neighbors is -3"),
        (SMapForecaster(neighbors=0), "neighbors is 0"),
        (KNNForecaster(weights="gaussian"), "weights is 'gaussian'; choose one of distance, uniform"),
        (AnalogForecaster(form="speed"), "form is 'speed'; choose one of state, displacement"),
        (KNNForecaster(theiler=-1), "theiler is -1; it must be a whole number from 0"),
        (AnalogForecaster(theiler=1.5), "theiler is 1.5"),
        (SMapForecaster(theiler=True), "theiler is True"),
        (SMapForecaster(-1.0), "theta is -1.0; it must be a number from 0"),
        (SMapForecaster(np.nan), "theta is nan"),
        (SMapForecaster("1"), "theta is '1'"),
        (SMapForecaster(ridge=None), "ridge is None"),
        (SMapForecaster(ridge=-1e-3), "ridge is -0.001"),
    ],
    ids=str,
)
def test_a_parameter_out_of_range_is_refused(forecaster, reason):
    with pytest.raises(InputError, match=reason):
        clone(forecaster).fit(paths([30]))


@pytest.mark.parametrize("forecaster", [KNNForecaster(20), AnalogForecaster(20), SMapForecaster(neighbors=20)], ids=str)
def test_more_neighbors_than_points_are_refused(forecaster):
    fitted = clone(forecaster).fit(paths([20]))
    with pytest.raises(InputError, match="20 neighbors are asked for, and the library has 19 points; ask for fewer"):
        fitted.forecast(np.zeros((1, 1, 3)), 1)
    with pytest.raises(InputError, match="21 neighbors"):
        KNNForecaster(20, drop_nearest=True).fit(paths([21])).forecast(np.zeros((1, 1, 3)), 1)


@pytest.mark.parametrize("forecaster", [KNNForecaster(10), AnalogForecaster(10), SMapForecaster(neighbors=10)], ids=str)
def test_more_neighbors_than_are_left_by_exclusion_are_refused(forecaster):
    fitted = clone(forecaster).set_params(theiler=7).fit(paths([20]))
    with pytest.raises(InputError, match=r"10 neighbors are asked for, and \d library points are left"):
        fitted.forecast(np.zeros((2, 1, 3)), 1, at=[0, 10])


def test_an_s_map_with_nothing_left_is_refused():
    with pytest.raises(InputError, match="no library points are left"):
        SMapForecaster(theiler=30).fit(paths([20])).forecast(np.zeros((1, 1, 3)), 1, at=[10])


def test_s_map_chooses_its_locality():
    """A noisy linear map is best forecast by one map for all, the logistic map by local ones (Sugihara 1994)."""
    rng = np.random.default_rng(0)
    linear = np.zeros((600, 2))
    for t in range(1, 600):
        linear[t] = linear[t - 1] @ [[0.9, -0.3], [0.3, 0.9]] + 0.1 * rng.normal(size=2)
    logistic = [0.3]
    while len(logistic) < 600:
        logistic.append(3.9 * logistic[-1] * (1 - logistic[-1]))
    assert SMapForecaster().fit(linear).theta_ <= 2  # 200 points do not tell 0 from 2
    assert SMapForecaster().fit(np.array(logistic)[:, None]).theta_ >= 16
    assert SMapForecaster(2.5).fit(linear).theta_ == 2.5
    assert SMapForecaster().fit(linear[:30]).theta_ == 4  # too short to try
