"""All benchmarks, one after the other, into RESULTS.md: what ``make bench`` runs. Keep the machine quiet meanwhile.

    python benchmarks/run_all.py [--clip CLIP] [--songs SONG-OR-FOLDER...] [--keras FILE] [--quick]

Speed is measured on the clip, quality on the songs (by default those of examples/). features.py and choices.py, whose
results are in docs/, take longer and are left out unless ``--choices`` is given.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from common import CLIP, HERE, say


def plan(options: argparse.Namespace) -> dict[str, list]:
    """The arguments of every script, in order."""
    songs = options.songs or [CLIP.parent]
    repeats = ["--repeats", 1 if options.quick else options.repeats]
    python = ["--keras-python", options.keras_python] if options.keras_python else []
    known = ["--keras", options.keras] if options.keras else []
    seeds = 1 if options.quick else options.repeats
    lengths = ["--minutes", 0.5, 1, 4] if options.quick else []
    sizes = ["--sizes", 10_000, 20_000, 40_000] if options.quick else []
    scripts = {
        "embedding": [options.clip, *repeats],
        "against_keras": [options.clip, *repeats, *python],
        "song_length": [options.clip, *repeats, *lengths],
        "player": [options.clip, *repeats],
        "film": [options.clip, *repeats, *(["--minutes", 1] if options.quick else [])],
        "forecasting": [options.clip, *repeats, *python, *sizes],
        "quality": [*songs, "--seeds", seeds, *known, *python],
    }
    if options.choices:
        scripts |= {"features": [*songs, "--seeds", min(seeds, 3)], "choices": [*songs, "--seeds", 1]}
    return {name: arguments for name, arguments in scripts.items() if not options.only or name in options.only}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the benchmarks and rewrite RESULTS.md.")
    parser.add_argument("--clip", type=Path, default=CLIP, help="what speed is measured on")
    parser.add_argument("--songs", type=Path, nargs="+", metavar="SONG-OR-FOLDER", help="what quality is measured on")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keras", type=Path, metavar="FILE", help="results of keras_model.py, read and added to")
    parser.add_argument("--keras-python", help="a Python with tensorflow-cpu and soundfile, if not this one")
    parser.add_argument("--quick", action="store_true", help="one repeat, short songs: to see that everything runs")
    parser.add_argument("--choices", action="store_true", help="also rewrite docs/features.md and docs/choices.md")
    parser.add_argument("--only", nargs="+", metavar="SCRIPT", help="names without .py")
    options = parser.parse_args()
    failed = []
    for name, arguments in plan(options).items():
        say(f"{name}.py {' '.join(map(str, arguments))}")
        begun = time.perf_counter()
        command = [sys.executable, str(HERE / f"{name}.py"), *map(str, arguments)]
        if subprocess.run(command).returncode:
            failed.append(name)
        say(f"{name}.py: {time.perf_counter() - begun:.0f} s")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
