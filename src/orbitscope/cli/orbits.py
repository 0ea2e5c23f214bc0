"""The commands that make and show orbits: run, info, compare."""

import math
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .._text import plain
from ..errors import InputError, OrbitscopeError, OrbitscopeWarning
from ._app import (
    FAILED,
    AsJson,
    Quiet,
    UsageError,
    Whole,
    app,
    check_figure_name,
    complain,
    open_page,
    print_json,
    print_paths,
    save_figure,
)

if TYPE_CHECKING:
    from ..types import Orbit

_OPTION_NAMES = {"latent_dim": "--dims", "window": "--window", "forecast_weight": "--forecast-weight",
                 "curvature_weight": "--curvature-weight", "steps": "--steps", "seed": "--seed"}  # fmt: skip


# label, unit and format of each metric that the closing table shows
_TABLE = {
    "duration_s": ("sound", "s", ".1f"),
    "points": ("points", "", ".0f"),
    "reconstruction_share": ("reconstruction: way from mean window to floor", "%", ".1%"),
    "r2": ("reconstruction: R² over all windows", "", ".3f"),
    "r2_median_window": ("reconstruction: R² of the median window", "", ".3f"),
    "forecast_loss": ("forecast loss: 1 - cosine, 0 best, 1 by chance", "", ".3f"),
    "turning_angle_deg": ("mean turning angle, 90 for a random walk", "°", ".1f"),
    "training_s": ("time of training", "s", ".1f"),
    "total_s": ("time of everything", "s", ".1f"),
}


@app.command
def run(
    inputs: Annotated[
        list[Path], Parameter(name=["INPUT"], negative=(), json_list=False, help="Sound files, or folders of them.")
    ],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("."),
    start: float = 0.0,
    duration: float | None = None,
    window: float = 0.5,
    dims: Whole = 3,
    features: Literal["mel", "article", "cqt"] | None = None,
    forecast_weight: float | None = None,
    curvature_weight: float | None = None,
    preset: Literal["default", "article"] = "default",
    steps: Whole | None = None,
    seed: Whole = 0,
    figures: bool = True,
    player: bool = True,
    open_: Annotated[bool, Parameter(name="--open", negative=())] = False,
    film: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Turn recordings into orbits: train a model on each, embed it, measure it, draw it.

    Parameters
    ----------
    output
        Folder to put NAME.orbit into; or, for one input, the name of the orbit, ending in .orbit.
    start
        Seconds to leave out at the beginning.
    duration
        Seconds to take; to the end by default.
    window
        Seconds that one point stands for, 0.1 to 10.
    dims
        Dimensions of latent space, 1 to 64.
    features
        What the model sees; mel by default, article with --preset article.
    forecast_weight
        Weight of the forecast in the loss; 0 for a pure autoencoder.
    curvature_weight
        Weight of the curvature of the trajectory in the loss.
    preset
        article: the published sizes, weights and budget.
    steps
        Training steps.
    seed
        The same seed on the same machine gives the same trajectory.
    figures
        Whether to draw the figures.
    player
        Whether to keep the sound and write player.html, the page that plays the orbit.
    open_
        Open the page in your browser at the end.
    film
        Render video.mp4 into the orbit too; orbitscope render has all the options of films.
    skip_existing
        Leave orbits alone that are there with the same recording and settings.
    quiet
        Say nothing but errors.
    as_json
        Print one line of JSON for each input.
    """
    options = {
        "start_s": start,
        "duration_s": duration,
        "window_s": window,
        "latent_dim": dims,
        "features": features,
        "forecast_weight": forecast_weight,
        "curvature_weight": curvature_weight,
        "preset": preset,
        "steps": steps,
        "seed": seed,
    }
    _check_options(options)
    from ..media import find_media
    from ..progress import reporter

    jobs, failed = [], 0
    for given in inputs:
        try:
            base = given if given.is_dir() else given.parent
            jobs += [
                (file, file.parent.relative_to(base)) for file in (find_media(given) if given.is_dir() else [given])
            ]
        except OrbitscopeError as error:
            failed += complain(error, given, as_json)
    if open_ and not player:
        raise UsageError("--open has nothing to open with --no-player; leave one of them out")
    if output.suffix == ".orbit" and len(jobs) > 1:
        raise UsageError(f"--output {output} names one orbit, but there are {len(jobs)} inputs; give a folder")
    from ..pipeline import run as run_one
    from ..store import PLAYER
    from .render import render_default

    orbits = []
    for file, below in jobs:
        place = output if output.suffix == ".orbit" else output / below
        try:
            with reporter(file.name, quiet=quiet) as report, warnings.catch_warnings():
                warnings.simplefilter("always", OrbitscopeWarning)
                warnings.showwarning = lambda message, *_: None if quiet else report.say(f"note: {message}")
                orbit = run_one(
                    file,
                    output=place,
                    figures=figures,
                    player=player,
                    skip_existing=skip_existing,
                    report=report,
                    **options,
                )
            written = [orbit.path / PLAYER, *([render_default(orbit, quiet=quiet)] if film else [])]
        except OrbitscopeError as error:
            failed += complain(error, file, as_json)
            continue
        orbits.append(orbit)
        if as_json:
            print_json({"input": str(file), "orbit": str(orbit.path), "metrics": orbit.metrics})
        elif not quiet:
            _print_table([orbit], title=f"{orbit.path}")
            print_paths(*(file for file in written if file.exists()))
        if open_:
            open_page(orbit.path / PLAYER)
    if not quiet and len(orbits) + failed > 1:
        print(f"{len(orbits)} done, {failed} failed", file=sys.stderr)
    return FAILED if failed else 0


@app.command
def info(orbit: Path, /, *, as_json: AsJson = False) -> int:
    """Show what an orbit holds.

    Parameters
    ----------
    orbit
        A NAME.orbit folder.
    as_json
        Print the whole manifest as JSON.
    """
    from ..store import read_orbit

    found = read_orbit(orbit)
    if as_json:
        print_json(found.manifest)
        return 0
    trajectory, manifest = found.trajectory, found.manifest
    source = trajectory.source
    rows = [
        ("title", source.title),
        ("artist", source.artist),
        ("file", source.name),
        ("SHA-256", source.sha256),
        ("made", f"{manifest['created']} by orbitscope {manifest['versions'].get('orbitscope', '?')}"),
        ("features", manifest["features"]),
        ("trajectory", f"{len(trajectory)} points in {trajectory.points.shape[1]} dimensions"),
        ("window, hop", f"{trajectory.window_s:.3f} s, {trajectory.hop_s * 1000:.1f} ms"),
        ("seed", str(manifest["settings"].get("seed", "?"))),
        *(("note", notice) for notice in manifest["notices"]),
    ]
    _print_table([found], title=str(found.path), heading=[(k, v) for k, v in rows if v])
    return 0


@app.command
def compare(
    first: Path,
    second: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("comparison.png"),
) -> int:
    """Draw two orbits side by side in one figure, and show their numbers beside each other.

    Parameters
    ----------
    first, second
        NAME.orbit folders.
    output
        The figure to write; a PNG and an SVG of that name.
    """
    from .. import plots
    from ..store import read_orbit

    check_figure_name(output, "comparison.png")
    orbits = [read_orbit(first), read_orbit(second)]
    names = [orbit.path.stem for orbit in orbits]
    figure = plots.plot_comparison([orbit.trajectory for orbit in orbits], titles=names)
    written = save_figure(figure, output, "choose another --output")
    _print_table(orbits, title=" and ".join(names))
    print_paths(*written)
    return 0


def _check_options(options: dict) -> None:
    """Refuse options out of range, by the names that the command has for them."""
    from ..config import check_window, settings

    try:
        check_window(options["window_s"])
        settings(**{k: v for k, v in options.items() if k not in ("start_s", "duration_s", "features")})
    except InputError as error:
        name, _, rest = str(error).partition(" ")
        raise UsageError(f"{_OPTION_NAMES.get(name, name)} {rest}") from None


def _print_table(orbits: list["Orbit"], *, title: str, heading: list[tuple[str, str]] = ()) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(plain(title), style="bold"), title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0)
    )
    for name, value in heading:
        table.add_row(Text(name), Text(plain(value)))
    for name, (label, unit, form) in _TABLE.items():
        values = [orbit.metrics.get(name) for orbit in orbits]
        if any(value is not None for value in values):
            shown = ["" if v is None or math.isnan(v) else format(v, form) for v in values]
            unit = "" if form.endswith("%") else unit
            table.add_row(Text(label), *(Text(f"{v} {unit}".strip(), justify="right") for v in shown))
    Console(highlight=False).print(table)
