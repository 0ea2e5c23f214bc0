"""Films of an orbit: the point runs along the path in step with the sound, in MP4, WebM or GIF; or single pictures.

A picture of a film shows the moment in the middle of the time that it is seen for, so that what is seen is never more
than half a picture away from what is heard. Pictures are painted on the CPU (:mod:`orbitscope._raster`), in threads
beside the encoder's; of a film of any length a few are in memory.
"""

import math
import os
import re
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue

import av
import numpy as np

from ._atomic import store_error
from ._look import theme as theme_named
from ._render_files import Gif, Movie, Pictures, new_file, new_frames, write_picture
from ._render_frame import Film, Painter, Style
from ._render_palette import Palette
from ._scene import Scene
from ._text import plain
from .errors import InputError, OrbitscopeWarning

SIZES = {
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4k": (3840, 2160),
    "square": (1080, 1080),
    "vertical": (1080, 1920),
}
SUFFIXES = (".mp4", ".webm", ".gif", ".png")
SMALLEST, LARGEST = 64, 7680  # pixels of a side
SLOWEST, FASTEST = 24, 60  # pictures a second
GIF_SLOWEST, GIF_FASTEST = 5, 50
_DEFAULT, _GIF_DEFAULT = ("1080p", 30), ("640x360", 15)
_POSTER_AT = 0.62  # of the film: most of the path is there, and some is still to come
_PALETTE_PICTURES = 10
_MOST_PAINTERS = 8

Report = Callable[[int, int], None]


def render(
    scene: Scene,
    path: str | os.PathLike,
    *,
    size: str | tuple[int, int] | None = None,
    fps: float | None = None,
    theme: str = "dark",
    color: str = "time",
    turn_deg_per_s: float | None = None,
    elevation_deg: float | None = None,
    azimuth_deg: float | None = None,
    tail_s: float | None = None,
    title: bool = True,
    strip: bool = True,
    forecasts: bool = True,
    start_s: float | None = None,
    duration_s: float | None = None,
    poster: str | os.PathLike | None = None,
    report: Report | None = None,
) -> Path:
    """Make a film of a scene.

    Parameters
    ----------
    scene : Scene
        Of :func:`orbitscope.scenes.scene`.
    path : path-like
        ``.mp4`` (H.264 and AAC), ``.webm`` (VP9 and Opus), ``.gif`` (no sound), ``.png`` (one picture: the moment
        ``start_s``, or one of the film's later part), or without a suffix a folder of numbered PNG files. Whole or not
        there: an older film of that name stays until the new one is ready.
    size : str or (int, int)
        720p, 1080p, 4k, square, vertical, or WIDTHxHEIGHT in pixels, even, from 64 to 7680. 1080p; of a GIF 640x360.
    fps : float
        Pictures a second, 24 to 60; of a GIF 5 to 50. 30; of a GIF 15.
    theme : str
        dark or light.
    color : str
        What the path is coloured by: the name of one of the scene's colorings, such as time or loudness.
    turn_deg_per_s, elevation_deg, azimuth_deg : float
        How the camera goes round, how high it stands, and where it begins. A flat path is faced.
    tail_s : float >= 0
        Seconds that the comet's tail takes to fade.
    title, strip, forecasts : bool
        Whether title, time and scale are shown, the spectrogram, and the scene's forecasts.
    start_s, duration_s : float
        The stretch to show, in seconds of the source file; all of it by default.
    poster : path-like, optional
        A PNG to write beside the film.
    report : callable, optional
        ``report(done, of)``, in pictures.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    InputError
        An option that cannot be used.
    MediaError
        The sound of the scene cannot be read.
    StoreError
        The file cannot be written, or the disk is full.
    """
    path = Path(path)
    suffix = check_suffix(path)
    default = _GIF_DEFAULT if suffix == ".gif" else _DEFAULT
    width, height = size_of(default[0] if size is None else size)
    rate = rate_of(default[1] if fps is None else fps, gif=suffix == ".gif")
    style = Style(theme, color, turn_deg_per_s, elevation_deg, azimuth_deg, tail_s, title, strip, forecasts)
    _check_style(style, scene)
    begin_s, length_s = _stretch(scene, start_s, duration_s)
    if poster is not None and Path(poster).suffix.lower() != ".png":
        raise InputError(f"poster is {plain(poster)}; it must end in .png")
    if suffix == ".png" or poster is not None:
        still = Film(scene, style, width, height, *_stretch(scene, None, None), still=True)
        alone = suffix == ".png" and start_s is not None
        moment_s = begin_s if alone else begin_s + _POSTER_AT * length_s
        write_picture(Painter(still.made_ready()).paint(moment_s).picture(), path if suffix == ".png" else Path(poster))
        if suffix == ".png":
            return path
    film = Film(scene, style, width, height, begin_s, length_s).made_ready()
    count = max(1, math.ceil(length_s * rate - 1e-6))
    moments = [begin_s + min(float((k + Fraction(1, 2)) / rate), length_s) for k in range(count)]
    lend = new_frames if suffix == "" else new_file
    with lend(path) as new, _saying(path):
        writer = _writer(new, film, rate, suffix)
        try:
            with closing(_painted(film, writer.prepare, moments)) as pictures:
                for number, picture in enumerate(pictures):
                    writer.write(picture, number)
                    if report is not None:
                        report(number + 1, count)
            writer.close()
        except BaseException:
            writer.abandon()
            raise
    return path


# What may be asked for


def check_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if not path.name.strip("."):
        raise InputError(f"{plain(path)} is no name of a film; give one, such as film.mp4")
    if suffix and suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise InputError(f"{plain(path)}: films end in {known}; a name without any ending is a folder of pictures")
    return suffix


def size_of(size: str | tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels of a size as it is asked for."""
    if isinstance(size, str):
        found = re.fullmatch(r"(\d{1,9})\s*[xX×]\s*(\d{1,9})", size.strip())
        if size.lower() not in SIZES and not found:
            raise InputError(f"size is {plain(size)!r}; give {', '.join(SIZES)}, or WIDTHxHEIGHT, such as 1280x720")
        size = SIZES.get(size.lower()) or (int(found[1]), int(found[2]))
    width, height = (int(length) for length in size)
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise InputError(f"size is {width}x{height}; each side must have {SMALLEST} to {LARGEST} pixels")
    if width % 2 or height % 2:
        near = f"{width + width % 2}x{height + height % 2}"
        raise InputError(f"size is {width}x{height}; H.264 and VP9 need even numbers: give {near}")
    return width, height


def rate_of(fps: float, *, gif: bool = False) -> Fraction:
    """Pictures a second as a fraction: 29.97 is 30000/1001."""
    low, high = (GIF_SLOWEST, GIF_FASTEST) if gif else (SLOWEST, FASTEST)
    if not (math.isfinite(fps) and low <= fps <= high):
        raise InputError(f"fps is {fps:g}; it must be from {low} to {high}")
    broadcast = Fraction(round(fps * 1001 / 1000) * 1000, 1001)
    return broadcast if abs(broadcast - fps) < 5e-3 else Fraction(fps).limit_denominator(1000)


def _check_style(style: Style, scene: Scene) -> None:
    theme_named(style.theme)
    names = [one.name for one in scene.colorings]
    if style.color not in names:
        raise InputError(f"color is {plain(style.color)!r}; this orbit has {', '.join(names)}")
    limits = {"turn_deg_per_s": 360, "elevation_deg": 90, "azimuth_deg": 360}
    for name, most in limits.items():
        value = getattr(style, name)
        if value is not None and not -most <= value <= most:
            raise InputError(f"{name} is {value:g}; it must be from {-most} to {most}")
    if style.tail_s is not None and not 0 <= style.tail_s <= 3600:
        raise InputError(f"tail_s is {style.tail_s:g}; it must be from 0 to 3600")


def _stretch(scene: Scene, start_s: float | None, duration_s: float | None) -> tuple[float, float]:
    begin_s, end_s = scene.sound_start_s, scene.sound_start_s + scene.duration_s
    first_s = begin_s if start_s is None else float(start_s)
    if not begin_s <= first_s < end_s:
        raise InputError(f"start_s is {first_s:g}; this orbit goes from {begin_s:.2f} to {end_s:.2f} s")
    if duration_s is not None and not duration_s > 0:
        raise InputError(f"duration_s is {duration_s:g}; it must be more than 0")
    return first_s, min(end_s - first_s, math.inf if duration_s is None else float(duration_s))


# Work


def _writer(new: Path, film: Film, rate: Fraction, suffix: str) -> Movie | Gif | Pictures:
    if suffix == "":
        return Pictures(new)
    if suffix == ".gif":
        return Gif(new, film.width, film.height, rate, _palette(film))
    movie = Movie(new, film.width, film.height, rate)
    scene = film.scene
    if scene.sound is None:
        warnings.warn(OrbitscopeWarning(f"{plain(scene.title)}: it has no sound; the film is silent"), stacklevel=3)
        return movie
    whole = film.start_s == scene.sound_start_s and film.duration_s == scene.duration_s
    try:
        movie.add_sound(scene.sound, film.start_s - scene.sound_start_s, film.duration_s, whole=whole)
    except BaseException:
        movie.abandon()
        raise
    return movie


def _palette(film: Film) -> Palette:
    painter, samples = Painter(film), []
    for share in np.linspace(0.02, 0.98, _PALETTE_PICTURES):
        samples.append(painter.paint(film.start_s + share * film.duration_s).picture())
    return Palette(np.concatenate(samples))


def _painted(film: Film, prepare: Callable, moments: Iterable[float]) -> Iterator:
    """The pictures of a film in order, made ready for its writer by several painters, a few ahead of it."""
    count = max(1, min(_MOST_PAINTERS, os.cpu_count() or 1))
    painters: SimpleQueue = SimpleQueue()
    for _ in range(count):
        painters.put(Painter(film))

    def picture(moment_s: float):
        painter = painters.get()
        try:
            return prepare(painter.paint(moment_s))
        finally:
            painters.put(painter)

    waiting: deque = deque()
    pool = ThreadPoolExecutor(count, thread_name_prefix="painter")
    try:
        for moment_s in moments:
            waiting.append(pool.submit(picture, moment_s))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _saying(path: Path) -> Iterator[None]:
    """Turn what FFmpeg says about writing into an error that names the film."""
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        reason = getattr(error, "strerror", None) or error
        raise store_error(
            path, f"it cannot be written: {reason}", "free some space, or choose another place"
        ) from error
