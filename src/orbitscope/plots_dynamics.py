"""Figures of forecasts, in the style of orbitscope.plots: one over its trajectory, and errors over steps."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ._pathplot import principal_axes, set_up_space
from ._plotstyle import set_title, styled, tick_locator
from .errors import InputError
from .types import Trajectory

CURVE_COLORS = ("#111111", "#c8102e", "#2a6fbb", "#5b1a8c", "#e08a00", "#2b8a5a", "#8a5a2b", "#7a7a7a")
_TRUE, _FORECAST, _PATH = "#111111", "#c8102e", "0.78"


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
        Dimensions that differ, or a start outside the trajectory.
    """
    points, forecast = np.asarray(trajectory.points, float), np.asarray(forecast, float)
    dims = points.shape[1]
    if forecast.ndim != 2 or forecast.shape[1] != dims:
        raise InputError(f"the forecast has shape {forecast.shape}; (steps + 1, {dims}) is needed")
    if not 0 <= start < len(points):
        raise InputError(f"start is {start}; the trajectory has points 0 to {len(points) - 1}")
    title = trajectory.source.title if title is None else title
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
    ax.plot(*true.T, color=_TRUE, linewidth=1.1, label="true")
    ax.plot(*forecast.T, color=_FORECAST, linewidth=1.1, label=name)
    ax.plot(*forecast[:1].T, "o", color=_FORECAST, markersize=3.5)
    seconds, at = steps * trajectory.hop_s, trajectory.times_s[start]
    note = f"{steps} steps ({seconds:.3g} s) from {at:.2f} s"
    place = {"loc": "lower center", "ncols": 3, "frameon": False, "fontsize": 7, "title_fontsize": 7, "title": note}
    figure.legend(**({**place, "loc": "outside lower center"} if dims < 3 else place))
    set_title(ax, title, lines=2)
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
        No curve.
    """
    if not panels or not any(panels.values()):
        raise InputError("no curve is given; nothing can be plotted")
    labels = list(dict.fromkeys(label for curves in panels.values() for label in curves))
    colors = {label: CURVE_COLORS[i % len(CURVE_COLORS)] for i, label in enumerate(labels)} | dict(colors or {})
    figure = Figure(figsize=(0.5 + 2.7 * len(panels) + (0.9 if len(panels) == 1 else 0), 2.9), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for place, (label, (mean, error)) in enumerate(curves.items()):
            mean, error = np.asarray(mean, float), np.asarray(error, float)
            steps = np.arange(len(mean))
            low, high = (mean - error, mean + error) if error.ndim == 1 else error
            ax.plot(steps, mean, color=colors[label], linewidth=1.1, label=label)
            every = max(1, len(mean) // 10)
            marked = slice(1 + place * every // max(len(curves), 1) % every, None, every)  # bars side by side
            spans = np.maximum(np.stack([mean - low, high - mean]), 0)[:, marked]
            ax.errorbar(
                steps[marked], mean[marked], spans, fmt="none", ecolor=colors[label], elinewidth=0.7, capsize=1.5
            )
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
    figure.legend(*_entries(axes), loc="outside lower center", ncols=min(len(labels), 5), frameon=False, fontsize=7)
    return figure


def _entries(axes):
    """Handles and labels of all curves, each once."""
    found = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
