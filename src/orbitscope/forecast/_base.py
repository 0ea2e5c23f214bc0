"""What every forecaster is: an estimator that is fitted on trajectories and continues others.

A forecaster answers for a whole batch of initial conditions at once. Subclasses say how they learn (``_fit``) and how
they go on (``_forecast``); the checks, the bookkeeping and the files are here.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._checks import check_whole
from ..errors import InputError, StoreError
from ..store import read_weights, write_weights
from ..types import Trajectory

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Library:
    """The points that a forecaster has learnt from: stretches, one after the other, that do not touch in time.

    Attributes
    ----------
    points : np.ndarray [shape=(points, latent_dim), float64]
    starts : np.ndarray [shape=(stretches,)]
        Where each stretch begins in ``points``.
    """

    points: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, stretches: Sequence[np.ndarray]) -> Self:
        starts = np.cumsum([0, *(len(s) for s in stretches[:-1])])
        return cls(np.concatenate(stretches), starts)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def stretches(self) -> list[np.ndarray]:
        return np.split(self.points, self.starts[1:])

    @property
    def ends(self) -> np.ndarray:
        """One past the last point of the stretch that each point lies in, ``(points,)``."""
        ends = np.append(self.starts[1:], len(self.points))
        return np.repeat(ends, ends - self.starts)

    @property
    def with_next(self) -> np.ndarray:
        """Points that have a next one."""
        return np.flatnonzero(np.arange(len(self)) + 1 < self.ends)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Every point that has a next one, and the displacement to it."""
        at = self.with_next
        return self.points[at], self.points[at + 1] - self.points[at]

    def contexts(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """All runs of ``length`` points that have a next one, and the displacement to it.

        Shapes ``(n, length, latent_dim)`` and ``(n, latent_dim)``.
        """
        last = self.with_next
        begun = self.starts[np.searchsorted(self.starts, last, side="right") - 1]
        last = last[last - begun >= length - 1]
        runs = self.points[last[:, None] + np.arange(1 - length, 1)]
        return runs, self.points[last + 1] - self.points[last]


class Forecaster(ABC, BaseEstimator):
    """Base of all forecasters, after scikit-learn's conventions.

    Attributes
    ----------
    library_ : Library
        What :meth:`fit` was given.
    n_features_in_ : int
        Dimensions of the points.
    """

    excludes = False  # whether library points near in time to an initial point can be passed over (see forecast's `at`)
    own_space = False  # whether it knows the latent space of one model only, so that points must not be rescaled for it

    @property
    def context(self) -> int:
        """Points that a forecast needs to have seen, the initial one among them."""
        return 1

    def fit(self, X, y=None) -> Self:
        """Learn from trajectories.

        Parameters
        ----------
        X : Trajectory, np.ndarray [shape=(points, latent_dim)], or a list of either
            The members of a list are taken as not touching in time.

        Raises
        ------
        InputError
            No points; NaN or infinite ones; mixed dimensions; every stretch too short to learn from.
        """
        library = Library.of(as_stretches(X))
        if not len(library.with_next):
            raise InputError("every stretch has a single point; a forecaster learns from two in a row at least")
        self._fit(library)
        self.library_, self.n_features_in_ = library, library.points.shape[1]
        return self

    def forecast(self, context, steps: int, *, at=None) -> np.ndarray:
        """Go on from many initial conditions at once.

        Parameters
        ----------
        context : np.ndarray [shape=(batch, points, latent_dim)]
            The points up to and including each initial one; at least :attr:`context` of them.
        steps : int >= 0
        at : np.ndarray [shape=(batch,), int], optional
            Where each initial point lies in the fitted trajectory (counted through all of them, if several), so that
            points near it in time can be passed over. Only where :attr:`excludes`.

        Returns
        -------
        np.ndarray [shape=(batch, steps + 1, latent_dim), float64]
            The initial points first.

        Raises
        ------
        InputError
            Shapes, dimensions or numbers that do not fit; or a forecast that runs away to infinity, as the steps of an
            unstable map may.
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        """
        check_is_fitted(self, "n_features_in_")
        context = _numbers(context, "context")
        if context.ndim != 3 or context.shape[2] != self.n_features_in_:
            raise InputError(
                f"context has shape {context.shape}; (batch, points, {self.n_features_in_}) is needed, as in fit"
            )
        if context.shape[1] < self.context:
            raise InputError(
                f"context has {context.shape[1]} points; {type(self).__name__} needs {self.context} of them"
            )
        if not np.isfinite(context).all():
            raise InputError("context holds NaN or infinite points")
        check_whole("steps", steps, 0)
        if at is not None:
            at = self._checked_places(at, len(context))
        if not steps or not len(context):
            return np.repeat(context[:, -1:], steps + 1, axis=1)
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            following = self._forecast(context, int(steps), at)
        if not (finite := np.isfinite(following).all(axis=(0, 2))).all():
            raise InputError(
                f"the forecast runs away to infinity after {finite.argmin()} steps; forecast fewer, or with another"
                " forecaster"
            )
        return np.concatenate([context[:, -1:], following], axis=1)

    def save(self, path: str | os.PathLike) -> None:
        """Write the fitted forecaster to one ``.safetensors`` file.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        check_is_fitted(self, "n_features_in_")
        metadata = {"format": _FORMAT, "forecaster": type(self).__name__, "parameters": self._parameters()}
        write_weights(path, {"points": self.library_.points, "starts": self.library_.starts, **self._state()}, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Forecaster":
        """Read what :meth:`save` wrote; called on :class:`Forecaster` itself, it reads any of them.

        Raises
        ------
        StoreError
            When the file is missing, damaged, or not such a forecaster; the text names the file.
        """
        arrays, meta = read_weights(path)
        known = {kind.__name__: kind for kind in _concrete(cls)}
        try:
            if "forecaster" not in meta:
                raise StoreError(f"{path}: holds no forecaster; give a file that a forecaster's save has written")
            if meta["format"] > _FORMAT:
                raise StoreError(f"{path}: written by a newer Orbitscope (format {meta['format']}); upgrade to read it")
            if meta["forecaster"] not in known:
                raise StoreError(f"{path}: holds a {meta['forecaster']}; {_remedy(meta['forecaster'])}")
            self = known[meta["forecaster"]]._from_saved(meta["parameters"], arrays)
            points, starts = np.asarray(arrays.pop("points"), np.float64), arrays.pop("starts")
            if points.ndim != 2 or not points.size or not np.isfinite(points).all():
                raise ValueError("points of a wrong shape, or not finite")
            edges = np.append(starts, len(points))
            if starts.dtype.kind not in "iu" or starts.ndim != 1 or edges[0] != 0 or np.any(np.diff(edges) < 1):
                raise ValueError("stretches that do not fit its points")
            self.library_, self.n_features_in_ = Library(points, starts), points.shape[1]
            self._restore(arrays)
        except StoreError:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{path}: not a whole forecaster ({error}); fit and save it again") from None
        return self

    @abstractmethod
    def _fit(self, library: Library) -> None: ...

    @abstractmethod
    def _forecast(self, context: np.ndarray, steps: int, at: np.ndarray | None) -> np.ndarray:
        """Checked context to the points after it, ``(batch, steps, latent_dim)``."""

    def _parameters(self) -> dict:
        """What :meth:`_from_saved` makes the forecaster anew from; JSON must hold it."""
        return self.get_params(deep=False)

    @classmethod
    def _from_saved(cls, parameters: dict, arrays: dict[str, np.ndarray]) -> Self:
        return cls(**parameters)

    def _state(self) -> dict[str, np.ndarray]:
        """What was learnt beside the library, as named arrays."""
        return {}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        """Take up what :meth:`_state` gave; ``library_`` is there already."""
        self._fit(self.library_)

    def _checked_places(self, at, batch: int) -> np.ndarray:
        if not self.excludes:
            raise InputError(f"{type(self).__name__} cannot pass over points near in time; leave at out")
        at = np.asarray(at)
        if at.shape != (batch,) or at.dtype.kind not in "iu":
            raise InputError(f"at has shape {at.shape} and type {at.dtype}; one whole number per context is needed")
        if at.size and (at.min() < 0 or at.max() >= len(self.library_)):
            raise InputError(f"at is out of range; the fitted trajectory has points 0 to {len(self.library_) - 1}")
        return at


class StepwiseForecaster(Forecaster):
    """A forecaster that knows one step: z_{t+1} = z_t + f(context), repeated."""

    @abstractmethod
    def _displacement(self, context: np.ndarray, at: np.ndarray | None) -> np.ndarray:
        """The displacement after each context ``(batch, context, latent_dim)``: ``(batch, latent_dim)``."""

    def _forecast(self, context, steps, at):
        length = self.context
        points = np.full((len(context), length + steps, context.shape[2]), np.nan)
        points[:, :length] = context[:, context.shape[1] - length :]
        for k in range(steps):
            seen = points[:, k : k + length]
            points[:, k + length] = seen[:, -1] + self._displacement(seen, at)
            if not np.isfinite(points[:, k + length]).all():
                break  # forecast refuses it; a search for neighbours of such points would fail
        return points[:, length:]


def as_stretches(X) -> list[np.ndarray]:
    """Trajectories or arrays, one or a list, as float64 arrays ``(points, latent_dim)`` of one dimension.

    Raises
    ------
    InputError
        Nothing given; a wrong shape; NaN or infinite points; mixed dimensions.
    """
    given = list(X) if isinstance(X, list | tuple) else [X]
    if not given:
        raise InputError("no trajectory to learn from; give one at least")
    stretches = []
    for one in given:
        name = one.source.name if isinstance(one, Trajectory) else ""
        where = f"{name}: " if name else ""
        points = _numbers(one.points if isinstance(one, Trajectory) else one, f"{where}points")
        if points.ndim != 2 or not points.size:
            raise InputError(f"{where}points have shape {points.shape}; (points, latent_dim) is needed")
        if not np.isfinite(points).all():
            raise InputError(f"{where}points hold NaN or infinite values; repair them or leave that stretch out")
        stretches.append(points)
    dims = sorted({points.shape[1] for points in stretches})
    if len(dims) > 1:
        raise InputError(f"trajectories have {' and '.join(map(str, dims))} dimensions; all must have the same")
    return stretches


def _numbers(given, name: str) -> np.ndarray:
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} cannot be read as an array of numbers") from None


def _remedy(name: str) -> str:
    if name in {kind.__name__ for kind in _concrete(Forecaster)}:
        return "load it with Forecaster.load"
    return "this version of Orbitscope does not know it"


def _concrete(cls: type) -> list[type]:
    """All classes at and below ``cls`` that can be made."""
    from .. import forecast  # noqa: F401  (the package knows them all)

    found, open_ = [], [cls]
    while open_:
        kind = open_.pop()
        open_ += kind.__subclasses__()
        if not getattr(kind, "__abstractmethods__", None) and kind.__module__.startswith(__package__):
            found.append(kind)
    return found
