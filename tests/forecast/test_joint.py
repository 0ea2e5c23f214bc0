"""The model's own predictor as a forecaster, with a hand-set one whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from orbitscope import config
from orbitscope.embedding import Embedding
from orbitscope.errors import InputError, StoreError
from orbitscope.forecast import Forecaster
from orbitscope.forecast.joint import LENGTHS, JointForecaster
from orbitscope.model import Predictor, build

TURN = 0.2
SPEED = 2 * 3.0 * np.sin(TURN / 2)


def circle(points, phase=0.0, radius=3.0):
    turns = phase + TURN * np.arange(points)
    return radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)


def turning_predictor(turn=TURN):
    """Always the last direction, turned: gates stand open or shut, and the rest is nearly linear."""
    w_input = np.zeros((4, 8), np.float32)
    w_input[2:, 6:] = 0.01 * np.eye(2)
    bias = np.float32([20, 20, -20, -20, 20, 20, 0, 0])
    w_out = np.float32([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return Predictor(w_input, np.zeros((2, 8), np.float32), bias, w_out, np.zeros(2, np.float32), velocity=True)


def embedding_of(predictor, **options):
    options = {"latent_dim": 2, "context": 5, "channels": (3,), "decoder_units": (3,), "predictor_units": 2} | options
    settings = config.settings(**options)
    model = build(settings, 4, np.random.default_rng(0).random((9, 6), np.float32))
    if predictor is not None:
        model = replace(model, predictor=predictor)
    return Embedding(model, settings, 4, 0.02, "mel", 6)


@pytest.mark.parametrize("length", LENGTHS)
def test_on_a_circle_at_constant_speed_the_calibration_is_exact(length):
    joint = JointForecaster(embedding_of(turning_predictor()), length=length).fit(circle(80))
    np.testing.assert_allclose(joint.lengths_, SPEED, rtol=1e-5)
    truth = circle(60, phase=1.1)
    forecast = joint.forecast(truth[None, :10], 30)
    np.testing.assert_allclose(forecast[0], truth[9:40], atol=2e-3)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_direction_that_is_off_is_followed_less_far(length):
    joint = JointForecaster(embedding_of(turning_predictor(TURN + np.pi / 3)), length=length).fit(circle(80))
    moved = np.diff(joint.forecast(circle(10, phase=0.4)[None], 1), axis=1)[0, 0]
    assert np.linalg.norm(moved) == pytest.approx(SPEED / 2, rel=1e-4)
    away = JointForecaster(embedding_of(turning_predictor(TURN + np.pi)), length=length).fit(circle(80))
    assert np.all(np.diff(away.forecast(circle(10)[None], 3), axis=1) == 0)


@pytest.mark.parametrize("velocity", [True, False])
def test_directions_are_those_of_the_predictor(velocity):
    embedding = embedding_of(None, predictor_velocity=velocity, predictor_units=4, seed=3)
    points = np.cumsum(np.random.default_rng(1).normal(size=(150, 2)), axis=0)
    joint = JointForecaster(embedding).fit(points)
    contexts = np.stack([points[i : i + 9] for i in range(70)])
    moved = np.diff(joint.forecast(contexts, 1), axis=1)[:, 0]
    expected = np.asarray(embedding.model.predictor(contexts[:, -5:].astype(np.float32)))
    lengths = np.linalg.norm(moved, axis=1)
    assert np.sum(lengths > 0) > 10
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(moved, lengths[:, None] * unit, atol=1e-5)


def test_lengths_by_neighbors_differ_from_place_to_place():
    slow, fast = circle(60), circle(60, radius=30.0)
    joint = JointForecaster(embedding_of(turning_predictor())).fit([slow, fast])
    moved = np.diff(joint.forecast(np.stack([slow[:9], fast[:9]]), 1), axis=1)[:, 0]
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), [SPEED, 10 * SPEED], rtol=1e-4)
    flat = JointForecaster(embedding_of(turning_predictor()), length="constant").fit([slow, fast])
    moved = np.diff(flat.forecast(slow[None, :9], 1), axis=1)[0, 0]
    assert np.linalg.norm(moved) == pytest.approx(5.5 * SPEED, rel=1e-4)


def test_regression_follows_a_path_that_slows_down():
    steps = 0.97 ** np.arange(100)
    points = np.stack([np.cumsum(steps), np.zeros(100)], axis=1)
    joint = JointForecaster(embedding_of(turning_predictor(0.0)), length="regression").fit(points)
    np.testing.assert_allclose(joint.coef_, [0, 0.97], atol=1e-5)
    np.testing.assert_allclose(joint.forecast(points[None, 40:60], 30)[0], points[59:90], atol=1e-4)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_loaded_one_gives_the_same_bytes_without_the_model(length, tmp_path):
    joint = JointForecaster(embedding_of(turning_predictor()), length=length).fit(circle(80))
    joint.save(tmp_path / "joint.safetensors")
    loaded = Forecaster.load(tmp_path / "joint.safetensors")
    assert (type(loaded), loaded.length, loaded.context) == (JointForecaster, length, 5)
    seen = np.stack([circle(10, phase) for phase in (0.1, 0.7)])
    assert loaded.forecast(seen, 20).tobytes() == joint.forecast(seen, 20).tobytes()
    again = loaded.fit(circle(80))
    assert again.forecast(seen, 20).tobytes() == joint.forecast(seen, 20).tobytes()


def test_a_file_whose_settings_do_not_fit_its_arrays_is_refused(tmp_path):
    joint = JointForecaster(embedding_of(turning_predictor())).fit(circle(80))
    joint.settings_ = replace(joint.settings_, predictor_units=3)
    joint.save(tmp_path / "joint.safetensors")
    with pytest.raises(StoreError, match="w_input of a wrong shape"):
        Forecaster.load(tmp_path / "joint.safetensors")


def test_models_are_found_in_files_folders_and_embedders(tmp_path, small_embedder):
    embedding = embedding_of(turning_predictor())
    embedding.save(tmp_path / "model.safetensors")
    seen = circle(10)[None]
    expected = JointForecaster(embedding).fit(circle(80)).forecast(seen, 5)
    for place in (str(tmp_path), tmp_path, tmp_path / "model.safetensors"):
        assert JointForecaster(place).fit(circle(80)).forecast(seen, 5).tobytes() == expected.tobytes()
    of_embedder = JointForecaster(small_embedder).fit(circle(80))
    assert of_embedder.context == small_embedder.embedding_.settings.context
    assert JointForecaster(embedding).context == 5
    assert clone(JointForecaster(embedding)).fit(circle(80)).forecast(seen, 5).tobytes() == expected.tobytes()
    again = clone(JointForecaster(small_embedder, length="constant"))
    assert (again.context, again.length, again.embedding) == (of_embedder.context, "constant", small_embedder)


def test_points_too_large_for_the_predictor_are_refused():
    joint = JointForecaster(embedding_of(turning_predictor())).fit(circle(80))
    with pytest.raises(InputError, match="runs away to infinity after 0 steps"):
        joint.forecast(1e39 * circle(10)[None], 3)  # more than single precision holds


def test_models_that_cannot_serve_are_refused(tmp_path):
    without = embedding_of(None, forecast_weight=0.0)
    with pytest.raises(InputError, match="forecast_weight above 0"):
        JointForecaster(without).fit(circle(80))
    with pytest.raises(InputError, match="points have 3 dimensions and the model 2"):
        JointForecaster(embedding_of(turning_predictor())).fit(np.zeros((80, 3)))
    with pytest.raises(InputError, match="embedding is a int"):
        JointForecaster(3).fit(circle(80))
    with pytest.raises(InputError, match="length is 'speed'"):
        JointForecaster(embedding_of(turning_predictor()), length="speed").fit(circle(80))
    with pytest.raises(InputError, match="longest stretch has 5 points.* need 6"):
        JointForecaster(embedding_of(turning_predictor())).fit(circle(5))
    with pytest.raises(StoreError, match="nowhere"):
        JointForecaster(tmp_path / "nowhere").fit(circle(80))


def test_still_points_stay_still():
    joint = JointForecaster(embedding_of(turning_predictor())).fit(np.full((30, 2), 1.5))
    np.testing.assert_array_equal(joint.forecast(np.full((1, 9, 2), 1.5), 4), np.full((1, 5, 2), 1.5))
