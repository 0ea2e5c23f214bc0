"""The command that makes the page: player."""

import sys
import warnings
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .._text import plain
from ..errors import InputError, OrbitscopeWarning
from ._app import AsJson, Output, UsageError, app, open_page, print_json, print_paths


@app.command
def player(
    orbits: Annotated[list[Path], Parameter(name=["ORBIT"], negative=(), json_list=False)],
    /,
    *,
    output: Output = None,
    open_: Annotated[bool, Parameter(name="--open", negative=())] = False,
    as_json: AsJson = False,
) -> int:
    """Write the page that plays an orbit, or two to four orbits of one recording side by side.

    Parameters
    ----------
    orbits
        NAME.orbit folders; more than one are turned onto the first and share its sound.
    output
        The page to write; of one orbit player.html in it, of more comparison.html.
    open_
        Open it in your browser.
    as_json
        Print the page's place as JSON.
    """
    from ..player import MOST_ORBITS, write_player
    from ..scenes import scene
    from ..store import PLAYER, read_orbit

    if len(orbits) > MOST_ORBITS:
        raise UsageError(f"{len(orbits)} orbits are given; a page shows {MOST_ORBITS} at most")
    found = [read_orbit(orbit) for orbit in orbits]
    if len({orbit.trajectory.source.sha256 for orbit in found}) > 1:
        names = ", ".join(orbit.trajectory.source.name for orbit in found)
        raise InputError(
            f"the orbits are of different recordings ({names}); one page has one sound: give orbits of one"
        )
    target = output or (orbits[0] / PLAYER if len(orbits) == 1 else Path("comparison.html"))
    try:
        if target.is_dir():
            raise UsageError(f"--output {target} is a folder; give the name of a page, such as {target / 'page.html'}")
        if target.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"--output {target} is no name of a page; give one that ends in .html")
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}); choose another --output") from None
    with warnings.catch_warnings():
        warnings.simplefilter("always", OrbitscopeWarning)
        warnings.showwarning = lambda message, *_: print(f"orbitscope: note: {plain(message)}", file=sys.stderr)
        page = write_player(target, [scene(orbit) for orbit in found])
    if as_json:
        print_json({"page": str(page), "orbits": [str(orbit) for orbit in orbits]})
    else:
        print_paths(page)
    if open_:
        open_page(page)
    return 0
