"""The player's page: its size, the time to its first picture, and the time that drawing takes, in headless Chromium.

The page is of a synthetic path of loops that wander, with the clip played over and over as its sound. "Main thread" is
what one call to draw takes there, before the graphics card; frames a second are those of drawing in software
(SwiftShader) on the processor, which a graphics card only makes faster.

    python benchmarks/player.py [CLIP] [--repeats 5]
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import CLIP, say, spread, table, write_section
from playwright.sync_api import sync_playwright

import orbitscope
from orbitscope.encoding import sound_bit_rate, write_sound
from orbitscope.features import HOP_S
from orbitscope.player import player_html, write_player
from orbitscope.scenes import bare_scene, scene_of_sound
from orbitscope.types import Recording, Source, Trajectory

WINDOW_S = 0.5
PAGES = {"4 minutes": 240.0, "15,000 points": 15_000 * HOP_S + WINDOW_S, "60 minutes": 3600.0}
DRAWING = """async () => {
  const times = [], {painter} = orbitscope, paint = painter.paint.bind(painter);
  painter.paint = (picture, now) => {
    const begun = performance.now();
    paint(picture, now);
    times.push(performance.now() - begun);
  };
  await orbitscope.toggle();
  const begun = performance.now();
  while (times.length < 40 && performance.now() - begun < 30_000) await new Promise((done) => setTimeout(done, 50));
  const fps = 1000 * times.length / (performance.now() - begun);
  return {ms: times.sort((a, b) => a - b)[times.length >> 1], fps, first: orbitscope.firstPictureMs};
}"""


def wandering(points: int, dims: int = 3) -> np.ndarray:
    """Loops of 2 s whose size and place drift: as long and as curved as a song's path."""
    rng = np.random.default_rng(0)
    turn = 2 * np.pi * HOP_S / 2.0 * np.arange(points)
    drift = np.cumsum(rng.normal(size=(points, dims)), axis=0) / np.sqrt(points)
    circle = np.stack([np.cos(turn), np.sin(turn), 0.3 * np.sin(2 * turn)], axis=1)
    return ((1 + 0.3 * drift[:, :1]) * circle + drift).astype(np.float32)


def page(clip: Recording, duration_s: float, folder: Path) -> Path:
    samples = np.tile(clip.samples, (1, int(duration_s / clip.duration_s) + 1))[:, : round(duration_s * clip.rate_hz)]
    sound = folder / "sound.m4a"
    write_sound(Recording(samples, clip.rate_hz), sound, bit_rate=sound_bit_rate(duration_s))
    path = Trajectory(
        wandering(round((duration_s - WINDOW_S) / HOP_S)), HOP_S, WINDOW_S, WINDOW_S / 2, Source(title="benchmark")
    )
    return write_player(folder / "player.html", [scene_of_sound(path, sound)])


def measure(browser, file: Path) -> dict[str, float]:
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    tab.goto(file.as_uri())
    tab.wait_for_selector(".controls")
    found = tab.evaluate(DRAWING)
    tab.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the player's page.")
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    clip = orbitscope.load(options.clip)
    bundle = len(player_html([replace(bare_scene(Trajectory(wandering(3), HOP_S, WINDOW_S)), title="")]))
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
                  "--autoplay-policy=no-user-gesture-required"],
        )  # fmt: skip
        for name, duration_s in PAGES.items():
            file = page(clip, duration_s, Path(folder))
            found = [measure(browser, file) for _ in range(options.repeats)]
            row = [spread([one[what] for one in found]) for what in ("first", "ms", "fps")]
            rows.append([name, f"{file.stat().st_size / 1e6:.2f}", *row])
            say(", ".join(rows[-1]))
        browser.close()
    write_section(
        "player",
        f"""\
## The player's page

Chromium {browser.version}, 1280 x 720, no graphics card (SwiftShader). Program, style and a scene of nothing:
{bundle / 1e3:.0f} kB. Medians of {options.repeats} with the lowest and highest in brackets.

{table(["page", "size (MB)", "first picture (ms)", "drawing, main thread (ms)", "frames a second in software"], rows)}
""",
    )


if __name__ == "__main__":
    main()
