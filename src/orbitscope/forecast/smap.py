"""Forecasts by linear maps that are fitted anew wherever the path is."""

import numpy as np
from scipy.spatial.distance import cdist

from .._checks import check_number, check_whole
from .._nearest import Allowed
from ..errors import InputError
from ._base import Library, StepwiseForecaster
from .neighbors import NeighborForecaster

THETAS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_TRIED = 200  # library points that choose theta
_APART = 50  # places that they keep from what they are forecast by, at least where theiler says less
_LEAST_RIDGE = 1e-12  # points on a line or a plane leave a map without any undetermined
_BLOCK = 1 << 22  # weights of all pairs held at once


class SMapForecaster(NeighborForecaster, StepwiseForecaster):
    """Sequential locally weighted global linear maps: at every step a linear map is fitted anew, near points counting
    more.

    A library point at distance d weighs exp(-theta d / mean distance).

    Parameters
    ----------
    theta : float >= 0, optional
        Locality; 0 is one linear map for all. If None, ``fit`` takes from :data:`THETAS` the one that forecasts up to
        200 library points best, a step ahead, from library points at least 50 places away. That choice is made from
        the whole library, whatever a forecast passes over later.
    neighbors : int, optional
        Only so many nearest points take part; all of them if None. For long trajectories.
    ridge : float >= 0
        Penalty on the map, relative to the weighted variance of the points about the place where it is asked.
    theiler
        As for :class:`KNNForecaster`.

    Attributes
    ----------
    theta_ : float
        As given or chosen.

    References
    ----------
    Sugihara (1994), Nonlinear forecasting for the classification of natural time series, Philosophical Transactions
    of the Royal Society A 348.
    """

    def __init__(
        self, theta: float | None = None, *, neighbors: int | None = None, ridge: float = 1e-6, theiler: int = 0
    ):
        self.theta = theta
        self.neighbors = neighbors
        self.ridge = ridge
        self.theiler = theiler

    def _check(self) -> None:
        check_number("ridge", self.ridge, 0)
        if self.theta is not None:
            check_number("theta", self.theta, 0)
        if self.neighbors is not None:
            check_whole("neighbors", self.neighbors, 1)

    def _fit(self, library: Library) -> None:
        super()._fit(library)
        self.theta_ = self._chosen() if self.theta is None else float(self.theta)

    def _chosen(self) -> float:
        """The theta of the least error a step ahead; the middle one where too few points are left to try."""
        at = self._candidates[:: max(1, len(self._candidates) // _TRIED)]
        allowed = self._exclusion(at, max(self.theiler, _APART))
        true = self._points[at + 1] - self._points[at]
        errors = []
        for self.theta_ in THETAS:
            try:
                found = self._maps(self._points[at], allowed)
            except InputError:
                return THETAS[len(THETAS) // 2]
            errors.append(np.mean((found - true) ** 2))
        return THETAS[int(np.argmin(errors))]

    def _displacement(self, context, at):
        return self._maps(context[:, -1], self._exclusion(at, self.theiler))

    def _maps(self, queries: np.ndarray, allowed: Allowed | None) -> np.ndarray:
        """What the map about each of ``queries`` ``(batch, latent_dim)`` gives there."""
        if self.neighbors is None:
            block = max(1, _BLOCK // len(self._candidates))
            parts = [
                self._from_all(queries[i : i + block], np.arange(i, min(i + block, len(queries))), allowed)
                for i in range(0, len(queries), block)
            ]
            return np.concatenate(parts)
        distances, points = self._nearest(queries, self.neighbors, allowed)
        at_points = self._points[points]
        steps = self._points[points + 1] - at_points
        weights = self._weights(distances, np.ones_like(distances))
        inputs = _affine(at_points - queries[:, None])
        gram = np.einsum("bk,bki,bkj->bij", weights, inputs, inputs)
        moment = np.einsum("bk,bki,bkd->bid", weights, inputs, steps)
        return self._solve(gram, moment)

    def _from_all(self, queries: np.ndarray, rows: np.ndarray, allowed: Allowed | None) -> np.ndarray:
        """All candidates take part: two products over the library give every query's normal equations."""
        at_points = self._points[self._candidates]
        origin = at_points.mean(axis=0)
        distances = cdist(queries, at_points)
        use = np.ones_like(distances)
        if allowed is not None:
            use = allowed(rows, np.broadcast_to(self._candidates, distances.shape)).astype(float)
            if not use.any(axis=1).all():
                raise InputError("no library points are left without those near in time; give a longer trajectory")
        weights = self._weights(distances, use)
        inputs = _affine(at_points - origin)
        n, d = inputs.shape
        outer = (inputs[:, :, None] * inputs[:, None]).reshape(n, d * d)
        steps = self._points[self._candidates + 1] - at_points
        both = (inputs[:, :, None] * steps[:, None]).reshape(n, -1)
        gram, moment = (weights @ outer).reshape(-1, d, d), (weights @ both).reshape(len(queries), d, -1)
        # Moved to the query as origin, the constant of the map is the answer.
        shift = np.tile(np.eye(d), (len(queries), 1, 1))
        shift[:, 1:, 0] = origin - queries
        return self._solve(shift @ gram @ shift.transpose(0, 2, 1), shift @ moment)

    def _weights(self, distances: np.ndarray, use: np.ndarray) -> np.ndarray:
        mean = np.sum(distances * use, axis=1, keepdims=True) / use.sum(axis=1, keepdims=True)
        scaled = distances / np.where(mean > 0, mean, 1.0)
        nearest = np.min(np.where(use > 0, scaled, np.inf), axis=1, keepdims=True)
        return np.exp(-self.theta_ * (scaled - nearest)) * use

    def _solve(self, gram: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """The value at the origin of the maps with these normal equations; the slope is penalised, not the constant."""
        size = gram.shape[1]
        level = np.trace(gram[:, 1:, 1:], axis1=1, axis2=2) / max(size - 1, 1)
        least = np.finfo(float).tiny ** 0.5
        penalty = np.zeros_like(gram)
        penalty[:, range(1, size), range(1, size)] = (max(self.ridge, _LEAST_RIDGE) * level + least)[:, None]
        return np.linalg.solve(gram + penalty, moment)[:, 0]


def _affine(points: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((*points.shape[:-1], 1)), points], axis=-1)
