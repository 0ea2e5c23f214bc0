"""What a notebook shows of a trajectory or an orbit: the player, in a frame of its own.

The page in an orbit folder is whoever's the folder is; the frame's sandbox keeps it from the notebook around it.
"""

import html

from . import store
from .player import player_html
from .scenes import bare_scene, scene
from .types import Orbit, Trajectory

_HEIGHT = 640  # pixels


def player(value: Trajectory | Orbit) -> str:
    """HTML for a notebook's output cell; of an orbit the page in its folder if there is one."""
    if isinstance(value, Trajectory):
        page = player_html([bare_scene(value)])
    else:
        kept = value.path / store.PLAYER
        page = kept.read_text("utf-8", "replace") if kept.exists() else player_html([scene(value)])
    return (
        f'<iframe srcdoc="{html.escape(page)}" title="Orbitscope player" allow="autoplay; fullscreen"'
        ' sandbox="allow-scripts allow-downloads"'
        f' style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe>'
    )
