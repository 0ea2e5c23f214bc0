"""The space in which the forecasts of one recording are scored, and which of its windows may be known."""

from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from . import _window_pca
from ._text import plain
from .errors import InputError
from .types import Frames, Source

COMPONENTS = 12
TRAINED_SHARE = 0.7
_FLOOR_DB = 80.0


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference space of one recording, and which of its windows may be known.

    Attributes
    ----------
    y : np.ndarray [shape=(windows, 12), float64]
        Point i is of frames i to i + window - 1.
    variance : float
        Trace of the covariance of y on the training part.
    window : int
        Frames in a window.
    hop_s, start_s : float
        Window i is centred at ``start_s + i * hop_s``.
    trained : int
        The first so many windows are the training part; all of them in sample.
    longest_window : int
        Frames in the longest window of any embedding; the gap is measured by it.
    source : Source
    """

    y: np.ndarray
    variance: float
    window: int
    hop_s: float
    start_s: float
    trained: int
    longest_window: int
    source: Source = field(default_factory=Source)

    @property
    def held_out(self) -> bool:
        return self.trained < len(self.y)

    @property
    def protocol(self) -> str:
        return "held out" if self.held_out else "in sample"

    @property
    def trained_frames(self) -> int:
        """How many frames, from the first on, an embedding may be trained on."""
        return self.trained + self.window - 1

    @property
    def times_s(self) -> np.ndarray:
        """Centre of every window, ``(windows,)``."""
        return self.start_s + self.hop_s * np.arange(len(self.y))

    def library(self, longest: int) -> np.ndarray:
        """Windows of the training part whose futures, up to ``longest`` frames, lie in it too."""
        return np.arange(self.trained - longest)

    def starts(self, longest: int) -> np.ndarray:
        """The initial conditions; held out they come after the gap."""
        first = self.trained + self.longest_window + longest if self.held_out else 0
        return np.arange(first, len(self.y) - longest)

    def excluded(self, longest: int) -> int:
        """Library points so many windows from an initial condition, or fewer, are passed over; -1 for none."""
        return -1 if self.held_out else self.longest_window + longest


def reference_space(
    frames: Frames, window: int, *, trained_share: float = TRAINED_SHARE, longest_window: int | None = None
) -> Reference:
    """The space in which forecasts of one recording are scored.

    Parameters
    ----------
    frames : Frames
        Of kind ``"article"``: linear magnitudes ``(frames, features)``, not negative.
    window : int > 0
        Frames in a window.
    trained_share : float in (0, 1]
        Share of the windows, from the first on, that embeddings were trained on; 1 scores in sample.
    longest_window : int, optional
        Frames in the longest window of the embeddings to be scored, where that is more than ``window``.

    Raises
    ------
    InputError
        Other frames, NaN, silence, fewer than 13 windows to fit on, or an option out of range.
    """
    name = named(frames.source)
    if frames.kind != "article":
        raise InputError(
            f"{name}frames of kind {frames.kind!r} have no linear magnitudes; give those of spectrogram(…, 'article')"
        )
    magnitude = np.asarray(frames.values, np.float64)
    if not np.isfinite(magnitude).all() or magnitude.min(initial=0) < 0:
        raise InputError(f"{name}frames hold values that are NaN, infinite or negative; magnitudes are needed")
    if not 0 < trained_share <= 1:
        raise InputError(f"trained_share is {trained_share!r}; it must be above 0, and 1 at most")
    longest_window = window if longest_window is None else longest_window
    whole = isinstance(window, Integral) and isinstance(longest_window, Integral)
    if not whole or not 0 < window <= longest_window:
        raise InputError(
            f"window is {window!r} frames, longest_window {longest_window!r}; 0 < window <= longest is needed"
        )
    windows = max(0, len(magnitude) - window + 1)
    trained = windows if trained_share == 1 else max(0, min(round(trained_share * windows), windows - 1))
    if trained <= COMPONENTS or magnitude.shape[1] * window < COMPONENTS:
        raise InputError(
            f"{name}{trained} windows of {window} x {magnitude.shape[1]} values in the training part; {COMPONENTS}"
            f" components need {COMPONENTS + 1} windows of {COMPONENTS} values: give a longer stretch"
        )
    decibels = 20 * np.log10(np.maximum(magnitude, max(magnitude.max() * 10 ** (-_FLOOR_DB / 20), 1e-300)))
    known = decibels[: trained + window - 1]
    if (known == known[0]).all():
        raise InputError(f"{name}all frames of the training part are the same; there is nothing to forecast")
    y = _window_pca.fit(known, window, COMPONENTS).transform(decibels)
    variance = float(y[:trained].var(axis=0).sum())
    start_s = frames.start_s + frames.hop_s * (window - 1) / 2
    return Reference(y, variance, window, frames.hop_s, start_s, trained, longest_window, frames.source)


def named(source: Source) -> str:
    """How an error begins: the name of the recording, if it has one."""
    return f"{plain(source.name)}: " if source.name else ""
