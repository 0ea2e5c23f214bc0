"""Whether a trajectory has loops: persistent homology of its points, and a test against surrogates.

Needs the extra ``topology`` (ripser).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .errors import InputError
from .geometry import check_points, is_constant
from .types import Frames, Trajectory


@dataclass(frozen=True, eq=False)
class LoopTest:
    """A loop strength beside those of surrogates.

    Attributes
    ----------
    strength : float
        Of the recording, see :func:`loop_strength`.
    surrogate_strengths : np.ndarray [shape=(surrogates,)]
    p_value : float
        (1 + number of surrogates at least as strong) / (1 + surrogates).
    """

    strength: float
    surrogate_strengths: np.ndarray
    p_value: float


def loop_strength(points: np.ndarray, *, most: int = 400) -> float:
    """How wide the clearest hole is that the points go around: 0 for a line, 0.87 for a circle.

    The longest persistence (death - birth) of a one-dimensional class of the Vietoris-Rips filtration, over the
    diameter of the points; the first of :func:`loop_strengths`, where parameters and errors are.

    Returns
    -------
    float
        In [0, 1]; 0 where there is no loop, NaN where all points are the same.
    """
    strengths = loop_strengths(points, most=most)
    return float(strengths[0]) if len(strengths) else 0.0


def loop_strengths(points: np.ndarray, *, most: int = 400) -> np.ndarray:
    """Persistence over diameter of every loop, strongest first: two stand out for a torus.

    A circle of radius r is filled at √3 r (Adamaszek and Adams, "The Vietoris-Rips complexes of a circle", Pacific J.
    Math. 290, 2017) and 2 r wide, hence 0.866 less the largest gap along it over 2 r. Computed by Ripser: Tralie,
    Saul and Bar-On, "Ripser.py: a lean persistent homology library for Python", JOSS 3(29), 2018.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
        At least 4; their order does not matter.
    most : int
        At least 4. Of more points, so many are kept, each the farthest from those before it; births and deaths move
        by at most twice the distance from any point to the nearest kept.

    Returns
    -------
    np.ndarray [shape=(loops,)]
        In [0, 1], descending; one NaN where all points are the same.

    Raises
    ------
    InputError
        Fewer than 4 points, NaN or infinite values, ``most`` below 4, or no ripser.
    """
    points = check_points(points, least=4)
    if most < 4:
        raise InputError(f"most is {most}; at least 4 are needed")
    try:
        from ripser import ripser
    except ImportError as error:
        raise InputError('loops are found with ripser; pip install "orbitscope[topology]"') from error
    from scipy.spatial.distance import pdist, squareform

    if is_constant(points):
        return np.array([np.nan])
    distances = pdist(points[_farthest_first(points, most)])
    births, deaths = ripser(squareform(distances), maxdim=1, distance_matrix=True)["dgms"][1].T
    return np.sort(deaths.astype(float) - births)[::-1] / distances.max()


def surrogate_frames(frames: Frames, seed: int | list[int]) -> Frames:
    """Frames with the same spectra and cross-spectra over time, and nothing else in common.

    The Fourier phases of each feature are turned by random angles, the same for all features. Prichard and Theiler,
    "Generating surrogate data for time series with several simultaneously measured variables", Phys. Rev. Lett. 73
    (1994). What leaves [0, 1], where frames live, is clipped, and changes the spectra by as much. Frames that
    are a whole number of equal rounds have nothing but harmonics, and so do their surrogates: they repeat as well.

    Parameters
    ----------
    frames : Frames
    seed : int or list of int
        One seed gives one surrogate.

    Raises
    ------
    InputError
        Fewer than 4 frames, or NaN or infinite values.
    """
    values = check_points(frames.values, least=4, name="frames")
    spectrum = np.fft.rfft(values, axis=0)
    turned = spectrum[1 : (len(values) + 1) // 2]  # the mean, and half the rate of an even number, have no phase
    turned *= np.exp(2j * np.pi * np.random.default_rng(seed).random((len(turned), 1)))
    values = np.clip(np.fft.irfft(spectrum, len(values), axis=0), 0, 1)
    return replace(frames, values=values.astype(np.float32))


def loop_test(
    frames: Frames,
    embed: Callable[[Frames], Trajectory | np.ndarray],
    *,
    surrogates: int = 19,
    most: int = 400,
    seed: int = 0,
) -> LoopTest:
    """Whether the loop is clearer than linear noise of the same spectra would draw through the same encoder.

    A cycle whose tempo is not quite steady has a hole that such noise fills. A whole number of
    equal rounds is not told apart, as its surrogates repeat too: a large p-value does not say that there is no loop.

    Parameters
    ----------
    frames : Frames
    embed : callable
        Frames to a :class:`Trajectory` or to points, such as ``Embedding.transform``.
    surrogates : int
        At least 1; 19 for a p-value down to 0.05.
    most : int
        As in :func:`loop_strengths`.
    seed : int
        Of the surrogates, at least 0.

    Returns
    -------
    LoopTest

    Raises
    ------
    InputError
        As :func:`loop_strengths` and :func:`surrogate_frames`; or fewer than 1 surrogate, or a negative seed.
    """
    if surrogates < 1 or seed < 0:
        raise InputError(f"surrogates are {surrogates} and seed is {seed}; at least 1 and 0 are needed")

    def strength_of(some: Frames) -> float:
        embedded = embed(some)
        return loop_strength(embedded.points if isinstance(embedded, Trajectory) else embedded, most=most)

    strength = strength_of(frames)
    others = np.array([strength_of(surrogate_frames(frames, [seed, number])) for number in range(surrogates)])
    p_value = (1 + np.sum(others >= strength)) / (1 + surrogates) if np.isfinite(strength) else np.nan
    return LoopTest(strength, others, float(p_value))


def _farthest_first(points: np.ndarray, most: int) -> np.ndarray:
    """Indices of up to ``most`` points, each the farthest from those before it; the first is farthest from the mean."""
    kept = [int(np.argmax(np.sum((points - points.mean(axis=0)) ** 2, axis=1)))]
    nearest = np.full(len(points), np.inf)
    while len(kept) < min(most, len(points)):
        nearest = np.minimum(nearest, np.sum((points - points[kept[-1]]) ** 2, axis=1))
        kept.append(int(np.argmax(nearest)))
    return np.array(kept)
