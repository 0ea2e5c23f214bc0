"""The predictor that was trained with the autoencoder, taken out of the model to forecast by itself."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import jax
import numpy as np
from scipy.spatial import cKDTree

from .._device import keep_compiled_programs
from .._nearest import neighbor_weights
from ..config import Settings
from ..embedding import Embedding
from ..errors import InputError
from ..model import Predictor
from ..store import MODEL
from ._base import Library, StepwiseForecaster

LENGTHS = ("neighbors", "regression", "constant")
_NEIGHBORS = 5
_BLOCK = 64  # contexts: batches are padded to a multiple, so that few programs serve all
_MOST = 1024  # contexts looked at in one go
_ARRAYS = ("w_input", "w_state", "bias", "w_out", "b_out")


@dataclass(frozen=True, eq=False)
class TrainedPredictor:
    """A predictor without the autoencoder that it was trained with: what a loaded :class:`JointForecaster` holds.

    Attributes
    ----------
    predictor : Predictor
    settings : Settings
        Those of the model: ``context`` and ``latent_dim`` say what the predictor takes.
    """

    predictor: Predictor
    settings: Settings


class JointForecaster(StepwiseForecaster):
    """Go where the model's own predictor points, as far as the library went from there.

    The predictor was trained by a cosine, so it gives a direction; the length of each step is calibrated by
    :meth:`fit`. What a length should be is, for each library point, the part of the true displacement along the
    predicted direction, whose mean square is least. Lengths are kept from 0 to the longest of the library.

    Parameters
    ----------
    embedding : Embedding, fitted Embedder, TrainedPredictor, or path
        Whose predictor to use: of the model that made the trajectory. A path is of a ``model.safetensors`` or of an
        orbit folder. A clone has the same one.
    length : {"neighbors", "regression", "constant"}
        "neighbors": the mean over the 5 nearest library points, weighted by 1/distance. "regression": a linear
        function of the length of the last displacement, by least squares. "constant": the mean. Of these the first
        had the least 30-step errors in the latent space of four songs (held out).

    Attributes
    ----------
    predictor_ : Predictor
    settings_ : Settings
    lengths_ : np.ndarray [shape=(n,)]
        The calibrated length at each library point that has a whole context behind it and a next one.
    coef_ : np.ndarray [shape=(2,)]
        Constant and slope of the regression, or the mean and 0.

    Raises
    ------
    InputError
        From :meth:`fit`: the model was trained without a forecast, has another dimension than the points, or needs
        a longer stretch.
    StoreError
        From :meth:`fit`: the file of the model cannot be read.
    """

    def __init__(self, embedding, *, length: str = "neighbors"):
        self.embedding = embedding
        self.length = length

    @property
    def context(self) -> int:
        settings = self.settings_ if hasattr(self, "settings_") else _trained(self.embedding).settings
        return settings.context

    def __sklearn_clone__(self) -> Self:
        return type(self)(self.embedding, length=self.length)  # else it would be copied, and an Embedder unfitted

    def directions(self, contexts: np.ndarray) -> np.ndarray:
        """Unit vectors that the predictor gives after ``contexts`` ``(n, context, latent_dim)``: ``(n, latent_dim)``.

        A vanishing one stays 0.
        """
        keep_compiled_programs()
        found = []
        for first in range(0, len(contexts), _MOST):
            block = contexts[first : first + _MOST, -self.context :].astype(np.float32)
            padded = np.pad(block, [(0, -len(block) % _BLOCK), (0, 0), (0, 0)])
            found.append(np.asarray(_predict(self.predictor_, padded), np.float64)[: len(block)])
        vectors = np.concatenate(found)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1.0)

    def _fit(self, library: Library) -> None:
        if self.length not in LENGTHS:
            raise InputError(f"length is {self.length!r}; choose one of {', '.join(LENGTHS)}")
        trained = _trained(self.embedding)
        self.predictor_, self.settings_ = trained.predictor, trained.settings
        dim = library.points.shape[1]
        if dim != self.settings_.latent_dim:
            raise InputError(
                f"the points have {dim} dimensions and the model {self.settings_.latent_dim}; give the trajectory that"
                " this model made"
            )
        contexts, displacements = library.contexts(self.context)
        if not len(contexts):
            longest = max(map(len, library.stretches))
            raise InputError(
                f"the longest stretch has {longest} points; a context of {self.context} and the point after it need"
                f" {self.context + 1}"
            )
        self.lengths_ = np.sum(displacements * self.directions(contexts), axis=1)
        self.longest_ = np.linalg.norm(displacements, axis=1).max()
        self.coef_ = np.array([self.lengths_.mean(), 0.0])
        if self.length == "regression":
            self.coef_ = np.linalg.lstsq(_affine(_last_lengths(contexts)), self.lengths_, rcond=None)[0]
        self._tree = cKDTree(contexts[:, -1])

    def _displacement(self, context, at):
        return self._lengths(context)[:, None] * self.directions(context)

    def _lengths(self, contexts: np.ndarray) -> np.ndarray:
        if self.length == "neighbors":
            nearest = np.arange(1, min(_NEIGHBORS, len(self.lengths_)) + 1)
            distances, points = self._tree.query(contexts[:, -1], k=nearest)
            lengths = np.sum(neighbor_weights(distances) * self.lengths_[points], axis=1)
        else:
            lengths = _affine(_last_lengths(contexts)) @ self.coef_
        return np.clip(lengths, 0, self.longest_)

    def _parameters(self):
        return {"settings": self.settings_.to_dict(), "length": self.length}

    @classmethod
    def _from_saved(cls, parameters, arrays):
        settings = Settings.from_dict(parameters["settings"])
        dim, units = settings.latent_dim, settings.predictor_units
        inputs = dim * (2 if settings.predictor_velocity else 1)
        shapes = ((inputs, 4 * units), (units, 4 * units), (4 * units,), (units, dim), (dim,))
        found = {name: arrays.pop(f"predictor.{name}") for name in _ARRAYS}
        for (name, array), shape in zip(found.items(), shapes, strict=True):
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} of a wrong shape, or not finite")
        predictor = Predictor(**found, velocity=settings.predictor_velocity)
        return cls(TrainedPredictor(predictor, settings), length=parameters["length"])

    def _state(self):
        return {f"predictor.{name}": np.asarray(getattr(self.predictor_, name)) for name in _ARRAYS}


@jax.jit
def _predict(predictor: Predictor, contexts: jax.Array) -> jax.Array:
    return predictor(contexts)


def _trained(embedding) -> TrainedPredictor:
    """The predictor of whatever may be given for an embedding, and its model's settings."""
    if isinstance(embedding, str | os.PathLike):
        path = Path(embedding)
        embedding = Embedding.load(path / MODEL if path.is_dir() else path)
    if isinstance(embedding, TrainedPredictor):
        return embedding
    embedding = getattr(embedding, "embedding_", embedding)
    if not isinstance(embedding, Embedding):
        raise InputError(
            f"embedding is a {type(embedding).__name__}; give an Embedding, a fitted Embedder, or the path of a model"
            " or an orbit"
        )
    if embedding.model.predictor is None:
        raise InputError(
            "this model was trained without a forecast (forecast_weight 0), so it holds no predictor; train one with"
            " forecast_weight above 0"
        )
    return TrainedPredictor(embedding.model.predictor, embedding.settings)


def _last_lengths(contexts: np.ndarray) -> np.ndarray:
    return np.linalg.norm(contexts[:, -1] - contexts[:, -2], axis=1)


def _affine(values: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(values), values], axis=1)
