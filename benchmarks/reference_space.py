"""Forecasts of a trajectory, scored in a space common to all models: the scoreboard of the benchmarks.

The reference space y holds the first 12 principal components, fitted on the training part, of windows of the
log-magnitude spectrogram (80 dB floor). An analog forecast finds the K nearest library points of z_t and answers in one
of two forms with weights w_j = 1/distance, normalised:

- *state*: sum of w_j y_{j+k};
- *displacement*: y_t + sum of w_j (y_{j+k} - y_j).

NRMSE_k = sqrt(mean ‖ŷ_{t+k} − y_{t+k}‖² / trace of the covariance of y on the training part); the mean scores about 1.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from orbitscope import Frames

HORIZONS = (0, 1, 2, 3, 5, 10, 20, 30)
NEIGHBORS = 5
COMPONENTS = 12
TRAINED_SHARE = 0.7
_FLOOR_DB = 80.0
_LEAST_DISTANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference space of one recording, and which of its windows may be known.

    Attributes
    ----------
    y : np.ndarray [shape=(windows, 12)]
    variance : float
        Trace of the covariance of y on the training part.
    window, hop_s, start_s
        Frames in a window; window i is centred at ``start_s + i * hop_s``.
    trained : int
        The first so many windows are the training part; all of them in sample.
    """

    y: np.ndarray
    variance: float
    window: int
    hop_s: float
    start_s: float
    trained: int

    @property
    def held_out(self) -> bool:
        return self.trained < len(self.y)

    @property
    def trained_frames(self) -> int:
        return self.trained + self.window - 1

    @property
    def library(self) -> np.ndarray:
        """Windows of the training part whose futures lie in it too."""
        return np.arange(self.trained - HORIZONS[-1])

    @property
    def starts(self) -> np.ndarray:
        """Initial conditions; held out they come after a gap of window + horizon."""
        first = self.trained + self.window + HORIZONS[-1] if self.held_out else 0
        return np.arange(first, len(self.y) - HORIZONS[-1])


def reference(article: Frames, window: int, trained_share: float = TRAINED_SHARE) -> Reference:
    """The reference space of a recording's article frames; a trained share of 1 scores in sample."""
    magnitude = article.values.astype(np.float64)
    floor = magnitude.max() * 10 ** (-_FLOOR_DB / 20)
    decibels = 20 * np.log10(np.maximum(magnitude, floor))
    windows = np.lib.stride_tricks.sliding_window_view(decibels, window, axis=0).reshape(len(article) - window + 1, -1)
    trained = round(trained_share * len(windows))
    y = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(windows[:trained]).transform(windows)
    variance = float(y[:trained].var(axis=0).sum())
    start_s = article.start_s + article.hop_s * (window - 1) / 2
    return Reference(y, variance, window, article.hop_s, start_s, trained)


def aligned(points: np.ndarray, start_s: float, hop_s: float, to: Reference) -> np.ndarray:
    """For every window of the reference the point whose window's centre is nearest in time."""
    times_s = to.start_s + to.hop_s * np.arange(len(to.y))
    nearest = np.rint((times_s - start_s) / hop_s - 1e-6).astype(int)
    return points[np.clip(nearest, 0, len(points) - 1)]


def analog_scores(z: np.ndarray, ref: Reference) -> dict[str, list[float]]:
    """NRMSE at each horizon of the analog forecasts from points ``z``, one for each window of the reference."""
    neighbors, weights = _analogs(z, ref)
    y, at = ref.y, ref.starts
    errors = {"state": [], "displacement": []}
    for k in HORIZONS:
        future = np.einsum("tn,tnd->td", weights, y[neighbors + k])
        present = np.einsum("tn,tnd->td", weights, y[neighbors])
        errors["state"].append(_nrmse(future, at + k, ref))
        errors["displacement"].append(_nrmse(y[at] + future - present, at + k, ref))
    return errors


def controls(ref: Reference) -> dict[str, dict[str, list[float]]]:
    """Persistence, the mean of the training part, and analogs found by the first 3 and 12 components of y."""
    mean = ref.y[: ref.trained].mean(axis=0)
    at = ref.starts
    persistence = [_nrmse(ref.y[at], at + k, ref) for k in HORIZONS]
    constant = [_nrmse(mean, at + k, ref) for k in HORIZONS]
    return {
        "persistence": {"state": persistence, "displacement": persistence},
        "mean": {"state": constant, "displacement": constant},
        "first 3 components": analog_scores(ref.y[:, :3], ref),
        "first 12 components": analog_scores(ref.y, ref),
    }


def _nrmse(forecast: np.ndarray, at: np.ndarray, ref: Reference) -> float:
    return float(np.sqrt(np.mean(np.sum((forecast - ref.y[at]) ** 2, axis=1)) / ref.variance))


def _analogs(z: np.ndarray, ref: Reference) -> tuple[np.ndarray, np.ndarray]:
    """The nearest library points of every initial condition and their weights, both ``(starts, K)``.

    In sample, library points within window + horizon of the initial condition are passed over.
    """
    library, starts = ref.library, ref.starts
    excluded = 0 if ref.held_out else ref.window + HORIZONS[-1]
    count = min(len(library), NEIGHBORS + (2 * excluded + 1 if excluded else 0))
    distance, found = NearestNeighbors(n_neighbors=count).fit(z[library]).kneighbors(z[starts])
    if excluded:
        distance = np.where(np.abs(library[found] - starts[:, None]) <= excluded, np.inf, distance)
        order = np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBORS]
        distance, found = (np.take_along_axis(a, order, axis=1) for a in (distance, found))
    weights = 1 / np.maximum(distance, _LEAST_DISTANCE)
    return library[found], weights / weights.sum(axis=1, keepdims=True)
