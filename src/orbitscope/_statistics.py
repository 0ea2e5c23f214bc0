"""Paired comparisons over songs and seeds: how large, how certain, and whether more than chance, at several horizons.

A song is what a result should carry over to, so songs are the units of the test where there are enough of them; with
fewer, pairs of (song, seed) are, and the result speaks of those songs only. Signs of the units are flipped, as they
may be if nothing differs (Fisher's randomisation test). Over horizons the largest statistic of each flip is what an
observed one must beat, which keeps the chance of any false finding at all at its level, correlated as horizons are
(Westfall & Young 1993, single-step max-T).
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

LEVEL = 0.05
CONFIDENCE = 0.95
ENOUGH_SONGS = 6  # 2^-5 is the smallest two-sided p-value of 6 units
_MOST_EXACT = 13
_FLIPS = 9999
_RESAMPLES = 2000


@dataclass(frozen=True)
class Effect:
    """A mean difference with its 95 % interval and its p-value, two-sided and adjusted for the horizons beside it."""

    estimate: float
    low: float
    high: float
    p: float

    @property
    def significant(self) -> bool:
        return self.p < LEVEL


@dataclass(frozen=True)
class Comparison:
    """Effects at every horizon, and what they were tested by."""

    effects: tuple[Effect, ...]
    test: str


def compare(differences: np.ndarray, *, random_state: int = 0) -> Comparison:
    """Whether paired differences ``(songs, seeds)`` or ``(songs, seeds, horizons)`` are other than 0 on average.

    NaN marks a pair that is missing at all horizons; a song without pairs is left out. A single pair is its own
    effect, without an interval and with p = 1; without any, effects are NaN.
    """
    values = np.asarray(differences, np.float64)
    values = values[..., None] if values.ndim == 2 else values
    songs = [song[np.isfinite(song).all(axis=1)] for song in values]
    songs = [song for song in songs if len(song)]
    by_song = len(songs) >= ENOUGH_SONGS
    units = np.stack([song.mean(axis=0) for song in songs]) if by_song else np.concatenate(songs or [values[:0, 0]])
    what = f"{len(units)} songs" if by_song else f"{len(units)} pairs of song and seed"
    if len(units) < 2:
        means = units[0] if len(units) else np.full(values.shape[2], np.nan)
        effects = tuple(Effect(float(mean), np.nan, np.nan, 1.0) for mean in means)
        return Comparison(effects, f"too few to test ({what})")
    p, exact = _sign_flip(units, random_state)
    low, high = _interval(songs, by_song, random_state)
    estimate = np.mean([song.mean(axis=0) for song in songs], axis=0)
    effects = tuple(Effect(*map(float, row)) for row in zip(estimate, low, high, p, strict=True))
    horizons = f", max-T over {len(p)} horizons" if len(p) > 1 else ""
    return Comparison(effects, f"{exact} sign-flip test over {what}{horizons}")


def _sign_flip(units: np.ndarray, random_state: int) -> tuple[np.ndarray, str]:
    """Adjusted two-sided p-values of the means of ``(units, horizons)``."""
    count = len(units)
    if count <= _MOST_EXACT:
        signs, word = np.array(list(product((1.0, -1.0), repeat=count))), "exact"
    else:
        drawn = np.random.default_rng(random_state).choice((1.0, -1.0), size=(_FLIPS, count))
        signs, word = np.concatenate([np.ones((1, count)), drawn]), f"{_FLIPS}-fold"
    means = signs @ units / count
    square = np.mean(units**2, axis=0)  # no flip changes it
    spread = np.sqrt(np.maximum(square - means**2, 1e-12 * square) / max(count - 1, 1))
    t = np.abs(means) / np.where(spread > 0, spread, np.inf)
    largest = t.max(axis=1, keepdims=True)
    return np.mean(largest >= t[0] * (1 - 1e-9), axis=0), word


def _interval(songs: list[np.ndarray], by_song: bool, random_state: int) -> np.ndarray:
    """95 % percentile interval of the mean over songs: seeds resampled in each song, and songs too where they count."""
    rng = np.random.default_rng(random_state)
    means = np.stack(
        [song[rng.integers(len(song), size=(_RESAMPLES, len(song)))].mean(axis=1) for song in songs], axis=1
    )
    if by_song:
        chosen = rng.integers(len(songs), size=(_RESAMPLES, len(songs)))
        means = np.take_along_axis(means, chosen[..., None], axis=1)
    return np.quantile(means.mean(axis=1), [0.025, 0.975], axis=0)


def block_bootstrap(values: np.ndarray, block: int, *, resamples: int = 1000, random_state: int = 0) -> np.ndarray:
    """95 % percentile interval of the mean over the first axis, from circular blocks: ``(2, ...)``.

    Politis & Romano (1992), A circular block-resampling procedure for stationary data. A block of 1 is the ordinary
    bootstrap; NaN for fewer than two whole blocks, which cannot tell how blocks differ.
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    if count < 2 * block:
        return np.full((2, *values.shape[1:]), np.nan)
    wrapped = np.concatenate([values, values[: block - 1]])
    sums = np.cumsum(np.concatenate([np.zeros((1, *values.shape[1:])), wrapped]), axis=0)
    of_blocks = (sums[block:] - sums[:-block]) / block
    draws = np.random.default_rng(random_state).integers(count, size=(resamples, math.ceil(count / block)))
    means = np.stack([of_blocks[draw].mean(axis=0) for draw in draws])
    tail = (1 - CONFIDENCE) / 2
    return np.quantile(means, [tail, 1 - tail], axis=0)
