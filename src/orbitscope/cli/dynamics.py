"""The commands that ask how an orbit moves: forecast, divergence, score, study."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .._text import plain
from ..errors import InputError, OrbitscopeError
from ._app import FAILED, AsJson, Quiet, UsageError, app, complain, print_json
from ._tables import print_divergences, print_scores

if TYPE_CHECKING:
    from ..forecast import Forecaster
    from ..types import Orbit

With = Literal[
    "knn", "analog", "smap", "mlp", "lstm", "mlp-article", "lstm-article", "joint", "linear", "persistence", "mean",
    "reservoir",
]  # fmt: skip
Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]
Protocol = Literal["article", "leak-free", "held-out", "all"]


@app.command
def forecast(
    orbit: Path,
    /,
    *,
    start: Annotated[str, Parameter(name="--from")],
    steps: int = 200,
    method: Annotated[With, Parameter(name="--with")] = "knn",
    knows: Literal["leak-free", "past", "all"] = "leak-free",
    seed: int = 0,
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
    from .. import plots, plots_dynamics
    from ..pipeline import forecast_orbit
    from ..store import read_orbit, write_forecast

    found = read_orbit(orbit)
    made = forecast_orbit(found, _forecaster(method, found, seed), _seconds(start), steps, knows=knows, name=method)
    file = write_forecast(orbit, made)
    figure = plots_dynamics.plot_forecast(found.trajectory, made.points, made.start, name=method)
    plots.save(figure, file.parent, file.stem)
    if as_json:
        print_json({"orbit": str(orbit), "file": str(file), **made.to_dict()})
    else:
        print(file, file.with_suffix(".png"), sep="\n")
    return 0


@app.command
def divergence(
    orbits: Annotated[list[Path], Parameter(name=["ORBIT"], negative=())],
    /,
    *,
    methods: Annotated[list[With], Parameter(name="--with", consume_multiple=True, negative=())] = ["knn"],  # noqa: B006
    protocol: Protocol = "leak-free",
    steps: int = 30,
    every: int = 10,
    seed: int = 0,
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
        70 %; article: as published, where the future asked for is known; all three.
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
    from ..evaluation import PROTOCOLS
    from ..evaluation import divergence as measure
    from ..store import read_orbit

    opened, failed = [], 0
    for path in orbits:
        try:
            opened.append(read_orbit(path))
        except OrbitscopeError as error:
            failed += complain(error, path, as_json)
    protocols = PROTOCOLS if protocol == "all" else (protocol,)
    rows, panels, hop_s = [], {}, None
    for one in opened:
        label = one.path.stem
        able = {method: _forecaster(method, one, seed) for method in methods}
        context = max(forecaster.context for forecaster in able.values())
        for kind in protocols:
            for method, forecaster in able.items():
                try:
                    found = measure(
                        one.trajectory, forecaster, steps=steps, every=every, protocol=kind, context=context
                    )
                except OrbitscopeError as error:
                    failed += complain(error, one.path, as_json)
                    continue
                rows.append((label, method, found))
                curve = " ".join(part for part, many in ((label, len(opened)), (method, len(methods))) if many > 1)
                scaled = found.interval / found.radius if found.radius > 0 else found.interval
                panels.setdefault(kind, {})[curve or method] = (found.scaled, scaled)
                hop_s = one.trajectory.hop_s
                if as_json:
                    print_json({"orbit": str(one.path), **found.to_dict(), "forecaster": method})
    if not as_json and rows:
        print_divergences(rows)
    if output is not None and panels:
        from .. import plots, plots_dynamics

        figure = plots_dynamics.plot_divergence(panels, hop_s=hop_s, ylabel="δ over RMS radius")
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            written = plots.save(figure, output.parent, output.stem)
        except OSError as error:
            raise InputError(f"{output}: cannot be written ({error.strerror}); choose another --output") from None
        print(*written, sep="\n", file=sys.stderr if as_json else sys.stdout)
    return FAILED if failed else 0


@app.command
def score(
    embeddings: Annotated[list[Path], Parameter(name=["EMBEDDING"], negative=())],
    /,
    *,
    recording: Path,
    window: float = 0.5,
    start: float = 0.0,
    duration: float | None = None,
    held_out: Annotated[bool, Parameter(negative=())] = False,
    pure: str | None = None,
    neighbors: int = 5,
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
    start, duration
        The stretch that was embedded.
    held_out
        Score on the last 30 %: only for embeddings that were trained on the first 70 %.
    pure
        Name of the embedding that is a pure autoencoder's; smoothed like each other one it is a control too.
    neighbors
        Library points asked in each forecast.
    as_json
        Print every number as JSON.
    """
    from .. import media, store
    from ..config import check_window, window_frames
    from ..features import spectrogram
    from ..scoreboard import TRAINED_SHARE, read_embedding, reference_space
    from ..scoreboard import score as measure

    check_window(window)
    given = {}
    for path in embeddings:
        name = path.stem
        if name in given:
            raise UsageError(f"two embeddings are called {name!r}; rename one of the files")
        given[name] = store.read_orbit(path).trajectory if path.is_dir() else read_embedding(path)
    if pure is not None and pure not in given:
        raise UsageError(f"--pure {pure!r} is none of the embeddings: {', '.join(given)}")
    frames = spectrogram(media.load(recording, start_s=start, duration_s=duration), "article")
    share = TRAINED_SHARE if held_out else 1.0
    reference = reference_space(frames, window_frames(window, frames.hop_s), trained_share=share)
    found = measure(given, reference, neighbors=neighbors, pure=pure)
    if as_json:
        print_json({"recording": str(recording), **found.to_dict()})
    else:
        print_scores(found)
    return 0


@app.command
def study(
    songs: Annotated[list[Path], Parameter(name=["SONG"], negative=(), help="Sound files, or folders of them.")],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    seeds: int = 10,
    dims: Annotated[list[int], Parameter(consume_multiple=True, negative=())] = [3, 12],  # noqa: B006
    windows: Annotated[list[float], Parameter(consume_multiple=True, negative=())] = [0.5, 2.0],  # noqa: B006
    preset: Literal["default", "article"] = "article",
    steps: int | None = None,
    start: float = 0.0,
    duration: float | None = None,
    workers: int | None = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Repeat the article's whole comparison on songs, and say which of its claims hold.

    A study that was broken off goes on where it was.

    Parameters
    ----------
    output
        A folder for the study; its index.html is the page to read.
    seeds
        Models trained of each kind.
    dims
        Dimensions of latent space.
    windows
        Seconds that one point stands for.
    preset
        article: the published sizes and budget.
    steps
        Training steps.
    start
        Seconds to leave out at the beginning of each song.
    duration
        Seconds to take of each song.
    workers
        Processes side by side; one for each core by default. 1 for a GPU.
    quiet
        Say nothing but errors.
    as_json
        Print the verdicts as JSON.
    """
    from ..media import find_media
    from ..progress import counter
    from ..study import run_study

    files = [file for given in songs for file in (find_media(given) if given.is_dir() else [given])]
    with counter(quiet=quiet) as report:
        found = run_study(
            files, output, seeds=seeds, dims=tuple(dims), windows_s=tuple(windows), preset=preset, steps=steps,
            start_s=start, duration_s=duration, workers=workers, report=report,
        )  # fmt: skip
    for reason in found.failed.values():
        print(f"orbitscope: {plain(reason)}", file=sys.stderr)
    if as_json:
        print_json({"study": str(output), "claims": [c.to_dict() for c in found.claims], "failed": found.failed})
    else:
        for claim in found.claims:
            print(f"{claim.number}. {claim.statement}\n   {claim.outcome}")
        print(found.page)
    return FAILED if found.failed else 0


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


def _seconds(text: str) -> float:
    """Seconds of 12.3, 12.3s or 1:02.5."""
    found = re.fullmatch(r"(?:(\d+):)?(\d+(?:\.\d*)?|\.\d+)\s*s?", text.strip())
    if not found:
        raise UsageError(f"--from {plain(text)!r} is no time; give seconds, such as 12.3s, or minutes, such as 1:02.5")
    return 60 * int(found[1] or 0) + float(found[2])
