"""Numbers that describe the shape of a trajectory: how it turns, bends, moves and fills its space.

Points are ``(points, latent_dim)`` in order of time, ``hop_s`` seconds apart; lengths are in latent units. Two spaces
are compared in :mod:`orbitscope.agreement`, returns are in :mod:`orbitscope.recurrence`, holes in
:mod:`orbitscope.topology`.
"""

import math

import numpy as np

from .errors import InputError


def check_points(points: np.ndarray, *, least: int = 1, name: str = "points") -> np.ndarray:
    """``points`` as float64 ``(points, dims)``.

    Raises
    ------
    InputError
        Another shape, fewer than ``least`` points, or NaN or infinite values; ``name`` is what the message calls them.
    """
    try:
        array = np.asarray(points, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} are no array of numbers; give one of shape (points, dims)") from error
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(f"{name} have shape {array.shape}; (points, dims) is needed")
    if len(array) < least:
        raise InputError(f"{name} number {len(array)}; at least {least} are needed")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array).all(axis=1)).sum())
        raise InputError(f"{name} hold NaN or infinite values in {bad} of {len(array)} rows; leave these out")
    return array


def check_positive(value: float, name: str) -> float:
    """``value`` if it is a finite number above 0, InputError otherwise."""
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} is {value}; a finite number above 0 is needed")
    return float(value)


def is_constant(points: np.ndarray) -> bool:
    """Whether all of ``points`` are one and the same, so that no shape can be measured."""
    return not np.ptp(points, axis=0).any()


def turning_cosine(points: np.ndarray) -> np.ndarray:
    """Cosine of the angle between consecutive displacements of ``(points, latent_dim)``: 1 straight on, -1 back.

    Returns ``(points - 2,)``; NaN where a displacement is zero.
    """
    steps = np.diff(np.asarray(points, np.float64), axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.sum(steps[1:] * steps[:-1], axis=1) / (lengths[1:] * lengths[:-1])
    return np.clip(cosine, -1, 1)


def turning_angle(points: np.ndarray) -> np.ndarray:
    """Angle between consecutive displacements of ``(points, latent_dim)``, in degrees, ``(points - 2,)``."""
    return np.degrees(np.arccos(turning_cosine(points)))


def mean_turning_angle(points: np.ndarray) -> float:
    """Mean turning angle in degrees; 0 for a straight line, 90 for a random walk; NaN for fewer than 3 points."""
    angles = turning_angle(points)
    angles = angles[np.isfinite(angles)]
    return float(angles.mean()) if len(angles) else float("nan")


def rms_radius(points: np.ndarray) -> float:
    """Root mean square distance of ``(points, latent_dim)`` from their mean."""
    return float(np.sqrt(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=1))))


def speed(points: np.ndarray, hop_s: float) -> np.ndarray:
    """Latent units per second from each of ``(points, latent_dim)`` to the next, ``(points - 1,)``.

    Raises
    ------
    InputError
        Fewer than 2 points, NaN or infinite values, or a ``hop_s`` that is not above 0.
    """
    points = check_points(points, least=2)
    return np.linalg.norm(np.diff(points, axis=0), axis=1) / check_positive(hop_s, "hop_s")


def curvature(points: np.ndarray) -> np.ndarray:
    """How sharply the path bends at each inner point, in 1 / latent unit: 0 on a line, 1 / radius on a circle.

    The part of the acceleration across the velocity over the squared speed, ``|v × a| / |v|³`` in any number of
    dimensions, by central differences; the error falls with the square of the angle per step (0.25 angle²).

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
        At least 3.

    Returns
    -------
    np.ndarray [shape=(points - 2,)]
        At least 0; NaN where the path stands still or turns right back. Its median says more than its mean, which is
        ruled by the few places where a path almost stops.

    Raises
    ------
    InputError
        Fewer than 3 points, or NaN or infinite values.
    """
    points = check_points(points, least=3)
    velocity = (points[2:] - points[:-2]) / 2
    acceleration = np.diff(points, 2, axis=0)
    squared_speed = np.sum(velocity**2, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.sum(acceleration * velocity, axis=1, keepdims=True) / squared_speed
        return np.linalg.norm((acceleration - along * velocity) / squared_speed, axis=1)


def spectral_arc_length(
    points: np.ndarray,
    hop_s: float,
    *,
    highest_hz: float = 10.0,
    threshold: float = 0.05,
    stretch_s: float | None = None,
) -> float:
    """SPARC: smoothness as the length of the curve that the spectrum of the speed draws; nearer 0 is smoother.

    The magnitude spectrum of the speed, zero-padded to 16 times the next power of two, over its value at 0 Hz, from
    0 Hz to the last frequency where it is at least ``threshold``, that range scaled to 1.

    Balasubramanian, Melendez-Calderon, Roby-Brami and Burdet, "On the analysis of movement smoothness", J. NeuroEng.
    Rehabil. 12:112 (2015).

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
        At least 3.
    hop_s : float
        Seconds from one point to the next.
    highest_hz : float
        Nothing above this counts, nor above half the rate of the points.
    threshold : float
        In (0, 1).
    stretch_s : float, optional
        The mean over consecutive stretches of this length, what is left at the end aside. The measure was made for
        single movements and grows with length, so paths of different lengths are to be compared with one ``stretch_s``.

    Returns
    -------
    float
        Below -1, with no unit: -1.41 for a Gaussian speed profile, about -2.4 for a constant one. NaN without motion.

    Raises
    ------
    InputError
        Fewer than 3 points, NaN or infinite values, an option out of its range, or a stretch longer than the path.
    """
    points = check_points(points, least=3)
    check_positive(highest_hz, "highest_hz")
    if not 0 < threshold < 1:
        raise InputError(f"threshold is {threshold}; a number between 0 and 1 is needed")
    profile = speed(points, hop_s)
    size = len(profile) if stretch_s is None else round(check_positive(stretch_s, "stretch_s") / hop_s)
    if not 2 <= size <= len(profile):
        raise InputError(f"stretch_s is {stretch_s}; between {2 * hop_s:g} and {len(profile) * hop_s:g} s are needed")
    stretches = profile[: len(profile) // size * size].reshape(-1, size)
    lengths = [_arc_length(x, hop_s, highest_hz, threshold) for x in stretches if x.any()]
    return float(np.mean(lengths)) if lengths else float("nan")


def _arc_length(profile: np.ndarray, hop_s: float, highest_hz: float, threshold: float) -> float:
    padded = 2 ** (math.ceil(math.log2(len(profile))) + 4)
    spectrum = np.abs(np.fft.rfft(profile, padded))
    spectrum = spectrum[np.fft.rfftfreq(padded, hop_s) <= highest_hz] / spectrum[0]
    last = np.flatnonzero(spectrum >= threshold)[-1]
    if not last:  # highest_hz is below the first bin
        return float("nan")
    return -float(np.sum(np.hypot(1 / last, np.diff(spectrum[: last + 1]))))


def effective_rank(points: np.ndarray) -> float:
    """How many dimensions the points use, from 1 (a line) to ``latent_dim`` (as wide in every direction).

    The exponential of the entropy of the singular values of the centred points, divided by their sum: Roy and Vetterli,
    "The effective rank: a measure of effective dimensionality", EUSIPCO 2007.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
        At least 2; their order does not matter.

    Returns
    -------
    float
        In [1, latent_dim]; NaN where all points are the same.

    Raises
    ------
    InputError
        Fewer than 2 points, or NaN or infinite values.
    """
    points = check_points(points, least=2)
    if is_constant(points):
        return float("nan")
    widths = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    shares = widths[widths > 0] / widths.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))
