"""The player: one HTML file that shows orbits and plays their sound, from disk, without a network.

The page's program is the TypeScript of ``web/``, built into ``template.html``. What is put into it here is data, never
code: text is escaped for where it stands, and the page's Content-Security-Policy lets nothing else run or load.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path

from .._atomic import replace
from .._json import to_json
from .._scene import Scene, aligned
from ..errors import InputError
from ._data import base64_of, longest_heard, player_data

MOST_ORBITS = 4
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def player_html(scenes: Sequence[Scene]) -> str:
    """The page for one scene, or for two to four of one recording side by side.

    Raises
    ------
    InputError
        No scene, or too many.
    """
    if not 1 <= len(scenes) <= MOST_ORBITS:
        raise InputError(f"{len(scenes)} orbits are given; a page shows 1 to {MOST_ORBITS} side by side")
    scenes = aligned(list(scenes))
    data = player_data(scenes)
    heard = longest_heard(scenes)
    parts = {
        "TITLE": html.escape(data.title or "Orbitscope"),
        "DATA": to_json(asdict(data)).translate(_UNSAFE),
        "SOUND": base64_of(heard.sound.read_bytes()) if heard else "",
    }
    return re.sub(r"%%(TITLE|DATA|SOUND)%%", lambda match: parts[match[1]], _template())


def write_player(path: str | Path, scenes: Sequence[Scene]) -> Path:
    """Write :func:`player_html` to a file, whole or not at all.

    Raises
    ------
    InputError
        As :func:`player_html`.
    StoreError
        The file cannot be written.
    """
    replace(path, player_html(scenes).encode())
    return Path(path)


@cache
def _template() -> str:
    return files(__package__).joinpath("template.html").read_text("utf-8")
