"""Which features a recording should be turned into by default: article, mel or cqt, compared and written down.

For each song (its first minute), kind and seed, a model with the default settings is trained on all of it and another
one on its first 70 %. The first gives reconstruction, forecast loss and turning angle; both are scored by analog
forecasts in a space common to all kinds (see orbitscope.scoreboard). Points of different kinds are
compared at the nearest window centre, since a mel frame is centred half a hop later than an article frame.

    python benchmarks/features.py SONG-OR-FOLDER... [--seeds 3] [--duration 60]
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from common import CLIP, ROOT, say, sounds, table, write_section

import orbitscope
from orbitscope.config import Settings, window_frames
from orbitscope.features import HOP_S
from orbitscope.geometry import mean_turning_angle
from orbitscope.scoreboard import FORMS, HORIZONS, JUDGED, TRAINED_SHARE, Reference, reference_space, score

KINDS = ("article", "mel", "cqt")
SHOWN = (1, 2, 5, 10, 30)
REPORT = ROOT / "docs" / "features.md"
QUALITIES = {
    "reconstruction_share": "reconstruction share",
    "r2": "R²",
    "turning": "turning angle (°)",
    "forecast_loss": "forecast loss",
}


def trained_on(frames: orbitscope.Frames, count: int, seed: int, steps: int | None):
    """An embedder trained on the first ``count`` frames, and the trajectory of all of them."""
    part = orbitscope.Frames(frames.values[:count], frames.hop_s, frames.start_s, frames.kind)
    embedder = orbitscope.Embedder(steps=steps, random_state=seed).fit(part)
    return embedder, embedder.transform(frames)


def scored(trajectory: orbitscope.Trajectory, ref: Reference) -> dict[str, np.ndarray]:
    return score({"it": trajectory}, ref).nrmse["it"]


def controls(ref: Reference) -> dict[str, dict[str, np.ndarray]]:
    return score({}, ref).nrmse


def long_enough(ref: Reference) -> bool:
    return len(ref.starts(HORIZONS[-1])) > 1


def measure(song: Path, duration_s: float, seeds: int, steps: int | None) -> dict:
    """Of one song: qualities by kind, and scores by protocol and by kind or control; lists over seeds."""
    recording = orbitscope.load(song, duration_s=duration_s)
    frames = {kind: orbitscope.spectrogram(recording, kind) for kind in KINDS}
    window = window_frames(Settings().window_s, HOP_S)
    references = {
        name: ref
        for name, share in (("held out", TRAINED_SHARE), ("in sample", 1.0))
        if long_enough(ref := reference_space(frames["article"], window, trained_share=share))
    }
    scores = {name: {control: [found] for control, found in controls(ref).items()} for name, ref in references.items()}
    quality = defaultdict(list)
    for kind in KINDS:
        for seed in range(seeds):
            embedder, whole = trained_on(frames[kind], len(frames[kind]), seed, steps)
            quality[kind].append(embedder.evaluate(frames[kind]) | {"turning": mean_turning_angle(whole.points)})
            for name, ref in references.items():
                trajectory = trained_on(frames[kind], ref.trained_frames, seed, steps)[1] if ref.held_out else whole
                scores[name].setdefault(kind, []).append(scored(trajectory, ref))
        say(f"{song.stem}, {kind}:", {q: round(float(np.mean([r[q] for r in quality[kind]])), 3) for q in QUALITIES})
    return {"song": song.stem, "quality": dict(quality), "scores": scores}


def averaged(found: list[dict], form: str) -> np.ndarray:
    """NRMSE at each horizon, mean over seeds."""
    return np.mean([scores[form] for scores in found], axis=0)


def against_controls(song: dict, protocol: str, who: str, form: str) -> float:
    """NRMSE over that of the better of persistence and the mean, geometric mean over the judged horizons."""
    scores = song["scores"][protocol]
    easy = np.minimum(averaged(scores["persistence"], form), averaged(scores["mean"], form))
    at = [HORIZONS.index(k) for k in JUDGED]
    return float(np.exp(np.mean(np.log(averaged(scores[who], form)[at] / easy[at]))))


def summary(songs: list[dict]) -> str:
    """One row a kind: means over songs."""
    rows = []
    protocols = [(p, f) for p in ("held out", "in sample") for f in FORMS]
    for kind in [*KINDS, "first 3 components", "first 12 components"]:
        row = [kind]
        for quality in QUALITIES:
            values = [np.mean([r[quality] for r in song["quality"][kind]]) for song in songs if kind in KINDS]
            row.append(float(np.mean(values)) if values else "")
        for protocol, form in protocols:
            ratios = [against_controls(song, protocol, kind, form) for song in songs if protocol in song["scores"]]
            row.append(float(np.exp(np.mean(np.log(ratios)))) if ratios else "")
        rows.append(row)
    return table(["features", *QUALITIES.values(), *(f"{p}, {f}" for p, f in protocols)], rows)


def wins(songs: list[dict]) -> str:
    """On how many songs each kind is the best one."""
    counts = {}
    for quality, name in QUALITIES.items():
        best = min if quality in ("turning", "forecast_loss") else max
        counts[name] = [
            best(KINDS, key=lambda k, s=s, q=quality: np.mean([r[q] for r in s["quality"][k]])) for s in songs
        ]
    for form in FORMS:
        held = [s for s in songs if "held out" in s["scores"]]
        counts[f"held out, {form}"] = [
            min(KINDS, key=lambda k, s=s: against_controls(s, "held out", k, form)) for s in held
        ]
    return table(["best on songs", *KINDS], [[name, *(best.count(k) for k in KINDS)] for name, best in counts.items()])


def details(songs: list[dict]) -> str:
    parts = []
    for song in songs:
        rows = [[k, *(float(np.mean([r[q] for r in song["quality"][k]])) for q in QUALITIES)] for k in KINDS]
        parts += [f"### {song['song']}", table(["features", *QUALITIES.values()], rows)]
        for protocol, scores in song["scores"].items():
            at = [HORIZONS.index(k) for k in SHOWN]
            rows = [
                [who, *(" ".join(f"{v:.3f}" for v in averaged(found, form)[at]) for form in FORMS)]
                for who, found in scores.items()
            ]
            parts.append(table([f"{protocol}, NRMSE at k = {', '.join(map(str, SHOWN))}", *FORMS], rows))
    return "\n\n".join(parts)


def report(songs: list[dict], options: argparse.Namespace) -> str:
    return f"""\
First {options.duration:g} s of each of {len(songs)} songs, default settings with each kind of features, {options.seeds}
seeds (means over seeds, then over songs). Reconstruction, forecast loss and turning angle are of a model trained on the
whole clip. Reconstruction and R² are of each kind's own frames, so that they compare kinds only roughly; the last four
columns are in the reference space, which is common to all: NRMSE of the analog forecast over that of the better of
persistence and the mean, geometric mean over k = {", ".join(map(str, JUDGED))} and over songs. Below 1 is worth
something.

{summary(songs)}

{wins(songs)}

## Song by song

{details(songs)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare kinds of features; write docs/features.md.")
    parser.add_argument("songs", nargs="*", type=Path, default=[CLIP], metavar="SONG-OR-FOLDER")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--duration", type=float, default=60.0, help="seconds taken from each song")
    parser.add_argument("--steps", type=int, help="training steps; the default settings' own if not given")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    done = []
    for song in sounds(options.songs):
        done.append(measure(song, options.duration, options.seeds, options.steps))
        write_section("features", report(done, options), options.report, title="Which features, by default")


if __name__ == "__main__":
    main()
