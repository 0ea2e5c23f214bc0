"""The scoreboard for forecasts: embeddings of one recording, whoever made them, scored in one space common to all.

The reference space y holds the first 12 principal components, fitted on the training part, of the windows of the
log-magnitude spectrogram (80 dB floor). An analog forecast (Lorenz 1969) finds the K library points nearest to an
initial condition z_t in an embedding, gives them weights w_j = 1/distance that add up to 1, and answers in two forms:

- *state*: ŷ_{t+k} = sum of w_j y_{j+k};
- *displacement*: ŷ_{t+k} = y_t + sum of w_j (y_{j+k} - y_j).

NRMSE_k = sqrt(mean ‖ŷ_{t+k} - y_{t+k}‖² / trace of the covariance of y on the training part): about 1 for the mean.

Held out, the library is the part of the recording that the embedding was trained on, and the initial conditions come
after it and a gap of window + longest horizon. In sample, points within window + longest horizon of the initial
condition are kept out of its library. Windows overlap, so persistence is strong over few frames and the mean over many:
an embedding is worth something where it beats both.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from ._nearest import nearest, neighbor_weights
from ._scoreboard_points import aligned, read_embedding
from ._scoreboard_reference import COMPONENTS, TRAINED_SHARE, Reference, named, reference_space
from .errors import InputError
from .geometry import mean_turning_angle
from .types import Trajectory

__all__ = [
    "COMPONENTS",
    "FORMS",
    "HORIZONS",
    "JUDGED",
    "MEAN",
    "NEIGHBORS",
    "PERSISTENCE",
    "TRAINED_SHARE",
    "Reference",
    "Scores",
    "low_passed",
    "read_embedding",
    "reference_space",
    "score",
]

HORIZONS = (0, 1, 2, 3, 5, 10, 20, 30)
JUDGED = (5, 10, 20, 30)
NEIGHBORS = 5
FORMS = ("state", "displacement")
PERSISTENCE, MEAN = "persistence", "mean"

_BISECTIONS = 40


@dataclass(frozen=True, eq=False)
class Scores:
    """What :func:`score` found.

    Attributes
    ----------
    squared_errors : dict of str to dict of str to np.ndarray [shape=(starts, horizons), float32]
        By name and form: ‖ŷ_{t+k} - y_{t+k}‖² / variance of each forecast, for paired tests.
    nrmse : dict of str to dict of str to np.ndarray [shape=(horizons,), float64]
        By name and form.
    embeddings, controls : tuple of str
        The names of either.
    turning_angle_deg : dict of str to float
        Mean turning angle of every embedding, point by point of its own hop, and of every control that is one.
    horizons : tuple of int
        In frames.
    starts : np.ndarray [shape=(starts,)]
        The initial conditions, as windows of the reference.
    hop_s : float
    protocol : {"held out", "in sample"}
    """

    squared_errors: dict[str, dict[str, np.ndarray]]
    nrmse: dict[str, dict[str, np.ndarray]]
    embeddings: tuple[str, ...]
    controls: tuple[str, ...]
    turning_angle_deg: dict[str, float]
    horizons: tuple[int, ...]
    starts: np.ndarray
    hop_s: float
    protocol: str

    def skill_ratio(self, name: str, form: str, judged: Sequence[int] = JUDGED) -> float:
        """NRMSE over that of the better of persistence and the mean, geometric mean over the horizons ``judged``.

        Below 1 is worth something. Horizons that were not scored are left out; NaN if none is left.
        """
        at = [self.horizons.index(k) for k in judged if k in self.horizons]
        if not at:
            return math.nan
        easy = np.minimum(self.nrmse[PERSISTENCE][form], self.nrmse[MEAN][form])
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.exp(np.mean(np.log(self.nrmse[name][form][at] / easy[at]))))

    def rows(self) -> list[dict[str, str | int | float]]:
        """One row for every name, form and horizon, as a table wants them."""
        return [
            {
                "protocol": self.protocol,
                "name": name,
                "role": "control" if name in self.controls else "embedding",
                "form": form,
                "horizon": k,
                "horizon_s": k * self.hop_s,
                "nrmse": float(value),
            }
            for name, forms in self.nrmse.items()
            for form, values in forms.items()
            for k, value in zip(self.horizons, values, strict=True)
        ]

    def to_dict(self) -> dict:
        """All but the squared errors, fit for JSON; what is not finite is None."""
        return {
            "protocol": self.protocol,
            "horizons": list(self.horizons),
            "hop_s": self.hop_s,
            "starts": len(self.starts),
            "scores": {
                name: {
                    "role": "control" if name in self.controls else "embedding",
                    "turning_angle_deg": _finite_or_none(self.turning_angle_deg.get(name, math.nan)),
                    "nrmse": {form: [float(v) for v in values] for form, values in forms.items()},
                    "skill_ratio": {form: _finite_or_none(self.skill_ratio(name, form)) for form in forms},
                }
                for name, forms in self.nrmse.items()
            },
        }


def score(
    embeddings: Mapping[str, Trajectory | np.ndarray],
    reference: Reference,
    *,
    neighbors: int = NEIGHBORS,
    horizons: Sequence[int] = HORIZONS,
    pure: str | None = None,
) -> Scores:
    """Score embeddings of one recording by their analog forecasts, with all controls beside them.

    The controls are persistence, the mean of the training part, and the first 3 and 12 components of y as embeddings.

    Parameters
    ----------
    embeddings : mapping of str to Trajectory or np.ndarray [shape=(windows, latent_dim)]
        By name. Of a trajectory, whatever its hop, the point with the nearest window centre stands for each window of
        the reference; an array has exactly one row for each. Held out, they must have been trained on the first
        ``reference.trained_frames`` frames alone.
    reference : Reference
    neighbors : int > 0
    horizons : sequence of int >= 0
        In frames, rising.
    pure : str, optional
        Which of the embeddings is a pure autoencoder's. Low-passed to the mean turning angle of each other one (see
        :func:`low_passed`; training part and rest apart when held out) it becomes a control too.

    Raises
    ------
    InputError
        Naming the embedding: a wrong number of rows, no 2-D array, NaN, another recording, another stretch of it, a
        window longer than the reference was made for. Or options out of range, or too short a recording.
    """
    horizons = _checked(horizons, neighbors, reference)
    points = {name: aligned(name, given, reference) for name, given in embeddings.items()}
    if pure is not None and pure not in points:
        raise InputError(f"pure is {pure!r}; it must be one of the embeddings: {', '.join(points)}")
    angles = {
        name: mean_turning_angle(given.points if isinstance(given, Trajectory) else points[name])
        for name, given in embeddings.items()
    }
    controls = {f"first {n} components": reference.y[:, :n] for n in (3, COMPONENTS)}
    split = reference.trained if reference.held_out else None
    for name in points:
        if pure is not None and name != pure and math.isfinite(angles[name]):
            controls[f"{pure}, low-passed as {name}"] = low_passed(points[pure], angles[name], split=split)
    both = {PERSISTENCE, MEAN, *controls} & set(points)
    if both:
        raise InputError(f"an embedding is called {min(both)!r}, as a control is; give it another name")
    angles |= {name: mean_turning_angle(z) for name, z in controls.items()}

    errors = {name: _analog_errors(z, reference, neighbors, horizons) for name, z in (points | controls).items()}
    easy = _easy_errors(reference, horizons)
    errors = {name: errors[name] for name in points} | easy | {name: errors[name] for name in controls}
    return Scores(
        squared_errors={n: {f: e.astype(np.float32) for f, e in forms.items()} for n, forms in errors.items()},
        nrmse={n: {f: np.sqrt(e.mean(axis=0)) for f, e in forms.items()} for n, forms in errors.items()},
        embeddings=tuple(points),
        controls=(*easy, *controls),
        turning_angle_deg=angles,
        horizons=horizons,
        starts=reference.starts(horizons[-1]),
        hop_s=reference.hop_s,
        protocol=reference.protocol,
    )


def low_passed(points: np.ndarray, turning_angle_deg: float, *, split: int | None = None) -> np.ndarray:
    """Smooth a path until its mean turning angle is ``turning_angle_deg``.

    A Gaussian along time, symmetric and so without delay, cut off at four standard deviations, reflected at the ends;
    its width is found by bisection. A smoothed point has seen what comes after it: as a control this is generous.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
    turning_angle_deg : float in [0, 180]
    split : int, optional
        Points from this one on are smoothed apart from those before, so that neither part sees the other.

    Returns
    -------
    np.ndarray [shape=(points, latent_dim), float64]
        Unchanged where the points turn no more than asked. Where no width up to half of the shorter part reaches the
        angle, smoothed with that width.

    Raises
    ------
    InputError
        An angle out of range.
    """
    if not 0 <= turning_angle_deg <= 180:
        raise InputError(f"turning_angle_deg is {turning_angle_deg!r}; it must be from 0 to 180 degrees")
    points = np.asarray(points, np.float64)
    parts = [part for part in np.split(points, [] if split is None else [split]) if len(part)]
    if not mean_turning_angle(points) > turning_angle_deg:
        return points

    def smoothed(sigma):
        return np.concatenate([gaussian_filter1d(part, sigma, axis=0) for part in parts])

    widest = min(map(len, parts)) / 2
    narrow, wide = 0.0, min(0.5, widest)
    while wide < widest and mean_turning_angle(smoothed(wide)) > turning_angle_deg:
        narrow, wide = wide, min(2 * wide, widest)
    for _ in range(_BISECTIONS):
        middle = (narrow + wide) / 2
        if mean_turning_angle(smoothed(middle)) > turning_angle_deg:
            narrow = middle
        else:
            wide = middle
    return smoothed(wide)


def _checked(horizons: Sequence[int], neighbors: int, reference: Reference) -> tuple[int, ...]:
    """The horizons, if they are sound and the recording is long enough for them."""
    horizons = tuple(horizons)
    whole = horizons and all(isinstance(k, Integral) for k in horizons)
    if not whole or horizons[0] < 0 or any(b <= a for a, b in pairwise(horizons)):
        raise InputError(f"horizons are {horizons}; they must be whole numbers from 0 on, rising")
    if not isinstance(neighbors, Integral) or neighbors < 1:
        raise InputError(f"neighbors is {neighbors!r}; it must be a whole number from 1 on")
    horizons = tuple(map(int, horizons))
    longest = horizons[-1]
    if reference.held_out:
        trained = (neighbors + longest, reference.trained, "in the training part")
        rest = (reference.longest_window + 2 * longest + 1, len(reference.y) - reference.trained, "after it")
        needs = (trained, rest)
    else:
        needs = ((neighbors + longest + 2 * reference.excluded(longest) + 1, len(reference.y), "in all"),)
    for needed, given, where in needs:
        if given < needed:
            raise InputError(
                f"{named(reference.source)}{needed} windows {where} are needed to score {reference.protocol} up to"
                f" horizon {longest}, and there are {given}; give a longer stretch, or shorter horizons"
            )
    return horizons


def _analog_errors(z: np.ndarray, reference: Reference, count: int, horizons: Sequence[int]) -> dict[str, np.ndarray]:
    """Squared errors over variance of either form, ``(starts, horizons)``."""
    longest, y = horizons[-1], reference.y
    starts, excluded = reference.starts(longest), reference.excluded(longest)

    def allowed(rows: np.ndarray, points: np.ndarray) -> np.ndarray:
        return np.abs(points - starts[rows, None]) > excluded

    library = cKDTree(z[reference.library(longest)])
    distances, neighbors = nearest(library, z[starts], count, allowed, earliest=True)
    weights = neighbor_weights(distances)
    present = np.einsum("tn,tnd->td", weights, y[neighbors])
    errors = {form: np.empty((len(starts), len(horizons))) for form in FORMS}
    for i, k in enumerate(horizons):
        future = np.einsum("tn,tnd->td", weights, y[neighbors + k])
        for form, forecast in zip(FORMS, (future, y[starts] + (future - present)), strict=True):
            errors[form][:, i] = np.sum((forecast - y[starts + k]) ** 2, axis=1) / reference.variance
    return errors


def _easy_errors(reference: Reference, horizons: Sequence[int]) -> dict[str, dict[str, np.ndarray]]:
    """Squared errors over variance of persistence and the mean, the same in either form."""
    y, starts = reference.y, reference.starts(horizons[-1])
    future = y[starts[:, None] + np.array(horizons)]
    forecasts = {PERSISTENCE: y[starts][:, None], MEAN: y[: reference.trained].mean(axis=0)}
    return {
        name: dict.fromkeys(FORMS, np.sum((forecast - future) ** 2, axis=2) / reference.variance)
        for name, forecast in forecasts.items()
    }


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
