"""The path as a film draws it: a smooth line through the points, no finer than the picture can show.

Between two points the line is a cubic, with one velocity at each point: the mean of the displacements before and after
it, no longer than the shorter of them, so that a point at rest stays at rest and a jump does not swing over. The cubic
is drawn in straight pieces, as long as they stay close to it, and runs of points that lie within a small part of a
pixel are left out; together the drawn line is less than a fifth of a pixel from the cubic.
"""

from dataclasses import dataclass

import numpy as np

from ._look import LOOK
from ._render_compiled import compiled

_SAG_PX = 0.03  # of the pieces that a cubic is looked at in from the cubic
_CHORD_PX = 0.1  # of the ends of those from a longer piece that is drawn in their place
_LEFT_OUT_PX = 0.05  # of a point that is left out from the piece that passes it
_SHORT_PX, _MOST_PASSED = 2.0, 64  # how long such a piece is at most, for the colours on the way, and what it passes
_MOST_PIECES = 48
_TAIL_MIX = 0.55  # how much of the head's colour the comet's tail has at the head
_GLOW_WIDTH, _GLOW_STRENGTH = 5.0, 0.7  # of the light about the tail, in widths of the tail
_GLOW_STEP = 0.2  # of its half width, which its pieces are long at least


@dataclass(frozen=True, eq=False)
class Line:
    """A path ready to be drawn.

    Attributes
    ----------
    points : np.ndarray [shape=(pieces + 1, 3), float32]
    index : np.ndarray [shape=(pieces + 1,), float64]
        Where each lies in the trajectory, in points of it.
    colors : np.ndarray [shape=(pieces + 1, 3), float32]
    knots, velocities, knot_colors : np.ndarray [shape=(n, 3), float64]
        The points of the trajectory, which the line goes through, and how far it would go from each in a hop.
    """

    points: np.ndarray
    index: np.ndarray
    colors: np.ndarray
    knots: np.ndarray
    velocities: np.ndarray
    knot_colors: np.ndarray

    @property
    def last(self) -> float:
        """The place of the end."""
        return float(len(self.knots) - 1)

    def at(self, index: float) -> tuple[np.ndarray, np.ndarray]:
        """Point and colour at a place in the trajectory; before its beginning and after its end, those there."""
        both = _at(self.knots, self.velocities, self.knot_colors, index)
        return both[0], both[1]


@compiled
def _at(knots, velocities, colors, index):
    index = min(max(index, 0.0), len(knots) - 1.0)
    before = min(int(index), max(len(knots) - 2, 0))
    after, t = min(before + 1, len(knots) - 1), index - before
    a, b, c, d = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2, t * t * (3 - 2 * t), t * t * (t - 1)
    both = np.empty((2, 3))
    for axis in range(3):
        start = a * knots[before, axis] + b * velocities[before, axis]
        both[0, axis] = start + c * knots[after, axis] + d * velocities[after, axis]
        both[1, axis] = colors[before, axis] * (1 - t) + colors[after, axis] * t
    return both


def line_through(points: np.ndarray, colors: np.ndarray, pixels: float) -> Line:
    """The line through ``(n, 3)`` points of ``(n, 3)`` colours, where a unit of length is ``pixels`` at most."""
    points, colors = np.ascontiguousarray(points, np.float64), np.float64(colors)
    if len(points) == 1:
        return Line(np.float32(points), np.zeros(1), np.float32(colors), points, np.zeros_like(points), colors)
    velocities = _velocities(points)
    pieces = _pieces(points, velocities, pixels)
    fine, index = _refined(points, velocities, pieces, _CHORD_PX / pixels)
    kept = _kept(fine, _LEFT_OUT_PX / pixels, _SHORT_PX / pixels)
    fine, index = fine[kept], index[kept]
    between = np.stack([np.interp(index, np.arange(len(points)), colors[:, plane]) for plane in range(3)], axis=1)
    return Line(np.float32(fine), index, np.float32(between), points, velocities, colors)


def _velocities(points):
    steps = np.diff(points, axis=0)
    velocities = np.empty_like(points)
    velocities[0], velocities[-1] = steps[0], steps[-1]
    velocities[1:-1] = (steps[1:] + steps[:-1]) / 2
    lengths = np.linalg.norm(steps, axis=1)
    most = np.minimum(lengths[1:], lengths[:-1])
    have = np.linalg.norm(velocities[1:-1], axis=1)
    velocities[1:-1] *= (np.minimum(have, most) / np.maximum(have, 1e-12))[:, None]
    return velocities


def _pieces(points, velocities, pixels):
    """Into how many straight pieces each cubic is cut: it leaves a chord by an eighth of its second derivative."""
    steps, before, after = np.diff(points, axis=0), velocities[:-1], velocities[1:]
    bends = [6 * steps - 4 * before - 2 * after, 2 * before + 4 * after - 6 * steps]
    bend = np.max([np.linalg.norm(one, axis=1) for one in bends], axis=0)
    return np.clip(np.ceil(np.sqrt(bend * pixels / (8 * _SAG_PX))), 1, _MOST_PIECES).astype(np.int64)


@compiled
def _refined(points, velocities, pieces, within):
    """Points on the cubics, all of ``points`` among them, and where each lies."""
    count = 1
    some, chosen = np.empty((_MOST_PIECES + 1, 3)), np.empty(_MOST_PIECES + 1, np.int64)
    for i in range(len(pieces)):
        count += _chords(points, velocities, i, pieces[i], within, some, chosen)
    fine, index = np.empty((count, 3)), np.empty(count)
    place = 0
    for i in range(len(pieces)):
        for one in range(_chords(points, velocities, i, pieces[i], within, some, chosen)):
            fine[place] = some[chosen[one]]
            index[place] = i + chosen[one] / pieces[i]
            place += 1
    fine[place], index[place] = points[-1], len(pieces)
    return fine, index


@compiled
def _chords(points, velocities, i, pieces, within, some, chosen):
    """Where the pieces begin that one cubic is drawn in: each goes as far as all that it passes lies close to it."""
    for piece in range(pieces + 1):
        t = piece / pieces
        a, b, c, d = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2, t * t * (3 - 2 * t), t * t * (t - 1)
        for axis in range(3):
            before, after = a * points[i, axis] + b * velocities[i, axis], d * velocities[i + 1, axis]
            some[piece, axis] = before + c * points[i + 1, axis] + after
    count, begin = 0, 0
    while begin < pieces:
        chosen[count] = begin
        count += 1
        end = begin + 1
        while end < pieces and _is_close(some, begin, end + 1, within):
            end += 1
        begin = end
    return count


@compiled
def _is_close(some, begin, end, within):
    """Whether all between two places lie within a distance of the straight way from one to the other."""
    length = 0.0
    for axis in range(3):
        length += (some[end, axis] - some[begin, axis]) ** 2
    for place in range(begin + 1, end):
        along = squared = 0.0
        for axis in range(3):
            off = some[place, axis] - some[begin, axis]
            along += off * (some[end, axis] - some[begin, axis])
            squared += off * off
        share = min(max(along / length, 0.0), 1.0) if length > 0 else 0.0
        if squared - 2 * share * along + share * share * length > within * within:
            return False
    return True


@compiled
def _kept(points, within, longest):
    """Which points short pieces go between: what they pass over lies close to them, or all in one place."""
    kept = np.ones(len(points), np.bool_)
    first, farthest = 0, 0.0  # of the piece, and how far from it what it passes over is
    for i in range(1, len(points) - 1):
        farthest = max(farthest, _between(points, first, i))
        length = _between(points, first, i + 1)
        is_rest = farthest <= within and length <= within
        is_short = length <= longest and i - first < _MOST_PASSED and _is_close(points, first, i + 1, within)
        if is_rest or is_short:
            kept[i] = False
        else:
            first, farthest = i, 0.0
    return kept


@compiled
def _between(points, i, j):
    squared = 0.0
    for axis in range(3):
        squared += (points[i, axis] - points[j, axis]) ** 2
    return np.sqrt(squared)


class Tracer:
    """Turns a line into what a canvas draws of it, frame after frame; the room for that is made once.

    Parameters
    ----------
    line : Line
    hop_s : float
    unit : float
        Pixels of a thousandth of the picture.
    tail_s : float
    head : tuple
        The colour of the point.
    flat : bool
        Whether nothing is nearer than anything else.
    """

    def __init__(self, line: Line, *, hop_s: float, unit: float, tail_s: float, head, flat: bool):
        self._line, self._index = line, line.index
        self._ahead, self._behind, self._glow = (np.empty((len(line.points) + 1, 7), np.float32) for _ in range(3))
        tail = hop_s / tail_s if tail_s > 0 else np.inf
        ends = (LOOK.far_width, 1.0 if flat else LOOK.far_strength)
        self._style = np.float32([unit * LOOK.line, *ends, LOOK.ahead, LOOK.line_ahead, LOOK.behind, LOOK.tail_width])
        self._tail, self._head = tail, np.float32(head)

    def __call__(self, camera: np.ndarray, index: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is still to come, the light about the tail, and the path so far, for ``Canvas.lines`` and ``.glow``."""
        line, outs = self._line, (self._ahead, self._glow, self._behind)
        index = min(max(index, 0.0), line.last)
        split = int(np.searchsorted(line.index, index, side="right"))
        place, color = line.at(index)
        counts = _traced(
            line.points, line.index, line.colors, split, np.float32(place), np.float32(color), index, camera,
            self._style, self._tail, self._head, *outs,
        )  # fmt: skip
        return tuple(out[:count] for out, count in zip(outs, counts, strict=True))


@compiled
def seen(camera, x, y, z):
    """Where a point comes to in the picture, and how near it is, from 0 to 1."""
    across = camera[0] * x + camera[1] * y + camera[2] * z
    up = camera[3] * x + camera[4] * y + camera[5] * z
    towards = camera[6] * x + camera[7] * y + camera[8] * z
    scale = camera[9] if camera[13] > 0 else camera[9] / (camera[10] - towards)
    nearness = min(max((np.float32(1) + towards) * np.float32(0.5), np.float32(0)), np.float32(1))
    if camera[13] > 0:
        nearness = np.float32(0.5)
    return camera[11] + scale * across, camera[12] - scale * up, nearness


@compiled
def seen_all(camera, points):
    """The same of ``(n, 3)`` points."""
    found = np.empty((len(points), 3), np.float32)
    for i in range(len(points)):
        found[i] = seen(camera, points[i, 0], points[i, 1], points[i, 2])
    return found


@compiled
def _traced(points, index, colors, split, place, color, at, camera, style, tail, head, ahead, glow, behind):
    width, far_width, far_strength, faint, narrow, full, tail_width = style
    one, half, two = np.float32(1), np.float32(0.5), np.float32(2)
    count = len(points)
    aheads = glows = behinds = 0
    for step in range(count + 2):
        # The points behind, the head, the head again, and the points ahead.
        if step < split:
            i, is_behind = step, True
        elif step <= split + 1:
            i, is_behind = -1, step == split
        else:
            i, is_behind = step - 2, False
        x, y, z = (place[0], place[1], place[2]) if i < 0 else (points[i, 0], points[i, 1], points[i, 2])
        across, down, near = seen(camera, x, y, z)
        wide = width * (far_width + (two - two * far_width) * near)
        strong = far_strength + (one - far_strength) * near
        fresh = np.float32(0)
        if is_behind:
            age = np.float32(0.0 if i < 0 else (at - index[i]) * tail)
            fresh = max(one - age, np.float32(0)) ** 2
            wide *= one + (tail_width - one) * fresh
            strong *= full + (one - full) * fresh
            out, row = behind, behinds
            behinds += 1
        else:
            wide *= narrow
            strong *= faint
            out, row = ahead, aheads
            aheads += 1
        drawn = max(wide * half, half)
        out[row, 0], out[row, 1], out[row, 2], out[row, 3] = across, down, drawn, strong * wide * half / drawn
        mix = np.float32(_TAIL_MIX) * fresh
        for plane in range(3):
            own = color[plane] if i < 0 else colors[i, plane]
            out[row, 4 + plane] = own + (head[plane] - own) * mix
        if fresh > 0:
            reach = wide * np.float32(_GLOW_WIDTH) * half
            moved = glows == 0 or i < 0 or _apart(glow[glows - 1], across, down) > _GLOW_STEP * reach
            if not moved:
                continue
            glow[glows] = out[row]
            glow[glows, 2] = reach
            glow[glows, 3] = np.float32(_GLOW_STRENGTH) * fresh
            glows += 1
    return aheads, glows, behinds


@compiled
def _apart(row, x, y):
    return np.hypot(row[0] - x, row[1] - y)
