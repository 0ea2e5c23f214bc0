"""Baselines against what is known of them."""

import warnings

import numpy as np
import pytest

from orbitscope.errors import InputError
from orbitscope.forecast import LinearForecaster, MeanForecaster, PersistenceForecaster

RNG = np.random.default_rng(0)


def autoregression(matrices, constant, initial, count, noise=0.0, rng=RNG):
    """x[t] = constant + sum of matrices[i] x[t - 1 - i], ``(count, dims)``."""
    points = [*initial]
    while len(points) < count:
        past = points[::-1][: len(matrices)]
        step = constant + sum(m @ p for m, p in zip(matrices, past, strict=True))
        points.append(step + noise * rng.normal(size=len(constant)))
    return np.array(points)


def test_persistence_stays():
    seen = RNG.normal(size=(4, 3, 2))
    forecast = PersistenceForecaster().fit(RNG.normal(size=(9, 2))).forecast(seen, 5)
    np.testing.assert_array_equal(forecast, np.repeat(seen[:, -1:], 6, axis=1))


def test_the_mean_is_that_of_all_points_and_the_initial_point_comes_first():
    stretches = [np.full((2, 1), 1.0), np.full((6, 1), 5.0)]
    forecast = MeanForecaster().fit(stretches).forecast([[[100.0]]], 3)
    np.testing.assert_array_equal(forecast[0, :, 0], [100, 4, 4, 4])


def test_a_linear_forecaster_recovers_a_known_process_without_noise():
    turn = 0.999 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    constant = np.array([0.5, -0.25])
    path = autoregression([turn], constant, [np.array([2.0, 0.0])], 200)
    fitted = LinearForecaster(1, ridge=0).fit(path)
    np.testing.assert_allclose(fitted.coef_, turn.T - np.eye(2), atol=1e-9)
    np.testing.assert_allclose(fitted.intercept_, constant, atol=1e-9)
    start = np.array([-1.0, 3.0])
    expected = autoregression([turn], constant, [start], 41)
    np.testing.assert_allclose(fitted.forecast([[start]], 40)[0], expected, atol=1e-7)


def test_a_linear_forecaster_recovers_a_known_process_of_order_2_from_several_stretches():
    first = np.array([[0.6, 0.2], [-0.1, 0.7]])
    second = np.array([[-0.3, 0.0], [0.1, -0.2]])
    constant = np.array([1.0, 0.0])
    stretches = [
        autoregression([first, second], constant, RNG.normal(size=(2, 2)), n, noise=1.0) for n in (4000, 3, 3000)
    ]
    fitted = LinearForecaster(2).fit(stretches)
    np.testing.assert_allclose(fitted.coef_, np.concatenate([second.T, first.T - np.eye(2)]), atol=0.05)
    np.testing.assert_allclose(fitted.intercept_, constant, atol=0.1)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_linear_forecaster_is_least_squares(order):
    path = RNG.normal(size=(80, 3)).cumsum(axis=0)
    runs = np.array([path[i : i + order].ravel() for i in range(80 - order)])
    steps = np.diff(path, axis=0)[order - 1 :]
    solved = np.linalg.lstsq(np.column_stack([runs, np.ones(len(runs))]), steps, rcond=None)[0]
    fitted = LinearForecaster(order, ridge=0).fit(path)
    np.testing.assert_allclose(fitted.coef_, solved[:-1], atol=1e-9)
    np.testing.assert_allclose(fitted.intercept_, solved[-1], atol=1e-9)


def test_a_heavy_penalty_leaves_the_mean_displacement():
    path = RNG.normal(size=(80, 2)).cumsum(axis=0)
    fitted = LinearForecaster(2, ridge=1e12).fit(path)
    forecast = fitted.forecast(path[None, :2], 1)[0]
    inner = np.diff(path, axis=0)[1:]  # the displacements after a context of 2
    np.testing.assert_allclose(forecast[1] - forecast[0], inner.mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6 / 3])
def test_an_axis_that_does_not_vary_says_nothing(level):
    path = RNG.normal(size=(60, 2)).cumsum(axis=0)
    flat = np.column_stack([path, np.full(60, level)])
    plain, fitted = LinearForecaster(2).fit(path), LinearForecaster(2).fit(flat)
    seen = flat[None, :2] + [0, 0, 1]
    forecast = fitted.forecast(seen, 10)
    np.testing.assert_allclose(forecast[..., :2], plain.forecast(path[None, :2], 10), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(forecast[..., 2], level + 1)


def test_points_that_never_move_are_forecast_to_stay():
    forecast = LinearForecaster().fit(np.full((9, 2), 0.1)).forecast([[[5.0, 6.0], [7.0, 8.0]]], 4)
    np.testing.assert_allclose(forecast[0], np.tile([7.0, 8.0], (5, 1)))


@pytest.mark.parametrize("order", [0, -1, 1.5, "2", None, True])
def test_an_order_out_of_range_is_refused(order):
    with pytest.raises(InputError, match="order is .*; it must be a whole number from 1"):
        LinearForecaster(order).fit(RNG.normal(size=(20, 2)))


@pytest.mark.parametrize("ridge", [-1e-9, np.nan, np.inf, "0", None])
def test_a_penalty_out_of_range_is_refused(ridge):
    with pytest.raises(InputError, match="ridge is .*; it must be a number from 0"):
        LinearForecaster(ridge=ridge).fit(RNG.normal(size=(20, 2)))


def test_stretches_too_short_for_the_order_are_refused():
    with pytest.raises(InputError, match="no stretch has the 5 points that order 4 needs"):
        LinearForecaster(4).fit([RNG.normal(size=(4, 2)), RNG.normal(size=(3, 2))])


def test_a_forecast_that_grows_to_infinity_is_refused():
    growing = 1.5 ** np.arange(60.0)[:, None]
    fitted = LinearForecaster(1).fit(growing)
    here = np.stack([growing[:1], growing[50:51]])
    assert np.log(fitted.forecast(here, 600)[1, -1, 0]) / np.log(1.5) == pytest.approx(650, rel=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"runs away to infinity after 1[67]\d\d steps; forecast fewer"):
            fitted.forecast(here, 3000)
