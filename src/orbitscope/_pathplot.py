"""Drawing trajectories: over time, in the plane, or in space with near parts in front."""

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from ._plotstyle import color_bar, set_title, showable, tick_locator
from .errors import InputError

# Plasma without its last tenth, whose yellow fades on white; what is left is still perceptually uniform.
TIME_COLORS = ListedColormap(matplotlib.colormaps["plasma"](np.linspace(0.0, 0.9, 256)), name="time")

_MOST_SEGMENTS = 20_000  # a longer path is drawn in so many pieces, each of one colour: more than there are colours
_VECTOR_SEGMENTS = 4_000  # and one longer than this as pixels in the SVG
_ELEVATION = 22
_NUMBERS, _NAMES = 6, 18  # points from the axes of a cube
_MATPLOTLIB = 8, 21  # what matplotlib adds to the distances asked for


def time_scale(trajectories):
    times = [t.times_s[[0, -1]] for t in trajectories if len(t)]
    if len(times) < len(trajectories):
        raise InputError("a trajectory has no points; nothing can be plotted")
    return Normalize(np.min(times), np.max(times))


def panels(trajectories):
    """A figure with axes for each trajectory and for the bar; placed by hand, for no layout engine of matplotlib knows
    where the labels of 3-D axes are."""
    dims = [trajectory.points.shape[1] for trajectory in trajectories]
    panel, height, bar = (4.2 if len(dims) == 1 else 3.9), 3.8, 0.75
    if dims == [1]:
        panel, height, bar = 5.2, 2.3, 0.0
    width = panel * len(dims) + bar
    figure, axes = Figure(figsize=(width, height)), []
    for place, count in enumerate(dims):
        left, bottom, right, top = (0.6, 0.5, 0.1, 0.5) if count < 3 else (0.2, 0.0, 0.15, 0.25)
        rect = (panel * place + left, bottom, panel - left - right, height - bottom - top)
        axes.append(figure.add_axes(np.divide(rect, (width, height) * 2), projection=None if count < 3 else "3d"))
    bar_ax = figure.add_axes((1 - (bar - 0.1) / width, 0.22, 0.09 / width, 0.5)) if bar else None
    return figure, axes, bar_ax


def time_bar(figure, scale, **place):
    color_bar(figure, matplotlib.cm.ScalarMappable(scale, TIME_COLORS), "time (s)", **place)


def draw_path(ax, trajectory, scale, title):
    points, times = np.asarray(trajectory.points, float), trajectory.times_s
    dims = points.shape[1]
    names = [f"latent {axis + 1}" for axis in range(dims)]
    title = showable(title)
    if dims > 3:
        project, names = principal_axes(points)
        points = project(points)
        title += f"\nfirst 3 of {dims} principal axes"
    if dims == 1:
        points, names = np.column_stack([times, points]), ["time (s)", "latent 1"]
    pieces, moments = _pieces(points, times)
    style = {"cmap": TIME_COLORS, "norm": scale, "capstyle": "round", "joinstyle": "round"}
    style |= {"rasterized": len(pieces) > _VECTOR_SEGMENTS}
    if dims < 3:
        ax.add_collection(LineCollection(pieces, array=moments, linewidths=0.8, **style))
        ax.set_xlabel(names[0])
        ax.set_ylabel(names[1])
        ax.autoscale()
        if dims == 2:
            ax.set_aspect("equal", adjustable="datalim")
    else:
        _draw_in_space(ax, points, pieces, moments, names, style)
    set_title(ax, title.lstrip("\n"), lines=2, **({} if dims < 3 else {"y": 1.0, "pad": -6 if dims > 3 else 3}))


def _draw_in_space(ax, points, pieces, moments, names, style):
    towards = set_up_space(ax, points, names)
    depth = np.stack([piece.mean(axis=0) for piece in pieces]) @ towards
    order = np.argsort(depth, kind="stable")  # the far ones first, so that the near ones cover them
    nearness = (depth[order] - depth.min()) / max(np.ptp(depth), 1e-9)
    shadow = points[:: max(1, len(points) // 5000)].copy()
    shadow[:, 2] = ax.get_zlim()[0]
    ax.plot(*shadow.T, color="0.85", linewidth=0.4, zorder=0, rasterized=style["rasterized"])
    lines = [pieces[i] for i in order]
    ax.add_collection3d(
        Line3DCollection(lines, array=moments[order], linewidths=0.5 + 0.7 * nearness, **style), autolim=False
    )


def set_up_space(ax, points, names):
    """Axes of one scale about ``points``, seen from their broadest side; returns the direction of the viewer."""
    low, high = points.min(axis=0), points.max(axis=0)
    spans = np.maximum(high - low, max(1e-9, 0.1 * (high - low).max())) * 1.06
    limits = np.stack([(low + high - spans) / 2, (low + high + spans) / 2], axis=1)
    ax.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])
    # matplotlib keeps the diagonal of the box; keep its width on the page instead, or a flat one runs over the labels
    diagonal, base = np.linalg.norm(spans), np.linalg.norm(spans[:2])
    zoom = min(0.95, 0.776 * diagonal / base, 0.8 * diagonal / (0.93 * spans[2] + 0.37 * base))
    ax.set_box_aspect(spans.copy(), zoom=zoom)  # matplotlib changes what it is given
    ax.view_init(_ELEVATION, broadest_azimuth(points))
    # matplotlib measures how far numbers and names stand from an axis by the sides of the box; make it as in a cube
    wide = _offsets(np.ones(3), ax.azim) * 0.95 / 3**0.5 / (_offsets(spans, ax.azim) * zoom / diagonal)
    for axis, name, span, factor in zip((ax.xaxis, ax.yaxis, ax.zaxis), names, spans, wide, strict=False):
        axis.set_label_text(name)
        axis.set_major_locator(tick_locator(max(1, round(4 * span / spans.max())), min_n_ticks=1))
        axis.set_tick_params(pad=_NUMBERS * factor - _MATPLOTLIB[0], labelsize=6.5)
        axis.labelpad = _NAMES * factor - _MATPLOTLIB[1]
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color("0.5")
        axis._axinfo["grid"].update(color="0.92", linewidth=0.4)
        axis._axinfo["tick"].update(inward_factor=0.0, outward_factor=0.15)
    return _towards_viewer(ax.azim)


def _offsets(spans, azimuth):
    """How far on the page labels stand from each axis that are moved by one and the same share of either other side."""
    azimuth, elevation = np.radians([azimuth, _ELEVATION])
    across = np.abs([np.sin(azimuth), np.cos(azimuth), 0]) * spans
    up = np.abs([np.sin(elevation) * np.cos(azimuth), np.sin(elevation) * np.sin(azimuth), np.cos(elevation)]) * spans
    x, y, z = 0, 1, 2
    return np.hypot([across[y], across[x], across[x] + across[y]], [up[y] + up[z], up[x] + up[z], up[x] - up[y]])


def _pieces(points, times):
    """The path cut into runs of consecutive points, and the time in the middle of each."""
    if len(points) == 1:
        return [np.repeat(points, 2, axis=0)], times
    size = -(-(len(points) - 1) // _MOST_SEGMENTS)
    firsts = np.arange(0, len(points) - 1, size)
    lasts = np.minimum(firsts + size, len(points) - 1)
    return [points[a : b + 1] for a, b in zip(firsts, lasts, strict=True)], (times[firsts] + times[lasts]) / 2


def principal_axes(points):
    """What projects onto the first 3 principal axes of ``points``, and their names, with the variance that each has."""
    center = points.mean(axis=0)
    centered = points - center
    variances, axes = np.linalg.eigh(centered.T @ centered)
    axes = axes[:, ::-1][:, :3]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), range(3)])  # else the sign would be the machine's choice
    shares = variances[::-1][:3] / max(variances.sum(), 1e-30)
    names = [f"axis {axis + 1} ({share:.0%})" for axis, share in enumerate(shares)]
    return lambda some: (np.asarray(some, float) - center) @ axes, names


def _towards_viewer(azimuth):
    azimuth, elevation = np.radians([azimuth, _ELEVATION])
    return np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])


def broadest_azimuth(points):
    """The side that shows the path at its broadest, out of those from which no wall is seen edge-on."""
    covariance = np.cov(points.T) if len(points) > 1 else np.eye(3)
    candidates = [-60, -30, -45, 30, 45, 60]

    def area(azimuth):
        towards = _towards_viewer(azimuth)
        screen = np.linalg.svd(towards[None])[2][1:]
        return np.linalg.det(screen @ covariance @ screen.T)

    return max(candidates, key=area)


# Images
