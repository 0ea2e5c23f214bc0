"""What the benchmarks share: processes timed from outside, the machine in words, and sections of RESULTS.md."""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "RESULTS.md"
CLIP = ROOT / "examples" / "vibe_ace.ogg"
SOUNDS = {".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"}
MIB = 1024**2


@dataclass(frozen=True)
class Process:
    """A finished process, imports and all: wall-clock seconds, processor seconds, peak resident memory, output."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str

    @property
    def answer(self) -> dict:
        """The JSON object that a worker printed as its last line."""
        return json.loads(self.output.strip().splitlines()[-1])


def timed(command: Sequence[str | os.PathLike], **environment: str | os.PathLike) -> Process:
    """Run a command and time it from outside.

    Raises
    ------
    RuntimeError
        The command failed; with the end of what it wrote on standard error.
    """
    command = [str(part) for part in command]
    environment = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    with tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        watch = _Watch(process.pid)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.stdout.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}\n{errors.read()[-2000:]}")
    peak = watch.peak_mib() or usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MIB
    return Process(seconds, usage.ru_utime + usage.ru_stime, peak, output)


class _Watch(threading.Thread):
    """Follows the peak memory of a process where the system tells it (Linux). What a finished process is said to have
    needed at most is there no less than what its parent, this one, held when it began."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._status, self._peak_kib = Path(f"/proc/{pid}/status"), 0
        self.start()

    def run(self) -> None:
        with suppress(OSError):
            while found := re.search(r"VmHWM:\s*(\d+)", self._status.read_text()):
                self._peak_kib = int(found[1])
                time.sleep(0.02)

    def peak_mib(self) -> float:
        self.join(1.0)
        return self._peak_kib * 1024 / MIB


def machine() -> str:
    """This machine and what ran on it, in a sentence."""
    cpu = platform.processor() or platform.machine()
    info, memory = Path("/proc/cpuinfo"), ""
    if info.exists() and (found := re.search(r"model name\s*:\s*(.+)", info.read_text())):
        cpu = found[1]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1024**3:.0f} GiB of memory"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = []
    for name in ("orbitscope", "jax", "numpy", "tensorflow-cpu", "keras"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"{cpu}, {cores} cores{memory}; {platform.system()}, Python {platform.python_version()}, "
        f"{', '.join(packages)}; {date.today().isoformat()}."
    )


def write_section(name: str, body: str, path: Path = RESULTS, title: str = "Results") -> None:
    """Put ``body`` (Markdown) in place of the section ``name`` of a file, or at its end if it has none."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    text = path.read_text() if path.exists() else f"# {title}\n\nWritten by the scripts in benchmarks/.\n"
    section = f"{begin}\n{body.strip()}\n\nMeasured on: {machine()}\n{end}"
    if begin in text:
        before, rest = text.split(begin, 1)
        text = before + section + rest.split(end, 1)[1]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def table(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """A Markdown table; floats get three significant digits."""
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value) -> str:
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}" if abs(value) >= 1 else f"{value:.3f}"


def spread(values: Sequence[float], form: str | None = None) -> str:
    """The median, with the lowest and highest of several in brackets."""
    shown = form.format if form else _cell
    if len(values) == 1:
        return shown(values[0])
    return f"{shown(median(values))} ({shown(min(values))} to {shown(max(values))})"


def verdict(reached: bool) -> str:
    return "reached" if reached else "**missed**"


def sounds(paths: Iterable[Path]) -> list[Path]:
    """The sound files among ``paths``, folders opened, in order of name."""
    found = []
    for path in paths:
        found += sorted(p for p in path.iterdir() if p.suffix in SOUNDS) if path.is_dir() else [path]
    return found


def say(*words) -> None:
    """Progress, on standard error."""
    print(*words, file=sys.stderr, flush=True)
