"""Figures of a run, ready for paper: small type, white ground, every axis with its unit.

Each function takes values and returns a :class:`matplotlib.figure.Figure`; :func:`save` writes it as PNG and SVG.
pyplot is not used and matplotlib's global settings are left as they are. Titles are untrusted text: they are shown
literally, on one line, cut short if long.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ._pathplot import draw_path, panels, time_bar, time_scale
from ._plotstyle import STYLE, color_bar, set_title, showable, styled, tick_locator
from .errors import InputError
from .types import Frames, Trajectory

TERMS = {
    "total": "total",
    "reconstruction": "reconstruction (BCE)",
    "forecast": "forecast (1 − cos)",
    "off_center": "off-centre",
    "curvature": "curvature (1 − cos)",
}

_ACCENT, _GHOST = "#5b1a8c", "#b9a3cc"
_MOST_COLUMNS = 2_000


@styled
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
    dims, scale = trajectory.points.shape[1], time_scale([trajectory])
    if ax is not None and (dims < 3) == hasattr(ax, "get_zlim"):
        raise InputError(f"ax must be {'2-D' if dims < 3 else '3-D'} for {dims} dimensions")
    bar = {"ax": ax, "shrink": 0.6, "pad": 0.02 if dims < 3 else 0.14}
    if ax is None:
        _, (ax,), bar_ax = panels([trajectory])
        bar = {"cax": bar_ax}
    draw_path(ax, trajectory, scale, trajectory.source.title if title is None else title)
    if dims > 1:  # over time itself, the colours need no key
        time_bar(ax.figure, scale, **bar)
    return ax.figure


@styled
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
    figure, axes, bar_ax = panels(trajectories)
    scale = time_scale(trajectories)
    for ax, trajectory, title in zip(axes, trajectories, titles, strict=True):
        draw_path(ax, trajectory, scale, title)
    time_bar(figure, scale, cax=bar_ax)
    return figure


@styled
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
    color_bar(figure, image, "level (0 to 1)", ax=ax, extend="max" if values.max() > image.norm.vmax else "neither")
    set_title(ax, frames.source.title if title is None else title, pad=4 if window_s is None else 15)
    if window_s is not None:
        start = first + len(values) // 3 * frames.hop_s if window_start_s is None else window_start_s
        _mark_window(ax, start, window_s)
    return figure


@styled
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
        ax.set_title(showable(TERMS.get(term, term.replace("_", " "))), loc="left", parse_math=False, fontsize=8)
        if len(smooth) and np.isfinite(smooth[-1]):
            ax.annotate(
                f"{smooth[-1]:.3g}", (1, smooth[-1]), (3, 0), ("axes fraction", "data"), "offset points",
                va="center", color=_ACCENT, fontsize=7, annotation_clip=False,
            )  # fmt: skip
        ax.yaxis.set_major_locator(tick_locator(4))
        ax.margins(x=0)
    panels[-1].xaxis.set_major_locator(tick_locator(6, integer=True))
    panels[-1].set_xlabel("step")
    return figure


@styled
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
        set_title(ax, name)
        ax.xaxis.set_major_locator(tick_locator(4))
    _frequency_axis(axes[0], frequencies_hz, original.shape[1])
    axes[1].set_xlabel("time (s)")
    color_bar(figure, images[0], "level (0 to 1)", ax=axes[:2])
    color_bar(figure, images[2], "reconstruction − original", ax=axes[2])
    return figure


def save(figure: Figure, folder: str | Path, name: str) -> tuple[Path, Path]:
    """Write ``folder/name.png`` and ``folder/name.svg`` and return both paths; equal figures give equal bytes."""
    png, svg = Path(folder) / f"{name}.png", Path(folder) / f"{name}.svg"
    with matplotlib.rc_context(STYLE):
        figure.savefig(png, dpi=200)
        figure.savefig(svg, dpi=200, metadata={"Date": None})
    return png, svg


# Paths


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
        ax.yaxis.set_major_locator(tick_locator(6, integer=True))
        ax.set_ylabel("feature")
        return
    frequencies = np.asarray(frequencies_hz, float)
    if frequencies.shape != (features,) or (np.diff(frequencies) <= 0).any():
        raise InputError(f"frequencies_hz must be {features} rising values, one for each feature")
    low, high = frequencies[[0, -1]]
    steps = np.diff(frequencies)
    if features < 3 or np.ptp(steps) < 0.01 * steps.mean():
        ticks = tick_locator(5).tick_values(low, high)
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
