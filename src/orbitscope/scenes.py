"""From an orbit on disk to what there is to see and hear of it: colours, strip, sound, forecasts."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import geometry, media, recurrence, store
from ._scene import Coloring, Scene, Strip, project
from ._untrusted import need
from .errors import InputError
from .features import FLOOR_DB, loudness_and_brightness, spectrogram
from .types import Orbit, Trajectory

_SMOOTHED = 5  # frames, 0.12 s: what loudness and brightness are averaged over
_SCALE = (2.0, 98.0)  # percentiles at the ends of a colour scale: one loud click does not take all the colours


def scene(orbit: Orbit, name: str = "") -> Scene:
    """Gather what the player and the film show of an orbit, under the name of its folder if not another.

    Raises
    ------
    MediaError
        The orbit's sound cannot be decoded.
    StoreError
        A forecast in it is damaged, or what its manifest says of its stretch.
    """
    path, file = orbit.trajectory, orbit.path / store.SOUND
    start_s = _start_s(orbit)
    found = scene_of_sound(path, file, start_s) if file.exists() else bare_scene(path)
    return replace(
        found,
        name=name or orbit.path.stem,
        title=found.title or orbit.path.stem,
        forecasts=tuple(store.read_forecasts(orbit.path)),
    )


def _start_s(orbit: Orbit) -> float:
    start_s = orbit.manifest["extra"].get("start_s") or 0.0
    is_time = isinstance(start_s, int | float) and 0 <= start_s < math.inf
    need(is_time, orbit.path / store.MANIFEST, "the 'start_s' of its stretch is no time in seconds")
    return float(start_s)


def bare_scene(path: Trajectory) -> Scene:
    """What there is to see of a trajectory alone."""
    first_s, last_s = path.times_s[[0, -1]]
    start_s = float(max(0.0, first_s - path.window_s / 2))
    return Scene(
        trajectory=path,
        projection=project(path),
        colorings=(_time(path), *_of_path(path)),
        rms_radius=float(geometry.rms_radius(path.points)),
        title=path.source.title or path.source.name,
        artist=path.source.artist,
        sound_start_s=start_s,
        duration_s=float(last_s + path.window_s / 2 - start_s),
    )


def scene_of_sound(path: Trajectory, file: Path, start_s: float = 0.0) -> Scene:
    """What there is to see and hear of a trajectory and its sound, a file that begins ``start_s`` into the recording.

    Raises
    ------
    MediaError
        The sound cannot be decoded.
    """
    bare = bare_scene(path)
    duration_s, strip, of_sound = _heard(file, start_s, path)
    time, *of_path = bare.colorings
    return replace(
        bare,
        colorings=(time, *of_sound, *of_path),
        sound=file,
        sound_start_s=start_s,
        duration_s=max(duration_s, bare.sound_start_s + bare.duration_s - start_s),
        strip=strip,
    )


def _heard(file: Path, start_s: float, path: Trajectory) -> tuple[float, Strip, tuple[Coloring, ...]]:
    """The length of a sound in seconds, and what is seen of it."""
    sound = media.stream(file)  # read twice, and never held: an hour of it is more than a gigabyte
    spectrum = spectrogram(sound, "mel")
    level_db, centroid_hz = loudness_and_brightness(sound)
    at = np.interp(path.times_s - start_s, spectrum.times_s, np.arange(len(spectrum))).round().astype(int)
    level, centroid = (_smoothed(values)[at] for values in (level_db, centroid_hz))
    heard = level > -FLOOR_DB + 1
    low, high = _ends(np.maximum(centroid[heard] if heard.any() else centroid, 20.0))
    strip = Strip(spectrum, level_db)
    return (
        sound.announced_s or spectrum.duration_s,
        strip,
        (
            Coloring("loudness", "loudness", "dBFS", level, *_ends(level)),
            Coloring("brightness", "brightness (spectral centroid)", "Hz", centroid, low, high, log=True),
        ),
    )


def _time(path: Trajectory) -> Coloring:
    times = path.times_s
    return Coloring("time", "time", "s", times.astype(np.float32), float(times[0]), float(times[-1]))


def _of_path(path: Trajectory) -> tuple[Coloring, ...]:
    if len(path) < 3:
        return ()
    radius = geometry.rms_radius(path.points) or 1.0
    speed = geometry.speed(path.points, path.hop_s) / radius
    speed = np.append(speed, speed[-1:])[: len(path)].astype(np.float32)
    found = [Coloring("speed", "speed", "RMS radii a second", speed, *_ends(speed))]
    try:
        period = recurrence.dominant_period(path.points, path.hop_s)
        if np.isfinite(period.period_s):
            angle = np.degrees(recurrence.phase(path.points, path.hop_s, period.period_s)).astype(np.float32)
            label = f"phase in the dominant period of {period.period_s:.2f} s"
            found.append(Coloring("phase", label, "°", angle, 0.0, 360.0, cyclic=True))
    except InputError:
        pass  # too short a path has no period
    return tuple(found)


def _smoothed(values: np.ndarray) -> np.ndarray:
    size = min(_SMOOTHED, len(values))
    kernel = np.ones(size)
    return (np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")).astype(np.float32)


def _ends(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, _SCALE)
    return float(low), float(high)
