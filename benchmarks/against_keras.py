"""The published half-second model in Keras against ours: training time, whole processes, memory.

Both are trained on the article spectrogram of the same clip, in 3 dimensions, with a forecast weight (alpha) of 0.001.
A repeat runs them in turn, each in a process of its own, timed from outside with its imports and inside without:

1. Keras, 7 epochs, evaluated after each (the evaluations but the last are taken off its times). Its batch-norm
   statistics make single epochs jump, so the target is the best reconstruction and the best forecast loss of all.
2. Ours, for every number of steps in ``--budgets``: first with an empty compilation cache (cold), then again (warm).
   The rate schedule depends on the budget, so each is a whole run of its own; none is a snapshot of a longer one.
3. Ours with the default budget, evaluated after every chunk of steps with the clock stopped, for the curves.

The budget that counts is the smallest with which ours equals or betters both targets in every repeat.

    python benchmarks/against_keras.py [CLIP] [--repeats 5] [--keras-python PYTHON]
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from common import CLIP, HERE, Process, say, spread, table, timed, verdict, write_section

TARGETS = {"training": 20, "cold process": 5, "warm process": 12}
PICTURE = HERE / "against_keras.png"


def repeat(clip: Path, seed: int, options: argparse.Namespace) -> dict:
    """One turn of Keras and of ours with every budget."""

    def run(who, *arguments, python=sys.executable, **environment):
        command = [python, HERE / "contestant.py", who, clip, "--seed", seed, *arguments]
        return timed(command, TF_CPP_MIN_LOG_LEVEL=3, **environment)

    keras = run("keras", "--epochs", options.epochs, python=options.keras_python or sys.executable)
    curve = keras.answer["curve"]
    turn = {
        "keras": keras,
        "target": {loss: min(entry[loss] for entry in curve) for loss in ("bce", "forecast_loss")},
        "ours": {},
    }
    say(f"repeat {seed}: Keras trained {keras.answer['training']:.1f} s, target {turn['target']}")
    with tempfile.TemporaryDirectory() as folder:
        for steps in options.budgets:
            cache = Path(folder) / str(steps)
            cold, warm = (run("ours", "--steps", steps, ORBITSCOPE_CACHE_DIR=cache) for _ in range(2))
            turn["ours"][steps] = {"cold": cold, "warm": warm}
            end = warm.answer["end"]
            say(
                f"  {steps} steps: {warm.answer['training']:.2f} s, whole {cold.seconds:.1f}, {warm.seconds:.1f}: {end}"
            )
        turn["watched"] = run("ours", "--watched", ORBITSCOPE_CACHE_DIR=cache).answer
    for who in (turn["watched"], *(p["warm"].answer for p in turn["ours"].values())):
        np.testing.assert_allclose(who["frames"], keras.answer["frames"], rtol=1e-4, err_msg="not the same spectrogram")
    return turn


def reaches(turn: dict, steps: int) -> bool:
    end = turn["ours"][steps]["warm"].answer["end"]
    return all(end[loss] <= goal for loss, goal in turn["target"].items())


def whole(keras: Process) -> float:
    return keras.seconds - keras.answer["extra"]


def report(turns: list[dict], budgets: list[int], clip: Path, epochs: int) -> str:
    reaching = [steps for steps in budgets if all(reaches(turn, steps) for turn in turns)]
    chosen = min(reaching, default=max(budgets))
    ours = [turn["ours"][chosen] for turn in turns]
    keras = [turn["keras"] for turn in turns]
    seconds = {
        "training": ([k.answer["training"] for k in keras], [o["warm"].answer["training"] for o in ours]),
        "cold process": ([whole(k) for k in keras], [o["cold"].seconds for o in ours]),
        "warm process": ([whole(k) for k in keras], [o["warm"].seconds for o in ours]),
    }
    rows = []
    for what, (theirs, own) in seconds.items():
        ratio = median(a / b for a, b in zip(theirs, own, strict=True))
        goal = TARGETS[what]
        result = verdict(bool(reaching) and ratio >= goal)
        rows.append([what, spread(theirs), spread(own), f"1/{ratio:.1f}", f"1/{goal}", result])
    processes = {"Keras": keras} | {f"ours, {kind}": [o[kind] for o in ours] for kind in ("cold", "warm")}
    details = [
        [
            who,
            spread([p.answer["compiling"] for p in those], "{:.2f}"),
            spread([p.peak_mib for p in those], "{:.0f}"),
            spread([p.cpu_seconds for p in those]),
        ]
        for who, those in processes.items()
    ]
    found = (
        f"reached in every repeat with **{chosen} steps**" if reaching else "**not reached with any of these steps**"
    )
    windows = int(keras[0].answer["frames"][0]) - 21
    return f"""\
## Against the published model in Keras

`{clip.name}`, {windows} windows of 22 frames, 3 dimensions, forecast weight 0.001, {epochs} epochs of Keras; repeats,
each with its own seed: {len(turns)}; medians, with the lowest and highest in brackets. Keras's best figures are
{found}. Whole processes read the sound, train, embed and evaluate once.

{table(["", "Keras (s)", "ours (s)", "median ratio", "target", ""], rows)}

Compiling, or tracing Keras's graph, is left out of the training times and is inside the whole processes.

{table(["process", "compiling (s)", "peak memory (MiB)", "processor time (s)"], details)}

{table(["model", "training (s)", "BCE", "share", "forecast loss", "reaches both"], quality_rows(turns, budgets))}

![Losses over seconds of training]({PICTURE.name})
"""


def quality_rows(turns: list[dict], budgets: list[int]) -> list[list]:
    def row(name, seconds, entries, reached=""):
        found = [spread([entry[key] for entry in entries], "{:.4f}") for key in ("bce", "share", "forecast_loss")]
        return [name, spread(seconds), *found, reached]

    curves = [turn["keras"].answer["curve"] for turn in turns]
    trained = [turn["keras"].answer["training"] for turn in turns]
    best = [
        {"bce": min(e["bce"] for e in c), "share": max(e["share"] for e in c)}
        | {"forecast_loss": min(e["forecast_loss"] for e in c)}
        for c in curves
    ]
    rows = [row("Keras, last epoch", trained, [c[-1] for c in curves]), row("Keras, best of each", trained, best)]
    for steps in budgets:
        answers = [turn["ours"][steps]["warm"].answer for turn in turns]
        reached = f"{sum(reaches(turn, steps) for turn in turns)} of {len(turns)}"
        rows.append(row(f"ours, {steps} steps", [a["training"] for a in answers], [a["end"] for a in answers], reached))
    watched = [turn["watched"] for turn in turns]
    name = f"ours, default ({watched[0]['steps']} steps)"
    return [*rows, row(name, [w["training"] for w in watched], [w["end"] for w in watched])]


def draw(turns: list[dict]) -> None:
    """Losses over seconds of training, a line a repeat."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    labels = {"share": "reconstruction share", "forecast_loss": "forecast loss"}
    for (loss, label), ax in zip(labels.items(), axes, strict=True):
        for i, turn in enumerate(turns):
            curves = {"Keras": turn["keras"].answer["curve"], "Orbitscope, default budget": turn["watched"]["curve"]}
            for (name, curve), color in zip(curves.items(), ("C1", "C0"), strict=True):
                seconds, values = [e["seconds"] for e in curve], [e[loss] for e in curve]
                ax.plot(seconds, values, "o-", ms=2, lw=1, color=color, alpha=0.7, label=None if i else name)
        ax.set(xscale="log", xlabel="training, without compilation (s)", ylabel=label)
    axes[0].set_ylim(-0.3, 1)
    axes[1].set_ylim(0, None)
    axes[0].legend(fontsize=8)
    figure.savefig(PICTURE, dpi=90)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the published model in Keras against ours.")
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=7, help="of Keras")
    parser.add_argument("--budgets", type=int, nargs="+", default=[100, 150, 200, 300, 400], help="steps of ours")
    parser.add_argument("--duration", type=float, help="take only the first so many seconds of the clip")
    parser.add_argument("--keras-python", help="a Python with tensorflow-cpu and soundfile, if not this one")
    compare(parser.parse_args())


def compare(options: argparse.Namespace) -> None:
    import scipy.io.wavfile

    import orbitscope

    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "clip.wav"
        recording = orbitscope.load(options.clip, duration_s=options.duration)
        scipy.io.wavfile.write(wav, recording.rate_hz, recording.samples.mean(axis=0))
        turns = []
        for seed in range(options.repeats):
            turns.append(repeat(wav, seed, options))
            write_section("against-keras", report(turns, options.budgets, options.clip, options.epochs))
            draw(turns)


if __name__ == "__main__":
    main()
