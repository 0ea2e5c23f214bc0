"""A fitted model as a value: frames to points, points to windows, to one file and back.

:class:`Embedding` needs no scikit-learn; :class:`orbitscope.Embedder` is the estimator that makes one.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from . import inference, training
from .config import Settings, window_frames
from .errors import InputError, StoreError
from .model import Autoencoder, build, leaves, with_leaves
from .store import read_weights, write_weights
from .types import Frames, Trajectory

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Embedding:
    """A trained model with what is needed to use it.

    Attributes
    ----------
    model : Autoencoder
        Encoder, decoder and predictor (None without a forecast loss), each a function of arrays.
    settings : Settings
    window : int
        Frames in a window.
    hop_s : float
        Seconds from one frame to the next.
    kind : str
        Kind of the frames, such as ``"mel"``.
    features : int
        Features in a frame.
    low, range : np.ndarray [shape=(features,)] or None
        What maps an array's columns to [0, 1], for models of arrays: (x - low) / range.
    """

    model: Autoencoder
    settings: Settings
    window: int
    hop_s: float
    kind: str
    features: int
    low: np.ndarray | None = None
    range: np.ndarray | None = None

    def transform(self, frames: Frames) -> Trajectory:
        """The point of every window of ``frames``.

        Raises
        ------
        InputError
            Frames of another kind, number of features or hop; fewer than a window; NaN or infinite values.
        """
        self._check(frames)
        points = inference.encode(self.model.encoder, frames.values)
        center_s = frames.start_s + frames.hop_s * (self.window - 1) / 2
        return Trajectory(points, frames.hop_s, self.window * frames.hop_s, center_s, frames.source)

    def inverse_transform(self, points: np.ndarray) -> np.ndarray:
        """Points ``(points, latent_dim)`` to windows ``(points, window, features)``, in the units of the frames."""
        points = np.asarray(points, np.float32)
        if points.ndim != 2 or points.shape[1] != self.settings.latent_dim:
            raise InputError(f"points have shape {points.shape}; (points, {self.settings.latent_dim}) are needed")
        windows = inference.decode(self.model.decoder, points)
        return windows if self.low is None else windows * self.range + self.low

    def evaluate(self, frames: Frames, trajectory: Trajectory | None = None) -> dict[str, float]:
        """Reconstruction (see :func:`orbitscope.inference.reconstruction_report`) and ``forecast_loss`` on ``frames``.

        ``trajectory`` is that of the frames, if it is known already.
        """
        points = (trajectory or self.transform(frames)).points
        report = inference.reconstruction_report(self.model, frames.values, points)
        if self.model.predictor is not None:
            report["forecast_loss"] = inference.forecast_loss(self.model.predictor, points, self.settings.context)
        return report

    def scaled(self, values: np.ndarray) -> Frames:
        """Frames of an array ``(time, features)`` in its own units."""
        return Frames(((values - self.low) / self.range).astype(np.float32), self.hop_s, kind=self.kind)

    def save(self, path: str | os.PathLike) -> None:
        """Write everything to one ``.safetensors`` file.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        arrays = leaves(self.model)
        if self.low is not None:
            arrays |= {"low": self.low, "range": self.range}
        metadata = {
            "format": _FORMAT,
            "settings": self.settings.to_dict(),
            "window": self.window,
            "hop_s": self.hop_s,
            "kind": self.kind,
            "features": self.features,
        }
        write_weights(path, arrays, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read what :meth:`save` wrote, on whatever machine.

        Raises
        ------
        StoreError
            When the file is missing, damaged, or not a model of this package; the text names the file.
        """
        arrays, meta = read_weights(path)
        try:
            if meta["format"] > _FORMAT:
                raise StoreError(f"{path}: written by a newer Orbitscope (format {meta['format']}); upgrade to read it")
            settings = Settings.from_dict(meta["settings"])
            window, hop_s, features = int(meta["window"]), float(meta["hop_s"]), int(meta["features"])
            if window < 1 or not 0 < hop_s < np.inf:
                raise ValueError(f"a window of {window} frames, {hop_s:g} s apart")
            if not all(np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("weights that are NaN or infinite")
            kind = str(meta["kind"])
            low, range_ = (arrays.pop("low"), arrays.pop("range")) if kind == "array" else (None, None)
            if arrays["encoder.center"].shape != (features,) or not features:
                raise ValueError(f"{features} features, and weights of another number")
            model = with_leaves(build(settings, window, np.zeros((2, features), np.float32)), arrays)
        except StoreError:
            raise
        except (ArithmeticError, AttributeError, KeyError, MemoryError, TypeError, ValueError) as error:
            raise StoreError(f"{path}: not a whole model ({error}); train it again") from None
        return cls(model, settings, window, hop_s, kind, features, low, range_)

    def _check(self, frames: Frames) -> None:
        count = frames.values.shape[1]
        if frames.kind != self.kind or count != self.features:
            raise InputError(
                f"frames are {count} features of kind {frames.kind!r}; this model was fitted on {self.features} of kind"
                f" {self.kind!r}"
            )
        if abs(frames.hop_s / self.hop_s - 1) > 1e-6:
            raise InputError(f"frames are {frames.hop_s:g} s apart; this model was fitted on {self.hop_s:g} s")
        if len(frames) < self.window:
            raise _named(InputError(f"{len(frames)} frames are less than one window of {self.window}"), frames)
        if not np.isfinite(frames.values).all():
            raise _named(InputError("frames hold NaN or infinite values"), frames)


def fit(
    frames: Frames,
    settings: Settings,
    *,
    low: np.ndarray | None = None,
    range: np.ndarray | None = None,
    callback: training.Callback | None = None,
) -> tuple[Embedding, training.Fit]:
    """Train a model on ``frames``; errors are those of :func:`orbitscope.training.train`, with the recording's name."""
    window = window_frames(settings.window_s, frames.hop_s)
    try:
        trained = training.train(frames.values, window, settings, callback=callback)
    except InputError as error:
        raise _named(error, frames) from None
    features = frames.values.shape[1]
    return Embedding(trained.model, settings, window, frames.hop_s, frames.kind, features, low, range), trained


def fit_many(
    frames: Sequence[Frames], settings: Sequence[Settings], *, callback: training.Callback | None = None
) -> list[tuple[Embedding, training.Fit]]:
    """Train a model on each of ``frames`` with its settings, all at once: see :func:`orbitscope.train_many`.

    Frames may differ in length only.

    Raises
    ------
    InputError, TrainingError
        As :func:`orbitscope.train_many`; also frames of several kinds, hops or windows, and not one settings for each.
    """
    if not frames or len(frames) != len(settings):
        raise InputError(f"{len(frames)} recordings and {len(settings)} settings; give one of each per member")
    kinds = {(f.kind, f.hop_s, window_frames(s.window_s, f.hop_s)) for f, s in zip(frames, settings, strict=True)}
    if len(kinds) > 1:
        shown = "; ".join(f"{kind}, hop of {hop_s:g} s, window of {window}" for kind, hop_s, window in sorted(kinds))
        raise InputError(f"frames of one kind, hop and window are needed, not {shown}; train them apart")
    ((_, _, window),) = kinds
    fits = training.train_many([f.values for f in frames], window, settings, callback=callback)
    return [
        (Embedding(one.model, s, window, f.hop_s, f.kind, f.values.shape[1]), one)
        for f, s, one in zip(frames, settings, fits, strict=True)
    ]


def _named(error: InputError, frames: Frames) -> InputError:
    return InputError(f"{frames.source.name}: {error}") if frames.source.name else error
