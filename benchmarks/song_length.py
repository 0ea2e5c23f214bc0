"""Whole ``orbitscope run`` processes, default settings, from half a minute to an hour of music.

A clip is repeated into stereo FLAC files of each length. Each run is a process of its own, timed from outside: first
with empty caches (compiled programs, fonts), as on a new machine, then again with what that left behind.

    python benchmarks/song_length.py [CLIP] [--repeats 5] [--minutes 0.5 1 4 15 60]
"""

import argparse
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median

import av
import numpy as np
from common import CLIP, MIB, Process, say, spread, table, timed, verdict, write_section

import orbitscope

SONG_MIN, SONG_TARGET_S, SONG_TARGET_MIB = 4.0, 60.0, 2e9 / MIB
LONG_MIN, LONG_TARGET_MIB = 60.0, 1.5e9 / MIB
FLAT = 1.05  # how much a cost may rise and still be called flat


def write_repeated(recording: orbitscope.Recording, minutes: float, path: Path) -> None:
    """Write ``minutes`` of a recording, repeated from its beginning, as 16-bit stereo FLAC."""
    stereo = np.resize(recording.samples, (2, recording.samples.shape[1]))
    samples = (np.clip(stereo, -1, 1) * 32767).astype(np.int16)
    left = round(60 * minutes * recording.rate_hz)
    with av.open(str(path), "w") as container:
        sound = container.add_stream("flac", rate=recording.rate_hz, layout="stereo")
        while left:
            piece = samples[:, :left]
            left -= piece.shape[1]
            for first in range(0, piece.shape[1], 1 << 16):
                block = np.ascontiguousarray(piece[:, first : first + (1 << 16)].T.reshape(1, -1))
                frame = av.AudioFrame.from_ndarray(block, format="s16", layout="stereo")
                frame.sample_rate = recording.rate_hz
                container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def measure(song: Path, repeats: int, steps: int | None) -> dict[str, list[Process]]:
    """Cold and warm runs of one file, in turn."""
    command = [Path(sys.executable).parent / "orbitscope", "run", song, "--quiet"]
    command += ["--steps", steps] if steps else []
    found = {"cold": [], "warm": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            caches = {"ORBITSCOPE_CACHE_DIR": Path(folder) / "programs", "MPLCONFIGDIR": Path(folder) / "fonts"}
            for kind in found:
                found[kind].append(timed([*command, "-o", Path(folder) / kind], **caches))
    return found


def report(found: dict[float, dict[str, list[Process]]], options: argparse.Namespace) -> str:
    seconds = {m: {kind: median(p.seconds for p in ps) for kind, ps in f.items()} for m, f in found.items()}
    peaks = {m: max(p.peak_mib for ps in f.values() for p in ps) for m, f in found.items()}
    rows = [
        [
            f"{minutes:g}",
            *(spread([p.seconds for p in f[kind]]) for kind in ("cold", "warm")),
            *(seconds[minutes][kind] / minutes for kind in ("cold", "warm")),
            spread([p.cpu_seconds for p in f["warm"]]),
            spread([p.peak_mib for ps in f.values() for p in ps], "{:.0f}"),
        ]
        for minutes, f in found.items()
    ]
    header = ["minutes of music", "cold (s)", "warm (s)", "cold, s a minute", "warm, s a minute"]
    header += ["warm, processor (s)", "peak memory (MiB)"]
    lines = []
    if SONG_MIN in found:
        cold, peak = seconds[SONG_MIN]["cold"], peaks[SONG_MIN]
        lines.append(f"4 minutes cold in {cold:.1f} s (target: {SONG_TARGET_S:g} s): {verdict(cold <= SONG_TARGET_S)}")
        lines.append(f"4 minutes in {peak:.0f} MiB (target: 2 GB): {verdict(peak <= SONG_TARGET_MIB)}")
    if LONG_MIN in found:
        peak = peaks[LONG_MIN]
        lines.append(f"60 minutes in {peak:.0f} MiB (target: 1.5 GB): {verdict(peak <= LONG_TARGET_MIB)}")
    costs = {kind: [seconds[m][kind] / m for m in sorted(found)] for kind in ("cold", "warm")}
    flat = all(b <= FLAT * a for cost in costs.values() for a, b in pairwise(cost))
    lines.append(f"cost a minute of music falls or stays flat with length: {verdict(flat)}")
    return f"""\
## Songs of every length

`{options.clip.name}`, repeated, as stereo FLAC through `orbitscope run` at default settings, {options.repeats} repeats;
medians, with the lowest and highest in brackets. Cold: empty caches; warm: those of the run before.

{table(header, rows)}

{chr(10).join(f"- {line[0].upper()}{line[1:]}." for line in lines)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Time whole runs on songs of every length.")
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.5, 1, SONG_MIN, 15, LONG_MIN])
    parser.add_argument("--steps", type=int, help="training steps; the default settings' own if not given")
    options = parser.parse_args()
    recording = orbitscope.load(options.clip)
    found = {}
    for minutes in sorted(options.minutes):
        with tempfile.TemporaryDirectory() as folder:
            song = Path(folder) / "song.flac"
            write_repeated(recording, minutes, song)
            found[minutes] = measure(song, options.repeats, options.steps)
        times = {kind: spread([p.seconds for p in processes]) for kind, processes in found[minutes].items()}
        say(f"{minutes:g} min: {times}, {max(p.peak_mib for p in found[minutes]['cold']):.0f} MiB")
        write_section("song-length", report(found, options))


if __name__ == "__main__":
    main()
