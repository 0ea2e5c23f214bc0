"""Loss terms against closed forms and numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import log_loss

from orbitscope import losses


def circle(turn, count=40, radius=3.0):
    angle = turn * np.arange(count)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


class TestReconstruction:
    @pytest.fixture
    def example(self):
        rng = np.random.default_rng(0)
        return rng.normal(size=(3, 4, 5)) * 3, rng.random((3, 4, 5))

    def test_equals_cross_entropy_in_numpy(self, example):
        logits, windows = example
        p = 1 / (1 + np.exp(-logits))
        expected = -(windows * np.log(p) + (1 - windows) * np.log(1 - p))
        np.testing.assert_allclose(losses.cross_entropy(logits, windows), expected, rtol=1e-4, atol=1e-6)
        assert losses.reconstruction(logits, windows) == pytest.approx(expected.mean(), rel=1e-5)

    def test_equals_log_loss_for_yes_and_no(self, example):
        logits, windows = example[0].ravel(), example[1].ravel() > 0.5
        expected = log_loss(windows, 1 / (1 + np.exp(-logits)))
        assert losses.reconstruction(logits, windows.astype(float)) == pytest.approx(expected, rel=1e-5)

    def test_is_least_at_the_truth_where_it_is_the_entropy(self, example):
        windows = example[1]
        logits = np.log(windows / (1 - windows))
        entropy = -(windows * np.log(windows) + (1 - windows) * np.log(1 - windows)).mean()
        assert losses.reconstruction(logits, windows) == pytest.approx(entropy, rel=1e-5)
        np.testing.assert_allclose(jax.grad(losses.reconstruction)(jnp.array(logits), windows), 0, atol=1e-7)

    def test_extreme_logits_stay_finite(self):
        logits = jnp.array([1e4, -1e4, 1e4, -1e4, 0.0])
        windows = jnp.array([1.0, 0.0, 0.0, 1.0, 0.5])
        np.testing.assert_allclose(losses.cross_entropy(logits, windows), [0, 0, 1e4, 1e4, np.log(2)], rtol=1e-6)
        assert np.isfinite(jax.grad(losses.reconstruction)(logits, windows)).all()


class TestForecast:
    @pytest.mark.parametrize(
        ("degrees", "expected"), [(0, 0), (60, 0.5), (90, 1), (120, 1.5), (180, 2), (45, 1 - np.sqrt(0.5))]
    )
    def test_known_angles_at_any_length(self, degrees, expected):
        a = 7.0 * np.array([1.0, 0.0])
        b = 0.01 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        assert losses.forecast(a, b) == pytest.approx(expected, abs=1e-4)

    def test_mean_over_all_but_the_last_axis(self):
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(2, 4, 6, 3))
        cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
        np.testing.assert_allclose(losses.cosine(a, b), cosine, atol=1e-5)
        assert losses.forecast(a, b) == pytest.approx(1 - cosine.mean(), abs=1e-5)


class TestOffCenter:
    def test_is_the_mean_square(self):
        assert losses.off_center(np.array([[3.0, 4.0], [0.0, 0.0]])) == pytest.approx(25 / 4)
        assert losses.off_center(np.zeros((5, 3))) == 0
        assert losses.off_center(circle(0.3)) == pytest.approx(4.5, rel=1e-5)


class TestCurvature:
    def test_a_straight_line_has_none(self):
        line = np.cumsum([1.0, 3.0, 0.5, 2.0])[:, None] * np.array([1.0, -1.0, 2.0])
        assert losses.curvature(line) == pytest.approx(0, abs=1e-5)

    def test_back_and_forth_has_2(self):
        assert losses.curvature(np.array([[0.0], [1.0]] * 4)) == pytest.approx(2, abs=1e-5)

    @pytest.mark.parametrize("turn", [0.01, 0.5, np.pi / 2, 3.0])
    def test_a_circle_has_1_minus_the_cosine_of_its_turn(self, turn):
        assert losses.curvature(circle(turn)) == pytest.approx(1 - np.cos(turn), abs=1e-5)

    def test_a_batch_has_the_mean_of_its_members(self):
        batch = np.stack([circle(0.5), circle(1.5)])
        assert losses.curvature(batch) == pytest.approx(1 - (np.cos(0.5) + np.cos(1.5)) / 2, abs=1e-5)


class TestWherePointsStay:
    def test_a_vanishing_vector_has_cosine_0(self):
        assert losses.cosine(np.zeros(3), np.ones(3)) == 0
        assert losses.cosine(np.zeros(3), np.zeros(3)) == 0

    @pytest.mark.parametrize("points", [np.zeros((6, 2)), np.ones((6, 2)), np.repeat(np.arange(3.0), 4)[:, None]])
    def test_gradients_are_finite(self, points):
        points = jnp.asarray(points, jnp.float32)
        for loss in (
            losses.curvature,
            lambda p: losses.forecast(jnp.diff(p, axis=0), jnp.zeros_like(p[1:])),
            lambda p: losses.forecast(jnp.ones_like(p), p),
        ):
            assert np.isfinite(jax.jit(jax.grad(loss))(points)).all()


def test_the_terms_are_named():
    assert losses.TERMS == ("reconstruction", "forecast", "off_center", "curvature")
    assert all(callable(getattr(losses, term)) for term in losses.TERMS)
