"""Principal components of all windows of a recording, without ever holding the windows: an hour of them is gigabytes.

The covariance acts on a vector by two correlations over the frames, and Lanczos' method needs no more than that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

_BLOCK = 4096  # windows worked on at a time
_MOST_DENSE = 512  # dimensions up to which the covariance itself is written down


@dataclass(frozen=True, eq=False)
class WindowPCA:
    """Linear coordinates of windows: the scalar products of each component with a window less the mean window.

    Attributes
    ----------
    mean : np.ndarray [shape=(window, features)]
        The mean window.
    components : np.ndarray [shape=(n, window, features)]
    variances : np.ndarray [shape=(n,)]
        Of each coordinate over the windows fitted on, largest first.
    """

    mean: np.ndarray
    components: np.ndarray
    variances: np.ndarray

    def transform(self, frames: np.ndarray) -> np.ndarray:
        """Coordinates of every window of ``frames`` ``(frames, features)``: ``(frames - window + 1, n)`` float64."""
        count, window, _ = self.components.shape
        center = self.mean.mean(axis=0)  # taken from the frames first, so that a large offset costs no digits
        found = np.empty((len(frames) - window + 1, count))
        for first, size, block in _blocks(frames, center, window):
            found[first : first + size] = sum(block[k : k + size] @ self.components[:, k].T for k in range(window))
        return found - np.tensordot(self.components, self.mean - center, 2)


def fit(frames: np.ndarray, window: int, count: int) -> WindowPCA:
    """The first ``count`` principal components of all windows of ``window`` frames of ``frames`` ``(n, features)``.

    The frames must not be all the same, nor ``count`` more than window * features. Variances are divided by the number
    of windows; the largest entry of a component is positive. Lanczos' method is ARPACK's (Lehoucq, Sorensen and Yang
    1998), with a fixed start, so the same frames give the same components.
    """
    total = len(frames) - window + 1
    mean = np.stack([frames[k : k + total].mean(axis=0, dtype=np.float64) for k in range(window)])
    dimensions = mean.size
    if dimensions <= max(_MOST_DENSE, 2 * count):
        variances, vectors = eigh(_covariance(frames, mean), subset_by_index=(dimensions - count, dimensions - 1))
    else:
        operator = LinearOperator((dimensions, dimensions), lambda v: _times_covariance(frames, mean, v), dtype=float)
        variances, vectors = eigsh(operator, count, v0=np.random.default_rng(0).standard_normal(dimensions))
    order = np.argsort(-variances, kind="stable")
    components = vectors.T[order]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    components = components * np.where(largest < 0, -1.0, 1.0)
    return WindowPCA(mean, components.reshape(count, *mean.shape), np.maximum(variances[order], 0.0))


def _covariance(frames: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The covariance of flattened windows, ``(window * features, window * features)``."""
    window, features = mean.shape
    found = np.zeros((mean.size, mean.size))
    for _, size, block in _blocks(frames, np.zeros(features), window):
        windows = np.lib.stride_tricks.sliding_window_view(block, window, axis=0).swapaxes(1, 2) - mean
        flat = windows.reshape(size, -1)
        found += flat.T @ flat
    return found / (len(frames) - window + 1)


def _times_covariance(frames: np.ndarray, mean: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The covariance of flattened windows times a flattened window."""
    window = len(mean)
    center = mean.mean(axis=0)
    vector = vector.reshape(mean.shape)
    along_mean = np.sum((mean - center) * vector)
    found = np.zeros(mean.shape)
    for _, size, block in _blocks(frames, center, window):
        products = np.ascontiguousarray(block @ vector.T)
        row, column = products.strides
        diagonals = np.lib.stride_tricks.as_strided(products, (size, window), (row, row + column), writeable=False)
        along = np.pad(diagonals.sum(axis=1) - along_mean, window - 1)
        found += np.lib.stride_tricks.sliding_window_view(along, size + window - 1)[::-1] @ block
    # The coordinates along a vector add up to 0 over all windows, so their products with the mean window do too.
    return found.ravel() / (len(frames) - window + 1)


def _blocks(frames: np.ndarray, center: np.ndarray, window: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (first window, windows, their frames less ``center``) from front to back."""
    total = len(frames) - window + 1
    for first in range(0, total, _BLOCK):
        size = min(_BLOCK, total - first)
        yield first, size, frames[first : first + size + window - 1].astype(np.float64) - center
