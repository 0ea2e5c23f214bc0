"""Rhythm, as far as it can be heard from frames without a model."""

import numpy as np

from .errors import InputError
from .types import Frames

_FLOOR_DB = 60.0
_SHORTEST_S, _LONGEST_S = 0.25, 2.0  # between beats: 240 to 30 a minute


def pulse_clarity(frames: Frames) -> float:
    """How clearly a regular pulse is heard: the highest autocorrelation of the onset curve at 0.25 to 2 s.

    The onset curve is the spectral flux: the summed rise of all levels in dB from frame to frame, less its mean over
    two seconds. For article frames, whose values are linear magnitudes; other kinds are taken as levels already.

    Returns
    -------
    float
        1 for a steady click, about 0 for none; NaN for frames that never change.

    Raises
    ------
    InputError
        Less than 4 s of frames, or frames further apart than 0.25 s.

    References
    ----------
    Lartillot et al. (2008), Multi-feature modeling of pulse clarity, ISMIR.
    """
    if frames.hop_s > _SHORTEST_S:
        raise InputError(f"frames are {frames.hop_s:g} s apart; a pulse needs {_SHORTEST_S:g} s at most")
    longest = round(_LONGEST_S / frames.hop_s)
    if len(frames) < 2 * longest + 2:
        raise InputError(f"{len(frames)} frames are too few for a pulse; {2 * longest + 2} (4 s) are needed")
    levels = np.asarray(frames.values, np.float64)
    if frames.kind == "article":
        floor = max(levels.max(), np.finfo(float).tiny) * 10 ** (-_FLOOR_DB / 20)
        levels = 20 * np.log10(np.maximum(levels, floor))
    flux = np.maximum(np.diff(levels, axis=0), 0).sum(axis=1)
    around = np.convolve(flux, np.ones(longest), "same") / np.convolve(np.ones(len(flux)), np.ones(longest), "same")
    onset = flux - around
    size = 2 ** int(np.ceil(np.log2(2 * len(onset))))
    correlation = np.fft.irfft(np.abs(np.fft.rfft(onset, size)) ** 2)[: longest + 1]
    if correlation[0] <= 0:
        return float("nan")
    unbiased = correlation / correlation[0] * len(onset) / (len(onset) - np.arange(longest + 1))
    first = max(1, round(_SHORTEST_S / frames.hop_s))
    return float(np.clip(unbiased[first:].max(), 0, 1))
