"""What there is to see and hear of an orbit, as one value: the player shows it, and the film."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ._pathplot import principal_axes
from .types import Forecast, Frames, Trajectory

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
    """

    name: str
    label: str
    unit: str
    values: np.ndarray
    low: float
    high: float
    cyclic: bool = False

    @cached_property
    def scaled(self) -> np.ndarray:
        """The values from 0 at ``low`` to 1 at ``high``, float32."""
        span = self.high - self.low
        return np.clip((self.values - self.low) / (span if span > 0 else 1.0), 0, 1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Projection:
    """How points of a latent space of any dimension are shown in three, or flat in two.

    Point i is shown at ``(points @ axes + i * drift - offset) / radius``: the path lies within the unit ball.

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
    offset = (raw.min(axis=0) + raw.max(axis=0)) / 2
    radius = float(np.linalg.norm(raw - offset, axis=1).max())
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
    forecasts : tuple of Forecast
    title, artist : str
        Untrusted text.
    sound : Path or None
        An audio file of the stretch that was embedded.
    sound_start_s, duration_s : float
        Where the stretch begins in the source file, which the trajectory's times count from, and its length.
    strip : Strip or None
    """

    trajectory: Trajectory
    projection: Projection
    colorings: tuple[Coloring, ...]
    forecasts: tuple[Forecast, ...] = ()
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
