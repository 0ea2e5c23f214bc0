"""Blocks against one pass, and the numbers of a report against numpy."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from orbitscope import inference
from orbitscope.config import Settings
from orbitscope.model import Autoencoder, build

WINDOW = 5
SETTINGS = Settings(latent_dim=2, channels=(6,), decoder_units=(8,), predictor_units=3)
FRAMES = np.random.default_rng(0).random((140, 4)).astype(np.float32)
MODEL = build(SETTINGS, WINDOW, FRAMES)
WINDOWS = FRAMES[np.arange(136)[:, None] + np.arange(WINDOW)].astype(np.float64)

every = eqx.filter_jit(lambda predictor, points: predictor.every(points))


class Oracle(eqx.Module):
    """A decoder that knows the windows: point (i,) stands for window i."""

    logits: jax.Array

    def __call__(self, points):
        return self.logits[points[..., 0].astype(int)]


def logit(p):
    return jnp.asarray(np.log(p) - np.log1p(-p), jnp.float32)


def report_of(decoder, points=None, frames=FRAMES):
    model = Autoencoder(MODEL.encoder, decoder, None)
    points = np.arange(len(frames) - WINDOW + 1, dtype=np.float32)[:, None] if points is None else points
    return inference.reconstruction_report(model, frames, points)


def report_twin(windows, answers):
    """The definitions, one after another, in numpy."""

    def bce(answer, of):
        return -(of * np.log(answer) + (1 - of) * np.log(1 - answer)).mean()

    mean = windows.mean(axis=0)
    error = ((answers - windows) ** 2).sum(axis=(1, 2))
    distance = ((mean - windows) ** 2).sum(axis=(1, 2))
    got, of_mean, floor = (
        bce(answers, windows),
        bce(np.broadcast_to(mean, windows.shape), windows),
        bce(windows, windows),
    )
    return {
        "bce": got,
        "bce_mean_window": of_mean,
        "bce_floor": floor,
        "reconstruction_share": (of_mean - got) / (of_mean - floor),
        "r2": 1 - error.sum() / distance.sum(),
        "r2_median_window": np.median(1 - error / distance),
    }


@pytest.fixture(params=[None, 16, 68, 136, 137])
def block(request, monkeypatch):
    """Sizes of block below, at and above the 136 windows; None: as shipped."""
    if request.param:
        monkeypatch.setattr(inference, "_BLOCK", request.param)
        monkeypatch.setattr(inference, "_DECODED", request.param)


class TestBlocks:
    def test_encode(self, block):
        found = inference.encode(MODEL.encoder, FRAMES)
        assert found.shape == (136, 2) and found.dtype == np.float32
        np.testing.assert_allclose(found, MODEL.encoder(FRAMES), atol=1e-5)

    def test_decode(self, block):
        points = np.random.default_rng(1).normal(size=(136, 2)).astype(np.float32)
        found = inference.decode(MODEL.decoder, points)
        assert found.shape == (136, WINDOW, 4) and found.dtype == np.float32
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-MODEL.decoder(points))), atol=1e-5)

    def test_predict(self, block):
        contexts = np.random.default_rng(1).normal(size=(136, 6, 2)).astype(np.float32)
        found = inference.predict(MODEL.predictor, contexts)
        assert found.shape == (136, 2)
        np.testing.assert_allclose(found, every(MODEL.predictor, contexts)[:, -1], atol=1e-5)

    def test_report(self, block):
        points = inference.encode(MODEL.encoder, FRAMES)
        found = report_of(MODEL.decoder, points)
        expected = report_twin(WINDOWS, inference.decode(MODEL.decoder, points).astype(np.float64))
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)

    def test_frames_are_not_changed(self):
        frames = FRAMES.copy()
        report_of(MODEL.decoder, inference.encode(MODEL.encoder, frames), frames)
        np.testing.assert_array_equal(frames, FRAMES)

    def test_a_single_window(self):
        assert inference.encode(MODEL.encoder, FRAMES[:WINDOW]).shape == (1, 2)


class TestReport:
    def test_a_perfect_answer(self):
        found = report_of(Oracle(logit(WINDOWS)))
        assert found["reconstruction_share"] == pytest.approx(1, abs=1e-4)
        assert found["r2"] == pytest.approx(1, abs=1e-6)
        assert found["r2_median_window"] == pytest.approx(1, abs=1e-6)
        assert found["bce"] == pytest.approx(found["bce_floor"], rel=1e-5)

    def test_the_mean_window_as_the_answer(self):
        found = report_of(Oracle(logit(np.broadcast_to(WINDOWS.mean(axis=0), WINDOWS.shape))))
        assert found["reconstruction_share"] == pytest.approx(0, abs=1e-4)
        assert found["r2"] == pytest.approx(0, abs=1e-5)
        assert found["bce"] == pytest.approx(found["bce_mean_window"], rel=1e-5)

    def test_an_answer_worse_than_the_mean_window_is_below_0(self):
        found = report_of(Oracle(logit(1 - WINDOWS)))
        expected = report_twin(WINDOWS, np.clip(1 - WINDOWS, 1e-7, 1 - 1e-7))
        assert found["reconstruction_share"] < 0 and found["r2"] < 0
        assert found == pytest.approx(expected, rel=1e-3)

    def test_zeros_and_ones_in_the_frames(self):
        frames = (FRAMES > 0.5).astype(np.float32)
        frames[:, 0] = 0
        frames[:, 1] = 1
        found = report_of(Oracle(jnp.zeros((136, WINDOW, 4))), frames=frames)
        assert found["bce"] == pytest.approx(math.log(2))
        assert found["bce_floor"] == pytest.approx(0, abs=1e-6)
        assert all(math.isfinite(value) for value in found.values())

    @pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
    def test_constant_frames_have_no_share_and_no_r2(self, value):
        found = report_of(Oracle(jnp.zeros((136, WINDOW, 4))), frames=np.full((140, 4), value, np.float32))
        assert math.isnan(found["reconstruction_share"]) and math.isnan(found["r2"])
        assert found["bce"] == pytest.approx(math.log(2))

    def test_a_sample_evenly_spaced_of_many_windows(self, monkeypatch):
        monkeypatch.setattr(inference, "_MOST_SCORED", 28)
        chosen = np.arange(0, 136, 5)  # 135 / 27 = 5
        points = inference.encode(MODEL.encoder, FRAMES)
        answers = inference.decode(MODEL.decoder, points).astype(np.float64)
        found = report_of(MODEL.decoder, points)
        mean = WINDOWS.mean(axis=0)
        error = ((answers - WINDOWS) ** 2)[chosen].sum()
        assert found["r2"] == pytest.approx(1 - error / ((mean - WINDOWS) ** 2)[chosen].sum(), rel=1e-4)


class TestForecastLoss:
    CONTEXT = 6
    POINTS = np.random.default_rng(2).normal(size=(40, 2)).cumsum(axis=0).astype(np.float32)

    def twin(self, at):
        cosines = []
        for i in at:
            context = self.POINTS[i : i + self.CONTEXT]
            predicted = np.asarray(every(MODEL.predictor, context)[-1], np.float64)
            move = (self.POINTS[i + self.CONTEXT] - context[-1]).astype(np.float64)
            cosines.append(predicted @ move / np.linalg.norm(predicted) / np.linalg.norm(move))
        return 1 - np.mean(cosines)

    def test_equals_one_context_at_a_time(self):
        found = inference.forecast_loss(MODEL.predictor, self.POINTS, self.CONTEXT)
        assert found == pytest.approx(self.twin(range(34)), abs=1e-4)

    def test_a_sample_evenly_spaced(self, monkeypatch):
        monkeypatch.setattr(inference, "_MOST_SCORED", 12)
        found = inference.forecast_loss(MODEL.predictor, self.POINTS, self.CONTEXT)
        assert found == pytest.approx(self.twin(range(0, 34, 3)), abs=1e-4)

    @pytest.mark.parametrize(("sign", "expected"), [(1, 0), (-1, 2)])
    def test_right_and_wrong_on_a_straight_line(self, sign, expected):
        line = np.arange(20, dtype=np.float32)[:, None] * np.array([0.5, -1], np.float32)
        p = MODEL.predictor
        straight = eqx.tree_at(
            lambda p: (p.w_out, p.b_out), p, (np.zeros_like(p.w_out), sign * np.array([1, -2], np.float32))
        )
        assert inference.forecast_loss(straight, line, self.CONTEXT) == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("count", [0, 1, 6])
    def test_too_few_points(self, count):
        assert math.isnan(inference.forecast_loss(MODEL.predictor, self.POINTS[:count], self.CONTEXT))
        assert math.isfinite(inference.forecast_loss(MODEL.predictor, self.POINTS[:7], self.CONTEXT))
