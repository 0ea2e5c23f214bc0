"""How a run shows its progress: a bar with the time left on a terminal, plain lines elsewhere, or nothing."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._text import plain

_EVERY_S, _REDRAWN_S = 5.0, 0.1  # lines, and a bar


@contextmanager
def reporter(name: str, *, quiet: bool) -> Iterator["_Silent"]:
    """Lend a ``report(stage, progress)`` for one input, fit for where stderr goes."""
    if quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        with _Bar(name) as bar:
            yield bar
    else:
        yield _Lines(name)


class _Silent:
    def __call__(self, stage: str, progress) -> None:
        pass

    def say(self, text: str) -> None:
        """Show a line beside the progress."""


class _Lines(_Silent):
    def __init__(self, name: str):
        self._name, self._begun, self._last = plain(name), None, 0.0

    def __call__(self, stage: str, progress) -> None:
        now = time.monotonic()
        if progress is None:
            self.say(stage)
            return
        if self._begun is None:
            self._begun = self._last = now
            self._from = progress.step
        elif now - self._last >= _EVERY_S:
            self._last = now
            left_s = (now - self._begun) / (progress.step - self._from) * (progress.steps - progress.step)
            self.say(f"training, step {progress.step} of {progress.steps}, {left_s:.0f} s left")

    def say(self, text: str) -> None:
        print(f"{self._name}: {text}", file=sys.stderr, flush=True)


class _Bar(_Silent):
    def __init__(self, name: str):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("starting", name=plain(name, 24), total=None, loss="")

    def __enter__(self):
        self._bar.start()
        return self

    def __exit__(self, *_):
        self._bar.stop()

    def __call__(self, stage: str, progress) -> None:
        if progress is None:
            self._bar.update(self._task, description=stage, loss="")
        else:
            term, values = next(iter(progress.losses.items()))
            loss = f"{term} {values.mean():.4f}"
            self._bar.update(self._task, description=stage, completed=progress.step, total=progress.steps, loss=loss)

    def say(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False)


@contextmanager
def counter(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Lend a ``report(what, done, of)`` for jobs: lines with the time left, or nothing."""
    begun, first = time.monotonic(), None

    def report(what: str, done: int, of: int) -> None:
        nonlocal first
        first = done - 1 if first is None else first
        left_s = (time.monotonic() - begun) / (done - first) * (of - done)
        left = f", {left_s / 60:.0f} min left" if left_s >= 60 else f", {left_s:.0f} s left" if done < of else ""
        if not quiet:
            print(f"{done} of {of}: {plain(what)}{left}", file=sys.stderr, flush=True)

    yield report


@contextmanager
def meter(name: str, what: str, *, quiet: bool) -> Iterator["_Silent"]:
    """Lend a ``report(done, of)`` for work of many small steps, such as the pictures of a film, with a ``say``."""
    if quiet:
        yield _SilentMeter()
    elif sys.stderr.isatty():
        with _BarMeter(name) as bar:
            yield bar
    else:
        yield _LineMeter(name, what)


class _SilentMeter(_Silent):
    def __call__(self, done: int, of: int) -> None:
        pass


class _LineMeter(_Lines):
    def __init__(self, name: str, what: str):
        super().__init__(name)
        self._what = what

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if self._begun is None:
            self._begun, self._last, self._from = now, now, done
        elif now - self._last >= _EVERY_S and done < of:
            self._last = now
            left_s = (now - self._begun) / (done - self._from) * (of - done)
            self.say(f"{done} of {of} {self._what}, {left_s:.0f} s left")


class _BarMeter(_Bar):
    def __init__(self, name: str):
        super().__init__(name)
        self._bar.update(self._task, description="rendering")
        self._last = 0.0

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last >= _REDRAWN_S or done == of:
            self._last = now
            self._bar.update(self._task, completed=done, total=of)
