"""The 256 colours of a GIF: those that its own pictures have most, and a fixed pattern that mixes them."""

import numpy as np
from PIL import Image

from ._raster import dither
from ._render_compiled import compiled

_BITS = 6  # of each colour that a nearest one is kept for


class Palette:
    """The best colours for some pictures, and for any colour the nearest of them.

    Parameters
    ----------
    samples : np.ndarray [shape=(height, width, 3), uint8]
        Pixels of the film, laid side by side.
    """

    def __init__(self, samples: np.ndarray):
        found = Image.fromarray(samples).quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=2).getpalette()
        colors = np.zeros((256, 3), np.uint8)
        known = np.uint8(found).reshape(-1, 3)
        colors[: len(known)] = known
        colors[len(known) :] = known[-1] if len(known) else 0
        self.colors = colors
        self.bgra = np.column_stack([colors[:, ::-1], np.full(256, 255, np.uint8)]).ravel()
        self._nearest = _nearest(np.float32(colors), _BITS)
        self._pattern = None

    def indices(self, pixels: np.ndarray) -> np.ndarray:
        """The places in the palette of ``(3, height, width)`` pixels."""
        if self._pattern is None:
            self._pattern = np.float32((dither(*pixels.shape[:0:-1]) - 0.5) * 2 ** (8 - _BITS + 1))
        return _looked_up(pixels, self._nearest, self._pattern, _BITS)


@compiled
def _nearest(colors, bits):
    size = 1 << bits
    found = np.empty((size, size, size), np.uint8)
    step = np.float32(255) / np.float32(size - 1)
    for r in range(size):
        for g in range(size):
            for b in range(size):
                least, best = np.float32(1e9), 0
                for i in range(len(colors)):
                    dr, dg, db = r * step - colors[i, 0], g * step - colors[i, 1], b * step - colors[i, 2]
                    away = np.float32(2) * dr * dr + np.float32(4) * dg * dg + np.float32(3) * db * db
                    if away < least:
                        least, best = away, i
                found[r, g, b] = best
    return found


@compiled
def _looked_up(pixels, nearest, pattern, bits):
    height, width = pixels.shape[1:]
    found = np.empty((height, width), np.uint8)
    most = (1 << bits) - 1
    scale = np.float32(most) / np.float32(255)
    for y in range(height):
        for x in range(width):
            add = pattern[y, x] * scale + np.float32(0.5)
            r = min(max(int(pixels[0, y, x] * scale + add), 0), most)
            g = min(max(int(pixels[1, y, x] * scale + add), 0), most)
            b = min(max(int(pixels[2, y, x] * scale + add), 0), most)
            found[y, x] = nearest[r, g, b]
    return found
