"""The embedder: fit a small autoencoder to one recording, then turn recordings into trajectories."""

import os
from dataclasses import replace
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from . import training
from .config import PRESET_FEATURES, PRESETS, Settings, check_window, settings
from .embedding import Embedding, fit
from .errors import InputError
from .features import HOP_S, spectrogram
from .model import Autoencoder
from .types import AudioSource, Frames, Trajectory


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
    embedding_ : Embedding
        The fitted model as a value, usable without scikit-learn.
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
        frames, low, spread = self._frames_to_fit(X)
        self.embedding_, self.fit_ = fit(frames, resolved, low=low, range=spread, callback=callback)
        self.n_features_in_ = self.embedding_.features
        return self

    def transform(self, X) -> Trajectory | np.ndarray:
        """The point of every window of ``X``, ``(frames - window + 1, latent_dim)`` float32."""
        frames = self._frames_to_use(X)
        trajectory = self.embedding_.transform(frames)
        return trajectory if isinstance(X, Frames) or hasattr(X, "blocks") else trajectory.points

    def fit_transform(self, X, y=None, **fit_params) -> Trajectory | np.ndarray:
        """Train on ``X`` and give its points; a recording is decoded once."""
        if hasattr(X, "blocks"):
            X = spectrogram(X, self._kind())
        return self.fit(X, y, **fit_params).transform(X)

    def inverse_transform(self, X) -> np.ndarray:
        """Points ``(points, latent_dim)`` or a trajectory to windows ``(points, window, features)``, in fit's units."""
        check_is_fitted(self, "embedding_")
        return self.embedding_.inverse_transform(X.points if isinstance(X, Trajectory) else X)

    def evaluate(self, X) -> dict[str, float]:
        """Reconstruction (see :func:`orbitscope.inference.reconstruction_report`) and ``forecast_loss`` on ``X``."""
        frames = self._frames_to_use(X)
        return self.embedding_.evaluate(frames)

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
        check_is_fitted(self, "embedding_")
        self.embedding_.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Embedder":
        """Read a model that :meth:`save` wrote, on whatever machine.

        Raises
        ------
        StoreError
            When the file is missing, damaged, or not a model of this package; the text names the file.
        """
        embedding = Embedding.load(path)
        features = None if embedding.kind == "array" else embedding.kind
        self = cls.of(embedding.settings, features=features, hop_s=embedding.hop_s)
        self.embedding_, self.n_features_in_ = embedding, embedding.features
        return self

    @property
    def model_(self) -> Autoencoder:
        return self.embedding_.model

    @property
    def settings_(self) -> Settings:
        return self.embedding_.settings

    @property
    def window_(self) -> int:
        return self.embedding_.window

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

    def _frames_to_fit(self, X) -> tuple[Frames, np.ndarray | None, np.ndarray | None]:
        """Frames in [0, 1] and, for an array, what scaled its columns."""
        frames = self._as_frames(X, self._kind())
        if frames is not None:
            check_window(self.window_s)
            count = frames.values.shape[1]
            return (frames, np.zeros(count), np.ones(count)) if frames.kind == "array" else (frames, None, None)
        if not (isinstance(self.hop_s, (int, float)) and np.isfinite(self.hop_s) and self.hop_s > 0):
            raise InputError(f"hop_s is {self.hop_s!r}; it must be a number of seconds above 0")
        values = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        low = values.min(axis=0)
        spread = values.max(axis=0) - low
        spread = np.where(spread > 0, spread, 1.0)
        return Frames(((values - low) / spread).astype(np.float32), float(self.hop_s)), low, spread

    def _frames_to_use(self, X) -> Frames:
        check_is_fitted(self, "embedding_")
        frames = self._as_frames(X, self.embedding_.kind)
        if frames is not None:
            return frames
        if self.embedding_.low is None:
            kind = self.embedding_.kind
            raise InputError(f"this embedder was fitted on {kind!r} frames of sound; give a recording or Frames")
        return self.embedding_.scaled(validate_data(self, X, dtype=np.float64, reset=False))

    def _as_frames(self, X, kind: str) -> Frames | None:
        if isinstance(X, Frames):
            return X
        if hasattr(X, "blocks"):
            source: AudioSource = X
            return spectrogram(source, kind)
        return None


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
