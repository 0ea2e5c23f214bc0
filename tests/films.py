"""What the tests of films share: orbits on disk that nothing was trained for, and films taken apart again."""

from pathlib import Path

import av
import numpy as np

from orbitscope import store
from orbitscope.encoding import SOUND_RATE_HZ, write_sound
from orbitscope.types import Recording, Source, Trajectory

HOP_S = 0.02


def write_fake_orbit(
    path: Path, points: np.ndarray, *, sound: np.ndarray | None = None, hop_s: float = HOP_S, start_s: float = 0.0,
    window_s: float = 0.2, title: str = "A title", artist: str = "An artist",
) -> Path:  # fmt: skip
    """An orbit of any points, with ``(channels, samples)`` of sound at 44,100 Hz or without, from ``start_s`` on."""
    source = Source(name="song.wav", sha256="0" * 64, title=title, artist=artist)
    trajectory = Trajectory(np.float32(points), hop_s, window_s, start_s + window_s / 2, source)
    with store.new_orbit(path) as folder:
        metrics = {}
        if sound is not None:
            metrics["duration_s"] = write_sound(Recording(np.float32(sound), SOUND_RATE_HZ), folder / store.SOUND)
        store.write_orbit(
            folder, trajectory=trajectory, features="mel", settings={"seed": 0}, metrics=metrics,
            extra={"start_s": start_s},
        )  # fmt: skip
        store.write_weights(folder / store.MODEL, {"nothing": np.zeros(1)}, {})
    return path


def walk(count: int, dims: int = 3, seed: int = 0) -> np.ndarray:
    """A smooth random path, ``(count, dims)``."""
    rng = np.random.default_rng(seed)
    t = np.arange(count)[:, None] * HOP_S
    rates, phases = rng.uniform(0.5, 3, (2, 4, dims))
    return sum(np.sin(rate * t + phase) / (k + 1) for k, (rate, phase) in enumerate(zip(rates, phases, strict=True)))


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Two channels of low noise that any codec keeps well, ``(2, samples)``."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(size=(2, round(seconds * SOUND_RATE_HZ) + 63))
    return np.stack([np.convolve(row, np.ones(64) / 64, "valid") for row in rough])


def pictures(path: Path) -> tuple[np.ndarray, list[np.ndarray]]:
    """The times and the pictures of a film, ``(height, width, 3)`` each."""
    with av.open(str(path)) as container:
        found = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return np.array([time for time, _ in found]), [picture for _, picture in found]


def luma(path: Path):
    """The times and the brightness of a film's pictures, one by one."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            yield frame.time, rows[:, : plane.width]
