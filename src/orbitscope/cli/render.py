"""The command that makes films: render."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import InputError, OrbitscopeWarning
from ._app import AsJson, Output, Quiet, UsageError, app, print_json, print_paths

if TYPE_CHECKING:
    from ..types import Orbit

_OPTION_NAMES = {"size": "--size", "fps": "--fps", "color": "--color", "turn_deg_per_s": "--turn",
                 "elevation_deg": "--elevation", "azimuth_deg": "--azimuth", "tail_s": "--tail", "start_s": "--start",
                 "duration_s": "--duration", "poster": "--poster"}  # fmt: skip


@app.command
def render(
    orbit: Path,
    /,
    *,
    output: Output = None,
    size: str | None = None,
    fps: float | None = None,
    theme: Literal["dark", "light"] = "dark",
    color: str = "time",
    turn: float | None = None,
    elevation: float | None = None,
    azimuth: float | None = None,
    tail: float | None = None,
    title: bool = True,
    strip: bool = True,
    forecasts: bool = True,
    start: float | None = None,
    duration: float | None = None,
    poster: Path | None = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Make a film of an orbit: the point runs along the path in step with the sound.

    Parameters
    ----------
    orbit
        A NAME.orbit folder.
    output
        The film: .mp4, .webm, .gif, .png for one picture, or a name without ending for a folder of pictures;
        video.mp4 in the orbit by default.
    size
        720p, 1080p, 4k, square, vertical, or WIDTHxHEIGHT; 1080p by default, 640x360 for a GIF.
    fps
        Pictures a second, 24 to 60; 30 by default. For a GIF 5 to 50, and 15.
    theme
        dark or light.
    color
        What the path is coloured by: time, loudness, brightness, speed, or phase of the dominant period.
    turn
        Degrees a second that the camera goes round; 0 to stay, negative for the other way.
    elevation
        Degrees that the camera stands above the middle.
    azimuth
        Degrees about the vertical axis where it begins; the path's broadest side by default.
    tail
        Seconds that the comet's tail takes to fade.
    title
        Whether to show title, time and scale.
    strip
        Whether to show the spectrogram.
    forecasts
        Whether to show the forecasts that the orbit holds.
    start
        Seconds of the recording to begin at, or the moment of a picture.
    duration
        Seconds to show; to the end by default.
    poster
        A PNG to write beside the film.
    quiet
        Say nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from .. import render as film
    from ..store import VIDEO, read_orbit

    target = orbit / VIDEO if output is None else output
    try:
        suffix = film.check_suffix(target)
        if size is not None:
            film.size_of(size)
        if fps is not None:
            film.rate_of(fps, gif=suffix == ".gif")
    except InputError as error:
        raise _named(error) from None
    written = _rendered(
        read_orbit(orbit), target, quiet, size=size, fps=fps, theme=theme, color=color, turn_deg_per_s=turn,
        elevation_deg=elevation, azimuth_deg=azimuth, tail_s=tail, title=title, strip=strip, forecasts=forecasts,
        start_s=start, duration_s=duration, poster=poster,
    )  # fmt: skip
    if as_json:
        print_json({"orbit": str(orbit), "film": str(written), "poster": None if poster is None else str(poster)})
    else:
        print_paths(written, *([] if poster is None else [poster]))
    return 0


def render_default(orbit: "Orbit", *, quiet: bool) -> Path:
    """The film of an orbit in its folder, with all options left as they are."""
    from ..store import VIDEO

    return _rendered(orbit, orbit.path / VIDEO, quiet)


def _rendered(orbit: "Orbit", target: Path, quiet: bool, **options) -> Path:
    from .. import render as film
    from ..progress import meter
    from ..scenes import scene

    with meter(target.name, "pictures", quiet=quiet) as report, warnings.catch_warnings():
        warnings.simplefilter("always", OrbitscopeWarning)
        warnings.showwarning = lambda message, *_: None if quiet else report.say(f"note: {message}")
        try:
            return film.render(scene(orbit), target, report=report, **options)
        except InputError as error:
            raise _named(error) from None


def _named(error: InputError) -> InputError | UsageError:
    """An error about an option by the name that the command has for it; another as it is."""
    name, _, rest = str(error).partition(" ")
    return UsageError(f"{_OPTION_NAMES[name]} {rest}") if name in _OPTION_NAMES else error
