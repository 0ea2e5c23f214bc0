"""Figures of a study, like the article's."""

import numpy as np

from . import plots, plots_dynamics
from .forecast import KNNForecaster
from .study import Study

_COLORS = {"R": "#111111", "R-F": "#c8102e"}
_FORECAST_STEPS = 200


def draw(study: Study) -> dict[str, list[tuple[str, str]]]:
    """Draw everything; by song, names of figures and their captions."""
    folder = study.path / "figures"
    folder.mkdir(exist_ok=True)
    drawn: dict[str, list[tuple[str, str]]] = {}
    dims, windows = sorted(study.plan.dims), sorted(study.plan.windows_s)
    for song in study.songs:
        made = drawn.setdefault(song.name, [])

        def keep(figure, name, caption, made=made, song=song):
            plots.save(figure, folder, f"{song.name}-{name}")
            made.append((f"{song.name}-{name}.png", caption))

        first = {m: study.trajectory(song.name, m, dims[0], windows[0]) for m in _COLORS}
        if all(first.values()):
            names = ["R-F: conditioned on forecasts", "R: pure autoencoder"]
            keep(
                plots.plot_comparison([first["R-F"], first["R"]], titles=names),
                "models",
                f"Conditioned and pure, {dims[0]} dimensions, window of {windows[0]:g} s.",
            )
        wide = [study.trajectory(song.name, "R-F", dims[0], w) for w in windows[::-1]]
        if len(windows) > 1 and all(wide):
            names = [f"window of {w:g} s" for w in windows[::-1]]
            keep(plots.plot_comparison(wide, titles=names), "windows", f"Windows side by side, R-F, {dims[0]}-D.")
        if (path := first["R-F"]) is not None and len(path) > _FORECAST_STEPS + 10:
            start = (len(path) - _FORECAST_STEPS) * 2 // 3
            guess = KNNForecaster(drop_nearest=True).fit(path).forecast(path.points[None, start, None], _FORECAST_STEPS)
            keep(
                plots_dynamics.plot_forecast(path, guess[0], start, name="KNN"),
                "forecast",
                "A forecast of 200 steps by nearest neighbours, as published: the future that it is asked for is among"
                " the points that it knows.",
            )
        for protocol in ("article", "held-out"):
            panels = {}
            for d in dims:
                for w in windows:
                    curves = _curves(study, song.name, protocol, "KNN", d, w)
                    if curves:
                        panels[f"{d}-D, {w:g} s"] = curves
            if panels:
                scaled = "δ over RMS radius" if protocol == "held-out" else "distance δ (axes scaled to 0–1)"
                keep(
                    plots_dynamics.plot_divergence(panels, colors=_COLORS, ylabel=scaled),
                    f"divergence-{protocol}",
                    f"Divergence of KNN forecasts, protocol: {protocol}. Means over seeds; bars: standard error over"
                    " initial points, mean over seeds.",
                )
        panels = {p: _by_forecaster(study, song.name, p, dims[0], windows[0]) for p in ("leak-free", "held-out")}
        if all(panels.values()):
            keep(
                plots_dynamics.plot_divergence(panels, ylabel="δ over that of persistence", reference=1.0),
                "forecasters",
                f"All forecasters on R-F, {dims[0]}-D, {windows[0]:g} s, over persistence: below 1 is worth something."
                " Means over seeds; bars: their standard errors.",
            )
    return drawn


def _runs(study: Study, song: str, model: str, dims: int, window_s: float) -> list[dict]:
    return [
        run
        for cell in study.cells
        if (cell["song"], cell["model"], cell["dims"], cell["window_s"]) == (song, model, dims, window_s)
        for run in cell["runs"]
    ]


def _curves(study, song, protocol, forecaster, dims, window_s):
    curves = {}
    for model in _COLORS:
        found = [run["divergence"][protocol][forecaster] for run in _runs(study, song, model, dims, window_s)]
        if found:
            scale = np.array([1 / f["radius"] if protocol == "held-out" else 1.0 for f in found])[:, None]
            mean = (np.array([f["mean"] for f in found], float) * scale).mean(axis=0)
            error = (np.array([f["standard_error"] for f in found], float) * scale).mean(axis=0)
            curves[model] = (mean, error)
    return curves


def _by_forecaster(study, song, protocol, dims, window_s):
    runs = _runs(study, song, "R-F", dims, window_s)
    curves = {}
    for name in runs[0]["divergence"][protocol] if runs else ():
        if name not in ("Persistence", "Mean"):
            relative = np.array([run["divergence"][protocol][name]["relative"][1:] for run in runs], float)
            error = relative.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.zeros(relative.shape[1])
            curves[name] = (np.insert(relative.mean(axis=0), 0, np.nan), np.insert(error, 0, np.nan))
    return curves
