"""The main job: one file in, one orbit folder out."""

import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from . import encoding, geometry, media, store
from .config import PRESET_FEATURES, Settings, check_window, settings
from .embedding import Embedding, fit
from .errors import InputError, OrbitscopeWarning, StoreError
from .features import spectrogram
from .player import write_player
from .scenes import scene
from .training import Progress
from .types import Forecast, Frames, Orbit, Trajectory

if TYPE_CHECKING:
    from .forecast import Forecaster

SUFFIX = ".orbit"
STAGES = ("decoding", "compiling", "training", "measuring", "drawing")
_LONGEST_NAME = 200  # bytes of UTF-8; most file systems take 255
_TYPICAL_OF = 256

Report = Callable[[str, Progress | None], None]


def run(
    path: str | os.PathLike,
    *,
    output: str | os.PathLike = ".",
    start_s: float = 0.0,
    duration_s: float | None = None,
    features: str | None = None,
    preset: str = "default",
    skip_existing: bool = False,
    figures: bool = True,
    player: bool = True,
    report: Report | None = None,
    **options,
) -> Orbit:
    """Decode a recording, train a model on it, embed it, measure it, draw it, and keep all that in an orbit folder.

    Parameters
    ----------
    path : path-like
        A sound file, or a video with sound.
    output : path-like
        The folder to put ``NAME.orbit`` into, or, where it ends in ``.orbit``, the orbit folder itself. If
        ``NAME.orbit`` holds another recording, six digits of this one's SHA-256 are added to the name.
    start_s, duration_s : float, optional
        The stretch to take, in seconds.
    features : {"mel", "article", "cqt"}, optional
        By default the preset's.
    preset : {"default", "article"}
    skip_existing : bool
        Give back the orbit that is there if it is of the same recording, stretch and settings.
    figures : bool
        Whether to draw the figures.
    player : bool
        Whether to keep the sound and write the page that plays it.
    report : callable, optional
        Called as ``report(stage, progress)`` when one of :data:`STAGES` begins, with None, and after every chunk of
        training steps.
    **options
        Any field of :class:`orbitscope.Settings`: ``latent_dim``, ``window_s``, ``steps``, ``seed``, …

    Returns
    -------
    Orbit

    Raises
    ------
    InputError
        An option out of range, or a recording that cannot be used; nothing is written.
    StoreError
        The orbit cannot be written; nothing is left half-written.
    """
    begun = time.perf_counter()
    report = report or (lambda stage, progress: None)
    resolved = settings(preset, **options)
    check_window(resolved.window_s)
    kind = features or PRESET_FEATURES[preset]
    stretch = {"start_s": start_s, "duration_s": duration_s}
    sound = media.stream(path, **stretch)
    target = _target(Path(output), sound)
    if skip_existing and (found := _same_orbit(target, sound.source.sha256, resolved, kind, stretch)):
        return found
    extra = {"preset": preset, **stretch}
    with (
        store.new_orbit(target) as folder,
        warnings.catch_warnings(record=True) as caught,
        _sound_kept(sound, folder / store.SOUND, player) as sound_is_kept,
    ):
        warnings.simplefilter("always", OrbitscopeWarning)
        report("decoding", None)
        frames = spectrogram(sound, kind)
        decoded = time.perf_counter()
        report("compiling", None)
        embedding, trained = fit(frames, resolved, callback=lambda progress: report("training", progress))
        report("measuring", None)
        trajectory = embedding.transform(frames)
        metrics = {
            "duration_s": frames.duration_s,
            "frames": len(frames),
            "points": len(trajectory),
            **embedding.evaluate(frames, trajectory),
            "turning_angle_deg": geometry.mean_turning_angle(trajectory.points),
            "rms_radius": geometry.rms_radius(trajectory.points),
            "decoding_s": decoded - begun,
            "compiling_s": trained.compile_seconds,
            "training_s": trained.seconds,
        }
        embedding.save(folder / store.MODEL)
        if figures or player:
            report("drawing", None)
        if figures:
            _draw(folder / "figures", embedding, frames, trajectory, trained.history)
        if player:
            sound_is_kept()
            made = Orbit(folder, trajectory, resolved.to_dict(), metrics, trained.history, {"extra": extra})
            write_player(folder / store.PLAYER, [scene(made, target.stem)])
        metrics["total_s"] = time.perf_counter() - begun
        notices = [w for w in caught if issubclass(w.category, OrbitscopeWarning)]
        notices = list({str(w.message): w for w in notices}.values())  # the sound is decoded twice
        store.write_orbit(
            folder,
            trajectory=trajectory,
            features=kind,
            settings=resolved.to_dict(),
            metrics=metrics,
            history=trained.history,
            notices=[str(w.message) for w in notices],
            extra=extra,
        )
    for warning in notices:
        warnings.warn(warning.message, warning.category, stacklevel=2)
    return store.read_orbit(target)


@contextmanager
def _sound_kept(sound: media.AudioStream, file: Path, wanted: bool) -> Iterator[Callable[[], None]]:
    """Encode the sound in the background while the model trains; lend a function that waits until it is done."""
    if not wanted:
        yield lambda: None
        return
    stop = Event()
    with ThreadPoolExecutor(1) as thread:
        length_s = sound.duration_s or sound.announced_s
        done = thread.submit(encoding.write_sound, sound, file, bit_rate=encoding.sound_bit_rate(length_s), stop=stop)
        try:
            yield done.result
        finally:
            stop.set()


def forecast_orbit(
    orbit: Orbit, forecaster: "Forecaster", start_s: float, steps: int, *, knows: str = "leak-free", name: str = ""
) -> Forecast:
    """Go on from a moment of an orbit.

    Parameters
    ----------
    orbit : Orbit
    forecaster : Forecaster
        Cloned and fitted here.
    start_s : float
        The initial point is the one whose window's centre is nearest to it.
    steps : int >= 1
    knows : {"leak-free", "past", "all"}
        What the forecaster learns: all of the orbit but what lies within window + steps of the initial point; what
        came before it; or all, the true future included, of which a forecaster by nearest neighbours is to leave out
        the nearest point at every step, as published.
    name : str
        Of the forecaster, by default that of its class.

    Raises
    ------
    InputError
        A moment outside the orbit, too little before it, nothing left to learn from, or a forecast that runs away to
        infinity.
    """
    from sklearn.base import clone

    path, points = orbit.trajectory, np.asarray(orbit.trajectory.points, np.float64)
    first_s, last_s = path.times_s[[0, -1]]
    if not first_s - path.hop_s <= start_s <= last_s + path.hop_s:
        raise InputError(f"{start_s:g} s is outside the orbit, which goes from {first_s:.2f} to {last_s:.2f} s")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise InputError(f"steps is {steps!r}; it must be a whole number from 1")
    start = int(np.abs(path.times_s - start_s).argmin())
    if start + 1 < forecaster.context:
        if len(path) < forecaster.context:
            raise InputError(f"the orbit has {len(path)} points; this forecaster must see {forecaster.context} first")
        needed = path.times_s[forecaster.context - 1]
        raise InputError(f"{forecaster.context} points must be seen first; go on from {needed:.2f} s or later")
    gap = path.window + steps
    stretches = {
        "leak-free": [points[: max(0, start - gap)], points[start + gap + 1 :]],
        "past": [points[: start + 1]],
        "all": [points],
    }
    if knows not in stretches:
        raise InputError(f"knows is {knows!r}; choose one of {', '.join(stretches)}")
    known = [stretch for stretch in stretches[knows] if len(stretch) > forecaster.context]
    if not known:
        raise InputError(
            f"nothing is left to learn from without what lies within {gap} points of {start_s:g} s; forecast fewer"
            " steps, or from another moment"
        )
    own = clone(forecaster)
    if knows == "all" and "drop_nearest" in own.get_params():
        own.set_params(drop_nearest=True)  # else the true future would be its own nearest neighbour
    context = points[None, start + 1 - own.context : start + 1]
    made = own.fit(known).forecast(context, steps)[0]
    return Forecast(made, start, float(path.times_s[start]), path.hop_s, name or type(forecaster).__name__, knows)


def _target(output: Path, sound: media.AudioStream) -> Path:
    """Where the orbit of a recording goes: the same place for the same recording, another for another."""
    if output.suffix == SUFFIX:
        return output
    stem = re.sub(r"[\x00-\x1f\x7f/\\]", "_", sound.path.stem) or "recording"
    while len(os.fsencode(stem)) > _LONGEST_NAME:
        stem = stem[:-1]
    plain = output / f"{stem}{SUFFIX}"
    try:
        taken = store.is_orbit(plain) and store.read_manifest(plain)["source"]["sha256"] != sound.source.sha256
    except StoreError:
        taken = True
    return output / f"{stem}-{sound.source.sha256[:6]}{SUFFIX}" if taken else plain


def _same_orbit(path: Path, sha256: str, resolved: Settings, kind: str, stretch: dict) -> Orbit | None:
    try:
        orbit = store.read_orbit(path)
        same = (
            orbit.trajectory.source.sha256 == sha256
            and Settings.from_dict(orbit.settings) == resolved
            and orbit.manifest["features"] == kind
            and all(orbit.manifest["extra"].get(name) == value for name, value in stretch.items())
        )
    except (StoreError, ValueError, TypeError):
        return None
    return orbit if same else None


def _draw(folder: Path, embedding: Embedding, frames: Frames, trajectory: Trajectory, history: dict) -> None:
    from . import plots

    folder.mkdir()
    typical, r2 = _typical_window(embedding, frames, trajectory)
    start_s = frames.start_s + typical * frames.hop_s
    drawn = {
        "trajectory": plots.plot_trajectory(trajectory),
        "spectrogram": plots.plot_spectrogram(
            frames, window_s=trajectory.window_s, window_start_s=start_s - frames.hop_s / 2
        ),
        "losses": plots.plot_losses(history),
        "windows": plots.plot_windows(
            frames.values[typical : typical + embedding.window],
            embedding.inverse_transform(trajectory.points[typical : typical + 1])[0],
            hop_s=frames.hop_s,
            frequencies_hz=frames.frequencies_hz,
            time_s=start_s,
            r2=r2,
        ),
    }
    for name, figure in drawn.items():
        plots.save(figure, folder, name)


def _typical_window(embedding: Embedding, frames: Frames, trajectory: Trajectory) -> tuple[int, float]:
    """Index and R² of the window whose R² is the median of 255 evenly spaced ones."""
    at = np.unique(np.linspace(0, len(trajectory) - 1, min(len(trajectory), _TYPICAL_OF - 1)).round().astype(int))
    windows = frames.values[at[:, None] + np.arange(embedding.window)]
    error = np.sum((embedding.inverse_transform(trajectory.points[at]) - windows) ** 2, axis=(1, 2))
    spread = np.sum((windows - windows.mean(axis=0)) ** 2, axis=(1, 2))
    r2 = 1 - error / np.maximum(spread, 1e-12)
    middle = np.argsort(r2)[len(r2) // 2]
    return int(at[middle]), float(r2[middle])
