"""Painting on the CPU: antialiased lines, points, light and letters, straight into a frame.

A canvas is a picture of red, green and blue, ``(3, height, width)`` uint8, over a ground that stays. What is drawn is
remembered by bands of rows, so that clearing, and turning into the planes of a film, costs what was drawn and not
what the frame holds. Positions are in pixels from the upper left corner; the first pixel's middle is at (0.5, 0.5).

Lines are capsules: a pixel's coverage is half a pixel more than the half width, less its distance from the segment,
cut to [0, 1]. They are composited by the greatest value on a dark ground and by the least on a light one, so that the
order of lines does not matter, and joints and crossings leave no beads.
"""

import numpy as np

from ._render_compiled import compiled
from ._render_planes import BAND, to_planes, words


class Canvas:
    """A frame to paint on.

    Parameters
    ----------
    ground : np.ndarray [shape=(3, height, width), uint8]
        What is there before anything is painted. Not changed.
    dark : bool
        Whether lines are composited by the greatest value; by the least otherwise.
    """

    def __init__(self, ground: np.ndarray, *, dark: bool):
        self.height, self.width = ground.shape[1:]
        self._ground = np.zeros((self.height, self.width, 4), np.uint8)  # the colours of a pixel beside each other
        self._ground[:, :, :3] = ground.transpose(1, 2, 0)
        self._pixels = self._ground.copy()
        self._dark = dark
        self._drawn = _no_spans(self.height)  # from where to where each band was drawn on since it was cleared
        self._in_planes = _no_spans(self.height)  # and how much of what the planes show is not the ground
        self._planes = None

    @property
    def pixels(self) -> np.ndarray:
        """What is painted, ``(3, height, width)`` uint8; a view."""
        return self._pixels[:, :, :3].transpose(2, 0, 1)

    def clear(self) -> None:
        """Bring the ground back."""
        _restore(words(self._pixels), words(self._ground), self._drawn)

    def lines(self, trace: np.ndarray) -> None:
        """Draw a polyline, ``(points, 7)`` float32: x, y, half width (0.5 px at least), strength in [0, 1], R, G, B.

        Width, strength and colour go evenly from point to point.
        """
        if len(trace):
            _lines(self._pixels, self._ground, self._drawn, trace, self._dark, False)

    def glow(self, trace: np.ndarray) -> None:
        """The same, as a soft band: at a distance d from its middle the strength is (1 - d / half width)² of that."""
        if len(trace):
            _lines(self._pixels, self._ground, self._drawn, trace, self._dark, True)

    def disc(self, x: float, y: float, radius: float, color, strength: float = 1.0) -> None:
        _disc(self._pixels, self._drawn, x, y, radius, np.float32(color), strength)

    def halo(self, x: float, y: float, radius: float, color, strength: float) -> None:
        """Light about a point, added as light on a dark ground and taken away as by ink on a light one.

        It falls off as ``exp(-4.6 (r / radius)²)``, to 1 % at the radius.
        """
        _halo(self._pixels, self._drawn, x, y, radius, np.float32(color), strength, self._dark)

    def stamp(self, mask: np.ndarray, x: float, y: float, color, strength: float = 1.0) -> None:
        """Colour what a mask of coverage, ``(height, width)`` float32, covers; its upper left corner is at (x, y)."""
        if strength > 0 and mask.size:
            _stamp(self._pixels, self._drawn, mask, x, y, np.float32(color), strength)

    def place(self, image: np.ndarray, x: int, y: int) -> None:
        """Put a picture, ``(3, height, width)`` uint8, with its upper left corner at a pixel."""
        height, width = image.shape[1:]
        self.pixels[:, y : y + height, x : x + width] = image
        _touch(self._drawn, y, y + height, x, x + width)

    def planes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The picture as a film has it: Y ``(height, width)``, Cb and Cr of half that, BT.709, uint8. Kept and reused.

        Width and height must be even.
        """
        if self._planes is None:
            half = (self.height // 2, self.width // 2)
            self._planes = (
                np.empty((self.height, self.width), np.uint8),
                np.empty(half, np.uint8),
                np.empty(half, np.uint8),
            )
            self._in_planes[:] = 0, self.width
        _widen(self._in_planes, self._drawn)
        to_planes(words(self._pixels), self._in_planes, *self._planes)
        self._in_planes[:] = self._drawn
        return self._planes

    def picture(self) -> np.ndarray:
        """A copy as ``(height, width, 3)``."""
        return np.ascontiguousarray(self._pixels[:, :, :3])


def ground(width: int, height: int, middle, edge) -> np.ndarray:
    """A ground that fades from its middle to its corners, dithered so that no bands show, ``(3, height, width)``."""
    x = np.linspace(-1, 1, width)
    y = np.linspace(-1, 1, height)[:, None]
    share = np.clip((x**2 + y**2) / 2, 0, 1) ** 0.85
    colors = (np.float64(middle)[:, None, None], np.float64(edge)[:, None, None])
    exact = colors[0] + (colors[1] - colors[0]) * share
    return np.floor(exact + dither(width, height)).astype(np.uint8)


def dither(width: int, height: int) -> np.ndarray:
    """A fixed pattern in [0, 1) without visible structure (interleaved gradient noise, Jimenez 2014)."""
    x, y = np.arange(width), np.arange(height)[:, None]
    return np.modf(52.9829189 * np.modf(0.06711056 * x + 0.00583715 * y)[0])[0]


# Compiled


def _no_spans(height):
    """Of each band of rows, where what was drawn begins and ends; nothing so far."""
    return np.tile(np.array([1 << 30, 0]), (-(-height // BAND), 1))


@compiled
def _touch(spans, top, bottom, left, right):
    """Remember that rows from ``top`` and columns from ``left`` on were drawn on."""
    for band in range(max(top, 0) // BAND, min((bottom - 1) // BAND + 1, len(spans))):
        spans[band, 0] = min(spans[band, 0], left)
        spans[band, 1] = max(spans[band, 1], right)


@compiled
def _restore(pixels, ground, spans):
    for row in range(len(pixels)):
        for x in range(spans[row // BAND, 0], spans[row // BAND, 1]):
            pixels[row, x] = ground[row, x]
    spans[:, 0], spans[:, 1] = 1 << 30, 0


@compiled
def _widen(spans, by):
    for band in range(len(spans)):
        spans[band, 0] = min(spans[band, 0], by[band, 0])
        spans[band, 1] = max(spans[band, 1], by[band, 1])


@compiled
def _lines(pixels, ground, spans, trace, dark, soft):
    """Each piece is drawn as far beyond its ends as the turn there opens a gap: by the sine of half of the turn."""
    height, width = pixels.shape[:2]
    one, half, zero, tiny = np.float32(1), np.float32(0.5), np.float32(0), np.float32(1e-3)
    for i in range(len(trace) - 1):
        x0, y0, r0, s0 = trace[i, 0], trace[i, 1], trace[i, 2], trace[i, 3]
        r1, s1 = trace[i + 1, 2], trace[i + 1, 3]
        if s0 <= 0 and s1 <= 0:
            continue
        reach = max(r0, r1) + (zero if soft else half)
        ux, uy, length = _direction(trace, i)
        begin, end = -reach * _opening(trace, i - 1, i), length + reach * _opening(trace, i, i + 1)
        rise, wide = abs(ux) * reach, abs(uy) * reach
        left, right = x0 + min(begin * ux, end * ux) - wide, x0 + max(begin * ux, end * ux) + wide
        top, bottom = y0 + min(begin * uy, end * uy) - rise, y0 + max(begin * uy, end * uy) + rise
        if not (right > 0 and left < width and bottom > 0 and top < height):
            continue
        left, right = max(left, zero), min(right, np.float32(width))
        over_x = one / ux if abs(ux) > tiny else zero
        over_y = one / uy if abs(uy) > tiny else zero
        across = reach * abs(over_y)
        color0, color1, color2 = trace[i, 4], trace[i, 5], trace[i, 6]
        more0, more1, more2 = trace[i + 1, 4] - color0, trace[i + 1, 5] - color1, trace[i + 1, 6] - color2
        inverse = one / length if length > 0 else zero
        first_row, last_row = int(max(top, zero)), min(int(bottom) + 1, height)
        _touch(spans, first_row, last_row, int(left), min(int(right) + 1, width))
        for row in range(first_row, last_row):
            y = np.float32(row) + half - y0
            low, high = left, right
            if over_y != zero:
                middle = x0 + y * ux * over_y
                low, high = max(low, middle - across), min(high, middle + across)
            if over_x != zero:
                one_end, other = x0 + (begin - y * uy) * over_x, x0 + (end - y * uy) * over_x
                low, high = max(low, min(one_end, other)), min(high, max(one_end, other))
            if not low < high:
                continue
            first, last = int(low + half), min(int(high + half), width)  # whose middles lie between
            for column in range(first, last):
                x = np.float32(column) + half - x0
                along, aside = x * ux + y * uy, x * uy - y * ux
                beyond = min(along, zero) + max(along - length, zero)
                share = min(max(along * inverse, zero), one)
                away = aside * aside + beyond * beyond
                radius = r0 + share * (r1 - r0)
                covered = one - np.sqrt(away) / radius if soft else radius + half - np.sqrt(away)
                covered = min(max(covered, zero), one)
                if soft:
                    covered *= covered
                covered *= s0 + share * (s1 - s0)
                at = np.uint64(row), np.uint64(column)  # an index without a sign is not asked whether it is negative
                _cover(pixels, ground, at, 0, color0 + share * more0, covered, dark)
                _cover(pixels, ground, at, 1, color1 + share * more1, covered, dark)
                _cover(pixels, ground, at, 2, color2 + share * more2, covered, dark)


@compiled
def _cover(pixels, ground, at, plane, color, covered, dark):
    row, column = at
    under = np.float32(ground[row, column, plane])
    value = np.uint8(np.int32(under + (color - under) * covered + np.float32(0.5)))
    here = pixels[row, column, plane]
    pixels[row, column, plane] = max(value, here) if dark else min(value, here)


@compiled
def _direction(trace, i):
    """Of a piece: the unit vector and the length; to the right where it has none."""
    dx, dy = trace[i + 1, 0] - trace[i, 0], trace[i + 1, 1] - trace[i, 1]
    length = np.sqrt(dx * dx + dy * dy)
    if length < np.float32(1e-6):
        return np.float32(1), np.float32(0), np.float32(0)
    return dx / length, dy / length, length


@compiled
def _opening(trace, i, j):
    """The sine of half of the turn between a piece and the next; 1 where one is missing or has no length."""
    if i < 0 or j > len(trace) - 2:
        return np.float32(1)
    ax, ay, a = _direction(trace, i)
    bx, by, b = _direction(trace, j)
    if a == 0 or b == 0:
        return np.float32(1)
    return np.sqrt(max(np.float32(1) - ax * bx - ay * by, np.float32(0)) * np.float32(0.5))


@compiled
def _disc(pixels, spans, x, y, radius, color, strength):
    height, width = pixels.shape[:2]
    top, bottom = max(int(y - radius - 0.5), 0), min(int(y + radius + 0.5) + 1, height)
    first, last = max(int(x - radius - 0.5), 0), min(int(x + radius + 0.5) + 1, width)
    if first >= last or top >= bottom:
        return
    _touch(spans, top, bottom, first, last)
    for row in range(top, bottom):
        for column in range(first, last):
            away = np.hypot(column + 0.5 - x, row + 0.5 - y)
            covered = min(max(radius + 0.5 - away, 0.0), 1.0) * strength
            for plane in range(3):
                under = pixels[row, column, plane]
                pixels[row, column, plane] = np.uint8(under + (color[plane] - under) * covered + 0.5)


@compiled
def _halo(pixels, spans, x, y, radius, color, strength, dark):
    height, width = pixels.shape[:2]
    reach = 1.25 * radius  # where it has fallen below a step of 8 bits
    top, bottom = max(int(y - reach), 0), min(int(y + reach) + 1, height)
    first, last = max(int(x - reach), 0), min(int(x + reach) + 1, width)
    if first >= last or top >= bottom:
        return
    _touch(spans, top, bottom, first, last)
    for row in range(top, bottom):
        for column in range(first, last):
            squared = (column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2
            if squared >= reach * reach:
                continue
            light = strength * np.exp(-4.6 * squared / (radius * radius))
            noise = 52.9829189 * ((0.06711056 * column + 0.00583715 * row) % 1.0) % 1.0
            for plane in range(3):
                under = float(pixels[row, column, plane])
                if dark:
                    value = 255 - (255 - under) * (1 - light * color[plane] / 255)
                else:
                    value = under * (1 - light * (1 - color[plane] / 255))
                pixels[row, column, plane] = np.uint8(min(value + noise, 255.0))


@compiled
def _stamp(pixels, spans, mask, x, y, color, strength):
    """Between whole pixels the mask is interpolated, so that letters may glide."""
    height, width = pixels.shape[:2]
    rows, columns = mask.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    dx, dy = x - left, y - top
    first_row, last_row = max(top, 0), min(top + rows + 1, height)
    first, last = max(left, 0), min(left + columns + 1, width)
    if first >= last or first_row >= last_row:
        return
    _touch(spans, first_row, last_row, first, last)
    for row in range(first_row, last_row):
        for column in range(first, last):
            covered = 0.0
            for below in range(2):
                for beside in range(2):
                    i, j = row - top - below, column - left - beside
                    if 0 <= i < rows and 0 <= j < columns:
                        covered += (dy if below else 1 - dy) * (dx if beside else 1 - dx) * mask[i, j]
            covered *= strength
            for plane in range(3):
                under = pixels[row, column, plane]
                pixels[row, column, plane] = np.uint8(under + (color[plane] - under) * covered + 0.5)
