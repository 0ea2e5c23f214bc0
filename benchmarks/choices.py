"""What each default of the settings is worth: one factor at a time varied around the defaults, and written down.

Every variant is trained on the first minute of each song, in 3 dimensions, on both article and mel features; the table
gives means over songs and seeds.

    python benchmarks/choices.py SONG-OR-FOLDER... [--seeds 1] [--only steps,learning_rate]
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import CLIP, ROOT, say, sounds, table, write_section

import orbitscope
from orbitscope.config import Settings
from orbitscope.geometry import mean_turning_angle

KINDS = ("article", "mel")
REPORT = ROOT / "docs" / "choices.md"
MEASURES = {
    "reconstruction_share": "share",
    "r2": "R²",
    "forecast_loss": "forecast loss",
    "turning": "turning (°)",
}


@dataclass(frozen=True)
class Factor:
    """One option, what it is for, and the values to try; the default's own is always among them."""

    option: str
    why: str
    values: tuple


FACTORS = (
    Factor("steps", "the budget", (200, 400, 800, 1600)),
    Factor("forecast_ramp", "share of the run over which that weight rises", (0.0, 0.5, 1.0)),
    Factor("curvature_weight", "of the turning of the path", (0.0, 1e-3, 3e-3, 1e-2)),
    Factor("forecast_weight", "of the predictor's loss", (0.0, 3e-4, 1e-3, 3e-3)),
    Factor("burn_in", "points the predictor has seen before it counts; 44 is all of its context", (5, 15, 44)),
    Factor("predictor_velocity", "whether the predictor sees directions of motion", (False, True)),
    Factor("learning_rate", "of Adam", (1e-3, 3e-3, 6e-3, 1e-2, 2e-2)),
    Factor("activation", "of encoder and decoder", ("relu", "silu")),
    Factor("schedule", "of the learning rate", ("cosine", "constant")),
    Factor("decoder_units", "hidden layers of the decoder", ((64, 128, 128), (64, 64), (128, 256, 256))),
    Factor("segments", "stretches seen in a step", (8, 16)),
    Factor("clip_norm", "bound on the gradient's norm", (0.0, 1.0)),
    Factor("warmup_steps", "before the full learning rate", (0, 20, 100)),
    Factor("decoded", "windows reconstructed in a step", (32, None, 256)),
    Factor("channels", "of the encoder's levels", ((16, 32, 64), (32, 64, 128), (64, 128, 256))),
    Factor("predictor_units", "of the LSTM", (8, 16, 32)),
)


def measure(frames: orbitscope.Frames, options: dict, seed: int) -> dict[str, float]:
    embedder = orbitscope.Embedder(options=options, random_state=seed)
    trajectory = embedder.fit_transform(frames)
    found = embedder.evaluate(frames) | {"turning": mean_turning_angle(trajectory.points)}
    return {name: found.get(name, float("nan")) for name in MEASURES}


class Measurements:
    """Measures every variant once, and keeps a line of JSON for each so that a broken run goes on."""

    def __init__(self, recordings: dict[str, dict[str, orbitscope.Frames]], seeds: int, path: Path | None):
        self.recordings, self.seeds, self.path = recordings, seeds, path
        self.known = {}
        if path and path.exists():
            self.known = {key: found for key, found in map(json.loads, path.read_text().splitlines())}

    def of(self, kind: str, options: dict) -> dict[str, float]:
        """Means over songs and seeds."""
        found = [self._one(kind, song, options, seed) for song in self.recordings for seed in range(self.seeds)]
        return {name: float(np.mean([one[name] for one in found])) for name in MEASURES}

    def _one(self, kind: str, song: str, options: dict, seed: int) -> dict[str, float]:
        resolved = {**Settings(seed=seed).to_dict(), **options}
        key = json.dumps([kind, song, resolved], sort_keys=True)
        if key not in self.known:
            self.known[key] = measure(self.recordings[song][kind], options, seed)
            if self.path:
                with self.path.open("a") as out:
                    out.write(json.dumps([key, self.known[key]]) + "\n")
        return self.known[key]


def section(factor: Factor, found: dict[str, list[dict]], default) -> str:
    header = [factor.option, *(f"{kind}: {name}" for kind in KINDS for name in MEASURES.values())]
    rows = [
        [f"**{value}**" if value == default else str(value), *(found[k][i][m] for k in KINDS for m in MEASURES)]
        for i, value in enumerate(factor.values)
    ]
    return f"### {factor.option}: {factor.why}\n\n{sentence(factor, found, default)}\n\n{table(header, rows)}"


def sentence(factor: Factor, found: dict[str, list[dict]], default) -> str:
    """What leaving the default does, in a line, means over both kinds."""
    here = factor.values.index(default)
    parts = []
    for i, value in enumerate(factor.values):
        if i == here:
            continue
        change = {m: np.mean([found[k][i][m] - found[k][here][m] for k in KINDS]) for m in MEASURES}
        forecast = f"forecast loss {change['forecast_loss']:+.3f}, " if np.isfinite(change["forecast_loss"]) else ""
        parts.append(
            f"{value}: share {change['reconstruction_share']:+.3f}, {forecast}turning {change['turning']:+.1f}°"
        )
    return f"Default {default}. Against it, {'; '.join(parts)}."


def main() -> None:
    parser = argparse.ArgumentParser(description="Vary the defaults one at a time; write docs/choices.md.")
    parser.add_argument("songs", nargs="*", type=Path, default=[CLIP], metavar="SONG-OR-FOLDER")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--duration", type=float, default=60.0, help="seconds taken from each song")
    parser.add_argument("--only", help="options to vary, separated by commas")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="JSON lines of what is measured, read back too")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    recordings = {}
    for song in sounds(options.songs):
        recording = orbitscope.load(song, duration_s=options.duration)
        recordings[song.stem] = {kind: orbitscope.spectrogram(recording, kind) for kind in KINDS}
    measurements = Measurements(recordings, options.seeds, options.keep)
    wanted = options.only.split(",") if options.only else [factor.option for factor in FACTORS]
    sections = [
        f"Means over {', '.join(recordings)} (first {options.duration:g} s) and {options.seeds} seeds; the default in "
        "bold, all other options at their defaults. Share: of the way from the mean window to the entropy floor."
    ]
    for factor in FACTORS:
        if factor.option not in wanted:
            continue
        default = getattr(Settings(), factor.option)
        values = factor.values if default in factor.values else (*factor.values, default)
        factor = Factor(factor.option, factor.why, values)
        found = {k: [measurements.of(k, {factor.option: value}) for value in values] for k in KINDS}
        sections.append(section(factor, found, default))
        say(sentence(factor, found, default))
        write_section("choices", "\n\n".join(sections), options.report, title="Why the defaults are what they are")


if __name__ == "__main__":
    main()
