"""Forecasting: speed against the published way, the latent nets against Keras, a million points, and a Lorenz orbit.

The trajectory of the first two is that of a clip's article frames through a model of default settings, trained for a
few steps. The frames go on backwards from the end of the clip until there are the published 1,735 points; begun again
from the start they would repeat points, and the published 1/distance has no answer at distance 0.

1. The article's divergence, 169 initial conditions, 30 steps, K = 5, fit included, against one scikit-learn query a
   step; both in this process, in turn.
2. The latent MLP and LSTM as published, in Keras and here, each in a process of its own with empty caches.
3. KNN with up to a million points of a Lorenz orbit, 1,000 initial conditions, 30 steps, a process a size.
4. Valid prediction times of every forecaster on a Lorenz orbit (lorenz_skill.py).

    python benchmarks/forecasting.py [CLIP] [--repeats 5] [--sizes 250000 500000 1000000] [--no-keras]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import lorenz_skill
import numpy as np
from common import CLIP, HERE, Process, say, spread, table, timed, verdict, write_section
from published_forecasters import CONTEXT as CONTEXTS
from published_forecasters import examples, knn_divergence, scaled

import orbitscope
from orbitscope.evaluation import divergence
from orbitscope.forecast import KNNForecaster

POINTS, WINDOW, STEPS, EVERY, CONTEXT, NEIGHBORS = 1_735, 22, 30, 10, 20, 5
TRAINING_STEPS = 60
DIVERGENCE_TARGET, SAME, NETS_TARGET, KNN_TARGET_S = 100, 1e-9, 20, 10.0
LARGEST = 1_000_000
LINEAR = 1.1  # how much more than in proportion a cost may rise and still be called linear
WHO = ("keras", "ours")
NETS = {"mlp": "MLP, 8 epochs", "lstm": "LSTM, 10 epochs"}


def embedded(clip: Path) -> orbitscope.Trajectory:
    """A real trajectory of the published length."""
    frames = orbitscope.spectrogram(orbitscope.load(clip), "article")
    missing = max(POINTS + WINDOW - 1 - len(frames), 0)
    longer = np.pad(frames.values, ((0, missing), (0, 0)), mode="reflect")[: POINTS + WINDOW - 1]
    frames = orbitscope.Frames(longer, frames.hop_s, kind="article")
    found = orbitscope.Embedder(features="article", steps=TRAINING_STEPS).fit_transform(frames)
    assert len(found) == POINTS
    return found


def compare_divergence(trajectory: orbitscope.Trajectory, repeats: int) -> dict[str, list[float]]:
    """Seconds of both ways, and the largest difference of their distances."""
    found = {"published": [], "ours": [], "difference": []}
    for repeat in range(repeats + 1):  # the first warms both up
        begun = time.perf_counter()
        theirs = knn_divergence(trajectory.points, NEIGHBORS, STEPS, EVERY, CONTEXT)
        between = time.perf_counter()
        options = {"steps": STEPS, "every": EVERY, "context": CONTEXT, "protocol": "article"}
        ours = divergence(trajectory, KNNForecaster(NEIGHBORS), **options)
        end = time.perf_counter()
        assert theirs.shape == ours.errors.shape == (169, STEPS + 1)
        if repeat:
            found["published"].append(between - begun)
            found["ours"].append(end - between)
            found["difference"].append(float(np.abs(theirs - ours.errors).max()))
    return found


def contestant(*arguments, python=sys.executable) -> Process:
    with tempfile.TemporaryDirectory() as cache:
        command = [python, HERE / "forecast_contestant.py", *arguments]
        return timed(command, TF_CPP_MIN_LOG_LEVEL=3, ORBITSCOPE_CACHE_DIR=cache)


def compare_nets(points: Path, options: argparse.Namespace) -> dict[str, dict[str, list[Process]]]:
    pythons = {"keras": options.keras_python or sys.executable, "ours": sys.executable}
    if options.no_keras:
        del pythons["keras"]
    found = {net: {who: [] for who in pythons} for net in NETS}
    for seed in range(options.repeats):
        for net, those in found.items():
            for who, python in pythons.items():
                those[who].append(contestant(who, net, points, "--seed", seed, python=python))
                say(f"{net}, {who}: {those[who][-1].answer}")
    return found


def compare_sizes(folder: Path, sizes: list[int], repeats: int) -> dict[int, list[Process]]:
    path, beyond = folder / "lorenz.f64", 40_000
    lorenz_skill.lorenz(max(sizes) + beyond, substeps=1).tofile(path)
    found = {size: [] for size in sorted(sizes)}
    for _ in range(repeats):
        for size, those in found.items():
            those.append(contestant("knn", size, path))
            say(f"KNN, {size:,} points: {those[-1].answer}, {those[-1].peak_mib:.0f} MiB")
    return found


def divergence_report(found: dict[str, list[float]]) -> str:
    ratio = median(a / b for a, b in zip(found["published"], found["ours"], strict=True))
    difference = max(found["difference"])
    reached = verdict(ratio >= DIVERGENCE_TARGET and difference <= SAME)
    row = [spread(found["published"]), spread(found["ours"], "{:.4f}"), f"1/{ratio:.0f}", f"1/{DIVERGENCE_TARGET}"]
    header = ["published (s)", "ours, fit included (s)", "median ratio", "target", "largest difference", ""]
    return f"""\
### The article's divergence

{POINTS:,} points, 169 initial conditions, {STEPS} steps, K = {NEIGHBORS}; the published way asks scikit-learn for the
neighbours of one point at a time. Distances are in units of the scaled axes; they must agree to {SAME:g}.

{table(header, [[*row, f"{difference:.1e}", reached]])}
"""


def nets_report(found: dict[str, dict[str, list[Process]]], points: np.ndarray) -> str:
    rows, losses = [], []
    for net, name in NETS.items():
        answers = {who: [p.answer for p in those] for who, those in found[net].items()}
        still = np.mean(examples(scaled(points), CONTEXTS[net])[1] ** 2)
        ends = [spread([a["mse"] for a in those], "{:.2e}") for those in answers.values()]
        losses.append([name, *[""] * (len(WHO) - len(ends)), *ends, f"{still:.2e}"])
        if "keras" not in answers:
            rows.append([name, "training", "", spread([a["training"] for a in answers["ours"]]), "", "", ""])
            continue
        for what in ("training", "with compiling"):
            theirs, own = ([a[what] for a in answers[who]] for who in WHO)
            ratio = median(a / b for a, b in zip(theirs, own, strict=True))
            goal = [f"1/{NETS_TARGET}", verdict(ratio >= NETS_TARGET)] if what == "training" else ["", ""]
            rows.append([name, what, spread(theirs), spread(own), f"1/{ratio:.1f}", *goal])
    header = ["net", "", "Keras (s)", "ours (s)", "median ratio", "target", ""]
    return f"""\
### The published nets

The latent MLP and LSTM on the same trajectory, batches of 4, as published. Training leaves out compiling, or tracing
Keras's graph; "with compiling" is the first fit of a process with an empty cache, imports left out.

{table(header, rows)}

Mean squared error of the scaled displacements at the end, over all examples with dropout off, so that the work is seen
to be the same:

{table(["net", "Keras", "ours", "no displacement"], losses)}
"""


def sizes_report(found: dict[int, list[Process]]) -> str:
    rows = [
        [
            f"{size:,}",
            spread([p.answer["fit"] for p in those]),
            spread([p.answer["seconds"] for p in those]),
            spread([p.peak_mib for p in those], "{:.0f}"),
        ]
        for size, those in found.items()
    ]
    sizes = list(found)
    lines = []
    if LARGEST in found:
        seconds = median(p.answer["seconds"] for p in found[LARGEST])
        lines.append(
            f"- {LARGEST:,} points in {seconds:.2f} s (target: {KNN_TARGET_S:g} s): {verdict(seconds < KNN_TARGET_S)}."
        )
    if len(sizes) > 2 and LARGEST in found:  # small libraries are lost in what the imports take
        peaks = [median(p.peak_mib for p in found[size]) for size in sizes]
        slopes = np.diff(peaks) / np.diff(sizes)
        bytes_each = ", then ".join(f"{slope * 2**20:.0f}" for slope in slopes)
        linear = slopes[-1] <= LINEAR * slopes[0]
        lines.append(f"- Memory is linear: {bytes_each} bytes for each further point: {verdict(linear)}.")
    return f"""\
### KNN at a million points

A Lorenz orbit as the library, 1,000 initial conditions after it, 30 steps, K = 5; a process a size.

{table(["library", "fit (s)", "fit and forecast (s)", "peak memory (MiB)"], rows)}

{chr(10).join(lines)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Time forecasting against the published way, and measure its skill.")
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[250_000, 500_000, LARGEST], help="library points")
    parser.add_argument("--no-keras", action="store_true", help="leave Keras out")
    parser.add_argument("--keras-python", help="a Python with tensorflow-cpu and scikit-learn, if not this one")
    options = parser.parse_args()
    trajectory = embedded(options.clip)
    compared = compare_divergence(trajectory, options.repeats)
    say({name: spread(values, "{:.3g}") for name, values in compared.items()})
    with tempfile.TemporaryDirectory() as folder:
        points = Path(folder) / "points.npy"
        np.save(points, trajectory.points)
        nets = compare_nets(points, options)
        sizes = compare_sizes(Path(folder), options.sizes, options.repeats)
    parts = [divergence_report(compared), nets_report(nets, trajectory.points), sizes_report(sizes)]
    parts.append(lorenz_skill.report(lorenz_skill.skills()))
    head = f"""\
## Forecasting

`{options.clip.name}`; medians of {options.repeats} with the lowest and highest in brackets.

"""
    write_section("forecasting", head + "\n".join(parts))


if __name__ == "__main__":
    main()
