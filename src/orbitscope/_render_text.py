"""Letters for a film: untrusted text set literally, once, as a mask of coverage."""

from functools import lru_cache
from threading import Lock

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ._plotstyle import fallbacks, showable

SMALLEST_PX = 7.0  # smaller letters cannot be read and are left out
_LONGEST = 160  # characters
_ONE_AT_A_TIME = Lock()  # matplotlib's fonts are not for several threads


@lru_cache(maxsize=256)
def letters(text: str, size_px: float) -> np.ndarray:
    """One line of text as coverage in [0, 1], ``(height, width)`` float32.

    Every mask of a size has the same height and baseline; its width is that of the letters. Letters too small to be
    read, and text of nothing, give an empty one.
    """
    text = showable(text, _LONGEST)
    if not text or size_px < SMALLEST_PX:
        return np.zeros((0, 0), np.float32)
    height = round(1.5 * size_px)
    width = round(1.2 * size_px * (len(text) + 2))
    with _ONE_AT_A_TIME, matplotlib.rc_context({"text.hinting": "none", "text.usetex": False}):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
        canvas = FigureCanvasAgg(figure)
        figure.text(
            0.5 * size_px / width, 0.3, text, fontsize=size_px, parse_math=False, color="white", va="baseline",
            fontfamily=["DejaVu Sans", *fallbacks(text)],
        )  # fmt: skip
        canvas.draw()
        mask = np.asarray(canvas.buffer_rgba())[:, :, 3].astype(np.float32) / 255
    inked = np.flatnonzero(mask.any(axis=0))
    return np.ascontiguousarray(mask[:, inked[0] : inked[-1] + 1]) if inked.size else np.zeros((0, 0), np.float32)


def fitted(text: str, size_px: float, width_px: float) -> np.ndarray:
    """:func:`letters`, a little smaller or cut short with an … where they would be too wide."""
    mask = letters(text, size_px)
    if mask.shape[1] <= width_px:
        return mask
    size_px *= max(0.72, width_px / mask.shape[1])
    mask, length = letters(text, size_px), min(len(text), _LONGEST)
    while mask.shape[1] > width_px and length > 1:
        length = min(length - 1, int(length * width_px / mask.shape[1]) + 1)
        mask = letters(f"{text[:length].rstrip()}…", size_px)
    return mask


def clock(seconds: float) -> str:
    """Whole minutes and seconds, and hours where there are any."""
    whole = max(0, int(seconds + 1e-6))
    minutes, hours = whole // 60, whole // 3600
    return f"{hours}:{minutes % 60:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
