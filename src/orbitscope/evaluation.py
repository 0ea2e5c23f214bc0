"""How good forecasts are: how fast they leave the true path, and how well they tell the next displacement.

The article measures divergence on the trajectory that the forecaster has learnt, future included. That protocol is kept
here under its name, faults and all, beside two without them:

article
    Each axis is scaled to [0, 1] by its extremes. The forecaster learns the whole trajectory, and so knows the very
    future that it is asked for; a neighbour forecaster leaves out the nearest point at every step.
leak-free
    The forecaster learns from the same trajectory, but not from what lies within window + steps of an initial point.
    Neighbours are passed over one by one (Theiler 1986), as far off as the forecaster's own ``theiler`` says where that
    is more; other forecasters are fitted anew for each of several blocks of initial points, without that block and its
    surroundings.
held-out
    The forecaster learns from the first part; initial points lie in the rest, after a gap of window + steps. Whether
    the encoder was trained on the first part only is the caller's doing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.base import clone

from ._checks import check_whole
from ._statistics import block_bootstrap
from .errors import InputError
from .forecast import Forecaster
from .geometry import rms_radius
from .types import Trajectory

PROTOCOLS = ("article", "leak-free", "held-out")
TRAINED_SHARE = 0.7
FOLDS = 5
_VALID = 0.4  # of the RMS radius: the usual bound of a valid prediction (Pathak et al. 2018)


@dataclass(frozen=True, eq=False)
class Divergence:
    """Distances between forecasts and the true path, step by step, from many initial points.

    Attributes
    ----------
    forecaster : str
    protocol : str
        One of :data:`PROTOCOLS`.
    starts : np.ndarray [shape=(initial points,)]
        Index of each in the trajectory.
    errors, persistence : np.ndarray [shape=(initial points, steps + 1)]
        Distance of the forecast, and of the initial point, from the true path; in the units of the trajectory, or of
        its scaled axes under the article's protocol. 0 at step 0.
    radius : float
        RMS radius of what was learnt, in the same units.
    hop_s : float
        Seconds from one step to the next.
    window : int
        Points that share frames with a point.
    every : int
        Points from one initial point to the next.
    random_state : int
        Of the bootstrap.
    """

    forecaster: str
    protocol: str
    starts: np.ndarray
    errors: np.ndarray
    persistence: np.ndarray
    radius: float
    hop_s: float
    window: int
    every: int
    random_state: int = 0

    @property
    def count(self) -> int:
        """Number of initial points."""
        return len(self.errors)

    @property
    def steps(self) -> np.ndarray:
        return np.arange(self.errors.shape[1])

    @property
    def mean(self) -> np.ndarray:
        """Mean distance at each step, ``(steps + 1,)``."""
        return self.errors.mean(axis=0)

    @property
    def standard_error(self) -> np.ndarray:
        """Of the mean, as if initial points were independent (the article's error bars): NaN for a single one."""
        if self.count < 2:
            return np.full(self.errors.shape[1], np.nan)
        return self.errors.std(axis=0, ddof=1) / math.sqrt(self.count)

    @cached_property
    def interval(self) -> np.ndarray:
        """95 % interval of the mean by a circular block bootstrap, ``(2, steps + 1)``: neighbours are alike.

        NaN for fewer than two blocks, each as many initial points as share frames or steps.
        """
        block = math.ceil((self.window + self.errors.shape[1] - 1) / self.every)
        return block_bootstrap(self.errors, block, random_state=self.random_state)

    @property
    def scaled(self) -> np.ndarray:
        """Mean distance over the RMS radius: a smaller embedding does not score better by itself."""
        return self.mean / self.radius if self.radius > 0 else np.full(len(self.mean), np.nan)

    @property
    def relative(self) -> np.ndarray:
        """Mean distance over that of persistence; below 1 is worth something. NaN at step 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.mean / self.persistence.mean(axis=0)

    def valid_steps(self, threshold: float = _VALID) -> np.ndarray:
        """Steps before each forecast is off by more than ``threshold`` RMS radii; all steps if it never is."""
        off = self.errors > threshold * self.radius
        return np.where(off.any(axis=1), off.argmax(axis=1) - 1, self.errors.shape[1] - 1)

    def valid_time_s(self, threshold: float = _VALID) -> float:
        """Mean valid prediction time in seconds; at most the length of the forecasts."""
        return float(self.valid_steps(threshold).mean() * self.hop_s)

    def to_dict(self) -> dict:
        """All numbers, fit for JSON."""
        low, high = self.interval
        series = {
            "mean": self.mean,
            "standard_error": self.standard_error,
            "low": low,
            "high": high,
            "scaled": self.scaled,
            "relative": self.relative,
        }
        return {
            "forecaster": self.forecaster,
            "protocol": self.protocol,
            "initial_points": self.count,
            "radius": self.radius,
            "hop_s": self.hop_s,
            "valid_time_s": self.valid_time_s(),
            **{name: [float(v) if math.isfinite(v) else None for v in values] for name, values in series.items()},
        }


def divergence(
    trajectory: Trajectory,
    forecaster: Forecaster,
    *,
    steps: int = 30,
    every: int = 10,
    protocol: str = "leak-free",
    context: int | None = None,
    folds: int = FOLDS,
    random_state: int = 0,
) -> Divergence:
    """How fast forecasts leave the true path.

    Parameters
    ----------
    trajectory : Trajectory
    forecaster : Forecaster
        Cloned and fitted here, as the protocol says; it need not be fitted, and is left as it is.
    steps : int >= 1
    every : int >= 1
        Every so many points one is an initial point.
    protocol : {"leak-free", "article", "held-out"}
        See the module's text.
    context : int, optional
        Points left out at the beginning, at least what the forecaster needs to see; give one number to all
        forecasters that are to be compared from the same initial points.
    folds : int >= 1
        Blocks of initial points, for forecasters that are fitted anew for each.
    random_state : int
        Of the bootstrap.

    Raises
    ------
    InputError
        A trajectory too short for context, steps and gaps, or an option out of range; what the forecaster refuses.

    References
    ----------
    The article, "Divergence of forecasted trajectory". Künsch (1989), The jackknife and the bootstrap for general
    stationary observations, Annals of Statistics 17, for the interval.
    """
    seen = 1 if context is None else context
    for name, value in {"steps": steps, "every": every, "folds": folds, "context": seen}.items():
        check_whole(name, value, 1)
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol {protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}")
    seen = max(forecaster.context, seen)
    points = _points(trajectory)
    low, span = _extent(points) if protocol == "article" else (0.0, 1.0)
    known = points  # what the forecaster sees
    points = (points - low) / span
    if not forecaster.own_space:
        known = points
    window = trajectory.window
    gap, trained = window + steps, round(TRAINED_SHARE * len(points))
    first = max(trained + gap if protocol == "held-out" else 0, seen - 1)
    starts = np.arange(first, len(points) - steps, every)
    if not len(starts):
        held_out = math.ceil((gap + steps + 1) / (1 - TRAINED_SHARE)) if protocol == "held-out" else 0
        needed = max(held_out, seen + steps)
        raise InputError(
            f"{_name(trajectory)}too short: {len(points)} points, and {needed} are needed for {steps} steps under the"
            f" {protocol} protocol; give a longer recording or ask for fewer steps"
        )
    forecasts = np.empty((len(starts), steps + 1, points.shape[1]))
    for rows, fitted, at in _fitted(known, forecaster, protocol, starts, gap, trained, folds):
        contexts = known[starts[rows, None] + np.arange(1 - seen, 1)]
        forecasts[rows] = fitted.forecast(contexts, steps, at=at)
    if forecaster.own_space:
        forecasts = (forecasts - low) / span
    true = points[starts[:, None] + np.arange(steps + 1)]
    return Divergence(
        forecaster=type(forecaster).__name__.removesuffix("Forecaster"),
        protocol=protocol,
        starts=starts,
        errors=np.linalg.norm(forecasts - true, axis=2),
        persistence=np.linalg.norm(true[:, :1] - true, axis=2),
        radius=rms_radius(points[:trained] if protocol == "held-out" else points),
        hop_s=trajectory.hop_s,
        window=window,
        every=every,
        random_state=random_state,
    )


def displacement_metrics(
    trajectory: Trajectory, forecaster: Forecaster, *, test: Trajectory | None = None
) -> dict[str, float]:
    """The published test metrics: how well a forecaster tells the next displacement of points it has not learnt.

    Parameters
    ----------
    trajectory : Trajectory
        To learn from: its first 70 %, or all of it with ``test``.
    forecaster : Forecaster
        Cloned and fitted here.
    test : Trajectory, optional
        Another trajectory in the same latent space. By default the rest of ``trajectory``, after a gap of one window.

    Returns
    -------
    dict of str to float
        - ``mse``: mean squared error of the components of the displacement;
        - ``mse_persistence``: the same for no displacement at all;
        - ``cosine``: mean cosine similarity of true and predicted displacement, 1 the same way; NaN if all are zero;
        - ``displacements``: how many.

    Raises
    ------
    InputError
        Too few points; what the forecaster refuses.
    """
    points = _points(trajectory)
    trained = round(TRAINED_SHARE * len(points)) if test is None else len(points)
    fitted = clone(forecaster).fit(points[:trained], None)
    if test is None:
        target, first = points, trained + trajectory.window
    else:
        target, first = _points(test), fitted.context - 1
    starts = np.arange(max(first, fitted.context - 1), len(target) - 1)
    if not len(starts):
        raise InputError(f"{_name(test or trajectory)}no displacement is left to test on; give a longer recording")
    contexts = target[starts[:, None] + np.arange(1 - fitted.context, 1)]
    predicted = fitted.forecast(contexts, 1)[:, 1] - target[starts]
    true = target[starts + 1] - target[starts]
    lengths = np.linalg.norm(true, axis=1) * np.linalg.norm(predicted, axis=1)
    moving = lengths > 0
    cosine = np.sum(true * predicted, axis=1)[moving] / lengths[moving]
    return {
        "mse": float(np.mean((predicted - true) ** 2)),
        "mse_persistence": float(np.mean(true**2)),
        "cosine": float(cosine.mean()) if moving.any() else math.nan,
        "displacements": float(len(starts)),
    }


def _fitted(
    points: np.ndarray,
    forecaster: Forecaster,
    protocol: str,
    starts: np.ndarray,
    gap: int,
    trained: int,
    folds: int,
) -> Iterator[tuple[np.ndarray, Forecaster, np.ndarray | None]]:
    """Fitted forecasters with the rows of ``starts`` that each is for, and their places to pass over."""
    own = clone(forecaster)
    everywhere = np.arange(len(starts))
    if protocol == "article":
        if "drop_nearest" in own.get_params():
            own.set_params(drop_nearest=True)
        yield everywhere, own.fit(points), None
    elif protocol == "held-out":
        yield everywhere, own.fit(points[:trained], None), None
    elif own.excludes:
        check_whole("theiler", own.theiler, 0)
        yield everywhere, own.set_params(theiler=max(gap, own.theiler)).fit(points), starts
    else:
        for rows in np.array_split(everywhere, min(folds, len(starts))):
            before, after = points[: max(starts[rows[0]] - gap, 0)], points[starts[rows[-1]] + gap + 1 :]
            if not (parts := [part for part in (before, after) if len(part) > own.context]):
                raise InputError(
                    f"too short: {len(points)} points leave nothing to learn from without the {gap} before and after"
                    " an initial point; give a longer recording"
                )
            yield rows, clone(own).fit(parts), None


def _extent(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest value and range of every axis; a range of 1 where it does not vary."""
    low, high = points.min(axis=0), points.max(axis=0)
    return low, np.where(high > low, high - low, 1.0)


def _points(trajectory: Trajectory) -> np.ndarray:
    if not isinstance(trajectory, Trajectory):
        raise InputError(f"a Trajectory is needed, which knows its times, not a {type(trajectory).__name__}")
    points = np.asarray(trajectory.points, np.float64)
    if not np.isfinite(points).all():
        raise InputError(f"{_name(trajectory)}points hold NaN or infinite values; repair them first")
    return points


def _name(trajectory: Trajectory) -> str:
    return f"{trajectory.source.name}: " if trajectory.source.name else ""
