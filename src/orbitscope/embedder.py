"""The embedder: fit a small autoencoder to one recording, then turn recordings into trajectories."""

import os
from dataclasses import replace
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from . import inference, training
from .config import PRESET_FEATURES, PRESETS, Settings, check_window, settings, window_frames
from .errors import InputError, StoreError
from .features import HOP_S, spectrogram
from .model import build, leaves, with_leaves
from .store import read_weights, write_weights
from .types import AudioSource, Frames, Trajectory

_FORMAT = 1


class Embedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Frames to points of latent space, by a conditioned convolutional autoencoder trained from scratch.

    Follows scikit-learn's conventions. Every method takes a :class:`Recording` (or a file being decoded), a
    :class:`Frames`, or an array ``(time, features)`` of any scale, whose columns are scaled to [0, 1] as they were in
    ``fit``. From a recording or frames comes a :class:`Trajectory`; from an array of n rows come n - window + 1 points.

    Parameters
    ----------
    latent_dim : int in [1, 64]
        Dimensions of latent space.
    window_s : float
        Seconds that one point stands for; 0.1 to 10 for recordings.
    features : {"mel", "article", "cqt"}, optional
        What a recording is turned into; by default the preset's.
    preset : {"default", "article"}
        Where options that are None come from. "article" has the published sizes, weights and budget.
    reconstruction_weight, forecast_weight, off_center_weight, curvature_weight : float, optional
        Weights of the loss terms; a term of weight 0 is left out.
    context : int, optional
        Points that the predictor sees.
    steps : int, optional
        Training steps.
    learning_rate, clip_norm : float, optional
        Step size of Adam, and the bound on the gradient's norm (0: none).
    hop_s : float
        Seconds between the rows of an array; recordings and frames know their own.
    options : dict, optional
        Any other field of :class:`orbitscope.Settings`, by name.
    random_state : int, RandomState or None
        The same integer gives the same model.

    Attributes
    ----------
    model_ : Autoencoder
        ``model_.encoder``, ``model_.decoder`` and ``model_.predictor`` (None without a forecast loss) are functions
        of arrays, each usable alone.
    settings_ : Settings
        Every option, resolved.
    window_ : int
        Frames in a window.
    fit_ : Fit
        History of the losses and times of the training; absent after :meth:`load`.

    References
    ----------
    The method is that of the article that this project realises; docs/method.md says where it differs.
    """

    def __init__(
        self,
        latent_dim=3,
        window_s=0.5,
        *,
        features=None,
        preset="default",
        reconstruction_weight=None,
        forecast_weight=None,
        off_center_weight=None,
        curvature_weight=None,
        context=None,
        steps=None,
        learning_rate=None,
        clip_norm=None,
        hop_s=HOP_S,
        options=None,
        random_state=0,
    ):
        self.latent_dim = latent_dim
        self.window_s = window_s
        self.features = features
        self.preset = preset
        self.reconstruction_weight = reconstruction_weight
        self.forecast_weight = forecast_weight
        self.off_center_weight = off_center_weight
        self.curvature_weight = curvature_weight
        self.context = context
        self.steps = steps
        self.learning_rate = learning_rate
        self.clip_norm = clip_norm
        self.hop_s = hop_s
        self.options = options
        self.random_state = random_state

    @classmethod
    def of(cls, resolved: Settings, **parameters) -> Self:
        """The embedder of complete settings; ``parameters`` are those of the constructor that settings do not have."""
        values = resolved.to_dict()
        options = {name: value for name, value in values.items() if name not in ("seed", *_SETTINGS)}
        own = {name: values[name] for name in _SETTINGS}
        return cls(**own, options=options, random_state=resolved.seed, **parameters)

    def resolve(self) -> Settings:
        """Every option of this embedder, checked.

        Raises
        ------
        InputError
            Naming the option that is unknown or out of range.
        """
        own = {name: getattr(self, name) for name in _SETTINGS}
        resolved = settings(self.preset, **{**own, **(self.options or {})})
        if isinstance(self.random_state, (int, np.integer)):
            return replace(resolved, seed=self.random_state)
        return replace(resolved, seed=int(check_random_state(self.random_state).randint(2**31)))

    def fit(self, X, y=None, *, callback: training.Callback | None = None) -> Self:
        """Train on ``X``; ``callback`` is given a :class:`orbitscope.training.Progress` after every chunk of steps.

        Raises
        ------
        InputError
            Options out of range; too few frames; silence; NaN or infinite values.
        TrainingError
            The loss became NaN or infinite.
        """
        resolved = self.resolve()
        frames = self._frames_to_fit(X)
        window = window_frames(resolved.window_s, frames.hop_s)
        try:
            fit = training.train(frames.values, window, resolved, callback=callback)
        except InputError as error:
            raise _named(error, frames) from None
        self.settings_, self.window_, self.hop_s_, self.kind_ = resolved, window, frames.hop_s, frames.kind
        self.n_features_in_ = frames.values.shape[1]
        self.fit_, self.model_ = fit, fit.model
        return self

    def transform(self, X) -> Trajectory | np.ndarray:
        """The point of every window of ``X``, ``(frames - window + 1, latent_dim)`` float32."""
        frames = self._frames_to_use(X)
        return self._output(X, frames, self._encode(frames))

    def fit_transform(self, X, y=None, **fit_params) -> Trajectory | np.ndarray:
        """Train on ``X`` and give its points; a recording is decoded once."""
        if hasattr(X, "blocks"):
            X = spectrogram(X, self._kind())
        return self.fit(X, y, **fit_params).transform(X)

    def inverse_transform(self, X) -> np.ndarray:
        """Points ``(points, latent_dim)`` or a trajectory to windows ``(points, window, features)``, in fit's units."""
        check_is_fitted(self, "model_")
        points = np.asarray(X.points if isinstance(X, Trajectory) else X, np.float32)
        if points.ndim != 2 or points.shape[1] != self.settings_.latent_dim:
            raise InputError(f"points have shape {points.shape}; (points, {self.settings_.latent_dim}) are needed")
        windows = inference.decode(self.model_.decoder, points)
        return windows * self.range_ + self.low_ if self.kind_ == "array" else windows

    def evaluate(self, X) -> dict[str, float]:
        """Reconstruction (see :func:`orbitscope.inference.reconstruction_report`) and ``forecast_loss`` on ``X``."""
        frames = self._frames_to_use(X)
        points = self._encode(frames)
        report = inference.reconstruction_report(self.model_, frames.values, points)
        if self.model_.predictor is not None:
            report["forecast_loss"] = inference.forecast_loss(self.model_.predictor, points, self.settings_.context)
        return report

    def score(self, X, y=None) -> float:
        """R² of the reconstruction of all windows against their mean: 1 is perfect."""
        return self.evaluate(X)["r2"]

    def save(self, path: str | os.PathLike) -> None:
        """Write the fitted model to one ``.safetensors`` file.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        check_is_fitted(self, "model_")
        arrays = leaves(self.model_)
        if self.kind_ == "array":
            arrays |= {"low": self.low_, "range": self.range_}
        metadata = {
            "format": _FORMAT,
            "settings": self.settings_.to_dict(),
            "window": self.window_,
            "hop_s": self.hop_s_,
            "kind": self.kind_,
            "features": self.n_features_in_,
            "preset": self.preset,
        }
        write_weights(path, arrays, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Embedder":
        """Read a model that :meth:`save` wrote, on whatever machine.

        Raises
        ------
        StoreError
            When the file is missing, damaged, or not a model of this package; the text names the file.
        """
        arrays, meta = read_weights(path)
        try:
            if meta["format"] > _FORMAT:
                raise StoreError(f"{path}: written by a newer Orbitscope (format {meta['format']}); upgrade to read it")
            resolved = Settings.from_dict(meta["settings"])
            self = cls.of(
                resolved,
                preset=meta["preset"] if meta["preset"] in PRESETS else "default",
                features=None if meta["kind"] == "array" else meta["kind"],
                hop_s=meta["hop_s"],
            )
            self.settings_, self.window_, self.hop_s_ = resolved, int(meta["window"]), float(meta["hop_s"])
            self.kind_, self.n_features_in_ = str(meta["kind"]), int(meta["features"])
            if self.kind_ == "array":
                self.low_, self.range_ = arrays.pop("low"), arrays.pop("range")
            if self.window_ < 1 or not 0 < self.hop_s_ < np.inf:
                raise ValueError(f"a window of {self.window_} frames, {self.hop_s_:g} s apart")
            if arrays["encoder.center"].shape != (self.n_features_in_,) or not self.n_features_in_:
                raise ValueError(f"{self.n_features_in_} features, and weights of another number")
            if not all(np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("weights that are NaN or infinite")
            untrained = build(resolved, self.window_, np.zeros((2, self.n_features_in_), np.float32))
            self.model_ = with_leaves(untrained, arrays)
        except StoreError:
            raise
        except (ArithmeticError, AttributeError, KeyError, MemoryError, TypeError, ValueError) as error:
            raise StoreError(f"{path}: not a whole model ({error}); train it again") from None
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.settings_.latent_dim

    def _kind(self) -> str:
        if self.preset not in PRESETS:
            raise InputError(f"preset {self.preset!r} is unknown; choose one of {', '.join(PRESETS)}")
        return self.features or PRESET_FEATURES[self.preset]

    def _frames_to_fit(self, X) -> Frames:
        frames = self._as_frames(X, self._kind())
        if frames is not None:
            check_window(self.window_s)
            if frames.kind == "array":  # in [0, 1] already
                self.low_, self.range_ = np.zeros(frames.values.shape[1]), np.ones(frames.values.shape[1])
            return frames
        if not (isinstance(self.hop_s, (int, float)) and np.isfinite(self.hop_s) and self.hop_s > 0):
            raise InputError(f"hop_s is {self.hop_s!r}; it must be a number of seconds above 0")
        values = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.low_ = values.min(axis=0)
        spread = values.max(axis=0) - self.low_
        self.range_ = np.where(spread > 0, spread, 1.0)
        return Frames(self._scaled(values), float(self.hop_s))

    def _frames_to_use(self, X) -> Frames:
        check_is_fitted(self, "model_")
        frames = self._as_frames(X, self.kind_)
        if frames is None:
            if self.kind_ != "array":
                raise InputError(
                    f"this embedder was fitted on {self.kind_!r} frames of sound; give a recording or Frames"
                )
            values = validate_data(self, X, dtype=np.float64, reset=False)
            frames = Frames(self._scaled(values), self.hop_s_)
        elif frames.kind != self.kind_ or frames.values.shape[1] != self.n_features_in_:
            raise InputError(
                f"frames are {frames.values.shape[1]} features of kind {frames.kind!r}; this embedder was fitted on"
                f" {self.n_features_in_} of kind {self.kind_!r}"
            )
        elif abs(frames.hop_s / self.hop_s_ - 1) > 1e-6:
            raise InputError(f"frames are {frames.hop_s:g} s apart; this embedder was fitted on {self.hop_s_:g} s")
        if len(frames) < self.window_:
            raise _named(InputError(f"{len(frames)} frames are less than one window of {self.window_}"), frames)
        return frames

    def _as_frames(self, X, kind: str) -> Frames | None:
        if isinstance(X, Frames):
            return X
        if hasattr(X, "blocks"):
            source: AudioSource = X
            return spectrogram(source, kind)
        return None

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return ((values - self.low_) / self.range_).astype(np.float32)

    def _encode(self, frames: Frames) -> np.ndarray:
        if not np.isfinite(frames.values).all():
            raise _named(InputError("frames hold NaN or infinite values"), frames)
        return inference.encode(self.model_.encoder, frames.values)

    def _output(self, X, frames: Frames, points: np.ndarray) -> Trajectory | np.ndarray:
        if not (isinstance(X, Frames) or hasattr(X, "blocks")):
            return points
        center_s = frames.start_s + frames.hop_s * (self.window_ - 1) / 2
        return Trajectory(points, frames.hop_s, self.window_ * frames.hop_s, center_s, frames.source)


_SETTINGS = (
    "latent_dim",
    "window_s",
    "reconstruction_weight",
    "forecast_weight",
    "off_center_weight",
    "curvature_weight",
    "context",
    "steps",
    "learning_rate",
    "clip_norm",
)


def _named(error: InputError, frames: Frames) -> InputError:
    return InputError(f"{frames.source.name}: {error}") if frames.source.name else error
