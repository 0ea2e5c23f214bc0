"""Forecasts by analogs: what followed the library points nearest to where we are.

Library points may be passed over for being too near in time to an initial point (Theiler 1986).
"""

from abc import abstractmethod

import numpy as np
from scipy.spatial import cKDTree

from .._checks import check_whole
from .._nearest import Allowed, nearest, neighbor_weights
from ..errors import InputError
from ._base import Forecaster, Library, StepwiseForecaster

WEIGHTS = ("distance", "uniform")


class NeighborForecaster(Forecaster):
    """What forecasters by neighbours share: their checks, and the search."""

    excludes = True

    def _fit(self, library: Library) -> None:
        check_whole("theiler", self.theiler, 0)
        self._check()
        self._candidates = self._library_points(library)
        self._points, self._tree = library.points, cKDTree(library.points[self._candidates])
        self._stretch = np.searchsorted(library.starts, np.arange(len(library)), side="right")

    @abstractmethod
    def _check(self) -> None:
        """Refuse parameters out of range."""

    def _library_points(self, library: Library) -> np.ndarray:
        """Which points can be neighbours: those with a next one."""
        return library.with_next

    def _exclusion(self, at: np.ndarray | None, theiler: int) -> Allowed | None:
        """Whether candidates may serve a row, as a function of (rows, candidates), for initial points ``at``."""
        if at is None or not theiler:
            return None
        stretch = self._stretch
        one = stretch[-1] == 1

        def allowed(rows: np.ndarray, points: np.ndarray) -> np.ndarray:
            mine = at[rows].reshape(-1, *[1] * (points.ndim - 1))
            far = np.abs(points - mine) > theiler
            return far if one else far | (stretch[points] != stretch[mine])

        return allowed

    def _nearest(self, queries: np.ndarray, count: int, allowed: Allowed | None) -> tuple[np.ndarray, np.ndarray]:
        """Distances and library indices of the ``count`` nearest allowed candidates of each query, nearest first."""
        total = len(self._candidates)
        if count > total:
            raise InputError(
                f"{count} neighbors are asked for, and the library has {total} points; ask for fewer, or give a longer"
                " trajectory"
            )

        def allowed_here(rows: np.ndarray, found: np.ndarray) -> np.ndarray:
            return allowed(rows, self._candidates[found])

        distances, found = nearest(self._tree, queries, count, None if allowed is None else allowed_here)
        return distances, self._candidates[found]


class KNNForecaster(NeighborForecaster, StepwiseForecaster):
    """The published forecaster: the next displacement is a weighted mean of those of the nearest points, step by step.

    Parameters
    ----------
    neighbors : int >= 1
        K, how many points are asked.
    weights : {"distance", "uniform"}
        "distance": 1/distance, normalised; points at distance 0, if any, share all the weight.
    theiler : int >= 0
        Library points within so many places of an initial point are passed over, at all steps of its forecast. Takes
        effect where ``at`` is given to :meth:`forecast`.
    drop_nearest : bool
        Leave the nearest of K + 1 points out at every step, as the published script does.

    References
    ----------
    Farmer & Sidorowich (1987), Predicting chaotic time series, Physical Review Letters 59. Theiler (1986), Spurious
    dimension from correlation algorithms applied to limited time-series data, Physical Review A 34.
    """

    def __init__(self, neighbors: int = 5, *, weights: str = "distance", theiler: int = 0, drop_nearest: bool = False):
        self.neighbors = neighbors
        self.weights = weights
        self.theiler = theiler
        self.drop_nearest = drop_nearest

    def _check(self) -> None:
        check_whole("neighbors", self.neighbors, 1)
        _check_choice("weights", self.weights, WEIGHTS)

    def _displacement(self, context, at):
        first = int(self.drop_nearest)
        distances, points = self._nearest(context[:, -1], self.neighbors + first, self._exclusion(at, self.theiler))
        weights = neighbor_weights(distances[:, first:], self.weights)
        points = points[:, first:]
        steps = self._points[points + 1] - self._points[points]
        return np.einsum("bk,bkd->bd", weights, steps)


class AnalogForecaster(NeighborForecaster):
    """The nearest points of the initial one tell all steps at once, by their own futures.

    Parameters
    ----------
    neighbors : int >= 1
    form : {"state", "displacement"}
        "state": the weighted mean of where the neighbours went. "displacement": the initial point plus the weighted
        mean of how far they went.
    weights, theiler
        As for :class:`KNNForecaster`.

    References
    ----------
    Lorenz (1969), Atmospheric predictability as revealed by naturally occurring analogues, Journal of the Atmospheric
    Sciences 26.
    """

    def __init__(self, neighbors: int = 5, *, form: str = "displacement", weights: str = "distance", theiler: int = 0):
        self.neighbors = neighbors
        self.form = form
        self.weights = weights
        self.theiler = theiler

    def _check(self) -> None:
        check_whole("neighbors", self.neighbors, 1)
        _check_choice("weights", self.weights, WEIGHTS)
        _check_choice("form", self.form, ("state", "displacement"))

    def _forecast(self, context, steps, at):
        last = self.library_.ends - 1 - steps  # no analog whose own future ends sooner
        near_in_time = self._exclusion(at, self.theiler)

        def allowed(rows, points):
            whole = points <= last[points]
            return whole if near_in_time is None else whole & near_in_time(rows, points)

        distances, points = self._nearest(context[:, -1], self.neighbors, allowed)
        weights = neighbor_weights(distances, self.weights)
        futures = self._points[points[..., None] + np.arange(1, steps + 1)]
        if self.form == "state":
            return np.einsum("bk,bksd->bsd", weights, futures)
        gone = futures - self._points[points][:, :, None]
        return context[:, -1:] + np.einsum("bk,bksd->bsd", weights, gone)


def _check_choice(name: str, value, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}; choose one of {', '.join(choices)}")
