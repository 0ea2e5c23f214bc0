"""How player and film look: colours, camera, line widths. Lengths on the picture are in thousandths of its height.

The path is drawn in an order-independent way: on a dark ground a pixel takes the brightest line that covers it
(``max``), on a light one the darkest (``min``), so that lines may cross in any order and joints leave no beads. Depth
shows in width and strength: near parts are wide and full, far parts thin and faint.
"""

from dataclasses import dataclass
from functools import cache

import matplotlib
import numpy as np

from .errors import InputError


@dataclass(frozen=True)
class Theme:
    """Colours as sRGB in [0, 255]."""

    ground: tuple[int, int, int]
    ground_edge: tuple[int, int, int]  # of the vignette, at the corners
    ink: tuple[int, int, int]
    soft: tuple[int, int, int]
    head: tuple[int, int, int]
    map: str  # perceptually even, cut to the part that stands off the ground
    map_from: float
    map_to: float


THEMES = {
    "dark": Theme((17, 19, 28), (6, 7, 11), (236, 238, 244), (142, 148, 164), (255, 255, 255), "plasma", 0.27, 1.0),
    "light": Theme((252, 252, 250), (236, 236, 238), (24, 26, 34), (98, 104, 120), (20, 20, 28), "plasma", 0.0, 0.86),
}
CYCLIC_MAP = "twilight_shifted"


@dataclass(frozen=True)
class Look:
    """Numbers that both painters share."""

    field_of_view_deg: float = 30.0  # vertical
    distance: float = 4.35  # of the camera from the middle of the unit ball
    elevation_deg: float = 20.0
    turn_deg_per_s: float = 4.0
    line: float = 2.6  # width of the path at the middle of the ball
    line_ahead: float = 0.62  # width of what is still to come, as a share of that
    ahead: float = 0.30  # strength of what is still to come
    behind: float = 0.92  # strength of the path so far
    far_width: float = 0.55  # share of the width at the far end of the ball; the near end has 2 less that
    far_strength: float = 0.46  # share of the strength at the far end
    tail_s: float = 2.5  # seconds that the comet's tail takes to fade
    tail_width: float = 2.6  # width at the head, in widths of the path
    head: float = 7.5  # radius of the point
    halo: float = 34.0  # radius at which its light has fallen to 1 %
    halo_strength: float = 0.75
    branch: float = 2.0  # width of a forecast


LOOK = Look()


def theme(name: str) -> Theme:
    if name not in THEMES:
        raise InputError(f"theme is {name!r}; choose one of {', '.join(THEMES)}")
    return THEMES[name]


@cache
def color_table(name: str, cyclic: bool = False) -> np.ndarray:
    """The colours of a theme from low to high, ``(256, 3)`` uint8."""
    chosen = theme(name)
    if cyclic:
        turned = matplotlib.colormaps[CYCLIC_MAP](np.linspace(0, 1, 256, endpoint=False))[:, :3]
        mixed = 0.25 + 0.75 * turned if name == "dark" else 0.86 * turned
        return np.round(255 * mixed).astype(np.uint8)
    steps = np.linspace(chosen.map_from, chosen.map_to, 256)
    return np.round(255 * matplotlib.colormaps[chosen.map](steps)[:, :3]).astype(np.uint8)
