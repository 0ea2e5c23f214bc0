"""Training many members at once against one by one: songs a minute. Meant for a GPU, which one small model cannot fill.

Members are stretches of 30 s of the clip, each with its own seed, at the default settings.

    python benchmarks/many.py [CLIP] [--members 1 8 64 256] [--steps 800] [--repeats 5]
"""

import argparse
from pathlib import Path
from statistics import median

import jax
from common import CLIP, say, spread, table, write_section

import orbitscope
from orbitscope.config import settings, window_frames

SECONDS = 30.0


def measure(frames: orbitscope.Frames, members: int, steps: int | None, repeats: int) -> list[float]:
    """Seconds of training, compilation left out, of so many members at once; one entry a repeat."""
    found = []
    for repeat in range(repeats):
        chosen = [settings(steps=steps, seed=repeat * members + member) for member in range(members)]
        window = window_frames(chosen[0].window_s, frames.hop_s)
        found.append(orbitscope.train_many([frames.values] * members, window, chosen)[0].seconds)
    return found


def report(found: dict[int, list[float]], options: argparse.Namespace) -> str:
    alone = median(found[min(found)]) / min(found)
    rows = [
        [members, spread(times), 60 * members / median(times), alone * members / median(times)]
        for members, times in found.items()
    ]
    device = jax.devices()[0]
    return f"""\
## Many members at once

Members of {SECONDS:g} s, {options.steps or settings().steps} steps each, on {device.platform} ({device.device_kind});
medians of {options.repeats} with the lowest and highest in brackets, compilation left out.

{table(["members", "training (s)", "songs a minute", "times as fast as one by one"], rows)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Time train_many over batches of members.")
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--members", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--steps", type=int, help="training steps; the default settings' own if not given")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    frames = orbitscope.spectrogram(orbitscope.load(options.clip, duration_s=SECONDS))
    found = {}
    for members in sorted(options.members):
        found[members] = measure(frames, members, options.steps, options.repeats)
        say(f"{members} members: {spread(found[members])} s")
        write_section("many", report(found, options))


if __name__ == "__main__":
    main()
