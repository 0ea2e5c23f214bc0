"""Quality at the default budget against the published model in Keras: article features, 3 dimensions, whole songs.

Keras is trained for 7 epochs, with its forecast loss (R-F, alpha 0.001) and without (R, alpha 0). Its results are
read from and added to a file of JSON lines, as ``keras_model.py --json`` writes them: a run has several minutes to do
for a song otherwise. Ours are medians over seeds.

    python benchmarks/quality.py SONG-OR-FOLDER... [--seeds 5] [--keras FILE] [--keras-python PYTHON]
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import mean, median

from common import CLIP, HERE, say, sounds, spread, table, timed, verdict, write_section

import orbitscope
from orbitscope.geometry import mean_turning_angle

CLOSED_TARGET = 0.25
EPOCHS = 7
ALPHAS = {"R-F": 0.001, "R": 0.0}


def keras_results(songs: list[Path], file: Path, python: str) -> dict[str, dict[str, dict]]:
    """By song, then by model; what the file lacks is trained and added to it."""

    def known() -> dict:
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        lines = [line for line in lines if line["dims"] == 3 and line["epochs"] == EPOCHS]
        return {(line["song"], line["alpha"]): line for line in lines}

    for song in songs:
        for alpha in ALPHAS.values():
            if (song.stem, alpha) not in known():
                say(f"{song.stem}: training Keras, alpha {alpha:g}")
                timed([python, HERE / "keras_model.py", song, "--alpha", alpha, "--epochs", EPOCHS, "--json", file])
    return {song.stem: {name: known()[song.stem, alpha] for name, alpha in ALPHAS.items()} for song in songs}


def measure(song: Path, seeds: int, steps: int | None) -> list[dict]:
    """Ours on one song, an entry a seed."""
    frames = orbitscope.spectrogram(orbitscope.load(song), "article")
    found = []
    for seed in range(seeds):
        embedder = orbitscope.Embedder(steps=steps, random_state=seed)
        trajectory = embedder.fit_transform(frames)
        report = embedder.evaluate(frames)
        found.append(
            {
                "share": report["reconstruction_share"],
                "r2": report["r2"],
                "forecast_loss": report["forecast_loss"],
                "turning_degrees": mean_turning_angle(trajectory.points),
                "steps": embedder.settings_.steps,
            }
        )
    return found


def closed(ours: float, theirs: float) -> float:
    """The part of the distance left to the floor by a share of ``theirs`` that a share of ``ours`` closes."""
    return (ours - theirs) / (1 - theirs)


def report(ours: dict[str, list[dict]], keras: dict[str, dict[str, dict]], seeds: int) -> str:
    rows, gains, strict_gains, higher, smoother = [], [], [], [], []
    for song, found in ours.items():
        conditioned, pure = keras[song]["R-F"], keras[song]["R"]
        best = max(e["evaluation"]["share"] for model in (conditioned, pure) for e in model["history"])
        here = {key: [one[key] for one in found] for key in found[0]}
        share, turning = median(here["share"]), median(here["turning_degrees"])
        gains.append(closed(share, conditioned["share"]))
        strict_gains.append(closed(share, best))
        higher.append(share > max(conditioned["share"], pure["share"]))
        smoother.append(turning <= conditioned["turning_degrees"])
        rows.append(
            [
                song, conditioned["share"], pure["share"], best, spread(here["share"]), gains[-1], strict_gains[-1],
                conditioned["turning_degrees"], pure["turning_degrees"], spread(here["turning_degrees"]),
                conditioned["forecast_loss"], spread(here["forecast_loss"], "{:.2g}"),
            ]
        )  # fmt: skip
    header = [
        "song", "share: R-F", "R", "best epoch of both", "ours", "closed of R-F's rest", "of the best epoch's",
        "turning (°): R-F", "R", "ours", "forecast loss: R-F", "ours",
    ]  # fmt: skip
    steps = next(iter(ours.values()))[0]["steps"]
    return f"""\
## Quality at the default budget

Article features, 3 dimensions, whole songs; Keras after {EPOCHS} epochs, one seed; ours after {steps} steps, medians of
{seeds} seeds with the lowest and highest in brackets. Share: of the way from the mean window (0) to the entropy floor
(1); it is negative where a model answers worse than the mean window. "Closed" is the part of the distance that Keras
leaves to the floor.

{table(header, rows)}

- A higher share than Keras's, R-F and R, on {sum(higher)} of {len(higher)} songs (target: all): {verdict(all(higher))}.
- Of the distance that R-F leaves to the floor, {mean(gains):.0%} closed on average, {min(gains):.0%} at least
  (target: {CLOSED_TARGET:.0%} on average): {verdict(mean(gains) >= CLOSED_TARGET)}. Of what the best of all its epochs,
  R-F or R, leaves: {mean(strict_gains):.0%}, {min(strict_gains):.0%} at least.
- Turning angle at most that of R-F on {sum(smoother)} of {len(smoother)} songs (target: all): {verdict(all(smoother))}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the quality of default runs with the published model.")
    parser.add_argument("songs", nargs="*", type=Path, default=[CLIP], metavar="SONG-OR-FOLDER")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="training steps; the default settings' own if not given")
    parser.add_argument("--keras", type=Path, metavar="FILE", help="results of keras_model.py, read and added to")
    parser.add_argument("--keras-python", default=sys.executable, help="a Python with tensorflow-cpu and soundfile")
    options = parser.parse_args()
    songs = sounds(options.songs)
    with tempfile.TemporaryDirectory() as folder:
        keras = keras_results(songs, options.keras or Path(folder) / "keras.jsonl", options.keras_python)
    ours = {}
    for song in songs:
        ours[song.stem] = measure(song, options.seeds, options.steps)
        shares = spread([one["share"] for one in ours[song.stem]])
        say(f"{song.stem}: share {shares}, Keras {keras[song.stem]['R-F']['share']:.3f}")
        write_section("quality", report(ours, keras, options.seeds))


if __name__ == "__main__":
    main()
