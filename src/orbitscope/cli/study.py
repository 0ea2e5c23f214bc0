"""The command that repeats the article's comparison."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ._app import FAILED, AsJson, Quiet, Whole, app, print_json


@app.command
def study(
    songs: Annotated[
        list[Path], Parameter(name=["SONG"], negative=(), json_list=False, help="Sound files, or folders of them.")
    ],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    seeds: Whole = 10,
    dims: Annotated[list[Whole], Parameter(consume_multiple=True, negative=())] = [3, 12],  # noqa: B006
    windows: Annotated[list[float], Parameter(consume_multiple=True, negative=())] = [0.5, 2.0],  # noqa: B006
    preset: Literal["default", "article"] = "article",
    steps: Whole | None = None,
    start: float = 0.0,
    duration: float | None = None,
    nets: bool = True,
    workers: Whole | None = None,
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
    nets
        Whether MLP, LSTM and reservoir are among the forecasters; they take most of the time.
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
            start_s=start, duration_s=duration, nets=nets, workers=workers, report=report,
        )  # fmt: skip
    for line in found.not_measured:
        print(f"orbitscope: {line}", file=sys.stderr)
    if as_json:
        print_json({"study": str(output), "claims": [c.to_dict() for c in found.claims], "failed": found.failed})
    else:
        for claim in found.claims:
            print(f"{claim.number}. {claim.statement}\n   {claim.outcome}")
        print(found.page)
    return FAILED if found.failed else 0
