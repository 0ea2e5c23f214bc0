"""From a painted picture to the planes of a film: brightness and two of colour, where something was drawn."""

import numpy as np

from ._render_compiled import compiled

BAND = 8  # rows that what was drawn is remembered of together

# What turns sRGB into the Y'CbCr of BT.709 in the range of a film (Y 16 to 235, Cb and Cr 16 to 240).
_TO_LUMA = np.float32([0.2126, 0.7152, 0.0722]) * np.float32(219 / 255)
_TO_BLUE = np.float32([-0.2126, -0.7152, 0.9278]) * np.float32(224 / 255 / 1.8556)
_TO_RED = np.float32([0.7874, -0.7152, -0.0722]) * np.float32(224 / 255 / 1.5748)


def words(pixels):
    """The four bytes of each pixel as one number, ``(height, width)`` uint32: red in the lowest, wherever that lies."""
    return pixels.view("<u4")[:, :, 0]


@compiled
def to_planes(words, spans, luma, blue, red):
    """Chroma lies where the left pixel of two is, as films have it: it is averaged over the one before and after."""
    width = words.shape[1]
    r_b, g_b, b_b = _TO_BLUE
    r_r, g_r, b_r = _TO_RED
    middle = np.float32(128.5)
    above, below = np.empty((3, width), np.float32), np.empty((3, width), np.float32)
    for pair in range(len(words) // 2):
        top = 2 * pair
        first = max(spans[top // BAND, 0] - 1, 0) & ~1
        last = min((spans[top // BAND, 1] + 2) & ~1, width)
        if first >= last:
            continue
        before = max(first - 1, 0)
        _to_luma(words[top, before:last], luma[top, before:last], above)
        _to_luma(words[top + 1, before:last], luma[top + 1, before:last], below)
        for x in range(first // 2, last // 2):
            here = 2 * x - before
            prior = max(here - 1, 0)
            r = _weighted(above, below, 0, prior, here)
            g = _weighted(above, below, 1, prior, here)
            b = _weighted(above, below, 2, prior, here)
            blue[pair, x] = np.uint8(np.int32(r_b * r + g_b * g + b_b * b + middle))
            red[pair, x] = np.uint8(np.int32(r_r * r + g_r * g + b_r * b + middle))


@compiled
def _to_luma(words, luma, colors):
    """The brightness of a row of pixels, and its red, green and blue as numbers, ``(3, width)``."""
    r_y, g_y, b_y = _TO_LUMA
    byte, eight, sixteen = np.uint32(255), np.uint32(8), np.uint32(16)
    for x in range(len(words)):
        word = words[x]
        r, g, b = np.float32(word & byte), np.float32((word >> eight) & byte), np.float32((word >> sixteen) & byte)
        colors[0, x], colors[1, x], colors[2, x] = r, g, b
        luma[x] = np.uint8(np.int32(r_y * r + g_y * g + b_y * b + np.float32(16.5)))


@compiled
def _weighted(above, below, plane, prior, here):
    middle = above[plane, here] + below[plane, here]
    sides = above[plane, prior] + below[plane, prior] + above[plane, here + 1] + below[plane, here + 1]
    return np.float32(0.125) * (middle + middle + sides)
