"""How a trajectory comes back in time: recurrence rate by lag, dominant period, largest Lyapunov exponent.

Points are ``(points, latent_dim)`` in order of time, ``hop_s`` seconds apart; lags are in points, periods in seconds.
"""

from dataclasses import dataclass

import numpy as np

from .errors import InputError
from .geometry import check_points, check_positive, is_constant, rms_radius

_LEAST_PROMINENCE = 0.05  # of a peak of the autocorrelation: what is below is a ripple
_SHORTEST_POINTS = 2  # a period of fewer cannot be seen
_LONGEST_S = 10.0
_NEAREST = 1e-9  # of the rms radius: nearer points are the same but for rounding


@dataclass(frozen=True)
class Period:
    """The time after which a path comes back, and how well it does.

    Attributes
    ----------
    period_s : float
        NaN where there is none.
    strength : float
        In [0, 1]: the autocorrelation at that lag; 1 if the path comes back exactly, 0 where there is no period.
    """

    period_s: float
    strength: float


def recurrence_rate(points: np.ndarray, max_lag: int, *, radius: float = 0.5) -> np.ndarray:
    """For each lag, the share of times after which the path is near where it was: the τ-recurrence rate.

    For lag k, the mean over i of ``Θ(radius - |z_i - z_{i+k}|)``. Marwan, Romano, Thiel and Kurths, "Recurrence plots
    for the analysis of complex systems", Physics Reports 438 (2007), section 3.5.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
    max_lag : int
        In points, from 1 to points - 1.
    radius : float
        What counts as near, as a share of the rms radius of the points.

    Returns
    -------
    np.ndarray [shape=(max_lag + 1,)]
        In [0, 1]; entry k is for lag k, entry 0 is 1. NaN where all points are the same.

    Raises
    ------
    InputError
        Fewer than 2 points, NaN or infinite values, or an option out of its range.
    """
    points = check_points(points, least=2)
    check_positive(radius, "radius")
    if not 1 <= max_lag < len(points):
        raise InputError(f"max_lag is {max_lag}; {len(points)} points have lags from 1 to {len(points) - 1}")
    if is_constant(points):
        return np.full(max_lag + 1, np.nan)
    limit = (radius * rms_radius(points)) ** 2
    rates = [
        np.mean(_squared_lengths(points[lag:] - points[: len(points) - lag]) <= limit) for lag in range(max_lag + 1)
    ]
    return np.array(rates)


def autocorrelation(points: np.ndarray, max_lag: int) -> np.ndarray:
    """Cosine between the path and itself later, for lags of 0 to ``max_lag`` points: ``(max_lag + 1,)`` in [-1, 1].

    Σ ⟨z_i, z_{i+k}⟩ over i, with z less its mean, divided by the root of the product of both sides' squared lengths: no
    bias towards 0 at long lags, and never above 1. NaN where all points are the same.
    """
    points = check_points(points, least=2)
    if not 0 <= max_lag < len(points):
        raise InputError(f"max_lag is {max_lag}; {len(points)} points have lags from 0 to {len(points) - 1}")
    if is_constant(points):
        return np.full(max_lag + 1, np.nan)
    points = points - points.mean(axis=0)
    padded = 1 << (len(points) + max_lag).bit_length()
    power = np.sum(np.abs(np.fft.rfft(points, padded, axis=0)) ** 2, axis=1)
    products = np.fft.irfft(power, padded)[: max_lag + 1]
    sums = np.concatenate([[0], np.cumsum(_squared_lengths(points))])
    lags = np.arange(max_lag + 1)
    heads, tails = sums[len(points) - lags], sums[-1] - sums[lags]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(products / np.sqrt(heads * tails), -1, 1)


def dominant_period(
    points: np.ndarray,
    hop_s: float,
    *,
    shortest_s: float = 0.2,
    longest_s: float | None = None,
    share: float = 0.9,
) -> Period:
    """The time after which the path comes back best.

    Drift slower than ``longest_s`` is removed by a moving mean, which costs half of that at either end. Of the peaks of
    :func:`autocorrelation`, the shortest that reaches ``share`` of the highest is taken, since a period's multiples are
    as high as itself; a parabola through its three lags refines it. The choice of the first peak that is nearly the
    best follows McLeod and Wyvill, "A smarter way to find pitch", ICMC 2005.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
        At least 8.
    hop_s : float
        Seconds from one point to the next.
    shortest_s, longest_s : float
        Where the period is sought. ``longest_s`` is at most a third of the path, and that or 10 s if not given.
    share : float
        In (0, 1].

    Returns
    -------
    Period
        ``period_s`` NaN and ``strength`` 0 where there is no peak, as for a line or a point at rest. Noise may have
        one, with a strength near 0.

    Raises
    ------
    InputError
        Fewer than 8 points, NaN or infinite values, or an option out of its range.
    """
    from scipy.signal import find_peaks

    points, hop_s = check_points(points, least=8), check_positive(hop_s, "hop_s")
    duration_s = len(points) * hop_s
    longest_s = min(_LONGEST_S, duration_s / 3) if longest_s is None else longest_s
    shortest_s = max(shortest_s, _SHORTEST_POINTS * hop_s)
    if not shortest_s < longest_s <= duration_s / 3:
        raise InputError(
            f"periods from {shortest_s:g} to {longest_s:g} s cannot be sought in a path of {duration_s:g} s; "
            f"longest_s must be above {shortest_s:g} and at most {duration_s / 3:g}"
        )
    if not 0 < share <= 1:
        raise InputError(f"share is {share}; a number above 0 and at most 1 is needed")
    longest = int(longest_s / hop_s)
    steady = _without_drift(points, longest)
    if is_constant(points) or rms_radius(steady) <= _NEAREST * rms_radius(points):
        return Period(float("nan"), 0.0)
    heights = autocorrelation(steady, min(longest + longest // 4 + 1, len(steady) - 1))
    peaks, _ = find_peaks(heights, prominence=_LEAST_PROMINENCE)
    peaks = peaks[(peaks * hop_s >= shortest_s) & (peaks * hop_s <= longest_s) & (heights[peaks] > 0)]
    if not len(peaks):
        return Period(float("nan"), 0.0)
    first = peaks[np.argmax(heights[peaks] >= share * heights[peaks].max())]
    lag, strength = _summit(first, *heights[first - 1 : first + 2])
    return Period(float(lag * hop_s), float(min(strength, 1)))


def phase(points: np.ndarray, hop_s: float, period_s: float) -> np.ndarray:
    """Where in a period the path is at every point: the angle of its analytic signal about that period.

    The path is filtered to within half an octave of the period on either side, by a Butterworth filter run both ways,
    and turned onto the axis on which it then moves most; the phase is that of the Hilbert transform there. Pikovsky,
    Rosenblum and Kurths, "Synchronization", Cambridge 2001, appendix A2.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
    hop_s, period_s : float > 0
        The period is longer than three points, and the path longer than it.

    Returns
    -------
    np.ndarray [shape=(points,)]
        In [0, 2 pi), rising by 2 pi each period; 0 where the path goes through the summit of that axis, whose largest
        component is positive; 0 all along where all points are the same.

    Raises
    ------
    InputError
        A period out of that range, or NaN or infinite values.
    """
    from scipy.signal import butter, hilbert, sosfiltfilt

    points, hop_s = check_points(points, least=8), check_positive(hop_s, "hop_s")
    if not 3 * hop_s < period_s < len(points) * hop_s:
        raise InputError(
            f"period_s is {period_s:g}; it must be above three points, {3 * hop_s:g} s, and below the length of the"
            f" path, {len(points) * hop_s:g} s"
        )
    if is_constant(points):
        return np.zeros(len(points))
    band_hz = np.array([2**-0.5, min(2**0.5, 0.49 * period_s / hop_s)]) / period_s
    filtered = sosfiltfilt(
        butter(2, band_hz, "bandpass", fs=1 / hop_s, output="sos"),
        points,
        axis=0,
        padtype="even",
        padlen=min(len(points) - 1, round(3 * period_s / hop_s)),
    )
    axis = np.linalg.svd(filtered - filtered.mean(axis=0), full_matrices=False)[2][0]
    axis *= np.sign(axis[np.abs(axis).argmax()])  # else its sign would be the machine's choice
    return np.angle(hilbert(filtered @ axis)) % (2 * np.pi)


def mean_log_divergence(points: np.ndarray, steps: int, *, theiler: int) -> np.ndarray:
    """Mean logarithm of the distance between points and their nearest neighbors, 0 to ``steps`` points later.

    A straight rise is exponential divergence; noise jumps at the first step and is flat after it.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
    steps : int
        At least 1. Only points with so many after them have or are neighbors.
    theiler : int
        Points ``|i - j| <= theiler`` are no neighbors. At least one mean period, and for windows of frames at least
        window - 1.

    Returns
    -------
    np.ndarray [shape=(steps + 1,)]
        In log latent units. A neighbor at the same place, as in silence, is none; NaN where there are only such.

    Raises
    ------
    InputError
        Too few points for ``steps`` and ``theiler``, NaN or infinite values, or an option out of its range.
    """
    points = check_points(points, least=2)
    if steps < 1 or theiler < 0:
        raise InputError(f"steps are {steps} and theiler is {theiler}; at least 1 and 0 are needed")
    followed = len(points) - steps
    if followed < 2 * theiler + 2:
        raise InputError(
            f"{len(points)} points are too few to follow pairs for {steps} steps with a Theiler exclusion of "
            f"{theiler}; {steps + 2 * theiler + 2} are needed"
        )
    neighbor, distance = _nearest(points[:followed], theiler, _NEAREST * rms_radius(points))
    here = np.flatnonzero(np.isfinite(distance))
    there = neighbor[here]
    return np.array([_mean_log(points[here + step] - points[there + step]) for step in range(steps + 1)])


def lyapunov_exponent(points: np.ndarray, hop_s: float, *, theiler: int, fit_s: tuple[float, float]) -> float:
    """Largest Lyapunov exponent in 1/s: the rate at which neighbors part; 0.906 for the Lorenz system, 0 for a cycle.

    The slope of :func:`mean_log_divergence`, by least squares. Rosenstein, Collins and De Luca, "A practical method for
    calculating largest Lyapunov exponents from small data sets", Physica D 65 (1993). The number means something only
    where that curve is straight, so ``fit_s`` has no default: it should begin after the neighbors have turned into the
    direction that grows, and end before they are as far apart as any two points. Noise has no such range.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
    hop_s : float
        Seconds from one point to the next.
    theiler : int
        As in :func:`mean_log_divergence`.
    fit_s : (float, float)
        From where to where the line is laid, in seconds after the start.

    Returns
    -------
    float
        In 1/s; NaN where no two points differ.

    Raises
    ------
    InputError
        As :func:`mean_log_divergence`; or fewer than two points in ``fit_s``.
    """
    check_positive(hop_s, "hop_s")
    first, last = (round(end_s / hop_s) if np.isfinite(end_s) else -1 for end_s in fit_s)
    if not 0 <= first < last:
        raise InputError(f"fit_s is {fit_s}; it must go from 0 or later to at least {hop_s:g} s after that")
    curve = mean_log_divergence(points, last, theiler=theiler)
    times_s = hop_s * np.arange(first, last + 1)
    return float(np.polyfit(times_s, curve[first:], 1)[0]) if np.isfinite(curve).all() else float("nan")


def _squared_lengths(vectors: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", vectors, vectors)


def _summit(lag: int, before: float, top: float, after: float) -> tuple[float, float]:
    """Place and height of the parabola through three heights at ``lag - 1``, ``lag`` and ``lag + 1``."""
    bend = before - 2 * top + after
    shift = (before - after) / (2 * bend) if bend else 0.0
    return lag + shift, top - (before - after) * shift / 4


def _without_drift(points: np.ndarray, size: int) -> np.ndarray:
    """``points`` less the mean of about ``size`` around each, without the ends that lack them."""
    half = size // 2
    centered = points - points.mean(axis=0)
    sums = np.cumsum(np.concatenate([np.zeros((1, points.shape[1])), centered]), axis=0)
    means = (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)
    return centered[half : len(points) - half] - means


def _nearest(points: np.ndarray, theiler: int, least: float) -> tuple[np.ndarray, np.ndarray]:
    """The nearest point to each that is more than ``theiler`` points away in time and ``least`` in space.

    Returns indices and distances, ``(points,)`` both; the distance is infinite where only copies of a point are near.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    neighbor, distance = np.zeros(len(points), int), np.full(len(points), np.inf)
    # Up to 2 theiler + 1 points are too near in time; as many again may be copies.
    enough = min(len(points), 4 * theiler + 8)
    pending, count = np.arange(len(points)), min(8, enough)
    while len(pending) and count < 2 * enough:
        away, found = tree.query(points[pending], k=min(count, enough))
        allowed = (np.abs(found - pending[:, None]) > theiler) & (away > least)
        rows, column = np.flatnonzero(allowed.any(axis=1)), allowed.argmax(axis=1)
        neighbor[pending[rows]], distance[pending[rows]] = found[rows, column[rows]], away[rows, column[rows]]
        pending, count = np.delete(pending, rows), 2 * count
    return neighbor, distance


def _mean_log(differences: np.ndarray) -> float:
    lengths = np.sqrt(_squared_lengths(differences))
    lengths = lengths[lengths > 0]
    return float(np.log(lengths).mean()) if len(lengths) else float("nan")
