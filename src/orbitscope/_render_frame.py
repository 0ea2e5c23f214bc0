"""One picture of a film: the path, the point with its tail and its light, forecasts, and what stands about them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._look import LOOK, Theme, color_table
from ._look import theme as theme_named
from ._raster import Canvas, ground
from ._render_camera import Camera, camera_of
from ._render_card import Card, Layout
from ._render_path import Line, Tracer, line_through, seen, seen_all
from ._render_text import letters
from ._scene import Scene

_BRANCH_FADES_S = 2.0  # how long a forecast takes to go once its end was reached
_BRANCH_ENDS_AT = 0.25  # strength of the end of a forecast, as a share of that of its beginning
_BRANCH_STRENGTH = 0.95
_DASH = (0.05, 0.03)  # of a forecast, in radii of the ball: drawn, and left out
_NAME = 16.0  # size of a forecast's name, in thousandths of the picture's shorter side


@dataclass(frozen=True)
class Style:
    """What a film can be asked to look like; None leaves it to the look."""

    theme: str = "dark"
    color: str = "time"
    turn_deg_per_s: float | None = None
    elevation_deg: float | None = None
    azimuth_deg: float | None = None
    tail_s: float | None = None
    title: bool = True
    strip: bool = True
    forecasts: bool = True


@dataclass(frozen=True, eq=False)
class Branch:
    """A forecast ready to be drawn."""

    line: Line
    name: str
    start_s: float
    hop_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.hop_s * self.line.last

    def until(self, come: float, tip: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
        """Points as far as a place in it, ``(n, 3)``; how far along it each is, to 1; from where to where dashes go."""
        line = self.line
        count = int(np.searchsorted(line.index, come, side="right"))
        points = np.concatenate([line.points[:count], np.float32(tip)[None]])
        share = np.append(line.index[:count], min(come, line.last)) / max(line.last, 1.0)
        way = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
        drawn, period = _DASH[0], sum(_DASH)
        edges = np.concatenate(
            [period * np.arange(1 + way[-1] // period), drawn + period * np.arange(1 + way[-1] // period)]
        )
        edges = np.sort(edges[edges < way[-1]])
        every = np.sort(np.concatenate([way, edges]))
        points = np.stack([np.interp(every, way, points[:, axis]) for axis in range(3)], axis=1)
        firsts = np.searchsorted(every, edges[::2])
        lasts = np.append(np.searchsorted(every, edges[1::2], side="right"), len(every))[: len(firsts)]
        return np.float32(points), np.interp(every, way, share), list(zip(firsts, lasts, strict=True))


@dataclass(frozen=True, eq=False)
class Film:
    """All that the pictures of a film have in common. Times are on the time axis of the trajectory.

    Parameters
    ----------
    scene : Scene
    style : Style
    width, height : int
        Pixels, even.
    start_s, duration_s : float
    still : bool
        Whether it is one picture alone, whose title does not fade.
    """

    scene: Scene
    style: Style
    width: int
    height: int
    start_s: float
    duration_s: float
    still: bool = False

    @cached_property
    def theme(self) -> Theme:
        return theme_named(self.style.theme)

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.width, self.height, self.style.title, self.style.strip and self.scene.strip is not None)

    @cached_property
    def camera(self) -> Camera:
        style = self.style
        return camera_of(
            self.scene, self.layout.stage, duration_s=self.duration_s, azimuth_deg=style.azimuth_deg,
            elevation_deg=style.elevation_deg, turn_deg_per_s=style.turn_deg_per_s,
        )  # fmt: skip

    @cached_property
    def line(self) -> Line:
        coloring = self.scene.coloring(self.style.color)
        table = color_table(self.style.theme, coloring.cyclic)
        colors = table[np.round(255 * coloring.scaled).astype(int)].astype(np.float64)
        return line_through(self.scene.shown, colors, self.camera.pixels)

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        found = []
        for one in self.scene.forecasts if self.style.forecasts else ():
            shown = self.scene.projection(one.points, one.start)
            shown = shown[: max(2, 1 + _first_outside(shown))]
            color = np.tile(np.float64(self.theme.soft), (len(shown), 1))
            line = line_through(shown, color, self.camera.pixels)
            found.append(Branch(line, one.forecaster, one.start_s, one.hop_s))
        return tuple(found)

    @cached_property
    def card(self) -> Card:
        coloring, timing = self.scene.coloring(self.style.color), (self.start_s, self.duration_s)
        return Card(self.scene, self.layout, self.style.theme, coloring, *timing, fading=not self.still)

    @cached_property
    def ground(self) -> np.ndarray:
        bare = ground(self.width, self.height, self.theme.ground, self.theme.ground_edge)
        return self.card.lay(bare)

    def made_ready(self) -> "Film":
        """Everything that is computed once, computed: before painters of several threads ask for it."""
        _ = (self.line, self.branches, self.ground)
        return self


class Painter:
    """Paints pictures of a film, one after the other, on a canvas of its own."""

    def __init__(self, film: Film):
        self._film = film
        self.canvas = Canvas(film.ground, dark=film.style.theme == "dark")
        tail_s = LOOK.tail_s if film.style.tail_s is None else film.style.tail_s
        self._trace = Tracer(
            film.line,
            hop_s=film.scene.trajectory.hop_s,
            unit=film.layout.line_unit,
            tail_s=tail_s,
            head=film.theme.head,
            flat=film.camera.flat,
        )

    def paint(self, time_s: float) -> Canvas:
        """The picture at a moment of the trajectory's time axis; the canvas is the painter's, until the next."""
        film, canvas = self._film, self.canvas
        canvas.clear()
        camera = film.camera.at(time_s - film.start_s)
        path = film.scene.trajectory
        index = (time_s - path.start_s) / path.hop_s
        ahead, glow, behind = self._trace(camera, index)
        canvas.lines(ahead)
        canvas.glow(glow)
        canvas.lines(behind)
        names = [self._branch(branch, camera, time_s) for branch in film.branches]
        self._point(camera, index)
        for name in filter(None, names):
            canvas.stamp(*name)
        film.card.draw(canvas, time_s)
        return canvas

    def _point(self, camera, index):
        film, unit = self._film, self._film.layout.line_unit
        place, color = film.line.at(index)
        x, y, near = seen(camera, *np.float32(place))
        scale = LOOK.far_width + (2 - 2 * LOOK.far_width) * near
        self.canvas.halo(x, y, LOOK.halo * unit * scale, color, LOOK.halo_strength)
        self.canvas.disc(x, y, max(1.0, LOOK.head * unit * scale), film.theme.head)

    def _branch(self, branch: Branch, camera, time_s):
        """Draw a forecast as far as it has come; give its name as a stamp."""
        film, unit = self._film, self._film.layout.line_unit
        strength = 1.0 - max(0.0, time_s - branch.end_s) / _BRANCH_FADES_S
        come = (time_s - branch.start_s) / branch.hop_s
        if come < 0 or strength <= 0:
            return None
        tip, _ = branch.line.at(come)
        points, share, cuts = branch.until(come, tip)
        trace = np.empty((len(points), 7), np.float32)
        trace[:, :3] = seen_all(camera, points)
        trace[:, 2] = LOOK.branch * unit / 2 * (LOOK.far_width + (2 - 2 * LOOK.far_width) * trace[:, 2])
        faded = strength * _BRANCH_STRENGTH * (1 - (1 - _BRANCH_ENDS_AT) * share)
        trace[:, 3] = faded * np.minimum(1, 2 * trace[:, 2])
        trace[:, 2] = np.maximum(trace[:, 2], 0.5)
        trace[:, 4:] = film.theme.soft
        for first, last in cuts:
            self.canvas.lines(trace[first:last])
        x, y = trace[-1, :2]
        self.canvas.disc(x, y, 1.4 * LOOK.branch * unit, film.theme.soft, strength)
        size = _NAME * film.layout.type_unit
        return letters(branch.name, size), x + 0.6 * size, y - 1.3 * size, film.theme.ink, 0.85 * strength


def _first_outside(shown):
    """How many points a forecast has before it leaves twice the ball, beyond which it is not followed."""
    outside = np.flatnonzero(np.linalg.norm(shown, axis=1) > 2)
    return int(outside[0]) if outside.size else len(shown)
