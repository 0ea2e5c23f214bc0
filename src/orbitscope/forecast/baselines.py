"""Forecasts that cost nothing: what a forecaster must beat to be worth anything."""

import numpy as np

from .._checks import check_number, check_whole
from ..errors import InputError
from ._base import Forecaster, Library, StepwiseForecaster

_FLAT = 1e-12  # of the mean: an input that spreads less is constant but for rounding


class PersistenceForecaster(Forecaster):
    """The point stays where it is."""

    def _fit(self, library: Library) -> None:
        pass

    def _forecast(self, context, steps, at):
        return np.repeat(context[:, -1:], steps, axis=1)


class MeanForecaster(Forecaster):
    """The point jumps to the mean of what was fitted, and stays there."""

    def _fit(self, library: Library) -> None:
        self.mean_ = library.points.mean(axis=0)

    def _forecast(self, context, steps, at):
        return np.tile(self.mean_, (len(context), steps, 1))


class LinearForecaster(StepwiseForecaster):
    """One linear map from the last points to the next displacement: a vector autoregression.

    Nothing bounds its forecasts: where the map is unstable, as one fitted on a path that grows is, they grow with every
    step, and :meth:`forecast` refuses those that become infinite.

    Parameters
    ----------
    order : int >= 1
        Points that the map sees.
    ridge : float >= 0
        Penalty on its coefficients, relative to the mean variance of the standardised inputs (1).

    References
    ----------
    Lütkepohl (2005), New Introduction to Multiple Time Series Analysis, chapter 2.
    """

    def __init__(self, order: int = 2, *, ridge: float = 1e-6):
        self.order = order
        self.ridge = ridge

    @property
    def context(self) -> int:
        check_whole("order", self.order, 1)
        return self.order

    def _fit(self, library: Library) -> None:
        check_number("ridge", self.ridge, 0)
        contexts, displacements = library.contexts(self.context)
        if not len(contexts):
            raise InputError(f"no stretch has the {self.order + 1} points that order {self.order} needs")
        seen = contexts.reshape(len(contexts), -1)
        center, spread = seen.mean(axis=0), seen.std(axis=0)
        scale = np.where(spread > _FLAT * np.abs(center), spread, 1.0)
        inputs, mean = (seen - center) / scale, displacements.mean(axis=0)
        gram = inputs.T @ inputs / len(inputs) + self.ridge * np.eye(inputs.shape[1])
        solved = np.linalg.lstsq(gram, inputs.T @ (displacements - mean) / len(inputs), rcond=None)[0]
        self.coef_ = solved / scale[:, None]
        self.intercept_ = mean - center @ self.coef_

    def _displacement(self, context, at):
        return context.reshape(len(context), -1) @ self.coef_ + self.intercept_
