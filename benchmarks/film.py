"""Films: what drawing adds to encoding, how far that is from the published way, and memory over length.

A clip becomes an orbit, and that a film. Against the encoder alone: the same codec with the same settings gets real
pictures of the film, made before, as RGB arrays, so that turning them into what the encoder takes is a part of its
work. They are runs of consecutive pictures from all along the film, each gone through forwards and backwards. Against
the published way: a line and a point in matplotlib's 3-D axes, saved as PNG for each picture, without sound or film.
Memory is that of the drawing and encoding process, for a long path of the clip's points over and over.

    python benchmarks/film.py [CLIP] [--repeats 5] [--seconds 30] [--minutes 1 10]
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import av
import numpy as np
from common import CLIP, MIB, say, spread, table, timed, verdict, write_section

import orbitscope
from orbitscope._render_files import Movie
from orbitscope._render_frame import Film, Painter, Style
from orbitscope._scene import Coloring, Scene, project
from orbitscope.encoding import SOUND_RATE_HZ, write_sound
from orbitscope.render import render
from orbitscope.scenes import scene
from orbitscope.types import Recording, Trajectory

HD, PUBLISHED = (1920, 1080), (1422, 800)
RUNS, RUN_LENGTH = 8, 12  # of real pictures that are kept: 0.6 GB of them
TARGET_ADDED, TARGET_FASTER, TARGET_FLAT = 0.30, 6.0, 1.1
PNG_PICTURES = 24


def seconds_of(work, *arguments, **options) -> tuple[float, float]:
    """Of the clock, and of the processor: the second says more where other work runs on the machine."""
    begun = time.perf_counter(), time.process_time()
    work(*arguments, **options)
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def real_pictures(shown: Scene, seconds: float) -> list[list[np.ndarray]]:
    """Runs of consecutive pictures of a film, ``(height, width, 3)`` each."""
    film = Film(shown, Style(), *HD, shown.sound_start_s, shown.duration_s).made_ready()
    painter, runs = Painter(film), []
    for begin_s in shown.sound_start_s + np.arange(RUNS) * seconds / RUNS:
        runs.append([painter.paint(begin_s + k / 30).picture() for k in range(RUN_LENGTH)])
    return runs


def encode_alone(runs: list[list[np.ndarray]], count: int, path: Path) -> None:
    """What PyAV takes for ``count`` pictures: conversion, H.264, the file."""
    movie = Movie(path, *HD, Fraction(30))
    each = -(-count // len(runs))
    number = 0
    for run in runs:
        for picture in islice(cycle([*run, *run[-2:0:-1]]), min(each, count - number)):
            movie.write(av.VideoFrame.from_ndarray(picture, format="rgb24"), number)
            number += 1
    movie.close()


def draw_as_published(path: orbitscope.Trajectory, folder: Path) -> list[tuple[float, float]]:
    """Seconds for each of some pictures in matplotlib: the path so far, the point, a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PUBLISHED[0] / 100, PUBLISHED[1] / 100), dpi=100)
    FigureCanvasAgg(figure)

    def draw(number, end):
        figure.clear()
        axes = figure.add_subplot(projection="3d")
        axes.plot(*path.points[:end].T, linewidth=1)
        axes.plot(*path.points[end - 1 : end].T, "o")
        figure.savefig(folder / f"{number}.png")

    ends = np.linspace(2, len(path), PNG_PICTURES).astype(int)
    return [seconds_of(draw, number, end) for number, end in enumerate(ends)]


def long_scene(shown: Scene, minutes: float, folder: Path) -> Scene:
    """The clip's path and sound over and over, for so many minutes."""
    short = shown.trajectory
    count = round(60 * minutes / short.hop_s)
    path = Trajectory(
        np.resize(short.points, (count, short.points.shape[1])), short.hop_s, short.window_s, short.start_s
    )
    sound = np.resize(orbitscope.load(shown.sound).samples[:1], (1, round(60 * minutes * SOUND_RATE_HZ)))
    file = folder / "sound.m4a"
    length_s = write_sound(Recording(sound, SOUND_RATE_HZ), file)
    color = Coloring("time", "time", "s", path.times_s, float(path.times_s[0]), float(path.times_s[-1]))
    return Scene(path, project(path), (color,), sound=file, duration_s=length_s)


def worker(orbit: Path, minutes: float, folder: Path) -> None:
    """A process of its own: make a long scene, give back what that took, and render."""
    long = long_scene(scene(orbitscope.store.read_orbit(orbit)), minutes, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sampled = Sampled()
    begun = time.perf_counter()
    render(long, folder / "film.mp4", size="640x360", report=sampled)
    print(json.dumps({"seconds": time.perf_counter() - begun, "before": before, "peak": sampled.most}))


class Sampled:
    """Follows the memory in use, in MiB, while pictures are made."""

    most = 0.0

    def __call__(self, done: int, of: int) -> None:
        if done % 50 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.most = max(self.most, pages * resource.getpagesize() / MIB)


def report(found: dict, options: argparse.Namespace) -> str:
    each = {"alone": found["count"], "whole": found["count"], "small": found["count"], "published": 1}
    clock, processor = (
        {name: [taken[kind] / each[name] * 1000 for taken in found[name]] for name in each} for kind in (0, 1)
    )
    added = median(clock["whole"]) / median(clock["alone"]) - 1
    faster = median(clock["published"]) / median(clock["small"])
    labels = {
        "alone": "1920 x 1080: the encoder alone, on ready pictures",
        "whole": "1920 x 1080: the whole film, sound and drawing too",
        "published": "1422 x 800: the published way, a PNG of each picture",
        "small": "1422 x 800: the whole film",
    }
    rows = [[label, spread(clock[name]), spread(processor[name])] for name, label in labels.items()]
    memory = [[f"{m:g}", a["before"], a["peak"], a["seconds"]] for m, a in found["memory"].items()]
    peaks = [a["peak"] for a in found["memory"].values()]
    lines = [
        f"Drawing adds {added:+.0%} to what the encoder alone takes (target: at most {TARGET_ADDED:.0%}): "
        f"{verdict(added <= TARGET_ADDED)}.",
        f"The whole film is {faster:.1f} times faster a picture than the published way (target: {TARGET_FASTER:g}): "
        f"{verdict(faster >= TARGET_FASTER)}.",
    ]
    if len(peaks) > 1:
        lines.append(f"Memory stays flat in the length: {verdict(max(peaks) <= TARGET_FLAT * min(peaks))}.")
    header = ["minutes", "before rendering, at most (MiB)", "while rendering (MiB)", "seconds"]
    return f"""\
## Films

`{options.clip.name}`, {options.seconds:g} s at 30 pictures a second, {options.repeats} repeats in turn; medians, with
the lowest and highest in brackets. The whole films are rendered with title, strip and sound.

{table(["milliseconds a picture", "by the clock", "of the processor"], rows)}

Films of 640 x 360 of a long path, each in a process of its own:

{table(header, memory)}

{chr(10).join(f"- {line}" for line in lines)}
"""


def measure(orbit: Path, options: argparse.Namespace, folder: Path) -> dict:
    shown = scene(orbitscope.store.read_orbit(orbit))
    seconds = min(options.seconds, shown.duration_s)
    shown = replace(shown, forecasts=())
    count = round(30 * seconds)
    runs = real_pictures(shown, seconds)
    found = {"count": count, "alone": [], "whole": [], "small": [], "published": [], "memory": {}}
    stretch = {} if seconds == shown.duration_s else {"duration_s": seconds}
    render(shown, folder / "warm.mp4", duration_s=1.0)
    for _ in range(options.repeats):
        found["alone"].append(seconds_of(encode_alone, runs, count, folder / "alone.mp4"))
        found["whole"].append(seconds_of(render, shown, folder / "whole.mp4", **stretch))
        found["small"].append(seconds_of(render, shown, folder / "small.mp4", size=PUBLISHED, **stretch))
        found["published"] += draw_as_published(shown.trajectory, folder)
        say({name: f"{values[-1][0]:.2f} s" for name, values in found.items() if isinstance(values, list)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Time films and follow their memory.")
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 10])
    parser.add_argument("--orbit", type=Path, help="an orbit of the clip, if there is one")
    parser.add_argument("--worker", type=float, metavar="MINUTES", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if options.worker:
            worker(options.orbit, options.worker, folder)
            return
        orbit = options.orbit or orbitscope.run(options.clip, output=folder, figures=False).path
        found = measure(orbit, options, folder)
        for minutes in options.minutes:
            process = timed([sys.executable, __file__, "--orbit", orbit, "--worker", minutes])
            found["memory"][minutes] = process.answer
            say(f"{minutes:g} min: {process.answer}")
        write_section("film", report(found, options))


if __name__ == "__main__":
    main()
