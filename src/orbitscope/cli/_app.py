"""What all commands share: the app, the exit statuses, and how things are said."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from .. import __version__
from .._json import to_json
from .._text import plain
from ..errors import InputError, OrbitscopeError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def _whole(_kind, tokens) -> int:
    """cyclopts itself would take 2.5 for 2."""
    (token,) = tokens
    try:
        return int(token.value)
    except ValueError:
        raise ValueError(f"{plain(token.value)!r} is no whole number; give one.") from None


Whole = Annotated[int, Parameter(converter=_whole)]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]
AsJson = Annotated[bool, Parameter(name="--json", negative=())]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())]

app = App(
    name="orbitscope",
    help="See the shape of music: a recording becomes a trajectory through a small learned space.",
    version=__version__,
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
    help_flags=["--help", "-h"],
)
app.register_install_completion_command(help="Install shell completion for bash, zsh or fish.")


class UsageError(OrbitscopeError):
    """An option that cannot be used, found before any work is done."""


def complain(error: OrbitscopeError, file: Path, as_json: bool) -> int:
    print(f"orbitscope: {plain(error)}", file=sys.stderr)
    if as_json:
        print_json({"input": str(file), "error": str(error)})
    return 1


def print_json(value: dict) -> None:
    print(to_json(value, ascii=True), flush=True)


def check_figure_name(path: Path | None, such_as: str) -> None:
    if path is not None and not path.name.strip("."):
        raise UsageError(f"--output {path} is no name of a figure; give one, such as {such_as}")


def save_figure(figure, path: Path, remedy: str) -> tuple[Path, Path]:
    from ..plots import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return save(figure, path.parent, path.stem if path.suffix.lower() in (".png", ".svg") else path.name)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); {remedy}") from None


def print_paths(*paths: Path, file=None) -> None:
    """As they are, unless that could steer a terminal or is no text."""
    for path in map(str, paths):
        print(path if path.isprintable() else plain(path), file=file)


def open_page(file: Path) -> None:
    import webbrowser

    if file.exists() and not webbrowser.open(file.resolve().as_uri()):
        print(f"orbitscope: no browser could be started; open {plain(file)} yourself", file=sys.stderr)
