"""How long each forecaster follows a Lorenz orbit, in Lyapunov times, beside what others have published.

The orbit: sigma 10, rho 28, beta 8/3, a point every 0.02, fourth-order Runge-Kutta with four steps from point to point,
without noise; axes standardised. The valid prediction time of a forecast is how long it stays within 0.4 RMS radii of
the truth (Pathak et al. 2018, Chaos 28, 041101).
"""

import time
from dataclasses import dataclass

import numpy as np
from common import say, table

from orbitscope import forecast
from orbitscope.errors import InputError

HOP, EXPONENT = 0.02, 0.9056
THRESHOLD = 0.4
LIBRARY, INITIAL, APART, CONTEXT, STEPS = 5_000, 100, 100, 200, 1_000
TRANSIENT = 2_000

# (source, what it states); taken from the abstracts, the papers themselves were not at hand.
PUBLISHED = [
    (
        "Schötz & Boers 2025, Machine-precision prediction of low-dimensional chaotic systems, arXiv:2507.09652",
        "Lorenz-63, no noise: 32 to 105 by polynomials of a high degree in 512-bit arithmetic; earlier work 13 at most",
    ),
    (
        "Hurley & Shaheen 2025, Reservoir computing with large valid prediction time for the Lorenz system,"
        " arXiv:2508.06730",
        "Lorenz-63, no noise: more than 30 by tuned reservoirs",
    ),
    (
        "Gilpin 2023, Model scale versus domain knowledge in statistical forecasting of chaotic systems,"
        " arXiv:2303.08011",
        "135 low-dimensional systems: up to two dozen by large, general methods",
    ),
]


@dataclass(frozen=True)
class Skill:
    """Of one forecaster: valid prediction times in Lyapunov times ``(initial points,)``, and seconds."""

    name: str
    valid: np.ndarray
    fit_s: float
    forecast_s: float


def lorenz(count: int, hop: float = HOP, substeps: int = 4, start=(1.0, 1.0, 20.0)) -> np.ndarray:
    """An orbit ``(count, 3)`` after its transient."""
    sigma, rho, beta = 10.0, 28.0, 8 / 3
    h = hop / substeps

    def flow(x, y, z):
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    x, y, z = start
    points = np.empty((count, 3))
    for i in range(-TRANSIENT, count):
        for _ in range(substeps):
            a, b, c = flow(x, y, z)
            d, e, f = flow(x + h / 2 * a, y + h / 2 * b, z + h / 2 * c)
            g, j, k = flow(x + h / 2 * d, y + h / 2 * e, z + h / 2 * f)
            m, n, o = flow(x + h * g, y + h * j, z + h * k)
            x += h / 6 * (a + 2 * (d + g) + m)
            y += h / 6 * (b + 2 * (e + j) + n)
            z += h / 6 * (c + 2 * (f + k) + o)
        if i >= 0:
            points[i] = x, y, z
    return points


def forecasters() -> dict[str, forecast.Forecaster]:
    """All that know no latent space of their own, at default settings where nothing is said."""
    found = {
        "persistence": forecast.PersistenceForecaster(),
        "mean": forecast.MeanForecaster(),
        "linear, order 2": forecast.LinearForecaster(),
        "KNN, K = 5": forecast.KNNForecaster(),
        "analogs, state": forecast.AnalogForecaster(form="state"),
        "analogs, displacement": forecast.AnalogForecaster(),
        "S-map": forecast.SMapForecaster(),
    }
    found |= {"MLP": forecast.MLPForecaster(), "LSTM": forecast.LSTMForecaster()}
    if reservoir := getattr(forecast, "ReservoirForecaster", None):
        found |= {"reservoir": reservoir(), "reservoir, ridge 1e-9": reservoir(ridge=1e-9)}
    return found


def skills() -> list[Skill]:
    first = LIBRARY + CONTEXT
    orbit = lorenz(first + APART * INITIAL + STEPS)
    orbit = (orbit - orbit[:LIBRARY].mean(axis=0)) / orbit[:LIBRARY].std(axis=0)
    library, starts = orbit[:LIBRARY], first + APART * np.arange(INITIAL)
    contexts = orbit[starts[:, None] + np.arange(1 - CONTEXT, 1)]
    truth = orbit[starts[:, None] + np.arange(STEPS + 1)]
    bound = THRESHOLD * np.sqrt(np.sum(library.var(axis=0)))
    found = []
    for name, forecaster in forecasters().items():
        begun = time.perf_counter()
        try:
            forecaster.fit(library)
        except InputError as error:  # what it needs is not installed
            say(f"Lorenz, {name}: left out ({error})")
            continue
        fitted = time.perf_counter()
        off = np.linalg.norm(forecaster.forecast(contexts, STEPS) - truth, axis=2) > bound
        steps = np.where(off.any(axis=1), off.argmax(axis=1) - 1, STEPS)
        found.append(Skill(name, steps * HOP * EXPONENT, fitted - begun, time.perf_counter() - fitted))
        say(f"Lorenz, {name}: {np.median(found[-1].valid):.2f} Lyapunov times, {time.perf_counter() - begun:.1f} s")
    return found


def report(found: list[Skill]) -> str:
    rows = []
    for skill in found:
        low, middle, high = np.quantile(skill.valid, [0.25, 0.5, 0.75])
        rows.append([skill.name, float(middle), f"{low:.2f} to {high:.2f}", float(skill.valid.mean()), skill.fit_s])
        rows[-1].append(skill.forecast_s)
    header = ["forecaster", "median (Lyapunov times)", "middle half", "mean", "fit (s)", "forecast (s)"]
    return f"""\
### Lorenz

A library of {LIBRARY:,} points {HOP} apart ({LIBRARY * HOP * EXPONENT:.0f} Lyapunov times of 1/{EXPONENT}), no noise,
standardised; {INITIAL} initial conditions after it, forecasts of {STEPS * HOP * EXPONENT:.1f} Lyapunov times. Valid
prediction time: how long a forecast stays within {THRESHOLD} RMS radii of the truth. Settings
are the defaults where nothing is said.

{table(header, rows)}

What is published, for orientation: libraries, sampling, noise and thresholds differ.

{table(["source", "valid prediction time (Lyapunov times)"], PUBLISHED)}

These are as the abstracts state them; no figure of Platt et al. 2022 (Neural Networks 153) or Pathak et al. 2017 for
Lorenz-63 could be verified.
"""
