"""The command ``orbitscope``. What it says goes to stderr; what it was asked for goes to stdout."""

import signal
import sys

from cyclopts import CycloptsError

from .. import __version__
from .._text import plain
from ..errors import OrbitscopeError
from . import dynamics, orbits, player, render, study
from ._app import FAILED, INTERRUPTED, USAGE, UsageError, app

__all__ = ["__version__", "app", "dynamics", "main", "orbits", "player", "render", "study"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    if hasattr(signal, "SIGTERM") and arguments is None:
        signal.signal(signal.SIGTERM, _stop)
    try:
        status = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        return status if isinstance(status, int) else 0
    except CycloptsError as error:
        print(f"orbitscope: {' '.join(str(error).split())} See orbitscope --help.", file=sys.stderr)
        return USAGE
    except OrbitscopeError as error:
        print(f"orbitscope: {plain(error)}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else FAILED
    except KeyboardInterrupt:
        print("orbitscope: interrupted; what was finished is kept, nothing else is left", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED


def _stop(*_) -> None:
    """Not by SIGINT, which a shell may have told background processes to ignore."""
    raise KeyboardInterrupt
