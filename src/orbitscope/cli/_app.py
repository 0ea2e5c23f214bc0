"""What all commands share: the app, the exit statuses, and how things are said."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from .. import __version__
from .._json import to_json
from .._text import plain
from ..errors import OrbitscopeError

FAILED, USAGE, INTERRUPTED = 1, 2, 130
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
