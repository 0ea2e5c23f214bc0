"""Circles, lines, tori, noise, and the Lorenz system with its published exponent and period."""

import nolds
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from orbitscope.errors import InputError
from orbitscope.recurrence import (
    autocorrelation,
    dominant_period,
    lyapunov_exponent,
    mean_log_divergence,
    phase,
    recurrence_rate,
)

HOP_S = 0.02
LORENZ_EXPONENT = 0.9056  # sigma 10, rho 28, beta 8/3: Sprott, Chaos and Time-Series Analysis (2003)
# The shortest periodic orbit, AB: Viswanath, "The fractal property of the Lorenz attractor", Physica D 190 (2004).
AB_START, AB_PERIOD_S = (-13.763610682134, -19.578751942452, 27.0), 1.5586522107162


def integrated(start, duration_s, hop_s, tolerance):
    def lorenz(_, state):
        x, y, z = state
        return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z

    times_s = np.arange(0, duration_s, hop_s)
    options = {"method": "DOP853", "rtol": tolerance, "atol": tolerance}
    return solve_ivp(lorenz, (0, duration_s), start, t_eval=times_s, **options).y.T


@pytest.fixture(scope="module")
def lorenz():
    """4000 points, 0.02 s apart, on the attractor."""
    return integrated((1.0, 1.0, 20.0), 100, HOP_S, 1e-9)[1000:]


def circle(points, period, radius=1.0):
    """``period`` is in points and need not be whole."""
    angle = 2 * np.pi * np.arange(points) / period
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def noise(points, dims, seed=0):
    return np.random.default_rng(seed).normal(size=(points, dims))


# Recurrence rate


def test_a_circle_comes_back_at_multiples_of_its_period():
    rates = recurrence_rate(circle(1000, 40, radius=3.0), 120)
    # Chord 2 r sin(pi k / 40) below r / 2, the rms radius being r: k up to 3 points off a multiple of 40.
    lags = np.arange(121)
    np.testing.assert_array_equal(rates, (np.abs((lags + 20) % 40 - 20) <= 3).astype(float))


def test_the_recurrence_rate_of_noise_is_that_of_two_independent_draws():
    rates = recurrence_rate(noise(20_000, 1), 50, radius=0.5)
    # The difference of two draws is N(0, 2), so it is within 0.5 with probability erf(0.25).
    np.testing.assert_allclose(rates[1:], 0.27633, atol=0.015)
    assert rates[0] == 1


def test_a_line_leaves_and_never_comes_back():
    rates = recurrence_rate(np.arange(100.0)[:, None], 99)
    # rms radius 28.87: half of it is 14.4 steps.
    np.testing.assert_array_equal(rates, (np.arange(100) <= 14).astype(float))


def test_the_recurrence_rate_by_hand():
    points = np.array([[0.0], [0], [4], [0]])  # rms radius sqrt(3)
    np.testing.assert_allclose(recurrence_rate(points, 3), [1, 1 / 3, 1 / 2, 1])
    np.testing.assert_allclose(recurrence_rate(points, 3, radius=3), [1, 1, 1, 1])


def test_the_recurrence_rate_of_one_place_is_nan():
    assert np.isnan(recurrence_rate(np.full((9, 2), 0.1), 4)).all()


@pytest.mark.parametrize(("max_lag", "options"), [(0, {}), (9, {}), (3, {"radius": 0})])
def test_lags_and_radii_that_cannot_be(max_lag, options):
    with pytest.raises(InputError, match="max_lag|radius"):
        recurrence_rate(noise(9, 2), max_lag, **options)


# Dominant period


def test_the_autocorrelation_is_as_defined_and_has_no_bias():
    points = noise(60, 3).cumsum(axis=0)
    centered = points - points.mean(axis=0)
    for lag, value in enumerate(autocorrelation(points, 40)):
        early, late = centered[: 60 - lag], centered[lag:]
        assert value == pytest.approx(np.sum(early * late) / np.sqrt(np.sum(early**2) * np.sum(late**2)))
    assert autocorrelation(circle(100, 10), 90)[80] == pytest.approx(1)
    with pytest.raises(InputError, match="max_lag is 60"):
        autocorrelation(points, 60)


@pytest.mark.parametrize("period_s", [0.31, 0.5, 0.7, 2.0, 6.1])
def test_the_period_of_a_circle_also_between_two_lags_and_on_a_slow_drift(period_s):
    hop_s = 1024 / 44100
    points = circle(1500, period_s / hop_s)
    drift = np.linspace(0, 3, 1500)[:, None] * [1, -1]
    for path in (points, points + drift):
        found = dominant_period(path, hop_s)
        assert found.period_s == pytest.approx(period_s, rel=0.002)
        assert 0.99 < found.strength <= 1


def test_a_beat_within_a_bar_gives_the_bar_and_two_bars_do_not():
    hop_s, beats = 0.02, np.arange(3000) % 100 // 25
    corners = noise(4, 3)
    path = corners[beats] + 0.1 * noise(3000, 3)
    assert dominant_period(path, hop_s).period_s == pytest.approx(2.0, rel=0.01)


def test_the_search_keeps_to_its_range():
    path = circle(3000, 50)
    assert dominant_period(path, HOP_S, shortest_s=1.5).period_s == pytest.approx(2.0, rel=0.002)
    assert np.isnan(dominant_period(path, HOP_S, longest_s=0.9).period_s)


def test_a_golden_torus_comes_back_best_after_a_fibonacci_number_of_rounds():
    golden = (1 + 5**0.5) / 2
    path = np.concatenate([circle(3000, 50), circle(3000, 50 / golden)], axis=1)
    rounds = np.linspace(0.5, 10, 100_001)
    heights = (np.cos(2 * np.pi * rounds) + np.cos(2 * np.pi * golden * rounds)) / 2
    found = dominant_period(path, HOP_S, longest_s=10, share=1)
    assert found.period_s == pytest.approx(rounds[heights.argmax()], rel=0.001)
    assert found.period_s == pytest.approx(8, rel=0.01)
    assert found.strength == pytest.approx(heights.max(), abs=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_period_worth_the_name(seed):
    assert dominant_period(noise(3000, 3, seed), HOP_S).strength < 0.1
    assert dominant_period(noise(3000, 3, seed).cumsum(axis=0), HOP_S).strength < 0.4


@pytest.mark.parametrize("path", [np.arange(500)[:, None] * [1.0, 2], np.full((500, 2), 0.1)], ids=["line", "rest"])
def test_what_does_not_return_has_no_period(path):
    found = dominant_period(path, HOP_S)
    assert np.isnan(found.period_s)
    assert found.strength == 0


def test_the_shortest_orbit_of_lorenz_has_its_published_period():
    path = integrated(AB_START, 8 * AB_PERIOD_S, 0.01, 1e-12)
    found = dominant_period(path, 0.01, longest_s=4)
    assert found.period_s == pytest.approx(AB_PERIOD_S, rel=0.001)
    assert found.strength > 0.99


def test_chaos_returns_after_the_mean_time_between_maxima_but_not_exactly(lorenz):
    z = lorenz[:, 2]
    maxima = np.flatnonzero((z[1:-1] > z[:-2]) & (z[1:-1] > z[2:]))
    found = dominant_period(lorenz[:, 2:], HOP_S)
    assert found.period_s == pytest.approx(np.diff(maxima).mean() * HOP_S, rel=0.03)
    assert 0.3 < found.strength < 0.9


@pytest.mark.parametrize("options", [{"longest_s": 34}, {"shortest_s": 3, "longest_s": 2}, {"share": 0}])
def test_ranges_that_cannot_be_searched(options):
    with pytest.raises(InputError, match="longest_s|share"):
        dominant_period(noise(1000, 2), 0.1, **options)


# Phase


def off(angle, other):
    """The difference of two angles, in [-pi, pi)."""
    return (angle - other + np.pi) % (2 * np.pi) - np.pi


@pytest.mark.parametrize("period", [4.3, 25, 86.13, 400])
def test_the_phase_of_a_circle_rises_by_a_turn_each_period(period):
    found = phase(circle(2000, period, radius=7.0) + np.array([3, -4]), HOP_S, period * HOP_S)
    assert found.shape == (2000,) and found.min() >= 0 and found.max() < 2 * np.pi
    ends = max(200, round(2 * period))  # there, filter and transform lack half of what they average
    inner = slice(ends, -ends)
    np.testing.assert_allclose(off(np.diff(found), 2 * np.pi / period)[inner], 0, atol=0.01)
    turns = np.unwrap(found)[inner]
    assert turns[-1] - turns[0] == pytest.approx(2 * np.pi * (len(turns) - 1) / period, abs=0.1)


@pytest.mark.parametrize("longest", [0, 1, 2])
@pytest.mark.parametrize("sense", [1, -1])
def test_the_phase_of_an_ellipse_is_0_at_the_summit_of_its_long_axis(longest, sense):
    angle = sense * 2 * np.pi * np.arange(1500) / 50
    path = 0.3 * np.stack([np.sin(angle)] * 3, axis=1)
    path[:, longest] = 2 * np.cos(angle)
    found = phase(path, HOP_S, 50 * HOP_S)
    np.testing.assert_allclose(off(found, np.abs(angle))[100:-100], 0, atol=0.02)


def test_the_phase_is_that_of_its_period_beneath_drift_overtones_and_noise():
    angle = 2 * np.pi * np.arange(3000) / 60
    path = np.stack([2 * np.cos(angle), np.sin(angle)], axis=1)
    path += 0.8 * circle(3000, 60 / 5) + np.linspace(0, 20, 3000)[:, None] + 0.2 * noise(3000, 2)
    found = phase(path, HOP_S, 60 * HOP_S)
    assert np.abs(off(found, angle))[200:-200].max() < 0.25


def test_the_phase_does_not_depend_on_where_how_large_and_how_turned_the_path_is():
    path = np.stack([3 * np.cos(np.arange(900) / 7), np.sin(np.arange(900) / 7), 0.1 * noise(900, 1)[:, 0]], axis=1)
    turn, _ = np.linalg.qr(noise(3, 3, seed=4))
    turn *= np.sign(turn[0, np.abs(turn[0]).argmax()])  # the long axis keeps its sign
    period_s = 14 * np.pi * HOP_S
    moved = phase(1e4 * path @ turn + [1e5, -3, 2], HOP_S, period_s)
    np.testing.assert_allclose(off(moved, phase(path, HOP_S, period_s)), 0, atol=1e-5)


def test_a_point_at_rest_has_phase_0():
    np.testing.assert_array_equal(phase(np.full((100, 3), 2.5), HOP_S, 10 * HOP_S), np.zeros(100))


@pytest.mark.parametrize("period_s", [3 * HOP_S, 0, -1, np.nan, np.inf, 100 * HOP_S])
def test_periods_that_a_path_has_no_phase_in(period_s):
    with pytest.raises(InputError, match="period_s is .*0.06 s.*2 s"):
        phase(circle(100, 20), HOP_S, period_s)


@pytest.mark.parametrize("points", [8, 9, 30])
def test_the_shortest_paths_have_a_finite_phase(points):
    for period in (3.01, 5, points - 0.5):
        assert np.isfinite(phase(circle(points, 6), HOP_S, period * HOP_S)).all()


# Lyapunov exponent


def test_lorenz_has_its_published_exponent(lorenz):
    assert lyapunov_exponent(lorenz, HOP_S, theiler=40, fit_s=(0.5, 2.0)) == pytest.approx(LORENZ_EXPONENT, rel=0.1)


def test_the_curve_is_that_of_nolds(lorenz):
    series = lorenz[:900, 0]
    delayed = np.stack([series[first : first + 900 - 4 * 6] for first in range(0, 5 * 6, 6)], axis=1)
    options = {"emb_dim": 5, "lag": 6, "min_tsep": 40, "trajectory_len": 61, "fit": "poly", "fit_offset": 20}
    slope, (_, curve, _) = nolds.lyap_r(series, tau=HOP_S, debug_data=True, **options)
    np.testing.assert_allclose(mean_log_divergence(delayed, 60, theiler=40), curve, rtol=1e-9)
    assert lyapunov_exponent(delayed, HOP_S, theiler=40, fit_s=(0.4, 1.2)) == pytest.approx(slope)


@pytest.mark.parametrize("period", [40, 39.77])
def test_a_cycle_neither_parts_nor_meets(period):
    path = circle(2000, period)
    assert lyapunov_exponent(path, HOP_S, theiler=40, fit_s=(0, 2)) == pytest.approx(0, abs=0.001)


def test_a_torus_is_no_chaos():
    path = np.concatenate([circle(2000, 50), circle(2000, 50 / 1.618034)], axis=1)
    assert lyapunov_exponent(path, HOP_S, theiler=50, fit_s=(0, 2)) == pytest.approx(0, abs=0.03)


def test_the_logistic_map_doubles_what_is_between_two_neighbors():
    """The exponent of x -> 4 x (1 - x) is ln 2 a step."""
    orbit = [0.3]
    while len(orbit) < 5000:
        orbit.append(4 * orbit[-1] * (1 - orbit[-1]))
    exponent = lyapunov_exponent(np.array(orbit)[:, None], 0.5, theiler=10, fit_s=(0, 2.5))
    assert exponent == pytest.approx(np.log(2) / 0.5, rel=0.05)


def test_noise_jumps_at_once_and_then_no_longer_grows():
    path = noise(3000, 3)
    curve = mean_log_divergence(path, 20, theiler=5)
    assert curve[1] - curve[0] > 2
    np.testing.assert_allclose(curve[1:], curve[1:].mean(), atol=0.05)
    assert abs(lyapunov_exponent(path, HOP_S, theiler=5, fit_s=(HOP_S, 20 * HOP_S))) < 0.1


def test_neighbors_in_time_and_copies_are_no_neighbors():
    line = np.arange(60.0)[:, None]
    np.testing.assert_allclose(mean_log_divergence(line, 3, theiler=9), np.log(10))
    silent = np.concatenate([np.zeros((100, 1)), 5 + line])
    assert np.isfinite(mean_log_divergence(silent, 3, theiler=9)).all()
    few = np.array([[0.0], [1.0], [3.0], [7.0], [2.0]])  # nearest of the first four: 1, 0, 1, 2
    np.testing.assert_allclose(mean_log_divergence(few, 1, theiler=0)[0], np.log([1, 1, 2, 4]).mean())
    assert np.isnan(mean_log_divergence(np.zeros((60, 2)), 3, theiler=9)).all()
    assert np.isnan(lyapunov_exponent(np.zeros((60, 2)), HOP_S, theiler=9, fit_s=(0, 0.1)))


@pytest.mark.parametrize(
    ("theiler", "fit_s", "message"),
    [
        (30, (0, 1), "100 points are too few.*112"),
        (-1, (0, 1), "theiler is -1"),
        (3, (1, 1), "fit_s"),
        (3, (-1, 1), "fit_s"),
        (3, (np.nan, 1), "fit_s"),
        (3, (0, np.inf), "fit_s"),
    ],
)
def test_pairs_that_cannot_be_followed(theiler, fit_s, message):
    with pytest.raises(InputError, match=message):
        lyapunov_exponent(noise(100, 2), HOP_S, theiler=theiler, fit_s=fit_s)
