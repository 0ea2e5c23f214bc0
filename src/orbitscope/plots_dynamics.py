"""Figures of forecasts, in the style of orbitscope.plots: one over its trajectory, and errors over steps."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ._pathplot import principal_axes, set_up_space
from ._plotstyle import fallbacks, set_title, showable, styled, tick_locator
from .errors import InputError
from .types import Trajectory

CURVE_COLORS = (
    "#111111", "#c8102e", "#2a6fbb", "#5b1a8c", "#e08a00", "#2b8a5a", "#8a5a2b", "#7a7a7a", "#d16ba5", "#1aa5a5",
)  # fmt: skip
_TRUE, _FORECAST, _PATH = "#111111", "#c8102e", "0.78"
_DASHES = ("-", "--", ":")  # by turns, once there are more curves than colours
_LEGEND_SIZE, _MOST_COLUMNS = 7, 5
_HANDLE_WIDTH, _LETTER_WIDTH, _ROW_HEIGHT = 0.45, 0.06, 0.14  # of the legend, in inches


@styled
def plot_forecast(
    trajectory: Trajectory, forecast: np.ndarray, start: int, *, title: str | None = None, name: str = "forecast"
) -> Figure:
    """A forecast over the trajectory that it leaves from: the path in grey, what truly followed in black, the forecast
    in red.

    Parameters
    ----------
    trajectory : Trajectory
        Of 1 dimension and more; of more than 3, its first 3 principal axes are shown.
    forecast : np.ndarray [shape=(steps + 1, latent_dim)]
        The initial point first.
    start : int
        Index of the initial point.
    title : str, optional
        The title of the recording if None.
    name : str
        Of the forecast, for the legend.

    Raises
    ------
    InputError
        Dimensions that differ, NaN or infinite points, or a start outside the trajectory.
    """
    points, forecast = np.asarray(trajectory.points, float), np.asarray(forecast, float)
    dims = points.shape[1]
    if forecast.ndim != 2 or forecast.shape[1] != dims or not len(forecast):
        raise InputError(f"the forecast has shape {forecast.shape}; (steps + 1, {dims}) is needed")
    if not np.isfinite(forecast).all():
        raise InputError("the forecast holds NaN or infinite points; nothing can be plotted")
    if not 0 <= start < len(points):
        raise InputError(f"start is {start}; the trajectory has points 0 to {len(points) - 1}")
    title = showable(trajectory.source.title if title is None else title)
    names = [f"latent {axis + 1}" for axis in range(dims)]
    if dims > 3:
        project, names = principal_axes(points)
        points, forecast = project(points), project(forecast)
        title += f"\nfirst 3 of {dims} principal axes"
    steps = len(forecast) - 1
    true = points[start : start + steps + 1]
    if dims == 1:
        times = trajectory.start_s + trajectory.hop_s * np.arange(max(len(points), start + steps + 1))
        points = np.column_stack([times[: len(points)], points])
        true = np.column_stack([times[start : start + len(true)], true])
        forecast = np.column_stack([times[start : start + steps + 1], forecast])
        names = ["time (s)", "latent 1"]
    figure = Figure(figsize=(5.2, 2.6) if dims == 1 else (4.8, 4.4), layout="constrained" if dims < 3 else None)
    if dims < 3:
        ax = figure.add_subplot()
        ax.set(xlabel=names[0], ylabel=names[1])
        if dims == 2:
            ax.set_aspect("equal", adjustable="datalim")
    else:
        ax = figure.add_axes((0.04, 0.1, 0.88, 0.82), projection="3d")
        set_up_space(ax, np.concatenate([points, forecast]), names)
    ax.plot(*points.T, color=_PATH, linewidth=0.5, rasterized=len(points) > 4000)
    curves = ax.plot(*true.T, color=_TRUE, linewidth=1.1) + ax.plot(*forecast.T, color=_FORECAST, linewidth=1.1)
    ax.plot(*forecast[:1].T, "o", color=_FORECAST, markersize=3.5)
    seconds, at = steps * trajectory.hop_s, trajectory.times_s[start]
    note = f"{steps} steps ({seconds:.3g} s) from {at:.2f} s"
    _add_legend(figure, dict(zip(("true", name), curves, strict=True)), inside=dims > 2, title=note)
    set_title(ax, title.lstrip("\n"), lines=2)
    return figure


@styled
def plot_divergence(
    panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]],
    *,
    hop_s: float | None = None,
    ylabel: str = "distance δ from the true path",
    colors: Mapping[str, str] | None = None,
    reference: float | None = None,
) -> Figure:
    """Errors over the steps of a forecast, with error bars; a panel for each comparison, on one scale.

    Parameters
    ----------
    panels : mapping of str to mapping of str to (mean, error)
        Title of a panel, then label of a curve, to its mean ``(steps + 1,)`` and either its standard error, of that
        shape, or the ends of its interval, ``(2, steps + 1)``.
    hop_s : float, optional
        Seconds a step, for a second axis.
    ylabel : str
    colors : mapping of str to str, optional
        By label, so that a curve keeps its colour from figure to figure.
    reference : float, optional
        Where to draw a dashed line.

    Raises
    ------
    InputError
        No curve, or a mean and an error of shapes that do not fit.
    """
    if not panels or not any(panels.values()):
        raise InputError("no curve is given; nothing can be plotted")
    labels = list(dict.fromkeys(label for curves in panels.values() for label in curves))
    styles = {
        label: {
            "color": (colors or {}).get(label, CURVE_COLORS[i % len(CURVE_COLORS)]),
            "linestyle": _DASHES[i // len(CURVE_COLORS) % len(_DASHES)],
        }
        for i, label in enumerate(labels)
    }
    width = 0.5 + 2.7 * len(panels) + (0.9 if len(panels) == 1 else 0)
    rows = math.ceil(len(labels) / _legend_columns(labels, width))
    figure = Figure(figsize=(width, 2.76 + _ROW_HEIGHT * rows), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    handles = {}
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for place, (label, (mean, error)) in enumerate(curves.items()):
            handles[label] = _draw_curve(ax, label, mean, error, styles[label], place / len(curves))
        if reference is not None:
            ax.axhline(reference, color="0.5", linewidth=0.6, linestyle="--", zorder=0)
        ax.set_xlabel("steps")
        ax.xaxis.set_major_locator(tick_locator(6, integer=True))
        ax.margins(x=0.02)
        set_title(ax, title)
        if hop_s:
            top = ax.secondary_xaxis("top", functions=(lambda k: k * hop_s, lambda s: s / hop_s))
            top.set_xlabel("time (s)", fontsize=7)
            top.tick_params(labelsize=6.5)
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel(ylabel)
    _add_legend(figure, {label: handles[label] for label in labels})
    return figure


def _draw_curve(ax, label, mean, error, style, shift):
    """A curve and its error bars, about ten, moved by a share of the space between them: those of others stand beside.

    Returns the line."""
    mean, error = np.asarray(mean, float), np.asarray(error, float)
    if mean.ndim != 1 or error.shape not in (mean.shape, (2, *mean.shape)):
        raise InputError(
            f"{label}: the mean has shape {mean.shape} and the error {error.shape}; (steps + 1,) is needed, and for an"
            " interval (2, steps + 1)"
        )
    mean = np.where(np.isfinite(mean), mean, np.nan)
    steps = np.arange(len(mean))
    low, high = (mean - error, mean + error) if error.ndim == 1 else error
    (line,) = ax.plot(steps, mean, linewidth=1.1, **style)
    every = max(1, len(mean) // 10)
    marked = slice(1 + int(shift * every), None, every)
    spans = np.maximum([mean - np.maximum(low, 0), high - mean], 0)[:, marked]  # no distance is below 0
    ax.errorbar(steps[marked], mean[marked], spans, fmt="none", ecolor=style["color"], elinewidth=0.7, capsize=1.5)
    return line


def _legend_columns(labels, width):
    """How many columns of a legend fit into a figure of so many inches."""
    longest = max(len(showable(label)) for label in labels)
    fitting = int((width - 0.2) / (_HANDLE_WIDTH + _LETTER_WIDTH * longest))
    return max(1, min(fitting, _MOST_COLUMNS, len(labels)))


def _add_legend(figure, handles, *, inside=False, title=None):
    """A legend below everything, whose labels are shown literally."""
    legend = figure.legend(
        list(handles.values()),
        [str(i) for i in range(len(handles))],  # matplotlib would pass over a label that begins with _
        loc="lower center" if inside else "outside lower center",
        ncols=_legend_columns(handles, figure.get_figwidth()),
        frameon=False,
        fontsize=_LEGEND_SIZE,
        title_fontsize=_LEGEND_SIZE,
        title=title,
    )
    for text, label in zip(legend.get_texts(), handles, strict=True):
        shown = showable(label)
        text.set(text=shown, parse_math=False, fontfamily=["DejaVu Sans", *fallbacks(shown)])
