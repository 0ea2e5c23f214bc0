"""Figures of a run, ready for paper: small type, white ground, every axis with its unit.

Each function takes values and returns a :class:`matplotlib.figure.Figure`; :func:`save` writes it as PNG and SVG.
pyplot is not used and matplotlib's global settings are left as they are. Titles are untrusted text: they are shown
literally, on one line, cut short if long.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from .errors import InputError
from .types import Frames, Trajectory

STYLE = {
    "axes.edgecolor": "0.3",
    "axes.formatter.limits": (-3, 5),
    "axes.labelcolor": "0.15",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "path.simplify": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "orbitscope",  # the same figure gives the same bytes
    "text.usetex": False,
    "xtick.color": "0.3",
    "xtick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.color": "0.3",
    "ytick.labelsize": 7,
    "ytick.major.width": 0.6,
}
TERMS = {
    "total": "total",
    "reconstruction": "reconstruction (BCE)",
    "forecast": "forecast (1 − cos)",
    "off_center": "off-centre",
    "curvature": "curvature (1 − cos)",
}
# Plasma without its last tenth, whose yellow fades on white; what is left is still perceptually uniform.
TIME_COLORS = ListedColormap(matplotlib.colormaps["plasma"](np.linspace(0.0, 0.9, 256)), name="time")

_ACCENT, _GHOST = "#5b1a8c", "#b9a3cc"
_OTHER_FONTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei")
_MOST_SEGMENTS = 20_000  # a longer path is drawn in so many pieces, each of one colour: more than there are colours
_VECTOR_SEGMENTS = 4_000  # and one longer than this as pixels in the SVG
_MOST_COLUMNS = 2_000
_ELEVATION = 22


def _styled(draw):
    def styled(*args, **options):
        with matplotlib.rc_context(STYLE):
            return draw(*args, **options)

    styled.__name__, styled.__doc__, styled.__wrapped__ = draw.__name__, draw.__doc__, draw
    return styled


@_styled
def plot_trajectory(trajectory: Trajectory, *, ax=None, title: str | None = None) -> Figure:
    """The path through latent space, coloured by time.

    One dimension is drawn over time, two in the plane, three in space; of more, the first 3 principal axes are shown,
    and the title and the axes say so. All axes of space have the same scale.

    Parameters
    ----------
    trajectory : Trajectory
    ax : matplotlib Axes, optional
        Where to draw, in place of a new figure; must be 3-D for 3 dimensions and more.
    title : str, optional
        The title of the recording if None.

    Raises
    ------
    InputError
        ``ax`` has the wrong projection, or the trajectory no points.
    """
    dims, scale = trajectory.points.shape[1], _time_scale([trajectory])
    if ax is not None and (dims < 3) == hasattr(ax, "get_zlim"):
        raise InputError(f"ax must be {'2-D' if dims < 3 else '3-D'} for {dims} dimensions")
    bar = {"ax": ax, "shrink": 0.6, "pad": 0.02 if dims < 3 else 0.14}
    if ax is None:
        _, (ax,), bar_ax = _panels([trajectory])
        bar = {"cax": bar_ax}
    _draw_path(ax, trajectory, scale, trajectory.source.title if title is None else title)
    if dims > 1:  # over time itself, the colours need no key
        _time_bar(ax.figure, scale, **bar)
    return ax.figure


@_styled
def plot_comparison(trajectories: Sequence[Trajectory], *, titles: Sequence[str] | None = None) -> Figure:
    """Trajectories side by side, each in its own axes, with one scale of time colours.

    Parameters
    ----------
    trajectories : sequence of Trajectory
        At least one; their dimensions may differ.
    titles : sequence of str, optional
        One for each; the titles of the recordings if None.

    Raises
    ------
    InputError
        No trajectory, or not one title for each.
    """
    titles = [trajectory.source.title for trajectory in trajectories] if titles is None else titles
    if not trajectories or len(titles) != len(trajectories):
        raise InputError(f"{len(trajectories)} trajectories with {len(titles)} titles; give a title for each")
    figure, axes, bar_ax = _panels(trajectories)
    scale = _time_scale(trajectories)
    for ax, trajectory, title in zip(axes, trajectories, titles, strict=True):
        _draw_path(ax, trajectory, scale, title)
    _time_bar(figure, scale, cax=bar_ax)
    return figure


@_styled
def plot_spectrogram(
    frames: Frames, *, window_s: float | None = None, window_start_s: float | None = None, title: str | None = None
) -> Figure:
    """The frames as an image over time, with the stretch that one point stands for marked at its true width.

    Parameters
    ----------
    frames : Frames
        Its frequencies, if it has them, must rise; they may be unevenly spaced.
    window_s : float, optional
        Length of the window to mark, in seconds.
    window_start_s : float, optional
        Where the window begins; at the frame a third of the way in if None.
    title : str, optional
        The title of the recording if None.

    Raises
    ------
    InputError
        No frames, or frequencies that do not fit them.
    """
    values = np.asarray(frames.values)
    if values.ndim != 2 or not values.size:
        raise InputError(f"frames have the shape {values.shape}; they must be (frames, features)")
    figure = Figure(figsize=(6.8, 2.6), layout="constrained")
    ax = figure.add_subplot()
    first = frames.start_s - frames.hop_s / 2
    image = _show(ax, _thinned(values), first, first + len(values) * frames.hop_s, norm=_level_scale(values))
    _frequency_axis(ax, frames.frequencies_hz, values.shape[1])
    ax.set_xlabel("time (s)")
    _color_bar(figure, image, "level (0 to 1)", ax=ax, extend="max" if values.max() > image.norm.vmax else "neither")
    _set_title(ax, frames.source.title if title is None else title, pad=4 if window_s is None else 15)
    if window_s is not None:
        start = first + len(values) // 3 * frames.hop_s if window_start_s is None else window_start_s
        _mark_window(ax, start, window_s)
    return figure


@_styled
def plot_losses(history: dict[str, np.ndarray]) -> Figure:
    """The loss terms over the steps of training, a panel for each: raw in the back, smoothed in front.

    Parameters
    ----------
    history : dict of str to np.ndarray [shape=(steps,)]
        Values that are not finite leave a gap.

    Raises
    ------
    InputError
        The history is empty.
    """
    known = [term for term in TERMS if term in history]
    terms = known + [term for term in history if term not in TERMS]
    if not terms:
        raise InputError("the history holds no loss term; nothing can be plotted")
    figure = Figure(figsize=(5.2, 0.5 + 1.25 * len(terms)), layout="constrained")
    panels = figure.subplots(len(terms), sharex=True, squeeze=False)[:, 0]
    for ax, term in zip(panels, terms, strict=True):
        losses = np.asarray(history[term], float)
        steps, smooth = np.arange(1, len(losses) + 1), _smoothed(losses)
        ax.plot(steps, losses, color=_GHOST, linewidth=0.5, alpha=0.7)
        ax.plot(steps, smooth, color=_ACCENT, linewidth=1.2)
        ax.set_title(_plain(TERMS.get(term, term.replace("_", " "))), loc="left", parse_math=False, fontsize=8)
        if len(smooth) and np.isfinite(smooth[-1]):
            ax.annotate(
                f"{smooth[-1]:.3g}", (1, smooth[-1]), (3, 0), ("axes fraction", "data"), "offset points",
                va="center", color=_ACCENT, fontsize=7, annotation_clip=False,
            )  # fmt: skip
        ax.yaxis.set_major_locator(_ticks(4))
        ax.margins(x=0)
    panels[-1].xaxis.set_major_locator(_ticks(6, integer=True))
    panels[-1].set_xlabel("step")
    return figure


@_styled
def plot_windows(
    original: np.ndarray,
    reconstructed: np.ndarray,
    *,
    hop_s: float,
    frequencies_hz: np.ndarray | None = None,
    time_s: float | None = None,
    r2: float | None = None,
) -> Figure:
    """A window as the model saw it and as it gave it back, on one colour scale, and their difference.

    Parameters
    ----------
    original, reconstructed : np.ndarray [shape=(window, features)]
    hop_s : float
        Seconds from frame to frame.
    frequencies_hz : np.ndarray [shape=(features,)], optional
        Rising.
    time_s : float, optional
        Time of the window's centre in the recording; if None, time begins with the window.
    r2 : float, optional
        Explained variance, for the title.

    Raises
    ------
    InputError
        The windows differ in shape, or the frequencies do not fit them.
    """
    original, reconstructed = np.asarray(original), np.asarray(reconstructed)
    if original.ndim != 2 or not original.size or original.shape != reconstructed.shape:
        raise InputError(
            f"windows have the shapes {original.shape} and {reconstructed.shape}; (window, features) twice"
        )
    figure = Figure(figsize=(6.8, 2.5), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    length_s = len(original) * hop_s
    first = 0.0 if time_s is None else time_s - length_s / 2
    both = np.stack([original, reconstructed])
    error = reconstructed - original
    bound = max(float(np.abs(error).max()), 1e-6)
    scales = [{"vmin": min(0, both.min()), "vmax": max(both.max(), 1e-6)}] * 2
    scales += [{"vmin": -bound, "vmax": bound, "cmap": "RdBu_r"}]
    names = ["original", "reconstruction" + (f" (R² = {r2:.2f})" if r2 is not None else ""), "difference"]
    images = []
    for ax, values, scale, name in zip(axes, (*both, error), scales, names, strict=True):
        images.append(_show(ax, values, first, first + length_s, **scale))
        _set_title(ax, name)
        ax.xaxis.set_major_locator(_ticks(4))
    _frequency_axis(axes[0], frequencies_hz, original.shape[1])
    axes[1].set_xlabel("time (s)")
    _color_bar(figure, images[0], "level (0 to 1)", ax=axes[:2])
    _color_bar(figure, images[2], "reconstruction − original", ax=axes[2])
    return figure


def save(figure: Figure, folder: str | Path, name: str) -> tuple[Path, Path]:
    """Write ``folder/name.png`` and ``folder/name.svg`` and return both paths; equal figures give equal bytes."""
    png, svg = Path(folder) / f"{name}.png", Path(folder) / f"{name}.svg"
    with matplotlib.rc_context(STYLE):
        figure.savefig(png, dpi=200)
        figure.savefig(svg, dpi=200, metadata={"Date": None})
    return png, svg


# Paths


def _time_scale(trajectories):
    times = [t.times_s[[0, -1]] for t in trajectories if len(t)]
    if len(times) < len(trajectories):
        raise InputError("a trajectory has no points; nothing can be plotted")
    return Normalize(np.min(times), np.max(times))


def _panels(trajectories):
    """A figure with axes for each trajectory and for the bar; placed by hand, for no layout engine of matplotlib knows
    where the labels of 3-D axes are."""
    dims = [trajectory.points.shape[1] for trajectory in trajectories]
    panel, height, bar = (4.6 if len(dims) == 1 else 3.9), 3.8, 0.75
    if dims == [1]:
        panel, height, bar = 5.2, 2.3, 0.0
    width = panel * len(dims) + bar
    figure, axes = Figure(figsize=(width, height)), []
    for place, count in enumerate(dims):
        left, bottom, right, top = (0.6, 0.5, 0.1, 0.5) if count < 3 else (0.3, 0.0, 0.35, 0.25)
        rect = (panel * place + left, bottom, panel - left - right, height - bottom - top)
        axes.append(figure.add_axes(np.divide(rect, (width, height) * 2), projection=None if count < 3 else "3d"))
    bar_ax = figure.add_axes((1 - (bar - 0.1) / width, 0.22, 0.09 / width, 0.5)) if bar else None
    return figure, axes, bar_ax


def _time_bar(figure, scale, **place):
    _color_bar(figure, matplotlib.cm.ScalarMappable(scale, TIME_COLORS), "time (s)", **place)


def _draw_path(ax, trajectory, scale, title):
    points, times = np.asarray(trajectory.points, float), trajectory.times_s
    dims = points.shape[1]
    names = [f"latent {axis + 1}" for axis in range(dims)]
    title = _plain(title)
    if dims > 3:
        points, shares = _principal(points)
        names = [f"axis {axis + 1} ({share:.0%})" for axis, share in enumerate(shares)]
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
    _set_title(ax, title.lstrip("\n"), lines=2, **({} if dims < 3 else {"y": 1.0, "pad": -6 if dims > 3 else 3}))


def _draw_in_space(ax, points, pieces, moments, names, style):
    low, high = points.min(axis=0), points.max(axis=0)
    spans = np.maximum(high - low, max(1e-9, 0.1 * (high - low).max())) * 1.06
    limits = np.stack([(low + high - spans) / 2, (low + high + spans) / 2], axis=1)
    ax.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])
    # matplotlib keeps the diagonal of the box; keep its width on the page instead, or a flat one runs over the labels
    ax.set_box_aspect(spans, zoom=min(0.95, 0.776 * np.linalg.norm(spans) / np.linalg.norm(spans[:2])))
    ax.view_init(_ELEVATION, _azimuth(points))
    depth = np.stack([piece.mean(axis=0) for piece in pieces]) @ _towards_viewer(ax.azim)
    order = np.argsort(depth, kind="stable")  # the far ones first, so that the near ones cover them
    nearness = (depth[order] - depth.min()) / max(np.ptp(depth), 1e-9)
    shadow = points[:: max(1, len(points) // 5000)].copy()
    shadow[:, 2] = limits[2, 0]
    ax.plot(*shadow.T, color="0.85", linewidth=0.4, zorder=0, rasterized=style["rasterized"])
    lines = [pieces[i] for i in order]
    ax.add_collection3d(
        Line3DCollection(lines, array=moments[order], linewidths=0.5 + 0.7 * nearness, **style), autolim=False
    )
    for axis, name in zip((ax.xaxis, ax.yaxis, ax.zaxis), names, strict=False):
        axis.set_label_text(name)
        axis.set_major_locator(_ticks(4))
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color("0.5")
        axis._axinfo["grid"].update(color="0.92", linewidth=0.4)
        axis._axinfo["tick"].update(inward_factor=0.0, outward_factor=0.15)
    ax.tick_params(pad=-2, labelsize=6.5)
    ax.xaxis.labelpad = ax.yaxis.labelpad = ax.zaxis.labelpad = -3


def _pieces(points, times):
    """The path cut into runs of consecutive points, and the time in the middle of each."""
    if len(points) == 1:
        return [np.repeat(points, 2, axis=0)], times
    size = -(-(len(points) - 1) // _MOST_SEGMENTS)
    firsts = np.arange(0, len(points) - 1, size)
    lasts = np.minimum(firsts + size, len(points) - 1)
    return [points[a : b + 1] for a, b in zip(firsts, lasts, strict=True)], (times[firsts] + times[lasts]) / 2


def _principal(points):
    """The points on their first 3 principal axes, and the share of the variance that each axis has."""
    centered = points - points.mean(axis=0)
    variances, axes = np.linalg.eigh(centered.T @ centered)
    axes = axes[:, ::-1][:, :3]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), range(3)])  # else the sign would be the machine's choice
    return centered @ axes, variances[::-1][:3] / max(variances.sum(), 1e-30)


def _towards_viewer(azimuth):
    azimuth, elevation = np.radians([azimuth, _ELEVATION])
    return np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])


def _azimuth(points):
    """The side that shows the path at its broadest, out of those from which no wall is seen edge-on."""
    covariance = np.cov(points.T) if len(points) > 1 else np.eye(3)
    candidates = [-60, -30, -45, 30, 45, 60]

    def area(azimuth):
        towards = _towards_viewer(azimuth)
        screen = np.linalg.svd(towards[None])[2][1:]
        return np.linalg.det(screen @ covariance @ screen.T)

    return max(candidates, key=area)


# Images


def _show(ax, values, first_s, last_s, **style):
    style = {"cmap": "magma", **style}
    extent = (first_s, last_s, -0.5, values.shape[1] - 0.5)
    return ax.imshow(values.T, origin="lower", aspect="auto", extent=extent, interpolation="nearest", **style)


def _thinned(values):
    """No more columns than can be seen: each the mean of the frames that it stands for."""
    size = -(-len(values) // _MOST_COLUMNS)
    starts = np.arange(0, len(values), size)
    counts = np.diff([*starts, len(values)])
    return np.add.reduceat(values, starts, axis=0, dtype=np.float32) / counts[:, None]


def _level_scale(values):
    """A colour scale that a few bright spots do not darken; where most is nearly silent, as in linear magnitudes, it
    opens up the low levels."""
    some = values[:: 1 + len(values) // 20_000]
    top = max(float(np.quantile(some, 0.999)), 1e-6)
    return PowerNorm(1 if np.median(some) > 0.02 * top else 0.4, 0, top)


def _frequency_axis(ax, frequencies_hz, features):
    ax.set_ylim(-0.5, features - 0.5)
    if frequencies_hz is None:
        ax.yaxis.set_major_locator(_ticks(6, integer=True))
        ax.set_ylabel("feature")
        return
    frequencies = np.asarray(frequencies_hz, float)
    if frequencies.shape != (features,) or (np.diff(frequencies) <= 0).any():
        raise InputError(f"frequencies_hz must be {features} rising values, one for each feature")
    low, high = frequencies[[0, -1]]
    steps = np.diff(frequencies)
    if features < 3 or np.ptp(steps) < 0.01 * steps.mean():
        ticks = _ticks(5).tick_values(low, high)
    else:
        ticks = np.array([digit * 10.0**power for power in range(-1, 6) for digit in (1, 2, 5)])
    ticks = ticks[(ticks >= low) & (ticks <= high)]
    bins = np.interp(ticks, frequencies, np.arange(features))
    kept = [i for i in range(len(bins)) if i == len(bins) - 1 or bins[i + 1] - bins[i] > features / 20]
    ax.set_yticks(bins[kept], [f"{tick:g}" if tick < 1000 else f"{tick:,.0f}" for tick in ticks[kept]])
    ax.set_ylabel("frequency (Hz)")


def _mark_window(ax, start_s, length_s):
    low, high = ax.get_ylim()
    box = Rectangle((start_s, low), length_s, high - low, fill=False, edgecolor="white", linewidth=0.9)
    ax.add_patch(box)
    bracket = {"color": "0.15", "linewidth": 1.0, "clip_on": False, "transform": ax.get_xaxis_transform()}
    ends = [start_s, start_s, start_s + length_s, start_s + length_s]
    ax.plot(ends, [1.005, 1.03, 1.03, 1.005], solid_joinstyle="miter", **bracket)
    middle = start_s + length_s / 2
    place = {"transform": ax.get_xaxis_transform(), "va": "bottom", "ha": "center", "fontsize": 7}
    ax.text(middle, 1.04, f"window {length_s:.2g} s", color="0.15", **place)


def _color_bar(figure, mappable, label, **options):
    if "ax" in options:
        options = {"pad": 0.02, "aspect": 22, **options}
    bar = figure.colorbar(mappable, label=label, **options)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.locator = _ticks(5)
    bar.update_ticks()


# Lines and words


def _ticks(most, **options):
    return MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], **options)


def _smoothed(losses):
    """Mean over a bell of about a fiftieth of the steps, over finite values only and without bending at the ends."""
    if not len(losses):
        return losses
    width = max(1, len(losses) // 100)
    bell = np.exp(-0.5 * (np.arange(-3 * width, 3 * width + 1) / width) ** 2)
    finite = np.isfinite(losses)
    weight = np.convolve(finite, bell)[3 * width : 3 * width + len(losses)]
    total = np.convolve(np.where(finite, losses, 0), bell)[3 * width : 3 * width + len(losses)]
    return np.divide(total, weight, out=np.full(len(losses), np.nan), where=finite)


def _set_title(ax, title, lines=1, **place):
    shown = "\n".join(_plain(line) for line in title.split("\n")[-lines:])
    ax.set_title(shown, parse_math=False, fontfamily=["DejaVu Sans", *_fallbacks(shown)], **place)


def _plain(text, limit=60):
    """One line of ``text`` that the fonts at hand can show."""
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    text = " ".join(text.split())
    text = text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
    shown = set().union(_glyphs("DejaVu Sans"), *map(_glyphs, _fallbacks(text)))
    return "".join(c if ord(c) in shown else "□" for c in text)


def _fallbacks(text):
    """Installed fonts for what DejaVu Sans lacks; none, and quickly, for most texts."""
    if all(ord(c) in _glyphs("DejaVu Sans") for c in text):
        return []
    return [name for name in _OTHER_FONTS if name in fontManager.get_font_names()]


@cache
def _glyphs(family):
    return frozenset(get_font(fontManager.findfont(FontProperties(family=[family]))).get_charmap())
