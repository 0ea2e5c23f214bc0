"""One job of a study: both models of one shape on one song, with all seeds, measured in every way."""

import warnings
from dataclasses import asdict, dataclass
from importlib.util import find_spec

import numpy as np
from sklearn.frozen import FrozenEstimator

from . import agreement, forecast, geometry, recurrence
from ._checks import check_whole
from .comparators import TICA, DelayPCA
from .config import Settings, check_window, settings, window_frames
from .embedding import Embedding, fit_many
from .errors import InputError, OrbitscopeWarning
from .evaluation import PROTOCOLS, TRAINED_SHARE, displacement_metrics, divergence
from .rhythm import pulse_clarity
from .scoreboard import PERSISTENCE, Reference, Scores, reference_space, score
from .types import Frames, Trajectory

MODELS = {"R": 0.0, "R-F": None}  # forecast weight; None: the preset's
_SMAP_NEIGHBORS, _LONG = 200, 1000  # so many neighbours where there are so many points; all of them otherwise
_FOLDS = 3


@dataclass(frozen=True)
class Plan:
    """What a study does with every song.

    Attributes
    ----------
    dims, windows_s : tuple
        Dimensions of latent space, and seconds of a window, each with each.
    seeds : int
        Models trained of each kind: seeds 0 to seeds - 1.
    preset : str
        Of the models, with the preset's features. The curvature weight is 0: conditioning is the forecast loss alone.
    steps : int or None
        Training steps; the preset's if None.
    horizon, every : int
        Steps of a forecast, and points from one initial point to the next.
    start_s, duration_s : float
        The stretch to take of each song.
    surrogates : int
        For the test of loops; 0 leaves it out.
    nets : bool
        Whether MLP, LSTM and, where reservoirpy is installed, the reservoir are among the forecasters; they take most
        of a study's time.
    """

    dims: tuple[int, ...] = (3, 12)
    windows_s: tuple[float, ...] = (0.5, 2.0)
    seeds: int = 10
    preset: str = "article"
    steps: int | None = None
    horizon: int = 30
    every: int = 10
    start_s: float = 0.0
    duration_s: float | None = None
    surrogates: int = 19
    nets: bool = True

    def __post_init__(self):
        least = {"seeds": 1, "horizon": 1, "every": 1, "surrogates": 0}
        for name, low in least.items():
            check_whole(name, getattr(self, name), low)
        for name in ("dims", "windows_s"):
            values = getattr(self, name)
            if not isinstance(values, tuple | list) or not values or len(set(values)) < len(values):
                raise InputError(f"{name} is {values!r}; it must hold one value at least, and none twice")
        for window_s in self.windows_s:
            check_window(window_s)
        for dims in self.dims:
            for window_s in self.windows_s:
                self.settings("R-F", dims, window_s, 0)

    def settings(self, model: str, dims: int, window_s: float, seed: int) -> Settings:
        return settings(
            self.preset,
            latent_dim=dims,
            window_s=window_s,
            seed=seed,
            steps=self.steps,
            forecast_weight=MODELS[model],
            curvature_weight=0.0,
        )

    def to_dict(self) -> dict:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def forecasters(embedding: Embedding, seed: int, points: int, *, nets: bool = True) -> dict[str, forecast.Forecaster]:
    """All forecasters that a study compares, unfitted, by the names that its tables have for them."""
    nearest = _SMAP_NEIGHBORS if points >= _LONG else None
    found = {
        PERSISTENCE.capitalize(): forecast.PersistenceForecaster(),
        "Mean": forecast.MeanForecaster(),
        "Linear": forecast.LinearForecaster(),
        "KNN": forecast.KNNForecaster(),
        "Analog": forecast.AnalogForecaster(),
        "S-map": forecast.SMapForecaster(neighbors=nearest),
    }
    if nets:
        found |= {
            "MLP (article)": forecast.MLPForecaster(preset="article", random_state=seed),
            "LSTM (article)": forecast.LSTMForecaster(preset="article", random_state=seed),
            "MLP": forecast.MLPForecaster(random_state=seed),
            "LSTM": forecast.LSTMForecaster(n_epochs=40, batch_size=64, learning_rate=2e-2, random_state=seed),
        }
    if nets and find_spec("reservoirpy"):
        found["Reservoir"] = forecast.ReservoirForecaster(random_state=seed)
    if embedding.model.predictor is not None:
        found["Joint"] = forecast.JointForecaster(embedding)
    return found


def measure_song(frames: Frames) -> dict:
    """What is said of a song without any model."""
    return {"pulse_clarity": pulse_clarity(frames), "duration_s": frames.duration_s}


def measure_shape(frames: Frames, features: Frames, plan: Plan, dims: int, window_s: float) -> tuple[list[dict], dict]:
    """Train R and R-F with every seed on all of ``frames`` and on their first 70 %, and measure everything.

    Parameters
    ----------
    frames : Frames
        What the models see.
    features : Frames
        The article's frames of the same stretch, for the reference space.

    Returns
    -------
    cells : list of dict
        One for each model, fit for JSON.
    trajectories : dict of str to Trajectory
        Of the first seed, by model.
    """
    window = window_frames(window_s, frames.hop_s)
    references = {share: reference_space(features, window, trained_share=share) for share in (1.0, 0.7)}
    paths = {share: {m: [] for m in MODELS} for share in references}
    cells = []
    for model in MODELS:
        chosen = [plan.settings(model, dims, window_s, seed) for seed in range(plan.seeds)]
        whole, part = (_trained(_first(frames, ref), chosen) for ref in references.values())
        for share, embeddings in zip(references, (whole, part), strict=True):
            paths[share][model] = [embedding.transform(frames) for embedding in embeddings]
        runs = [
            _measure_run(seed, frames, whole[seed], part[seed], *(paths[s][model][seed] for s in references), plan)
            for seed in range(plan.seeds)
        ]
        cell = {"model": model, "dims": dims, "window_s": window_s, "runs": runs}
        if model == "R-F" and plan.surrogates and (dims, window_s) == (min(plan.dims), min(plan.windows_s)):
            cell["loops"] = _loops(frames, whole[0], plan.surrogates)
        cells.append(cell)
    controls = {}
    for share, ref in references.items():
        linear = _linear(frames, _first(frames, ref), dims, window_s)
        controls[ref.protocol] = {name: _nrmse(score({name: path}, ref), name) for name, path in linear.items()}
        for seed in range(plan.seeds):
            found = score({model: paths[share][model][seed] for model in MODELS}, ref, pure="R")
            for cell in cells:
                cell["runs"][seed].setdefault("scores", {})[ref.protocol] = _nrmse(found, cell["model"])
            smooth = next((c for c in found.controls if "low-passed" in c), None)
            if smooth:
                low_passed = cells[0]["runs"][seed].setdefault("scores_low_passed", {})
                low_passed[ref.protocol] = _nrmse(found, smooth)
            controls[ref.protocol] |= {c: _nrmse(found, c) for c in found.controls if c != smooth}
    for cell in cells:
        cell["controls"] = controls
    return cells, {model: paths[1.0][model][0] for model in MODELS}


def _trained(frames: Frames, chosen: list[Settings]) -> list[Embedding]:
    return [embedding for embedding, _ in fit_many([frames] * len(chosen), chosen)]


def _first(frames: Frames, reference: Reference) -> Frames:
    return Frames(
        frames.values[: reference.trained_frames],
        frames.hop_s,
        frames.start_s,
        frames.kind,
        frames.frequencies_hz,
        frames.source,
    )


def _linear(frames: Frames, known: Frames, dims: int, window_s: float) -> dict[str, Trajectory]:
    """Linear embeddings of the same windows in as many dimensions, fitted on the frames ``known``."""
    found = {"delay-PCA": DelayPCA(dims, window_s)}
    if find_spec("deeptime"):
        found["TICA"] = TICA(dims, window_s)
    return {name: one.fit(known).transform(frames) for name, one in found.items()}


def _measure_run(
    seed: int,
    frames: Frames,
    whole: Embedding,
    part: Embedding,
    whole_path: Trajectory,
    part_path: Trajectory,
    plan: Plan,
) -> dict:
    known, unknown = (forecasters(one, seed, len(whole_path), nets=plan.nets) for one in (whole, part))
    trained = round(TRAINED_SHARE * len(part_path))
    fitted = {name: FrozenEstimator(one.fit(part_path.points[:trained])) for name, one in unknown.items()}
    context = max(
        plan.settings("R-F", 1, 1.0, 0).context, *(one.context for one in known.values())
    )  # one for both models
    found = {}
    for protocol in PROTOCOLS:
        path, able = (part_path, fitted) if protocol == "held-out" else (whole_path, known)
        options = {"protocol": protocol, "steps": plan.horizon, "every": plan.every, "context": context}
        found[protocol] = {
            name: divergence(path, one, folds=_FOLDS, **options).to_dict() | {"forecaster": name}
            for name, one in able.items()
        }
    return {
        "seed": seed,
        "shape": _shape(whole_path, frames),
        "reconstruction": whole.evaluate(frames, whole_path),
        "divergence": found,
        "displacement": {name: displacement_metrics(part_path, one) for name, one in fitted.items()},
    }


def _shape(path: Trajectory, frames: Frames) -> dict[str, float]:
    window = len(frames) - len(path) + 1
    near = {"window": window, "theiler": window - 1}
    period = recurrence.dominant_period(path.points, path.hop_s)
    radius = geometry.rms_radius(path.points)
    return {
        "turning_angle_deg": geometry.mean_turning_angle(path.points),
        "speed_per_radius": float(np.mean(geometry.speed(path.points, path.hop_s)) / radius) if radius else np.nan,
        "spectral_arc_length": geometry.spectral_arc_length(path.points, path.hop_s),
        "effective_rank": geometry.effective_rank(path.points),
        "trustworthiness": agreement.trustworthiness(path.points, frames.values, **near),
        "neighbor_overlap": agreement.neighbor_overlap(path.points, frames.values, **near),
        "dominant_period_s": period.period_s,
        "period_strength": period.strength,
    }


def _loops(frames: Frames, embedding: Embedding, surrogates: int) -> dict | None:
    """Loop strength against surrogates through the same encoder; None without the extra ``topology``."""
    from .topology import loop_test

    if not find_spec("ripser"):
        warnings.warn('loops are not measured: pip install "orbitscope[topology]"', OrbitscopeWarning, stacklevel=2)
        return None
    found = loop_test(frames, embedding.transform, surrogates=surrogates)
    return {"strength": found.strength, "surrogates": found.surrogate_strengths.tolist(), "p": found.p_value}


def _nrmse(found: Scores, name: str) -> dict[str, dict[str, float]]:
    return {
        form: {str(k): float(v) for k, v in zip(found.horizons, values, strict=True)}
        for form, values in found.nrmse[name].items()
    }
