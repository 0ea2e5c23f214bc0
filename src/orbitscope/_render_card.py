"""What stands about the path in a film: title, time, the scale of the colours, and the strip of the sound."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ._look import Theme, color_table
from ._look import theme as theme_named
from ._raster import Canvas
from ._render_camera import Stage
from ._render_text import clock, fitted, letters
from ._scene import Coloring, Scene

_MARGIN, _GAP = 40.0, 14.0  # all lengths here in thousandths of the picture's shorter side
_STRIP = 92.0
_TITLE, _ARTIST, _SMALL = 33.0, 22.0, 17.0
_LEADING = 1.5  # heights of letters from line to line; what a mask of them is high
_BAR = (118.0, 6.0)
_FADE_IN_S, _SHOWN_S, _FADE_OUT_S = 0.6, 6.0, 1.4
_LEAST_LINE_UNIT, _LEAST_TYPE_UNIT, _LEAST_WITH_TYPE = 0.5, 0.62, 240
_TITLE_SHARE = 0.45  # of a short film that the title is shown for
_STRIP_AHEAD, _STRIP_SOUND = 0.34, 0.95  # strength of the strip where it is still to come, and where it was heard


@dataclass(frozen=True)
class Layout:
    """Where things are in a picture.

    Attributes
    ----------
    width, height : int
    unit : float
        Pixels of a thousandth of the shorter side.
    has_card, has_strip : bool
    """

    width: int
    height: int
    has_card: bool
    has_strip: bool

    @property
    def unit(self) -> float:
        return min(self.width, self.height) / 1000

    @property
    def line_unit(self) -> float:
        """The same for the path and the point, which must be seen: in small pictures they shrink no further."""
        return max(self.unit, _LEAST_LINE_UNIT)

    @property
    def type_unit(self) -> float:
        """The same for letters, which must be read: they shrink no further where there is room, and are left out."""
        smaller = min(self.width, self.height)
        return max(self.unit, _LEAST_TYPE_UNIT) if smaller >= _LEAST_WITH_TYPE else self.unit

    @property
    def strip(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the strip in whole pixels."""
        margin = round(_MARGIN * self.unit)
        height = max(4, round(_STRIP * self.unit))
        return margin, self.height - margin - height, self.width - 2 * margin, height

    @property
    def foot(self) -> float:
        """Where the lines of small letters above the strip, or at the bottom, end."""
        return self.strip[1] - 0.4 * _GAP * self.unit if self.has_strip else self.height - 0.75 * _MARGIN * self.unit

    @property
    def stage(self) -> Stage:
        bottom = self.foot if self.has_strip else self.height
        if self.has_card and self.height >= self.width:
            top = _MARGIN * self.unit + _LEADING * (_TITLE + _ARTIST) * self.type_unit
            return Stage(0, top, self.width, bottom - _LEADING * _SMALL * self.type_unit - top)
        return Stage(0, 0, self.width, bottom)


@dataclass(eq=False)
class Card:
    """Draws what stands about the path.

    Parameters
    ----------
    scene : Scene
    layout : Layout
    theme_name : str
    coloring : Coloring
    start_s, duration_s : float
        Of the film, on the time axis of the trajectory.
    fading : bool
        Whether the title goes after a while.
    """

    scene: Scene
    layout: Layout
    theme_name: str
    coloring: Coloring
    start_s: float
    duration_s: float
    fading: bool = True
    _heard: np.ndarray | None = field(default=None, init=False)

    @property
    def theme(self) -> Theme:
        return theme_named(self.theme_name)

    def lay(self, ground: np.ndarray) -> np.ndarray:
        """The ground with all on it that does not change: the strip still to come, the scale, a note, the mark."""
        canvas = Canvas(ground, dark=True)
        if self.layout.has_strip:
            left, top, width, height = self.layout.strip
            under = canvas.pixels[:, top : top + height, left : left + width].astype(np.float32)
            colors, share = self._strip_picture(width, height)
            canvas.place(_mixed(under, colors, _STRIP_AHEAD * share), left, top)
            self._heard = _mixed(under, colors, _STRIP_SOUND * share)
        if self.layout.has_card:
            self._lay_scale(canvas)
            mark = letters("orbitscope", _SMALL * self.layout.type_unit)
            right = self.layout.width - _MARGIN * self.layout.unit
            canvas.stamp(mark, right - mark.shape[1], _MARGIN * self.layout.unit, self.theme.soft, 0.6)
        return canvas.pixels

    def draw(self, canvas: Canvas, time_s: float) -> None:
        """The title, the time and the strip at a moment of the trajectory's time axis."""
        if self.layout.has_strip:
            self._draw_strip(canvas, time_s)
        if self.layout.has_card:
            self._draw_title(canvas, time_s - self.start_s)
            self._draw_time(canvas, time_s)

    def _draw_title(self, canvas, since_s):
        shown_s = min(_SHOWN_S, _TITLE_SHARE * self.duration_s) if self.fading else np.inf
        strength = 1.0 - min(1.0, max(0.0, (since_s - shown_s) / _FADE_OUT_S)) if self.fading else 1.0
        if self.fading and shown_s > 2 * _FADE_IN_S:
            strength *= min(1.0, since_s / _FADE_IN_S)
        unit, letter = self.layout.unit, self.layout.type_unit
        width = self.layout.width - 2 * _MARGIN * unit - 10 * _SMALL * letter
        left, top = _MARGIN * unit, 0.8 * _MARGIN * unit
        title = fitted(self.scene.title, _TITLE * letter, width)
        canvas.stamp(title, left, top, self.theme.ink, strength)
        artist = fitted(self.scene.artist, _ARTIST * letter, width)
        canvas.stamp(artist, left, top + _LEADING * _TITLE * letter, self.theme.soft, strength)

    def _draw_time(self, canvas, time_s):
        size = _SMALL * self.layout.type_unit
        whole = letters(f" / {clock(round(self.start_s + self.duration_s))}", size)
        now = letters(clock(min(time_s, self.start_s + self.duration_s)), size)
        top = self.layout.foot - _LEADING * size
        right = self.layout.width - _MARGIN * self.layout.unit - whole.shape[1]
        canvas.stamp(whole, right, top, self.theme.soft)
        canvas.stamp(now, right - 0.3 * size - now.shape[1], top, self.theme.ink)

    def _lay_scale(self, canvas):
        """The name of the colour, its scale from low to high, and what a reader must know of the projection."""
        unit, size = self.layout.unit, _SMALL * self.layout.type_unit
        x, top = _MARGIN * unit, self.layout.foot - _LEADING * size
        low, high, name = _scale_texts(self.coloring)
        if letters(name, size).size == 0:
            return
        width, height = (max(2, round(length * unit)) for length in _BAR)
        table = color_table(self.theme_name, self.coloring.cyclic)
        bar = np.repeat(table[np.linspace(0, 255, width).astype(int)].T[:, None], height, axis=1)
        for part in (name, low, None, high):
            if part is None:
                canvas.place(bar, round(x), round(top + 0.83 * size - height / 2))
                x += width + 0.55 * size
            else:
                mask = letters(part, size)
                canvas.stamp(mask, x, top, self.theme.soft, 1.0 if part is name else 0.8)
                x += mask.shape[1] + 0.55 * size
        if self.scene.projection.note:
            note = fitted(self.scene.projection.note, size, self.layout.width - 2 * _MARGIN * unit)
            canvas.stamp(note, _MARGIN * unit, top - _LEADING * size, self.theme.soft, 0.8)

    def _strip_picture(self, width, height):
        """Colours of the sound in the strip and how strong each is, ``(3, height, width)`` and ``(height, width)``."""
        strip = self.scene.strip
        spectrum, hop_s = strip.spectrum.values, strip.spectrum.hop_s
        first_s = self.scene.sound_start_s + strip.spectrum.start_s
        edges = (np.linspace(self.start_s, self.start_s + self.duration_s, width + 1) - first_s) / hop_s
        if edges[1] - edges[0] < 1:
            columns = _between(spectrum, (edges[1:] + edges[:-1]) / 2)
        else:
            columns = _averaged(spectrum, np.clip((edges + 0.5).astype(int), 0, len(spectrum)))
        rows = np.linspace(spectrum.shape[1] - 1, 0, height)
        low = np.minimum(rows.astype(int), spectrum.shape[1] - 2)
        share = (rows - low).astype(np.float32)
        levels = columns[:, low] * (1 - share) + columns[:, low + 1] * share
        levels = np.clip((levels.T - 0.12) / 0.8, 0, 1)
        colors = color_table(self.theme_name)[np.round(255 * levels).astype(int)].transpose(2, 0, 1).astype(np.float32)
        return colors, np.clip(levels * 1.15, 0, 1)

    def _draw_strip(self, canvas, time_s):
        left, top, width, height = self.layout.strip
        at = np.clip((time_s - self.start_s) / self.duration_s, 0, 1) * width
        heard = round(float(at))
        canvas.place(self._heard[:, :, :heard], left, top)
        half = max(1.0, self.scene.trajectory.window_s / 2 / self.duration_s * width)
        first, last = max(0.0, at - half), min(float(width), at + half)
        if last > first:
            window = _band(first, last, height)
            canvas.stamp(window, left + np.floor(first), top, self.theme.head, 0.15)
        line = max(1.0, 1.6 * self.layout.unit)
        over = 5 * self.layout.unit
        canvas.stamp(np.ones((round(height + 2 * over), round(line)), np.float32), left + at - line / 2, top - over,
                     self.theme.head, 0.95)  # fmt: skip


def _between(frames, places):
    """Frames at places between them, ``(places, features)``."""
    places = np.clip(places, 0, len(frames) - 1)
    before = np.minimum(places.astype(int), max(len(frames) - 2, 0))
    share = (places - before)[:, None].astype(np.float32)
    return frames[before] * (1 - share) + frames[np.minimum(before + 1, len(frames) - 1)] * share


def _averaged(frames, edges):
    """The mean of the frames between each two edges, ``(edges - 1, features)``."""
    columns = np.empty((len(edges) - 1, frames.shape[1]), np.float32)
    for column, (first, last) in enumerate(pairwise(edges)):
        first = min(first, len(frames) - 1)
        columns[column] = frames[first : max(last, first + 1)].mean(axis=0)
    return columns


def _band(first, last, height):
    """A mask from one place to another between whole pixels, from the whole pixel below the first on."""
    places = np.arange(np.floor(first), np.ceil(last))
    covered = np.minimum(places + 1, last) - np.maximum(places, first)
    return np.repeat(covered[None].astype(np.float32), height, axis=0)


def _mixed(under, over, share):
    return np.uint8(under + (over - under) * share + 0.5)


def _scale_texts(coloring: Coloring) -> tuple[str, str, str]:
    """The ends of the colour scale with their unit, and what it is of."""
    if coloring.unit == "s":
        return clock(round(coloring.low)), clock(round(coloring.high)), coloring.label
    digits = 0 if coloring.high - coloring.low >= 10 else 1
    low, high = (f"{value:.{digits}f}".replace("-", "−") for value in (coloring.low, coloring.high))
    space = "" if coloring.unit == "°" else " "
    return low, f"{high}{space}{coloring.unit}", coloring.label
