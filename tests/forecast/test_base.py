"""What every forecaster keeps to, and what it refuses."""

import json

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from orbitscope.errors import InputError, StoreError
from orbitscope.forecast import (
    AnalogForecaster,
    Forecaster,
    KNNForecaster,
    LinearForecaster,
    MeanForecaster,
    PersistenceForecaster,
    SMapForecaster,
)
from orbitscope.forecast._base import Library, as_stretches
from orbitscope.types import Source, Trajectory

FORECASTERS = [
    PersistenceForecaster(),
    MeanForecaster(),
    LinearForecaster(3, ridge=1e-3),
    KNNForecaster(4, weights="uniform", theiler=2, drop_nearest=True),
    AnalogForecaster(3, form="state", weights="uniform", theiler=3),
    SMapForecaster(2.5, neighbors=30, ridge=1e-4, theiler=1),
    SMapForecaster(),
]
each = pytest.mark.parametrize("forecaster", FORECASTERS, ids=str)


def swinging(count=120, dims=3, seed=0):
    """A noisy quasi-periodic path, ``(count, dims)``."""
    rng = np.random.default_rng(seed)
    times = np.arange(count)[:, None]
    rates, phases = rng.uniform(0.1, 0.5, dims), rng.uniform(0, 6, dims)
    return np.sin(rates * times + phases) + 0.05 * rng.normal(size=(count, dims))


def contexts(points, length=4, batch=6):
    last = np.linspace(length - 1, len(points) - 1, batch).astype(int)
    return points[last[:, None] + np.arange(1 - length, 1)]


# Library


def test_a_library_keeps_stretches_apart():
    stretches = [np.arange(4.0)[:, None], np.array([[10.0]]), 20 + np.arange(3.0)[:, None]]
    library = Library.of(stretches)
    assert len(library) == 8
    np.testing.assert_array_equal(library.starts, [0, 4, 5])
    np.testing.assert_array_equal(library.ends, [4, 4, 4, 4, 5, 8, 8, 8])
    np.testing.assert_array_equal(library.with_next, [0, 1, 2, 5, 6])
    for mine, given in zip(library.stretches, stretches, strict=True):
        np.testing.assert_array_equal(mine, given)
    points, displacements = library.pairs()
    np.testing.assert_array_equal(points[:, 0], [0, 1, 2, 20, 21])
    np.testing.assert_array_equal(displacements, 1)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9])
def test_contexts_are_all_the_runs_with_a_next_point(length):
    stretches = [np.random.default_rng(i).normal(size=(n, 2)) for i, n in enumerate((5, 1, 3, 2))]
    runs, displacements = Library.of(stretches).contexts(length)
    expected = [
        (s[i : i + length], s[i + length] - s[i + length - 1]) for s in stretches for i in range(len(s) - length)
    ]
    assert runs.shape == (len(expected), length, 2)
    for got, moved, (run, step) in zip(runs, displacements, expected, strict=True):
        np.testing.assert_array_equal(got, run)
        np.testing.assert_array_equal(moved, step)


# What all do


@each
def test_parameters_are_stored_cloned_and_compared(forecaster):
    given = forecaster.get_params()
    assert clone(forecaster).get_params() == given
    assert type(forecaster)(**given).get_params() == given
    fitted = clone(forecaster)
    assert fitted.fit(swinging()) is fitted
    assert fitted.get_params() == given
    assert fitted.n_features_in_ == 3 and len(fitted.library_) == 120
    assert not hasattr(clone(fitted), "n_features_in_")


@each
def test_a_batch_is_its_members_one_at_a_time(forecaster):
    points = swinging()
    fitted = clone(forecaster).fit(points)
    seen = contexts(points)
    whole = fitted.forecast(seen, 7)
    assert whole.shape == (6, 8, 3) and whole.dtype == np.float64
    np.testing.assert_array_equal(whole[:, 0], seen[:, -1])
    for i in range(len(seen)):
        np.testing.assert_allclose(fitted.forecast(seen[i : i + 1], 7)[0], whole[i], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("forecaster", [f for f in FORECASTERS if not isinstance(f, AnalogForecaster)], ids=str)
def test_the_first_steps_of_a_long_forecast_are_the_short_one(forecaster):
    points = swinging()
    fitted, seen = clone(forecaster).fit(points), contexts(points)
    np.testing.assert_allclose(fitted.forecast(seen, 2), fitted.forecast(seen, 9)[:, :3], rtol=1e-9, atol=1e-9)


@each
def test_no_steps_give_the_initial_points_and_no_contexts_give_nothing(forecaster):
    points = swinging()
    fitted, seen = clone(forecaster).fit(points), contexts(points)
    np.testing.assert_array_equal(fitted.forecast(seen, 0), seen[:, -1:])
    assert fitted.forecast(seen[:0], 5).shape == (0, 6, 3)


@each
def test_only_the_last_points_of_a_longer_context_count(forecaster):
    points = swinging()
    fitted = clone(forecaster).fit(points)
    seen = contexts(points, length=12)
    np.testing.assert_array_equal(fitted.forecast(seen, 3), fitted.forecast(seen[:, -fitted.context :], 3))


@each
def test_inputs_are_not_changed_and_may_be_single_precision(forecaster):
    points = swinging().astype(np.float32)
    seen = contexts(points)
    before = points.copy(), seen.copy()
    one = clone(forecaster).fit(points).forecast(seen, 4)
    np.testing.assert_array_equal(points, before[0])
    np.testing.assert_array_equal(seen, before[1])
    trajectory = Trajectory(points, 0.02, 0.5)
    np.testing.assert_array_equal(clone(forecaster).fit(trajectory).forecast(seen, 4), one)
    np.testing.assert_array_equal(clone(forecaster).fit([trajectory]).forecast(np.asarray(seen, float), 4), one)


# Files


@each
def test_a_saved_forecaster_forecasts_to_the_same_bit(forecaster, tmp_path):
    stretches = [swinging(60), swinging(50, seed=1)]
    fitted = clone(forecaster).fit(stretches)
    expected = fitted.forecast(contexts(stretches[0]), 6)
    path = tmp_path / "one.safetensors"
    fitted.save(path)
    for kind in (Forecaster, type(forecaster)):
        loaded = kind.load(path)
        assert type(loaded) is type(forecaster)
        assert loaded.get_params() == forecaster.get_params()
        assert loaded.forecast(contexts(stretches[0]), 6).tobytes() == expected.tobytes()
    again = tmp_path / "two.safetensors"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


def test_parameters_of_numpy_are_saved_too(tmp_path):
    path = tmp_path / "knn.safetensors"
    KNNForecaster(np.int64(3), theiler=np.int32(4)).fit(swinging()).save(path)
    assert KNNForecaster.load(path).get_params()["neighbors"] == 3


def test_a_subclass_reads_its_own_files_only(tmp_path):
    path = tmp_path / "mean.safetensors"
    MeanForecaster().fit(swinging()).save(path)
    with pytest.raises(StoreError, match=r"mean\.safetensors: holds a MeanForecaster; load it with Forecaster\.load"):
        KNNForecaster.load(path)


def rewritten(path, arrays=None, metadata=None):
    """A saved forecaster's file with other arrays or other words in its place."""
    with safetensors.safe_open(path, framework="numpy") as file:
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        (key, text), *_ = file.metadata().items()
    words = {**json.loads(text), **(metadata or {})}
    kept = {name: value for name, value in {**kept, **(arrays or {})}.items() if value is not None}
    words = {name: value for name, value in words.items() if value is not None}
    path.write_bytes(safetensors.numpy.save(kept, metadata={key: json.dumps(words)}))


@pytest.mark.parametrize(
    ("arrays", "metadata", "reason"),
    [
        ({"points": None}, {}, "not a whole forecaster"),
        ({"points": np.zeros(5)}, {}, "points of a wrong shape"),
        ({"points": np.zeros((0, 3))}, {}, "points of a wrong shape"),
        ({"points": np.full((5, 3), np.nan)}, {}, "not finite"),
        ({"starts": None}, {}, "not a whole forecaster"),
        ({"starts": np.array([0, 9, 9])}, {}, "stretches"),
        ({"starts": np.array([0, 500])}, {}, "stretches"),
        ({"starts": np.array([3])}, {}, "stretches"),
        ({"starts": np.array([0.0])}, {}, "stretches"),
        ({}, {"forecaster": None}, "holds no forecaster"),
        ({}, {"forecaster": "Oracle"}, "holds a Oracle; this version of Orbitscope does not know it"),
        ({}, {"forecaster": "StepwiseForecaster"}, "does not know it"),
        ({}, {"forecaster": ["KNNForecaster"]}, "not a whole forecaster"),
        ({}, {"parameters": None}, "not a whole forecaster"),
        ({}, {"parameters": {"gadgets": 3}}, "gadgets"),
        ({}, {"parameters": {"neighbors": -1}}, "neighbors is -1"),
        ({}, {"parameters": 7}, "not a whole forecaster"),
        ({}, {"format": 99}, "newer Orbitscope"),
        ({}, {"format": "two"}, "not a whole forecaster"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(tmp_path, arrays, metadata, reason):
    path = tmp_path / "tampered.safetensors"
    KNNForecaster().fit(swinging()).save(path)
    rewritten(path, arrays, metadata)
    with pytest.raises(StoreError, match=reason) as caught:
        Forecaster.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [0, 3, 100, 1000])
def test_a_cut_file_is_refused_by_name(tmp_path, kept):
    path = tmp_path / "cut.safetensors"
    KNNForecaster().fit(swinging()).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(StoreError, match="cut.safetensors"):
        Forecaster.load(path)


def test_a_missing_or_foreign_file_is_refused_by_name(tmp_path):
    with pytest.raises(StoreError, match="nothing.safetensors"):
        Forecaster.load(tmp_path / "nothing.safetensors")
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(safetensors.numpy.save({"points": np.zeros((3, 2))}))
    with pytest.raises(StoreError, match="foreign.safetensors"):
        Forecaster.load(foreign)


def test_a_model_of_an_embedder_is_not_a_forecaster(tmp_path, small_embedder):
    path = tmp_path / "model.safetensors"
    small_embedder.save(path)
    with pytest.raises(StoreError, match="model.safetensors: holds no forecaster"):
        Forecaster.load(path)


def test_a_file_that_cannot_be_written_is_an_error_by_name(tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        MeanForecaster().fit(swinging()).save(tmp_path / "nowhere" / "one.safetensors")


# What is refused


@each
def test_before_fit_there_is_nothing_to_forecast_or_save(forecaster, tmp_path):
    fresh = clone(forecaster)
    with pytest.raises(NotFittedError, match=f"{type(forecaster).__name__} instance is not fitted yet"):
        fresh.forecast(contexts(swinging()), 3)
    with pytest.raises(NotFittedError):
        fresh.save(tmp_path / "one.safetensors")


def test_a_failed_fit_leaves_nothing_fitted():
    fresh = KNNForecaster(-1)
    with pytest.raises(InputError):
        fresh.fit(swinging())
    with pytest.raises(NotFittedError):
        fresh.forecast(contexts(swinging()), 3)


@each
@pytest.mark.parametrize("steps", [-1, 2.0, True, False, None, "3", np.True_, np.float64(2)])
def test_steps_must_be_a_whole_number_from_0(forecaster, steps):
    with pytest.raises(InputError, match="steps is .*; it must be a whole number from 0"):
        clone(forecaster).fit(swinging()).forecast(contexts(swinging()), steps)


def test_steps_may_be_a_whole_number_of_numpy():
    assert MeanForecaster().fit(swinging()).forecast(contexts(swinging()), np.int32(3)).shape == (6, 4, 3)


@each
@pytest.mark.parametrize("shape", [(6, 4, 2), (6, 4, 4), (4, 3), (3,), (1, 2, 4, 3)])
def test_a_context_of_another_shape_or_dimension_is_refused(forecaster, shape):
    with pytest.raises(InputError, match=r"context has shape .*; \(batch, points, 3\) is needed, as in fit"):
        clone(forecaster).fit(swinging()).forecast(np.zeros(shape), 3)


@each
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_context_of_nan_or_infinite_points_is_refused(forecaster, value):
    seen = contexts(swinging())
    seen[2, -1, 1] = value
    with pytest.raises(InputError, match="context holds NaN or infinite points"):
        clone(forecaster).fit(swinging()).forecast(seen, 3)


def test_a_context_too_short_to_see_what_is_needed_is_refused():
    with pytest.raises(InputError, match="context has 2 points; LinearForecaster needs 3"):
        LinearForecaster(3).fit(swinging()).forecast(contexts(swinging(), length=2), 3)


def test_a_context_of_no_numbers_is_refused():
    with pytest.raises(InputError, match="context cannot be read"):
        MeanForecaster().fit(swinging()).forecast([[["a", "b", "c"]]], 3)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "no trajectory to learn from"),
        ((), "no trajectory to learn from"),
        (None, r"points have shape \(\)"),
        (np.zeros(5), r"points have shape \(5,\); \(points, latent_dim\) is needed"),
        (np.zeros((0, 3)), "points have shape"),
        (np.zeros((4, 0)), "points have shape"),
        (np.zeros((4, 3, 2)), "points have shape"),
        ([swinging(), np.zeros((0, 3))], "points have shape"),
        ([[["a"]]], "points cannot be read"),
        (np.full((9, 3), np.nan), "points hold NaN or infinite values"),
        ([swinging(), np.full((9, 3), np.inf)], "points hold NaN or infinite values"),
        ([swinging(), swinging(dims=2)], "trajectories have 2 and 3 dimensions; all must have the same"),
        (swinging(1), "every stretch has a single point"),
        ([swinging(1), swinging(1)], "every stretch has a single point"),
    ],
)
@each
def test_what_cannot_be_learnt_from_is_refused(forecaster, given, reason):
    with pytest.raises(InputError, match=reason):
        clone(forecaster).fit(given)


def test_an_error_names_the_recording():
    broken = Trajectory(np.full((9, 3), np.nan), 0.02, 0.5, source=Source(name="song.wav"))
    with pytest.raises(InputError, match="song.wav: points hold NaN"):
        as_stretches([swinging(), broken])


@pytest.mark.parametrize("forecaster", [PersistenceForecaster(), MeanForecaster(), LinearForecaster()])
def test_places_are_refused_by_what_cannot_pass_over_points(forecaster):
    with pytest.raises(InputError, match="cannot pass over points near in time; leave at out"):
        clone(forecaster).fit(swinging()).forecast(contexts(swinging()), 3, at=np.arange(6))


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (np.arange(5), "one whole number per context"),
        (np.arange(6.0), "one whole number per context"),
        (np.zeros(6, bool), "one whole number per context"),
        (3, "one whole number per context"),
        (np.arange(6) - 1, "at is out of range; the fitted trajectory has points 0 to 119"),
        (np.arange(6) + 115, "at is out of range"),
    ],
)
@pytest.mark.parametrize("forecaster", [KNNForecaster(), AnalogForecaster(), SMapForecaster()])
def test_places_that_are_none_are_refused(forecaster, at, reason):
    with pytest.raises(InputError, match=reason):
        clone(forecaster).fit(swinging()).forecast(contexts(swinging()), 3, at=at)
