"""The article's whole comparison on any songs, and which of its claims hold.

Every song is embedded by a pure autoencoder (R) and one conditioned on forecasts (R-F), in every number of dimensions,
window and seed of the plan, on the whole song and on its first 70 %. What is found for a song and a shape is one file,
written when it is done, so that a study goes on where it was broken off:

    DIR/study.json              the plan, the songs, the versions
    DIR/cells/SONG/3d_0.5s.json     numbers of both models, all seeds;  .npz beside it: trajectories of the first seed
    DIR/index.html, study.md    the verdicts, figures and tables, for reading
    DIR/figures/                the figures, as PNG and SVG
    DIR/*.csv, claims.json      every number, and every finding on every claim
"""

import io
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from . import media, store
from ._atomic import replace, store_error
from ._json import to_bytes
from ._study_measure import Plan, measure_shape, measure_song
from ._text import plain
from ._untrusted import opened
from .claims import Claim, judge
from .config import PRESET_FEATURES
from .errors import InputError, OrbitscopeError
from .features import spectrogram
from .types import Frames, Source, Trajectory

MANIFEST = "study.json"
_FORMAT, _SCHEMA = "orbitscope-study", 1

Report = Callable[[str, int, int], None]
Job = tuple["Song", int, float]


@dataclass(frozen=True)
class Song:
    """One song of a study: the file, and the name that the study has for it."""

    name: str
    file: Path
    title: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Study:
    """A study as it stands in its folder.

    Attributes
    ----------
    path : Path
    plan : Plan
    songs : tuple of Song
    cells : list of dict
        All numbers; see :class:`orbitscope.claims.Table`.
    claims : list of Claim
    failed : dict of str to str
        The reason, by file that could not be read, or by song and shape; these are not in ``cells``.
    """

    path: Path
    plan: Plan
    songs: tuple[Song, ...]
    cells: list[dict]
    claims: list[Claim]
    failed: dict[str, str]

    @property
    def page(self) -> Path:
        return self.path / "index.html"

    @property
    def not_measured(self) -> list[str]:
        """What failed and why, a line each."""
        return [plain(reason if name in reason else f"{name}: {reason}") for name, reason in self.failed.items()]

    def trajectory(self, song: str, model: str, dims: int, window_s: float) -> Trajectory | None:
        """That of the first seed, if there is one."""
        file = _place(self.path, song, dims, window_s).with_suffix(".npz")
        if not file.exists():
            return None
        title = next((s.title for s in self.songs if s.name == song), "")
        with opened(file, "remove it and the .json beside it, and run the study again") as arrays:
            return Trajectory(
                arrays[model],
                *(float(arrays[name]) for name in ("hop_s", "window_s", "start_s")),
                source=Source(name=song, title=title),
            )


def run_study(
    songs: Sequence[str | os.PathLike],
    output: str | os.PathLike,
    *,
    workers: int | None = None,
    report: Report | None = None,
    **options,
) -> Study:
    """Repeat the article's comparison on songs, and judge its claims.

    Parameters
    ----------
    songs : sequence of path-like
        Sound files.
    output : path-like
        A folder of the study's own; if it holds the same study, that is gone on with.
    workers : int, optional
        Processes that work side by side; by default one for every core but no more than jobs. 1 works in this one,
        as a GPU wants.
    report : callable, optional
        Called as ``report(what, done, of)`` after every job.
    **options
        Fields of :class:`Plan`: ``dims``, ``windows_s``, ``seeds``, ``preset``, ``steps``, ``duration_s``, …

    Raises
    ------
    InputError
        No song that can be used, or an option out of range.
    StoreError
        A folder of another study, or one that cannot be written.
    """
    try:
        plan = Plan(**options)
    except TypeError as error:
        raise InputError(f"{error}; the options are {', '.join(Plan.__dataclass_fields__)}") from None
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; it must be 1 at least")
    report = report or (lambda what, done, of: None)
    output = Path(output)
    found, failed = _songs(songs)
    found = _claim_folder(output, plan, found)
    jobs = [(song, dims, window_s) for song in found for dims in plan.dims for window_s in plan.windows_s]
    open_jobs = [job for job in jobs if not _place(output, job[0].name, *job[1:]).exists()]
    done = len(jobs) - len(open_jobs)
    for (song, dims, window_s), error in _worked(output, plan, open_jobs, workers):
        done += 1
        job = f"{song.name}, {dims}-D, {window_s:g} s"
        if error:
            failed[job] = error
        report(f"{job}: {error}" if error else job, done, len(jobs))
    result = read_study(output, failed=failed)
    if not result.cells:
        raise InputError(f"no song could be used: {'; '.join(result.not_measured)}")
    from ._study_page import write_study

    write_study(result)
    return result


def read_study(path: str | os.PathLike, *, failed: dict[str, str] | None = None) -> Study:
    """Read what there is of a study, and judge the claims by it.

    Raises
    ------
    StoreError
        No study, or a damaged one; the text names the file.
    """
    path = Path(path)
    plan, songs = _read_manifest(path / MANIFEST)
    cells = []
    for song in songs:
        for dims in plan.dims:
            for window_s in plan.windows_s:
                file = _place(path, song.name, dims, window_s)
                if file.exists():
                    cells += [{"song": song.name, **cell} for cell in _read_json(file)["cells"]]
    by_song = [_song_numbers(cells, song.name) for song in songs]
    return Study(path, plan, songs, cells, judge(cells, by_song), dict(failed or {}))


def _work(output: Path, plan: Plan, song: Song, dims: int, window_s: float) -> None:
    """One job, start to end: decode, train, measure, write."""
    frames, features = _frames(song, plan)
    cells, paths = measure_shape(frames, features, plan, dims, window_s)
    numbers = measure_song(features)
    for cell in cells:
        cell["of_song"] = numbers
    content = io.BytesIO()
    first = next(iter(paths.values()))
    times = {name: getattr(first, name) for name in ("hop_s", "window_s", "start_s")}
    np.savez(content, **times, **{model: path.points for model, path in paths.items()})
    place = _place(output, song.name, dims, window_s)
    replace(place.with_suffix(".npz"), content.getbuffer())
    replace(place, to_bytes({"cells": cells}))


def _frames(song: Song, plan: Plan) -> tuple[Frames, Frames]:
    """What the models see, and the article's frames of the same stretch."""
    sound = media.load(song.file, start_s=plan.start_s, duration_s=plan.duration_s)
    features = spectrogram(sound, "article")
    kind = PRESET_FEATURES[plan.preset]
    return (features if kind == "article" else spectrogram(sound, kind)), features


def _songs(paths: Sequence[str | os.PathLike]) -> tuple[list[Song], dict[str, str]]:
    """Songs by names that do not collide, each once; and why the others cannot be used."""
    found, failed = {}, {}
    for path in map(Path, paths):
        try:
            source = media.stream(path).source
        except OrbitscopeError as error:
            failed[plain(path.name)] = str(error)
            continue
        name = plain(path.stem).replace("/", "_").lstrip(".") or source.sha256[:6]
        if any(other.name == name for sha256, other in found.items() if sha256 != source.sha256):
            name = f"{name}-{source.sha256[:6]}"
        found.setdefault(source.sha256, Song(name, path, plain(source.title or path.stem), source.sha256))
    if not found:
        raise InputError("; ".join(failed.values()) or "no song is given; name one sound file at least")
    return list(found.values()), failed


def _claim_folder(output: Path, plan: Plan, songs: list[Song]) -> list[Song]:
    """Make the folder this study's, or see that it is already; the songs by the names that they have there."""
    manifest = {
        "format": _FORMAT,
        "schema": _SCHEMA,
        "plan": plan.to_dict(),
        "songs": [{"name": s.name, "file": s.file.name, "title": s.title, "sha256": s.sha256} for s in songs],
        "versions": store.versions(),
    }
    file = output / MANIFEST
    if file.exists():
        known_plan, known = _read_manifest(file)
        names = {song.sha256: song.name for song in known}
        if set(names) != {song.sha256 for song in songs}:
            shown = ", ".join(map(plain, names.values()))
            raise store_error(output, f"it holds a study of other songs ({shown})", "choose another folder for these")
        if differ := [k for k, v in known_plan.to_dict().items() if v != manifest["plan"][k]]:
            raise store_error(
                output, f"it holds a study of another plan ({', '.join(differ)} differ)", "choose another folder"
            )
        return [Song(names[song.sha256], song.file, song.title, song.sha256) for song in songs]
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise store_error(output, "it exists and holds no study", "choose another folder")
    try:
        for song in songs:
            (output / "cells" / song.name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise store_error(output, f"it cannot be written: {error.strerror}", "choose another folder") from None
    replace(file, to_bytes(manifest, indent=2) + b"\n")
    return songs


def _read_manifest(file: Path) -> tuple[Plan, tuple[Song, ...]]:
    """The plan and the songs of a study; StoreError where it is none."""
    manifest = _read_json(file)
    try:
        if manifest["format"] != _FORMAT or manifest["schema"] != _SCHEMA:
            raise ValueError("of another kind or version")
        plan = Plan(**{k: tuple(v) if isinstance(v, list) else v for k, v in manifest["plan"].items()})
        songs = tuple(Song(s["name"], Path(s["file"]), s["title"], s["sha256"]) for s in manifest["songs"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise store_error(file, f"it is not a study that can be read ({error})", "make it anew") from None
    return plan, songs


def _place(output: Path, song: str, dims: int, window_s: float) -> Path:
    return output / "cells" / song / f"{dims}d_{window_s:g}s.json"


def _read_json(file: Path) -> dict:
    try:
        value = json.loads(file.read_bytes())
    except OSError as error:
        raise store_error(file, f"it cannot be read: {error.strerror}", "check the name") from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise store_error(file, "it is damaged", "remove it, and run the study again")
    return value


def _song_numbers(cells: list[dict], song: str) -> dict:
    """What the sixth claim needs to know of one song."""
    numbers = {"song": song, "pulse_clarity": None, "loop_strength": None, "loop_p": None}
    for cell in cells:
        if cell["song"] == song:
            numbers["pulse_clarity"] = cell["of_song"]["pulse_clarity"]
            if loops := cell.get("loops"):
                numbers |= {"loop_strength": loops["strength"], "loop_p": loops["p"]}
    return numbers


def _worked(output: Path, plan: Plan, jobs: list[Job], workers: int | None) -> Iterator[tuple[Job, str | None]]:
    """Do the jobs, and give each when it is done, with what went wrong."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(workers or cores, len(jobs))
    if workers < 2:
        for job in jobs:
            yield job, _error(_work, output, plan, *job)
        return
    spawn = multiprocessing.get_context("spawn")  # JAX does not survive a fork
    executor = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_one_thread)
    try:
        running = {executor.submit(_work, output, plan, *job): job for job in jobs}
        for future in as_completed(running):
            yield running[future], _error(future.result)
    except BaseException:
        for process in list((executor._processes or {}).values()):
            process.terminate()  # else an interrupt would wait for the jobs at hand
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _one_thread() -> None:
    """Keep the linear algebra of processes that share the cores from getting into each other's way."""
    global _limits
    _limits = threadpool_limits(1)


def _error(work: Callable, *arguments) -> str | None:
    """Do it; a mistake of the user's as a line, anything else as it is."""
    try:
        work(*arguments)
    except OrbitscopeError as error:
        return str(error)
    except BrokenProcessPool:
        return "its process died (out of memory?); run the study again, with one worker"
    return None
