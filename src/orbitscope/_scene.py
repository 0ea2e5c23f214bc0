"""What there is to see and hear of an orbit, as one value: the player shows it, and the film."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ._pathplot import principal_axes
from .types import Forecast, Frames, Trajectory

_BULK, _ROOM = (1, 99), 1.3  # percentiles whose middle is the middle; room around 98 % of the path
_WIDTH = 3.0  # of a path of 1 dimension over time, in heights


@dataclass(frozen=True, eq=False)
class Coloring:
    """One number for each point, to colour the path by.

    Attributes
    ----------
    name, label, unit : str
        For the program, for the reader, and what it is measured in.
    values : np.ndarray [shape=(points,), float32]
    low, high : float
        Ends of the colour scale; what lies beyond has the colour of the end.
    cyclic : bool
        Whether ``high`` is the same as ``low``, as of an angle.
    log : bool
        Whether equal ratios, not differences, are equally far apart on the scale, as of frequencies.
    """

    name: str
    label: str
    unit: str
    values: np.ndarray
    low: float
    high: float
    cyclic: bool = False
    log: bool = False

    @cached_property
    def scaled(self) -> np.ndarray:
        """From 0 at ``low`` to 1 at ``high``, float32."""
        values, low, high = np.asarray(self.values, np.float64), self.low, self.high
        if self.log:
            values, low, high = np.log(np.maximum(values, low)), np.log(low), np.log(high)
        return np.clip((values - low) / (high - low if high > low else 1.0), 0, 1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Projection:
    """How points of a latent space of any dimension are shown in three, or flat in two.

    Point i is shown at ``(points @ axes + i * drift - offset) / radius``: the path lies within the unit ball, or all
    but 2 % of it do, where these run out far.

    Attributes
    ----------
    axes : np.ndarray [shape=(latent_dim, 3)]
        Orthonormal columns; those that 1 or 2 dimensions leave over are 0.
    drift : np.ndarray [shape=(3,)]
        Of 1 dimension, how far time goes in a point; 0 otherwise.
    offset : np.ndarray [shape=(3,)]
    radius : float
    names : tuple of str
        Of the shown axes: 3, or 2 where it is flat.
    note : str
        What a reader must know of it, if anything.
    """

    axes: np.ndarray
    drift: np.ndarray
    offset: np.ndarray
    radius: float
    names: tuple[str, ...]
    note: str

    @property
    def flat(self) -> bool:
        return len(self.names) < 3

    def __call__(self, points: np.ndarray, first: int = 0) -> np.ndarray:
        """``(n, latent_dim)`` to ``(n, 3)``, float64; ``first`` is the place of the first of them in the path."""
        index = first + np.arange(len(points))
        shown = np.asarray(points, np.float64) @ self.axes + index[:, None] * self.drift
        return (shown - self.offset) / self.radius


def project(trajectory: Trajectory) -> Projection:
    """How a path is best shown: as it is in 2 or 3 dimensions, over time in 1, by its first 3 principal axes beyond."""
    points = np.asarray(trajectory.points, np.float64)
    dims = points.shape[1]
    axes, drift = np.eye(dims, 3), np.zeros(3)
    names, note = tuple(f"latent {axis + 1}" for axis in range(min(dims, 3))), ""
    if dims == 1:
        axes = np.array([[0.0, 1.0, 0.0]])
        drift[0] = _WIDTH * float(np.ptp(points)) / max(len(points) - 1, 1)
        names, note = ("time", "latent 1"), "1 dimension, shown over time"
    elif dims == 2:
        note = "2 dimensions, shown flat"
    elif dims > 3:
        onto, labels = principal_axes(points)
        axes = onto(np.eye(dims)) - onto(np.zeros((1, dims)))
        names, note = tuple(labels), f"first 3 of {dims} principal axes"
    raw = Projection(axes, drift, np.zeros(3), 1.0, names, note)(points)
    offset = np.percentile(raw, _BULK, axis=0).mean(axis=0)
    distances = np.linalg.norm(raw - offset, axis=1)
    radius = float(min(distances.max(), _ROOM * np.percentile(distances, 98)))
    return Projection(axes, drift, offset, radius if radius > 0 else 1.0, names, note)


@dataclass(frozen=True, eq=False)
class Strip:
    """What lies under the picture of the path, over time: the sound as it was heard.

    Attributes
    ----------
    spectrum : Frames
        Of kind ``"mel"``.
    level_db : np.ndarray [shape=(frames,), float32]
    """

    spectrum: Frames
    level_db: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """An orbit with all that the eye and the ear want of it.

    Attributes
    ----------
    trajectory : Trajectory
    projection : Projection
    colorings : tuple of Coloring
        Time first.
    rms_radius : float
        Of the trajectory, which errors are told in.
    forecasts : tuple of Forecast
    name, title, artist : str
        Of the orbit, and of its recording: untrusted text.
    sound : Path or None
        An audio file of the stretch that was embedded.
    sound_start_s, duration_s : float
        Where the stretch begins in the source file, which the trajectory's times count from, and its length.
    strip : Strip or None
    """

    trajectory: Trajectory
    projection: Projection
    colorings: tuple[Coloring, ...]
    rms_radius: float = 1.0
    forecasts: tuple[Forecast, ...] = ()
    name: str = ""
    title: str = ""
    artist: str = ""
    sound: Path | None = None
    sound_start_s: float = 0.0
    duration_s: float = 0.0
    strip: Strip | None = None

    @cached_property
    def shown(self) -> np.ndarray:
        """The path within the unit ball, ``(points, 3)``."""
        return self.projection(self.trajectory.points)

    def coloring(self, name: str) -> Coloring:
        return next(one for one in self.colorings if one.name == name)


def decimated(points: np.ndarray, most: int, error: float = 0.0) -> tuple[np.ndarray, float]:
    """Which points of a path to draw lines between, so that they are few and the rest lie near those lines.

    Ramer (1972) and Douglas and Peucker (1973): of a stretch, the point furthest from the line between its ends is
    kept where it is further than ``error``. The error is doubled until the points kept are ``most`` at most.

    Parameters
    ----------
    points : np.ndarray [shape=(points, 3)]
    most : int >= 2
    error : float >= 0
        To begin with; 0 keeps all points of a path that is short enough.

    Returns
    -------
    kept : np.ndarray [shape=(kept,), uint32]
        Rising, with both ends.
    error : float
        No other point is further from the line between the kept ones on either side of it.
    """
    if len(points) <= most and error <= 0:
        return np.arange(len(points), dtype=np.uint32), 0.0
    distances = _split_distances(np.asarray(points, np.float64))
    error = max(error, 1e-4)
    while (kept := distances > error).sum() > most:
        error *= 2**0.5
    return np.flatnonzero(kept).astype(np.uint32), float(error)


def _split_distances(points: np.ndarray) -> np.ndarray:
    """For each point the error below which Douglas and Peucker keep it; infinite for both ends."""
    found = np.zeros(len(points))
    found[[0, -1]] = np.inf
    stretches = [(0, len(points) - 1, np.inf)]
    while stretches:
        first, last, above = stretches.pop()
        if last - first < 2:
            continue
        inner, chord = points[first + 1 : last] - points[first], points[last] - points[first]
        along = np.clip(inner @ chord / max(chord @ chord, 1e-30), 0, 1)
        away = np.linalg.norm(inner - along[:, None] * chord, axis=1)
        at = int(away.argmax())
        found[first + 1 + at] = above = min(above, away[at])
        stretches += [(first, first + 1 + at, above), (first + 1 + at, last, above)]
    return found


def aligned(scenes: list["Scene"]) -> list["Scene"]:
    """The scenes turned and mirrored onto the first, each in a ball of its own as before.

    The axes of a latent space are arbitrary; an orthogonal Procrustes fit (Schönemann 1966) of the shown paths, at the
    moments that two have in common, takes that away. Paths of 1 dimension, shown over time, stay as they are.
    """
    first = scenes[0]
    found = [first]
    for scene in scenes[1:]:
        ends = [s.trajectory.times_s[[0, -1]] for s in (first, scene)]
        times = scene.trajectory.times_s
        times = times[(times >= max(low for low, _ in ends)) & (times <= min(high for _, high in ends))]
        old = scene.projection
        if first.projection.drift.any() or old.drift.any() or len(times) < 4:
            found.append(scene)
            continue
        target, moved = (
            np.stack([np.interp(times, s.trajectory.times_s, axis) for axis in s.shown.T], axis=1)
            for s in (first, scene)
        )
        left, _, right = np.linalg.svd((moved - moved.mean(axis=0)).T @ (target - target.mean(axis=0)))
        turn = left @ right
        found.append(replace(scene, projection=replace(old, axes=old.axes @ turn, offset=old.offset @ turn)))
    return found
