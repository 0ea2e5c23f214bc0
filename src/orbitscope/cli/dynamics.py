"""The commands that ask how an orbit moves: forecast, divergence, score."""

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .._text import plain
from ..errors import InputError, OrbitscopeError
from ._app import (
    FAILED,
    AsJson,
    Output,
    UsageError,
    Whole,
    app,
    check_figure_name,
    complain,
    print_json,
    print_paths,
    save_figure,
)
from ._tables import print_divergences, print_scores

if TYPE_CHECKING:
    from ..evaluation import Divergence
    from ..forecast import Forecaster
    from ..types import Orbit

With = Literal[
    "knn", "analog", "smap", "mlp", "lstm", "mlp-article", "lstm-article", "joint", "linear", "persistence", "mean",
    "reservoir",
]  # fmt: skip
Protocol = Literal["article", "leak-free", "held-out", "all"]

_MOST_NUMBER, _MOST_SEED = 100_000, 2**32 - 1


@app.command
def forecast(
    orbit: Path,
    /,
    *,
    start: Annotated[str, Parameter(name="--from")],
    steps: Whole = 200,
    method: Annotated[With, Parameter(name="--with")] = "knn",
    knows: Literal["leak-free", "past", "all"] = "leak-free",
    seed: Whole = 0,
    as_json: AsJson = False,
) -> int:
    """Go on from a moment of an orbit, and keep the forecast in it: points, and a figure.

    Parameters
    ----------
    orbit
        A NAME.orbit folder.
    start
        The moment to go on from: seconds (12.3 or 12.3s), or minutes and seconds (1:02.5).
    steps
        Points to forecast.
    method
        The forecaster.
    knows
        leak-free: all of the orbit but what lies within window + steps of the moment; past: only what came before;
        all: everything, the true future too, as published.
    seed
        For forecasters that are trained.
    as_json
        Print the forecast as JSON.
    """
    start_s = _seconds(start)
    _check_number("--steps", steps, 1, _MOST_NUMBER)
    _check_number("--seed", seed, 0, _MOST_SEED)
    from ..pipeline import forecast_orbit
    from ..plots_dynamics import plot_forecast
    from ..store import read_orbit, write_forecast

    found = read_orbit(orbit)
    made = forecast_orbit(found, _forecaster(method, found, seed), start_s, steps, knows=knows, name=method)
    file = write_forecast(orbit, made)
    figure = plot_forecast(found.trajectory, made.points, made.start, name=method)
    drawn, _ = save_figure(figure, file.with_suffix(".png"), "make room for it")
    if as_json:
        print_json({"orbit": str(orbit), "file": str(file), **made.to_dict()})
    else:
        print_paths(file, drawn)
    return 0


@app.command
def divergence(
    orbits: Annotated[list[Path], Parameter(name=["ORBIT"], negative=(), json_list=False)],
    /,
    *,
    methods: Annotated[list[With], Parameter(name="--with", consume_multiple=True, negative=())] = ["knn"],  # noqa: B006
    protocol: Protocol = "leak-free",
    steps: Whole = 30,
    every: Whole = 10,
    seed: Whole = 0,
    output: Output = None,
    as_json: AsJson = False,
) -> int:
    """How fast forecasts of orbits leave the true path, from many initial points.

    Parameters
    ----------
    orbits
        NAME.orbit folders.
    methods
        Forecasters.
    protocol
        leak-free: what lies within window + steps of an initial point is not known; held-out: learnt on the first
        70 %; article: as published, where the future asked for is known; all: each of the three.
    steps
        Of each forecast.
    every
        Points from one initial point to the next.
    seed
        For forecasters that are trained.
    output
        A figure to write; a PNG and an SVG of that name.
    as_json
        Print every number as a line of JSON for each orbit, forecaster and protocol.
    """
    if not methods:
        raise UsageError("--with names no forecaster; name one, such as knn")
    _check_number("--steps", steps, 1, _MOST_NUMBER)
    _check_number("--every", every, 1, _MOST_NUMBER)
    _check_number("--seed", seed, 0, _MOST_SEED)
    check_figure_name(output, "divergence.png")
    from ..evaluation import PROTOCOLS
    from ..store import read_orbit

    opened, rows, failed = [], [], 0
    for path in orbits:
        try:
            opened.append(read_orbit(path))
        except OrbitscopeError as error:
            failed += complain(error, path, as_json)
    protocols = PROTOCOLS if protocol == "all" else (protocol,)
    for orbit, label in zip(opened, _labels(opened), strict=True):
        for method, found in _divergences(orbit, methods, protocols, seed, steps=steps, every=every):
            if isinstance(found, OrbitscopeError):
                failed += complain(InputError(f"{orbit.path}, {method}: {found}"), orbit.path, as_json)
                continue
            rows.append((label, method, found))
            if as_json:
                print_json({"orbit": str(orbit.path), **found.to_dict(), "forecaster": method})
    if not as_json and rows:
        print_divergences(rows)
    if output is not None and rows:
        written = save_figure(_divergence_figure(rows), output, "choose another --output")
        print_paths(*written, file=sys.stderr if as_json else sys.stdout)
    return FAILED if failed else 0


@app.command
def score(
    embeddings: Annotated[list[Path], Parameter(name=["EMBEDDING"], negative=(), json_list=False)],
    /,
    *,
    recording: Path,
    window: float = 0.5,
    start: float = 0.0,
    duration: float | None = None,
    held_out: Annotated[bool, Parameter(negative=())] = False,
    pure: str | None = None,
    neighbors: Whole = 5,
    as_json: AsJson = False,
) -> int:
    """Score embeddings of one recording, whoever made them, by forecasts in a space common to all.

    The table gives NRMSE by the number of frames ahead: 1 is as good as the mean. Controls stand beside.

    Parameters
    ----------
    embeddings
        NAME.orbit folders, or .npy arrays with a row for each window of 0.5 s every 1024 samples (44.1 kHz).
    recording
        The sound that was embedded.
    window
        Seconds of a window.
    start
        Where the stretch that was embedded begins, in seconds.
    duration
        How long it is; to the end by default.
    held_out
        Score on the last 30 %: only for embeddings that were trained on the first 70 %.
    pure
        Name of the embedding that is a pure autoencoder's; smoothed like each other one it is a control too.
    neighbors
        Library points asked in each forecast.
    as_json
        Print every number as JSON.
    """
    names = [path.absolute().stem for path in embeddings]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two embeddings are called {twice[0]!r}; rename one of the files")
    if pure is not None and pure not in names:
        raise UsageError(f"--pure {pure!r} is none of the embeddings: {', '.join(names)}")
    _check_number("--neighbors", neighbors, 1, _MOST_NUMBER)
    from .. import media, store
    from ..config import check_window, window_frames
    from ..features import spectrogram
    from ..scoreboard import TRAINED_SHARE, read_embedding, reference_space
    from ..scoreboard import score as measure
    from ..types import Trajectory

    try:
        check_window(window)
    except InputError as error:
        raise UsageError(f"--{error}") from None
    given = {
        name: store.read_orbit(path).trajectory if path.is_dir() else read_embedding(path)
        for name, path in zip(names, embeddings, strict=True)
    }
    frames = spectrogram(media.load(recording, start_s=start, duration_s=duration), "article")
    share = TRAINED_SHARE if held_out else 1.0
    sizes = [math.ceil(one.window_s / frames.hop_s - 0.5) for one in given.values() if isinstance(one, Trajectory)]
    size = window_frames(window, frames.hop_s)
    reference = reference_space(frames, size, trained_share=share, longest_window=max([size, *sizes]))
    found = measure(given, reference, neighbors=neighbors, pure=pure)
    if as_json:
        print_json({"recording": str(recording), **found.to_dict()})
    else:
        print_scores(found)
    return 0


def _forecaster(method: str, orbit: "Orbit", seed: int) -> "Forecaster":
    from .. import forecast as f

    plain_ones = {
        "knn": f.KNNForecaster,
        "analog": f.AnalogForecaster,
        "smap": f.SMapForecaster,
        "linear": f.LinearForecaster,
        "persistence": f.PersistenceForecaster,
        "mean": f.MeanForecaster,
    }
    trained = {
        "mlp": lambda: f.MLPForecaster(random_state=seed),
        "lstm": lambda: f.LSTMForecaster(random_state=seed),
        "mlp-article": lambda: f.MLPForecaster(preset="article", random_state=seed),
        "lstm-article": lambda: f.LSTMForecaster(preset="article", random_state=seed),
        "reservoir": lambda: f.ReservoirForecaster(random_state=seed),
        "joint": lambda: f.JointForecaster(_embedding(orbit)),
    }
    return (plain_ones | trained)[method]()


def _embedding(orbit: "Orbit"):
    from ..embedding import Embedding

    return Embedding.load(orbit.model_path)


def _divergences(
    orbit: "Orbit", methods: list[str], protocols: tuple[str, ...], seed: int, **options
) -> Iterator[tuple[str, "Divergence | OrbitscopeError"]]:
    """The divergence of each forecaster under each protocol, from the same initial points, or what went wrong."""
    from ..evaluation import divergence as measure

    able, contexts = {}, []
    for method in methods:
        try:
            able[method] = _forecaster(method, orbit, seed)
            contexts.append(able[method].context)
        except OrbitscopeError as error:
            able.pop(method, None)
            yield method, error
    for protocol in protocols:
        for method, forecaster in able.items():
            try:
                found = measure(orbit.trajectory, forecaster, protocol=protocol, context=max(contexts), **options)
            except OrbitscopeError as error:
                found = error
            yield method, found


def _divergence_figure(rows: list[tuple[str, str, "Divergence"]]):
    from ..plots_dynamics import plot_divergence

    several = [len(set(names)) > 1 for names in list(zip(*rows, strict=True))[:2]]
    panels, hops_s = {}, {found.hop_s for *_, found in rows}
    for label, method, found in rows:
        curve = " ".join(part for part, many in zip((label, method), several, strict=True) if many) or method
        scaled = found.interval / found.radius if found.radius > 0 else found.interval
        panels.setdefault(found.protocol, {})[curve] = (found.scaled, scaled)
    return plot_divergence(panels, hop_s=hops_s.pop() if len(hops_s) == 1 else None, ylabel="δ over RMS radius")


def _labels(orbits: list["Orbit"]) -> list[str]:
    """The names of orbits; their paths where names are not enough to tell them apart."""
    names = [orbit.path.absolute().stem for orbit in orbits]
    return [str(o.path) if names.count(name) > 1 else name for o, name in zip(orbits, names, strict=True)]


def _check_number(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{name} is {value}; it must be from {least} to {most}")


def _seconds(text: str) -> float:
    """Seconds of 12.3, 12.3s or 1:02.5."""
    found = re.fullmatch(r"(?:(\d+):)?(\d+(?:\.\d*)?|\.\d+)\s*s?", text.strip())
    if not found:
        raise UsageError(f"--from {plain(text)!r} is no time; give seconds, such as 12.3s, or minutes, such as 1:02.5")
    return 60 * float(found[1] or 0) + float(found[2])
