"""The nearest points of a library, exactly: ties and exclusions included."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial import cKDTree

_BLOCK = 4096  # initial conditions whose neighbours are sought at a time


def analogs(
    z: np.ndarray, library: int, starts: np.ndarray, excluded: int, count: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the nearest of the first ``library`` points and their distances, both ``(some starts, count)``.

    Points within ``excluded`` of their start are passed over; of points as near, the earlier comes first.
    """
    tree = cKDTree(z[:library])
    for first in range(0, len(starts), _BLOCK):
        yield _nearest(tree, z, starts[first : first + _BLOCK], excluded, count)


def _nearest(tree: cKDTree, z: np.ndarray, at: np.ndarray, excluded: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What :func:`analogs` yields for the starts ``at``: more points are asked for until the answer is sure."""
    library = tree.n
    # The most that may be passed over, and one more to show whether the last one taken is tied.
    most = min(library, count + max(0, 2 * excluded + 1) + 1)
    found, distance = np.empty((len(at), count), int), np.empty((len(at), count))
    unsure = np.arange(len(at))
    for asked in _doubling(2 * count + 1, most):
        reached, near = tree.query(z[at[unsure]], np.arange(1, asked + 1))
        found[unsure], distance[unsure] = _first(near, reached, at[unsure], excluded, count)
        unsure = unsure[(distance[unsure, -1] >= reached[:, -1]) & (asked < library)]
        if not len(unsure):
            break
    for i in unsure:
        every = np.linalg.norm(z[:library] - z[at[i]], axis=1)[None]
        found[[i]], distance[[i]] = _first(np.arange(library)[None], every, at[[i]], excluded, count)
    return found, distance


def _doubling(first: int, last: int) -> Iterator[int]:
    while first < last:
        yield first
        first *= 2
    yield last


def _first(
    found: np.ndarray, distance: np.ndarray, at: np.ndarray, excluded: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of the points found in each row, the ``count`` nearest that are not excluded."""
    distance = np.where(np.abs(found - at[:, None]) <= excluded, np.inf, distance)
    order = np.lexsort((found, distance))[:, :count]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(distance, order, axis=1)


def weights_of(distance: np.ndarray) -> np.ndarray:
    """1/distance, normalised in each row; points at no distance share all the weight."""
    nearest = distance.min(axis=1, keepdims=True)
    weights = np.divide(nearest, distance, out=np.ones_like(distance), where=distance > 0)
    return weights / weights.sum(axis=1, keepdims=True)
