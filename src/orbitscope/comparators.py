"""Linear embeddings to compare with: the windows that an encoder sees, seen by fixed projections instead.

Stacking the frames of a window is delay embedding (Takens 1981). :class:`DelayPCA` keeps the directions in which
windows vary most, :class:`TICA` those in which they vary most slowly. Both follow scikit-learn's conventions and never
hold the windows themselves, so an hour of sound needs little more memory than its frames.
"""

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _window_pca
from .config import window_frames
from .errors import InputError
from .features import HOP_S
from .types import Frames, Trajectory

_LEAST_VARIANCE = 1e-10  # of a principal component, as a share of the first one's: what is below it is rounding


class _LinearEmbedding(TransformerMixin, BaseEstimator):
    """What the comparators share: from frames or an array to coordinates of their windows, by ``projection_``."""

    def transform(self, X: Frames | np.ndarray) -> Trajectory | np.ndarray:
        """The point of every window: point i is of frames i to i + window - 1.

        Parameters
        ----------
        X : Frames or np.ndarray [shape=(time, features)]
            Of the hop, kind and number of features fitted on.

        Returns
        -------
        Trajectory or, from an array, np.ndarray [shape=(time - window + 1, latent_dim), float32]
            The time of a point is the centre of its window.

        Raises
        ------
        InputError
            Other frames than those fitted on, fewer than a window, NaN or infinite values.
        """
        check_is_fitted(self, "projection_")
        frames = self._frames(X, reset=False)
        if frames.kind != self._kind or abs(frames.hop_s / self._hop_s - 1) > 1e-6:
            raise InputError(
                f"frames of kind {frames.kind!r}, {frames.hop_s:g} s apart; this was fitted on {self._kind!r} frames"
                f" {self._hop_s:g} s apart"
            )
        if len(frames) < self.window_:
            raise InputError(f"{len(frames)} frames are less than one window of {self.window_}; give a longer stretch")
        points = self.projection_.transform(frames.values).astype(np.float32)
        if not isinstance(X, Frames):
            return points
        center_s = frames.start_s + frames.hop_s * (self.window_ - 1) / 2
        return Trajectory(points, frames.hop_s, self.window_ * frames.hop_s, center_s, frames.source)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _frames(self, X, *, reset: bool) -> Frames:
        """``X`` as frames, checked; their number of features is remembered or compared."""
        if isinstance(X, Frames):
            values = validate_data(self, X.values, dtype=None, reset=reset, ensure_all_finite=False)
            if not np.isfinite(values).all():
                raise InputError("frames hold NaN or infinite values; repair them, or choose a stretch without them")
            return X
        _check_number("hop_s", self.hop_s)
        values = validate_data(self, X, dtype=np.float64, reset=reset, ensure_min_samples=2 if reset else 1)
        return Frames(values, float(self.hop_s))

    def _begin(self, X) -> tuple[np.ndarray, int]:
        """Values ``(frames, features)`` to fit on, and how many windows they have; window and kind are remembered."""
        frames = self._frames(X, reset=True)
        _check_number("window_s", self.window_s)
        _check_count("latent_dim", self.latent_dim)
        self.window_ = window_frames(self.window_s, frames.hop_s)
        self._kind, self._hop_s = frames.kind, frames.hop_s
        values, windows = frames.values, len(frames) - self.window_ + 1
        most = min(windows - 1, self.window_ * values.shape[1])
        if most < self.latent_dim:
            raise InputError(
                f"{len(frames)} frames of {values.shape[1]} features allow windows of {self.window_} no more than"
                f" {max(most, 0)} dimensions, and latent_dim is {self.latent_dim}; give a longer stretch"
            )
        if (values == values[0]).all():
            raise InputError("all frames are the same; there is nothing to embed")
        return values, windows


class DelayPCA(_LinearEmbedding):
    """Principal components of delay-embedded frames: the first directions of most variance of their windows.

    Known in dynamics as singular spectrum analysis of several channels.

    Parameters
    ----------
    latent_dim : int > 0
    window_s : float > 0
        Seconds that one point stands for, as of :class:`orbitscope.Embedder`.
    hop_s : float > 0
        Seconds between the rows of an array; frames know their own.

    Attributes
    ----------
    projection_ : WindowPCA
        ``components`` ``(latent_dim, window, features)``, the ``mean`` window and the ``variances``.
    window_ : int
        Frames in a window.

    References
    ----------
    Broomhead and King, "Extracting qualitative dynamics from experimental data", Physica D 20, 1986.
    """

    def __init__(self, latent_dim=3, window_s=0.5, *, hop_s=HOP_S):
        self.latent_dim = latent_dim
        self.window_s = window_s
        self.hop_s = hop_s

    def fit(self, X: Frames | np.ndarray, y=None) -> Self:
        """Find the components of frames, or of an array ``(time, features)``.

        Raises
        ------
        InputError
            An option out of range; too few frames, frames that are all the same, NaN or infinite values.
        """
        values, _ = self._begin(X)
        self.projection_ = _window_pca.fit(values, self.window_, self.latent_dim)
        return self


class TICA(_LinearEmbedding):
    """Time-lagged independent components of delay-embedded frames: the directions that change most slowly.

    Windows are reduced to principal components first, which keeps the problem well posed. Coordinates are those of most
    autocorrelation (by size) at the lag, uncorrelated with each other, each scaled by its autocorrelation (the kinetic
    map of deeptime). Needs deeptime: ``pip install "orbitscope[comparators]"``.

    Parameters
    ----------
    latent_dim : int > 0
    window_s : float > 0
        Seconds that one point stands for, as of :class:`orbitscope.Embedder`.
    lag_s : float > 0
        Rounded to frames, one at least. Windows less than ``window_s`` apart share frames and so are alike anyway.
    principal_components : int > 0
        How many are kept at most.
    hop_s : float > 0
        Seconds between the rows of an array; frames know their own.

    Attributes
    ----------
    projection_ : WindowPCA
        ``components`` ``(latent_dim, window, features)``, the ``mean`` window and the ``variances``.
    autocorrelation_ : np.ndarray [shape=(latent_dim,)]
        Of each coordinate at the lag, largest in size first.
    window_, lag_ : int
        In frames.

    References
    ----------
    Molgedey and Schuster, "Separation of a mixture of independent signals using time delayed correlations", Physical
    Review Letters 72, 1994. Pérez-Hernández, Paul, Giorgino, De Fabritiis and Noé, "Identification of slow molecular
    order parameters for Markov model construction", Journal of Chemical Physics 139, 2013.
    """

    def __init__(self, latent_dim=3, window_s=0.5, lag_s=0.5, *, principal_components=50, hop_s=HOP_S):
        self.latent_dim = latent_dim
        self.window_s = window_s
        self.lag_s = lag_s
        self.principal_components = principal_components
        self.hop_s = hop_s

    def fit(self, X: Frames | np.ndarray, y=None) -> Self:
        """Find the components of frames, or of an array ``(time, features)``.

        Raises
        ------
        InputError
            An option out of range; too few frames or too little variety in them; NaN or infinite values; deeptime is
            not installed.
        """
        estimator = _deeptime_tica()
        values, windows = self._begin(X)
        _check_number("lag_s", self.lag_s)
        _check_count("principal_components", self.principal_components)
        self.lag_ = max(1, round(self.lag_s / self._hop_s))
        if windows - self.lag_ <= self.latent_dim:
            raise InputError(
                f"{windows} windows leave {max(windows - self.lag_, 0)} pairs {self.lag_} frames apart; more than"
                f" {self.latent_dim} are needed: give a longer stretch, or a shorter lag_s"
            )
        count = min(self.principal_components, windows - 1, self.window_ * values.shape[1])
        pca = _window_pca.fit(values, self.window_, count)
        kept = pca.variances > _LEAST_VARIANCE * pca.variances[0]
        scale = np.sqrt(pca.variances[kept])
        white = pca.transform(values)[:, kept] / scale
        model = estimator(lagtime=self.lag_, dim=self.latent_dim).fit(white).fetch_model()
        if model.output_dimension < self.latent_dim:
            raise InputError(
                f"the windows vary in {model.output_dimension} independent ways only, and latent_dim is"
                f" {self.latent_dim}; choose a smaller latent_dim or more principal_components"
            )
        axes = model.transform(np.eye(len(scale))) - model.transform(np.zeros((1, len(scale))))
        components = np.tensordot(axes.T / scale, pca.components[kept], 1)
        self.autocorrelation_ = np.asarray(model.singular_values[: self.latent_dim], np.float64)
        self.projection_ = _window_pca.WindowPCA(pca.mean, components, (white @ axes).var(axis=0))
        return self


def _deeptime_tica():
    try:
        from deeptime.decomposition import TICA as estimator
    except ImportError as error:
        raise InputError(f'TICA needs deeptime ({error}); pip install "orbitscope[comparators]"') from None
    return estimator


def _check_number(name: str, value) -> None:
    if not isinstance(value, Real) or not 0 < value < np.inf:
        raise InputError(f"{name} is {value!r}; it must be a number of seconds above 0")


def _check_count(name: str, value) -> None:
    if not isinstance(value, Integral) or value < 1:
        raise InputError(f"{name} is {value!r}; it must be a whole number from 1 on")
