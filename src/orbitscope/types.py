"""The values that flow through the house. All are immutable; axes are said once here and kept everywhere.

Audio is ``(channels, samples)``, frames are ``(frames, features)``, trajectories are ``(points, latent_dim)``,
times are in seconds from the beginning of the source file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Source:
    """Where a recording came from. Every text is untrusted: it is what the file says."""

    name: str = ""  # file name without its folder
    title: str = ""
    artist: str = ""
    sha256: str = ""


class AudioSource(Protocol):
    """Sound that can be read from front to back: a :class:`Recording`, or a file being decoded."""

    rate_hz: int
    start_s: float
    source: Source

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield ``(channels, samples)`` float32 blocks in order; their lengths vary."""
        ...


@dataclass(frozen=True, eq=False)
class Recording:
    """Decoded sound held in memory.

    Attributes
    ----------
    samples : np.ndarray [shape=(channels, samples), float32]
        Full scale is [-1, 1].
    rate_hz : int
        Samples per second.
    start_s : float
        Position of the first sample in the source file, in seconds.
    source : Source
    """

    samples: np.ndarray
    rate_hz: int
    start_s: float = 0.0
    source: Source = field(default_factory=Source)

    @property
    def duration_s(self) -> float:
        return self.samples.shape[1] / self.rate_hz

    def blocks(self, size: int = 1 << 18) -> Iterator[np.ndarray]:
        """Yield the samples as consecutive ``(channels, <= size)`` views."""
        for first in range(0, self.samples.shape[1], size):
            yield self.samples[:, first : first + size]


@dataclass(frozen=True, eq=False)
class Frames:
    """What a model sees: evenly spaced feature vectors.

    Attributes
    ----------
    values : np.ndarray [shape=(frames, features), float32]
        In [0, 1].
    hop_s : float
        Seconds from one frame to the next.
    start_s : float
        Time of the centre of frame 0 in the source file.
    kind : str
        Which features these are, such as ``"mel"``.
    frequencies_hz : np.ndarray [shape=(features,)] or None
        Centre frequency of each feature, where it has one.
    source : Source
    """

    values: np.ndarray
    hop_s: float
    start_s: float = 0.0
    kind: str = "array"
    frequencies_hz: np.ndarray | None = None
    source: Source = field(default_factory=Source)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def duration_s(self) -> float:
        return len(self.values) * self.hop_s

    @property
    def times_s(self) -> np.ndarray:
        """Centre of every frame, ``(frames,)``."""
        return self.start_s + self.hop_s * np.arange(len(self.values))


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A path through latent space: point i stands for frames i to i + window - 1.

    Attributes
    ----------
    points : np.ndarray [shape=(points, latent_dim), float32]
    hop_s : float
        Seconds from one point to the next.
    window_s : float
        Length of the stretch that one point stands for.
    start_s : float
        Time of point 0 in the source file: the centre of its window.
    source : Source
    """

    points: np.ndarray
    hop_s: float
    window_s: float
    start_s: float = 0.0
    source: Source = field(default_factory=Source)

    def __len__(self) -> int:
        return len(self.points)

    def _repr_html_(self) -> str:
        return _in_notebook(self)

    @property
    def window(self) -> int:
        """How many points on from a point share no more frames with it."""
        return max(1, round(self.window_s / self.hop_s))

    @property
    def times_s(self) -> np.ndarray:
        """Centre of every point's window, ``(points,)``."""
        return self.start_s + self.hop_s * np.arange(len(self.points))


@dataclass(frozen=True, eq=False)
class Forecast:
    """How a trajectory might go on from one of its points.

    Attributes
    ----------
    points : np.ndarray [shape=(steps + 1, latent_dim), float64]
        The initial point first.
    start : int
        Its index in the trajectory.
    start_s, hop_s : float
        Its time, and seconds from one point to the next.
    forecaster : str
    knows : str
        What the forecaster had learnt: "leak-free", "past" or "all".
    """

    points: np.ndarray
    start: int
    start_s: float
    hop_s: float
    forecaster: str
    knows: str

    def to_dict(self) -> dict:
        return {**vars(self), "points": self.points.tolist()}


@dataclass(frozen=True, eq=False)
class Orbit:
    """The result of one recording, as it stands in its folder.

    Attributes
    ----------
    path : Path
        The ``NAME.orbit`` folder.
    trajectory : Trajectory
    settings : dict
        Every option of the run, resolved.
    metrics : dict of str to float
        What was measured; the names carry the units.
    history : dict of str to np.ndarray [shape=(steps,)]
        The loss terms over training.
    manifest : dict
        The whole of ``orbit.json``.
    """

    path: Path
    trajectory: Trajectory
    settings: dict
    metrics: dict
    history: dict
    manifest: dict

    @property
    def model_path(self) -> Path:
        return self.path / "model.safetensors"

    def _repr_html_(self) -> str:
        return _in_notebook(self)


def _in_notebook(value: "Trajectory | Orbit") -> str:
    """The player, for a notebook: the one place where a value reaches up to what shows it, and only when asked."""
    return import_module(f"{__package__}.notebook").player(value)
