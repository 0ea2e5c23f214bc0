"""Forecasters as the processes that forecasting.py runs.

    python benchmarks/forecast_contestant.py keras (mlp | lstm) POINTS.npy [--seed 0]
    python benchmarks/forecast_contestant.py ours (mlp | lstm) POINTS.npy [--seed 0]
    python benchmarks/forecast_contestant.py knn LIBRARY_SIZE POINTS.f64

Each prints a line of JSON.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from published_forecasters import CONTEXT, examples, fit_net, scaled

INITIAL, STEPS = 1_000, 30


def ours(net: str, points: np.ndarray, seed: int) -> dict:
    """Our net of the article's preset on a scaled trajectory, which its own scaling leaves as it is."""
    from orbitscope.forecast import LSTMForecaster, MLPForecaster

    kind = {"mlp": MLPForecaster, "lstm": LSTMForecaster}[net]
    seconds = {}
    for name in ("with compiling", "training"):
        begun = time.perf_counter()
        fitted = kind(preset="article", random_state=seed).fit(points)
        seconds[name] = time.perf_counter() - begun
    contexts, targets = examples(points, CONTEXT[net])
    predicted = fitted.forecast(contexts, 1)[:, 1] - contexts[:, -1]
    return seconds | {"mse": float(np.mean((predicted - targets) ** 2))}


def knn(size: int, path: str) -> dict:
    """KNN with the first ``size`` points of an orbit as its library and initial points from its end."""
    from orbitscope.forecast import KNNForecaster

    library = np.fromfile(path, count=3 * size).reshape(-1, 3)
    beyond = np.fromfile(path, offset=Path(path).stat().st_size - 24 * INITIAL * STEPS).reshape(-1, 3)
    initial = beyond[::STEPS].copy()
    begun = time.perf_counter()
    fitted = KNNForecaster().fit(library)
    fit = time.perf_counter() - begun
    forecast = fitted.forecast(initial[:, None], STEPS)
    assert forecast.shape == (INITIAL, STEPS + 1, 3) and np.isfinite(forecast).all()
    return {"fit": fit, "seconds": time.perf_counter() - begun}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit a forecaster and print its times.")
    parser.add_argument("who", choices=["keras", "ours", "knn"])
    parser.add_argument("what", help="mlp or lstm; for knn the number of library points")
    parser.add_argument("points", help="a trajectory as .npy; for knn an orbit of three axes as raw float64")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.who == "knn":
        found = knn(int(options.what), options.points)
    else:
        fit = {"keras": fit_net, "ours": ours}[options.who]
        found = fit(options.what, scaled(np.load(options.points)), options.seed)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
