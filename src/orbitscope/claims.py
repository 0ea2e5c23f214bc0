"""The article's six claims, each put to a study's numbers: it holds, it does not, or that cannot be said.

A study's numbers come as cells: a song, a model (R, pure autoencoder, or R-F, conditioned on forecasts), a number of
dimensions and a window, with a run for each seed. A claim is asked for in several settings, such as the article's own
protocol and one without its faults; each gives a finding, which rests on paired comparisons (_statistics.py).
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from ._statistics import Comparison, Effect, compare

HORIZONS = (1, 2, 3, 5, 10, 20, 30)
EARLY, LATE = (1, 2, 3), (10, 20, 30)
HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
PUBLISHED_WINDOWS_S = (0.5, 2.0)
_LEAST_SONGS = 5

STATEMENTS = {
    1: "Conditioning on forecasts (R-F) makes the trajectory smoother than the pure autoencoder (R).",
    2: "R-F forecasts better than R over the first few steps only, then worse.",
    3: "12 dimensions make that difference larger than 3.",
    4: "A window of 2 s gives smoother trajectories, one of 0.5 s more expressive ones.",
    5: "Nearest neighbours forecast better than the MLP and the LSTM.",
    6: "Rhythmic music gives loops, other music does not.",
}


@dataclass(frozen=True)
class Finding:
    """What one comparison says about a claim.

    Attributes
    ----------
    setting : str
        Under which protocol, for which model and sizes.
    outcome : str
        "holds", "does not hold" or "undecided".
    unit : str
        Of the effects; "%" for ratios.
    effects : dict of str to Effect
        By horizon or setting.
    test : str
    """

    setting: str
    outcome: str
    unit: str
    effects: dict[str, Effect]
    test: str

    def to_dict(self) -> dict:
        effects = {name: vars(effect) for name, effect in self.effects.items()}
        return {**vars(self), "effects": effects}


@dataclass(frozen=True)
class Claim:
    """One claim of the article and everything found about it."""

    number: int
    findings: list[Finding] = field(default_factory=list)
    note: str = ""

    @property
    def statement(self) -> str:
        return STATEMENTS[self.number]

    @property
    def outcome(self) -> str:
        """What all findings agree on, or how many say what."""
        found = [f.outcome for f in self.findings]
        if not found:
            return "not measured"
        if len(set(found)) == 1:
            return found[0]
        return ", ".join(
            f"{kind} in {found.count(kind)} of {len(found)}" for kind in (HOLDS, FAILS, OPEN) if kind in found
        )

    def to_dict(self) -> dict:
        return {
            "claim": self.number,
            "statement": self.statement,
            "outcome": self.outcome,
            "findings": [finding.to_dict() for finding in self.findings],
            "note": self.note,
        }


class Table:
    """The numbers of a study's cells, as arrays over songs and seeds.

    Parameters
    ----------
    cells : iterable of dict
        Each with "song", "model", "dims", "window_s" and "runs"; a run has a "seed" and nested numbers.
    """

    def __init__(self, cells: Iterable[dict]):
        self.runs = {
            (cell["song"], cell["model"], cell["dims"], cell["window_s"], run["seed"]): run
            for cell in cells
            for run in cell["runs"]
        }
        self.songs, self.models, self.dims, self.windows_s, self.seeds = (
            sorted({key[i] for key in self.runs}) for i in range(5)
        )

    def values(self, model: str, dims: int, window_s: float, of: Callable[[dict], object]) -> np.ndarray:
        """``of`` of every run, ``(songs, seeds, ...)``; NaN where there is no such run or it lacks the number."""
        found = {}
        for i, song in enumerate(self.songs):
            for j, seed in enumerate(self.seeds):
                run = self.runs.get((song, model, dims, window_s, seed))
                try:
                    value = None if run is None else of(run)
                except (KeyError, IndexError):
                    value = None
                if value is not None:
                    found[i, j] = np.array([np.nan if v is None else v for v in np.atleast_1d(value)], float)
        if not found:
            return np.full((len(self.songs), len(self.seeds), 1), np.nan)
        result = np.full((len(self.songs), len(self.seeds), len(next(iter(found.values())))), np.nan)
        for place, value in found.items():
            result[place] = value
        return result

    def shapes(self) -> list[tuple[int, float]]:
        return [(dims, window_s) for dims in self.dims for window_s in self.windows_s]


def judge(cells: Iterable[dict], songs: Iterable[dict] = ()) -> list[Claim]:
    """All six claims.

    Parameters
    ----------
    cells : iterable of dict
        As for :class:`Table`.
    songs : iterable of dict
        For the sixth claim: each with "song", "pulse_clarity", "loop_strength" and "loop_p", numbers or None.
    """
    table = Table(cells)
    return [_smoother(table), _early_only(table), _larger_in_12(table), _windows(table), _knn(table), _loops(songs)]


# Where forecasts are measured: label, and what gives the errors of a run at the horizons.


def _errors(protocol: str, forecaster: str, scaled: bool) -> Callable[[dict], list[float]]:
    name = "scaled" if scaled else "mean"
    return lambda run: [run["divergence"][protocol][forecaster][name][k] for k in HORIZONS]


def _score(part: str, form: str) -> Callable[[dict], list[float]]:
    return lambda run: [run["scores"][part][form][str(k)] for k in HORIZONS]


_MEASURES = {
    "article's protocol": _errors("article", "KNN", False),
    "leak-free, over RMS radius": _errors("leak-free", "KNN", True),
    "held out, over RMS radius": _errors("held-out", "KNN", True),
    "reference space, in sample, state": _score("in sample", "state"),
    "reference space, in sample, displacement": _score("in sample", "displacement"),
    "reference space, held out, state": _score("held out", "state"),
    "reference space, held out, displacement": _score("held out", "displacement"),
}


def _log_ratio(table: Table, dims: int, window_s: float, of: Callable) -> np.ndarray:
    """Log of the error of R-F over that of R, ``(songs, seeds, horizons)``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(table.values("R-F", dims, window_s, of)) - np.log(table.values("R", dims, window_s, of))


def _smoother(table: Table) -> Claim:
    def turning(run):
        return run["shape"]["turning_angle_deg"]

    difference = {
        _shape(d, w): table.values("R-F", d, w, turning) - table.values("R", d, w, turning) for d, w in table.shapes()
    }
    return Claim(1, _one_sided("mean turning angle, R-F less R", "°", difference, -1))


def _early_only(table: Table) -> Claim:
    findings = []
    for dims, window_s in table.shapes():
        for label, of in _MEASURES.items():
            ratio = _log_ratio(table, dims, window_s, of)
            if np.isfinite(ratio).all(axis=2).any():
                found = compare(ratio)
                effects = dict(zip(HORIZONS, found.effects, strict=True))
                early, late = (_directions(effects[k] for k in some) for some in (EARLY, LATE))
                if -1 in early and 1 in late and 1 not in early and -1 not in late:
                    outcome = HOLDS
                elif (1 in early and -1 not in early) or (-1 in late and 1 not in late):
                    outcome = FAILS
                else:
                    outcome = OPEN
                findings.append(_ratio_finding(f"{_shape(dims, window_s)}: {label}", outcome, effects, found.test))
    return Claim(
        2,
        findings,
        "Error of R-F over that of R, less 1, by the number of steps. Holds: lower at some of 1 to 3 steps, higher at"
        " some of 10 to 30, and not the reverse. Does not hold: higher early, or lower late.",
    )


def _larger_in_12(table: Table) -> Claim:
    findings = []
    if {3, 12} <= set(table.dims):
        for window_s in table.windows_s:
            swings = {}
            for label, of in _MEASURES.items():
                swing = {dims: _swing(_log_ratio(table, dims, window_s, of)) for dims in (3, 12)}
                if np.isfinite(difference := swing[12] - swing[3]).any():
                    swings[label] = difference
            if swings:
                findings += _one_sided(f"{window_s:g} s: swing in 12 less that in 3 dimensions", "log ratio", swings, 1)
    return Claim(
        3,
        findings,
        "Swing: mean log ratio of R-F's error to R's over 10, 20 and 30 steps, less that over 1, 2 and 3.",
    )


def _windows(table: Table) -> Claim:
    short, long = PUBLISHED_WINDOWS_S
    findings = []
    if {short, long} <= set(table.windows_s):
        measures = {
            "smoother: mean turning angle, 2 s less 0.5 s": ("turning_angle_deg", "°"),
            "more expressive: speed in RMS radii a second, 2 s less 0.5 s": ("speed_per_radius", "1/s"),
        }
        for label, (name, unit) in measures.items():
            difference = {
                f"{model}, {dims}-D": table.values(model, dims, long, lambda run, n=name: run["shape"][n])
                - table.values(model, dims, short, lambda run, n=name: run["shape"][n])
                for model in table.models
                for dims in table.dims
            }
            findings += _one_sided(label, unit, difference, -1)
    return Claim(4, findings, "Expressive is taken as how fast the path runs through the space that it fills.")


def _knn(table: Table) -> Claim:
    findings = []
    dims, window_s = min(table.dims, default=0), min(table.windows_s, default=0)
    for protocol in ("article", "leak-free", "held-out"):
        for net in ("MLP (article)", "LSTM (article)", "MLP", "LSTM"):
            for model in table.models:
                errors = [table.values(model, dims, window_s, _errors(protocol, name, False)) for name in ("KNN", net)]
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = np.log(errors[0]) - np.log(errors[1])
                if not np.isfinite(ratio).all(axis=2).any():
                    continue
                found = compare(ratio)
                effects = dict(zip(HORIZONS, found.effects, strict=True))
                ways = _directions(effects.values())
                outcome = HOLDS if ways == {-1} else FAILS if ways == {1} else OPEN
                setting = f"{protocol}: against {net}, {model}, {_shape(dims, window_s)}"
                findings.append(_ratio_finding(setting, outcome, effects, found.test))
    return Claim(
        5,
        findings,
        "Error of KNN over that of the net, less 1, by the number of steps. Holds: lower somewhere, higher nowhere."
        " (article): the net as published; otherwise with the sound defaults.",
    )


def _loops(songs: Iterable[dict]) -> Claim:
    known = [s for s in songs if s.get("pulse_clarity") is not None and s.get("loop_strength") is not None]
    note = "; ".join(
        f"{s['song']}: pulse clarity {s['pulse_clarity']:.2f}, loop strength {s['loop_strength']:.2f}"
        f" (p = {s['loop_p']:.2f} against surrogates)"
        for s in known
    )
    if len(known) < _LEAST_SONGS:
        return Claim(6, [], f"{_LEAST_SONGS} songs are needed to compare. {note}".strip())
    pulse, loop = (np.array([s[name] for s in known]) for name in ("pulse_clarity", "loop_strength"))
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(known), size=len(known)) for _ in range(2000)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # songs, or those drawn, that are all alike have no correlation: NaN
        found = stats.spearmanr(pulse, loop)
        again = [stats.spearmanr(pulse[d], loop[d]).statistic for d in draws if len(set(d)) > 2]
        low, high = np.nanquantile(again, [0.025, 0.975])
    effect = Effect(float(found.statistic), float(low), float(high), float(found.pvalue))
    outcome = {1: HOLDS, -1: FAILS, 0: OPEN}[_direction(effect)]
    finding = Finding(
        "rank correlation of pulse clarity and loop strength over songs",
        outcome,
        "ρ",
        {"all songs": effect},
        f"Spearman, {len(known)} songs",
    )
    return Claim(6, [finding], note)


def _swing(ratio: np.ndarray) -> np.ndarray:
    if ratio.shape[2] != len(HORIZONS):
        return np.full(ratio.shape[:2], np.nan)
    late, early = (ratio[..., [HORIZONS.index(k) for k in some]].mean(axis=2) for some in (LATE, EARLY))
    return late - early


def _one_sided(label: str, unit: str, differences: dict[str, np.ndarray], sign: int) -> list[Finding]:
    """One finding over several settings: holds if all differ significantly in the direction of ``sign``."""
    known = {name: d.reshape(*d.shape[:2]) for name, d in differences.items() if np.isfinite(d).any()}
    stacked = np.stack(list(known.values()), axis=2) if known else np.empty((0, 0, 0))
    if not np.isfinite(stacked).all(axis=2).any():
        return []
    found: Comparison = compare(stacked)
    ways = [_direction(effect) for effect in found.effects]
    outcome = HOLDS if set(ways) == {sign} else FAILS if -sign in ways and sign not in ways else OPEN
    return [Finding(label, outcome, unit, dict(zip(known, found.effects, strict=True)), found.test)]


def _ratio_finding(setting: str, outcome: str, effects: dict[int, Effect], test: str) -> Finding:
    def percent(log_ratio: float) -> float:
        return 100 * float(np.expm1(log_ratio))

    shown = {f"{k}": Effect(percent(e.estimate), percent(e.low), percent(e.high), e.p) for k, e in effects.items()}
    return Finding(setting, outcome, "%", shown, test)


def _direction(effect: Effect) -> int:
    return int(np.sign(effect.estimate)) if effect.significant else 0


def _directions(effects: Iterable[Effect]) -> set[int]:
    return {_direction(effect) for effect in effects} - {0}


def _shape(dims: int, window_s: float) -> str:
    return f"{dims}-D, {window_s:g} s"
