"""The nearest points of a library, exactly, and how much each of them counts.

The library is held in a k-d tree. Where some of its points may not serve, such as those too near in time (Theiler
1986), the tree is asked for more, only for the queries that lack some, until enough are left. The answer is that of a
search through all points.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from .errors import InputError

Allowed = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (rows, points (rows, n)) to whether each may serve its row

_GROWTH = 4
_MOST = 1 << 22  # answers of the tree held at once


def nearest(
    tree: cKDTree, queries: np.ndarray, count: int, allowed: Allowed | None = None, *, earliest: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of the ``count`` nearest points of each query, nearest first: ``(queries, count)`` both.

    Parameters
    ----------
    tree : cKDTree
        Of ``count`` points at least.
    queries : np.ndarray [shape=(queries, dims)]
    count : int >= 1
    allowed : callable, optional
        Tells for rows of the queries and points found for each which of these may serve; all may if None.
    earliest : bool
        Of points as near, take the earlier; else any. Takes long where very many are as near, as in silence.

    Raises
    ------
    InputError
        Fewer than ``count`` points may serve some query.
    """
    if allowed is None and not earliest:
        return tree.query(queries, k=np.arange(1, count + 1))
    distances, points = np.empty((len(queries), count)), np.empty((len(queries), count), np.intp)
    rows, asked = np.arange(len(queries)), min(2 * count + 1, tree.n)
    while len(rows):
        sure, size = np.empty(len(rows), bool), max(1, _MOST // asked)
        for first in range(0, len(rows), size):
            some = slice(first, first + size)
            near, found = tree.query(queries[rows[some]], k=np.arange(1, asked + 1))
            reached = near[:, -1]
            if allowed is not None:
                near = np.where(allowed(rows[some], found), near, np.inf)
            order = np.lexsort((found, near))[:, :count]
            distances[rows[some]] = np.take_along_axis(near, order, axis=1)
            points[rows[some]] = np.take_along_axis(found, order, axis=1)
            last = distances[rows[some], -1]
            sure[some] = last < reached if earliest else last <= reached
            if asked == tree.n and np.isinf(last).any():
                raise InputError(
                    f"{count} neighbors are asked for, and {np.isfinite(near).sum(axis=1).min()} library points are"
                    " left for some initial point without those near it in time or of too short a future; ask for"
                    " fewer, or give a longer trajectory"
                )
        if asked == tree.n:
            break
        rows, asked = rows[~sure], min(_GROWTH * asked, tree.n)
    return distances, points


def neighbor_weights(distances: np.ndarray, kind: str = "distance") -> np.ndarray:
    """Weights of neighbours ``(batch, K)`` by their distances, each row summing to 1.

    "distance": 1/distance; points at distance 0, if any, share all the weight. "uniform": all the same.
    """
    if kind == "uniform":
        return np.full(distances.shape, 1 / distances.shape[1])
    least = distances.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        weights = np.where(least == 0, distances == 0, least / distances)  # 1 / distance can overflow
    return weights / weights.sum(axis=1, keepdims=True)
