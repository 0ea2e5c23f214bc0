"""Whether a trajectory keeps the neighbors of what it was made from: trustworthiness and neighbor overlap.

Both look up the nearest points of a point and ask where these rank in the reference space, which is the windows of the
frames, or any other points in the same order. Neighbors in time are near in both spaces for no merit of the embedding,
above all where their windows overlap: ``theiler`` leaves out all ``|i - j| <= theiler``, and should be at least
window - 1.
"""

from collections.abc import Iterator
from numbers import Integral

import numpy as np

from .errors import InputError
from .geometry import check_points

_MOST_DISTANCES = 16_000_000  # in one block: 128 MB
_CHUNK = 2048  # windows that are laid out at a time
_SAME = 1e-12  # of the largest squared norm: below it, a squared distance is rounding


def trustworthiness(
    points: np.ndarray,
    reference: np.ndarray,
    *,
    window: int = 1,
    neighbors: int = 10,
    theiler: int = 0,
    most: int = 2000,
) -> float:
    """Whether the nearest points are near in the reference too: 1 if all are, about 0.5 by chance.

    Each neighbor that ranks below the first ``neighbors`` in the reference costs by how far it does. Venna and Kaski,
    "Neighborhood preservation in nonlinear projection methods: an experimental study", ICANN 2001; the same as
    ``sklearn.manifold.trustworthiness`` for ``theiler=0`` and ``most`` not below the number of points. With ``points``
    and ``reference`` exchanged it is what they call continuity.

    Parameters
    ----------
    points : np.ndarray [shape=(points, latent_dim)]
    reference : np.ndarray [shape=(points + window - 1, features)]
        What point i is compared with begins in row i and is ``window`` rows long: the frames of a trajectory, or with
        ``window=1`` one row for each point.
    window : int
        Rows of the reference that one point stands for.
    neighbors : int
        Below half of the points that are not excluded.
    theiler : int
        Points ``|i - j| <= theiler`` are nobody's neighbors; 0 leaves out the point itself only.
    most : int
        Up to this many points, evenly spaced, are asked for their neighbors, which are sought among all.

    Returns
    -------
    float
        In [0, 1]. Of equal distances in the reference, all rank first.

    Raises
    ------
    InputError
        Lengths that do not match, NaN or infinite values, or too few points for ``neighbors`` and ``theiler``.
    """
    costs = []
    for ranks, others in _neighbor_ranks(points, reference, window, neighbors, theiler, most):
        worst = neighbors * (2 * others - 3 * neighbors + 1) / 2
        costs.append(np.maximum(ranks - neighbors, 0).sum(axis=1) / worst)
    return float(1 - np.concatenate(costs).mean())


def neighbor_overlap(
    points: np.ndarray,
    reference: np.ndarray,
    *,
    window: int = 1,
    neighbors: int = 10,
    theiler: int = 0,
    most: int = 2000,
) -> float:
    """Share of the nearest points that are among the nearest in the reference: 1 if all are.

    With K = ``neighbors``, the mean of ``|A ∩ B| / K`` over the points asked, A and B being the K nearest in the two
    spaces; K / points by chance. Lee and Verleysen's Q_NX(K), "Quality assessment of dimensionality reduction:
    rank-based criteria", Neurocomputing 72 (2009). Parameters and errors are those of :func:`trustworthiness`.

    Returns
    -------
    float
        In [0, 1]. Of equal distances in the reference, all rank first.
    """
    ranked = _neighbor_ranks(points, reference, window, neighbors, theiler, most)
    return float(np.concatenate([(ranks <= neighbors).mean(axis=1) for ranks, _ in ranked]).mean())


def _neighbor_ranks(
    points: np.ndarray, reference: np.ndarray, window: int, neighbors: int, theiler: int, most: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ranks, from 1, that the nearest points have in the reference ``(queries, neighbors)``, and the points ranked."""
    points, reference = check_points(points), check_points(reference, name="reference")
    _check(points, reference, window, neighbors, theiler, most)
    total = len(points)
    asked = np.unique(np.linspace(0, total - 1, min(total, most)).round().astype(int))
    size = max(1, _MOST_DISTANCES // total)
    for first in range(0, len(asked), size):
        queries = asked[first : first + size]
        near = _squared_distances(points, queries, 1)
        far = _squared_distances(reference, queries, window)
        others = np.empty(len(queries), int)
        for row, i in enumerate(queries):
            excluded = slice(max(0, i - theiler), i + theiler + 1)
            near[row, excluded] = far[row, excluded] = np.inf
            others[row] = total - len(range(total)[excluded])
        nearest = np.argpartition(near, neighbors - 1, axis=1)[:, :neighbors]
        sought = np.take_along_axis(far, nearest, axis=1)
        far.sort(axis=1)
        yield 1 + np.stack([np.searchsorted(*row) for row in zip(far, sought, strict=True)]), others


def _check(points, reference, window, neighbors, theiler, most):
    for name, value, least in [("window", window, 1), ("neighbors", neighbors, 1), ("theiler", theiler, 0)]:
        if not isinstance(value, Integral) or value < least:
            raise InputError(f"{name} is {value}; a whole number of at least {least} is needed")
    if most < 1:
        raise InputError(f"most is {most}; at least 1 is needed")
    if len(reference) != len(points) + window - 1:
        raise InputError(
            f"{len(points)} points and {len(reference)} rows of reference do not belong together; "
            f"a window of {window} needs {len(points) + window - 1} rows"
        )
    left = len(points) - min(len(points), 2 * theiler + 1)
    if neighbors >= (left + 1) / 2:
        raise InputError(
            f"{neighbors} neighbors are too many: of {len(points)} points, a Theiler exclusion of {theiler} leaves "
            f"{left}, and fewer than half of these can be asked for"
        )


def _squared_distances(rows: np.ndarray, queries: np.ndarray, window: int) -> np.ndarray:
    """From the windows that begin in ``queries`` to all windows of ``rows``, ``(queries, rows - window + 1)``.

    A window is ``window`` consecutive rows laid out as one; only a chunk of them is ever laid out.
    """
    rows = np.ascontiguousarray(rows - rows.mean(axis=0))  # products of numbers far from 0 would lose digits
    windows = np.lib.stride_tricks.sliding_window_view(rows.reshape(-1), window * rows.shape[1])[:: rows.shape[1]]
    norms = np.lib.stride_tricks.sliding_window_view(np.sum(rows**2, axis=1), window).sum(axis=1)
    asked = np.ascontiguousarray(windows[queries])
    squared = np.empty((len(queries), len(windows)))
    for first in range(0, len(windows), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        squared[:, chunk] = norms[chunk] - 2 * (asked @ np.ascontiguousarray(windows[chunk]).T)
    squared += norms[queries, None]
    squared[squared < _SAME * norms.max()] = 0
    return squared
