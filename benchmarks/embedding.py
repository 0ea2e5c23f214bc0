"""Speed of embedding with a trained model, and the time to import the package and to ask for help.

A model is trained on a clip for a few steps (how well does not matter here) and embeds ten minutes of its frames,
repeated. The first pass compiles and is not timed.

    python benchmarks/embedding.py [CLIP] [--repeats 5] [--minutes 10]
"""

import argparse
import math
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from common import CLIP, say, spread, table, timed, verdict, write_section

import orbitscope

KINDS = ("article", "mel", "cqt")
SPEED_TARGET = 2_000  # times real time
IMPORT_TARGET_S, HELP_TARGET_S = 0.1, 0.5
STEPS = 20


def speeds(clip: Path, kind: str, minutes: float, repeats: int) -> tuple[list[float], int]:
    """Seconds of sound embedded per second, a value a repeat, and the number of points."""
    frames = orbitscope.spectrogram(orbitscope.load(clip), kind)
    embedder = orbitscope.Embedder(steps=STEPS).fit(frames)
    copies = math.ceil(60 * minutes / frames.duration_s)
    long = orbitscope.Frames(np.tile(frames.values, (copies, 1)), frames.hop_s, kind=kind)
    found = []
    points = len(embedder.transform(long))
    for _ in range(repeats):
        begun = time.perf_counter()
        embedder.transform(long)
        found.append(long.duration_s / (time.perf_counter() - begun))
    return found, points


def starts(repeats: int) -> dict[str, list[float]]:
    """Wall-clock seconds of whole processes, but of the statement alone for the import."""
    command = Path(sys.executable).parent / "orbitscope"
    commands = {
        "bare Python": [sys.executable, "-c", "pass"],
        "import": [
            sys.executable,
            "-c",
            "import time; t = time.perf_counter(); import orbitscope; print(time.perf_counter() - t)",
        ],
        "help": [command, "--help"],
    }
    found = {name: [] for name in commands}
    for repeat in range(repeats + 1):  # the first fills the disk cache and the bytecode cache
        for name, arguments in commands.items():
            process = timed(arguments)
            if repeat:
                found[name].append(float(process.output) if name == "import" else process.seconds)
    return found


def report(speed: dict[str, tuple[list[float], int]], start: dict[str, list[float]], options) -> str:
    embedding = [
        [kind, points, spread(found, "{:.0f}"), SPEED_TARGET, verdict(median(found) >= SPEED_TARGET)]
        for kind, (found, points) in speed.items()
    ]
    starting = [
        [what, spread(start[name]), target, verdict(median(start[name]) < target)]
        for name, what, target in (
            ("import", "`import orbitscope`", IMPORT_TARGET_S),
            ("help", "`orbitscope --help`, whole process", HELP_TARGET_S),
        )
    ]
    starting.append(["Python itself, whole process", spread(start["bare Python"]), "", ""])
    return f"""\
## Embedding with a trained model, and starting

{options.minutes:g} minutes of frames, 3 dimensions, window of 0.5 s, after compilation; medians of {options.repeats}
with the lowest and highest in brackets.

{table(["features", "points", "times real time", "target", ""], embedding)}

{table(["start", "seconds", "target", ""], starting)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Time embedding, importing and the help text.")
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    speed = {kind: speeds(options.clip, kind, options.minutes, options.repeats) for kind in KINDS}
    start = starts(options.repeats)
    say({kind: spread(found) for kind, (found, _) in speed.items()}, {name: spread(s) for name, s in start.items()})
    write_section("embedding", report(speed, start, options))


if __name__ == "__main__":
    main()
