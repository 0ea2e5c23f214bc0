"""Using a trained model: all windows to points, points to windows, and how good the reconstruction is.

Work goes through the device in blocks of one size, so that memory is bounded and few programs are compiled.
"""

import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from . import losses
from ._device import keep_compiled_programs
from .model import Autoencoder, Encoder, Predictor

_BLOCK = 4096  # windows or points in one call
_DECODED = 512
_MOST_SCORED = 8192
_LEAST_SPAN = 1e-6  # nats between mean window and floor; the mean is kept 1e-7 from 0 and 1


def encode(encoder: Encoder, frames: np.ndarray) -> np.ndarray:
    """The point of every window of ``frames`` ``(frames, features)``: ``(frames - window + 1, latent_dim)``."""
    keep_compiled_programs()
    total = len(frames) - encoder.window + 1
    points = []
    for first, size in _blocks(total, _BLOCK):
        block = _padded(frames[first : first + size + encoder.window - 1], size + encoder.window - 1)
        points.append(np.asarray(_encode(encoder, block))[: total - first])
    return np.concatenate(points)


def decode(decoder, points: np.ndarray) -> np.ndarray:
    """The window of every point ``(points, latent_dim)``: ``(points, window, features)`` in [0, 1]."""
    keep_compiled_programs()
    windows = []
    for first, size in _blocks(len(points), _DECODED):
        windows.append(np.asarray(_decode(decoder, _padded(points[first : first + size], size)))[: len(points) - first])
    return np.concatenate(windows)


def predict(predictor: Predictor, contexts: np.ndarray) -> np.ndarray:
    """The displacement after every context ``(contexts, n, latent_dim)``: ``(contexts, latent_dim)``."""
    keep_compiled_programs()
    found = []
    for first, size in _blocks(len(contexts), _BLOCK):
        block = _padded(contexts[first : first + size], size)
        found.append(np.asarray(_predict(predictor, block))[: len(contexts) - first])
    return np.concatenate(found)


def reconstruction_report(model: Autoencoder, frames: np.ndarray, points: np.ndarray) -> dict[str, float]:
    """How well windows are given back from their points.

    Parameters
    ----------
    frames : np.ndarray [shape=(frames, features)]
        In [0, 1].
    points : np.ndarray [shape=(frames - window + 1, latent_dim)]
        From :func:`encode`.

    Returns
    -------
    dict of str to float
        - ``bce``: binary cross-entropy in nats, mean over bins.
        - ``bce_mean_window``: the same when every window is answered by the mean window.
        - ``bce_floor``: the entropy of the windows themselves, which no answer goes below.
        - ``reconstruction_share``: how far ``bce`` is on the way from mean window (0) to floor (1); NaN if they meet.
        - ``r2``: 1 - squared error / squared distance from the mean window, over all windows together.
        - ``r2_median_window``: the median of the same, window by window.

        Up to 8192 windows are scored, evenly spaced over all.
    """
    keep_compiled_programs()
    window, total = model.encoder.window, len(points)
    mean_window = _mean_window(frames, window)
    chosen = np.unique(np.linspace(0, total - 1, min(total, _MOST_SCORED)).round().astype(int))
    sums = []
    for first, size in _blocks(len(chosen), _DECODED):
        at = chosen[first : first + size]
        windows = _padded(frames[at[:, None] + np.arange(window)], size)
        scores = np.asarray(_score(model.decoder, _padded(points[at], size), windows, mean_window), np.float64)
        sums.append(scores[:, : len(at)])
    bce, bce_mean, floor, error, distance = np.concatenate(sums, axis=1)
    span = bce_mean.mean() - floor.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        per_window = 1 - error / distance
        report = {
            "bce": bce.mean(),
            "bce_mean_window": bce_mean.mean(),
            "bce_floor": floor.mean(),
            "reconstruction_share": (bce_mean.mean() - bce.mean()) / span if span > _LEAST_SPAN else math.nan,
            "r2": 1 - error.sum() / distance.sum() if distance.sum() > 0 else math.nan,
            "r2_median_window": np.median(per_window),
        }
    return {name: float(value) for name, value in report.items()}


def forecast_loss(predictor: Predictor, points: np.ndarray, context: int) -> float:
    """1 - mean cosine between true displacements and those predicted from ``context`` points; NaN if too short.

    Up to 8192 displacements are scored, evenly spaced over all.
    """
    if len(points) <= context:
        return math.nan
    total = len(points) - context
    chosen = np.unique(np.linspace(0, total - 1, min(total, _MOST_SCORED)).round().astype(int))
    contexts = points[chosen[:, None] + np.arange(context)]
    displacements = points[chosen + context] - points[chosen + context - 1]
    cosines = []
    for first, size in _blocks(len(chosen), _BLOCK):
        block = (_padded(rows[first : first + size], size) for rows in (contexts, displacements))
        cosines.append(np.asarray(_cosines(predictor, *block))[: len(chosen) - first])
    return float(1 - np.concatenate(cosines).mean(dtype=np.float64))


def _mean_window(frames: np.ndarray, window: int) -> np.ndarray:
    """Mean of all windows, ``(window, features)``: each of its frames is a mean over all but a few frames."""
    total = len(frames) - window + 1
    sums = np.empty((window, frames.shape[1]))
    sums[0] = frames[:total].sum(axis=0, dtype=np.float64)
    for k in range(1, window):
        sums[k] = sums[k - 1] + frames[k + total - 1] - frames[k - 1]
    return (sums / total).astype(np.float32)


def _blocks(total: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut ``total`` into (first, size) blocks; a single short one gets the next power of 2 as its size."""
    if total < size:
        yield 0, 2 ** math.ceil(math.log2(max(total, 1)))
    else:
        yield from ((first, size) for first in range(0, total, size))


def _padded(rows: np.ndarray, length: int) -> np.ndarray:
    rows = np.asarray(rows, np.float32)
    return np.pad(rows, [(0, length - len(rows)), *[(0, 0)] * (rows.ndim - 1)]) if len(rows) < length else rows


@jax.jit
def _encode(encoder, frames):
    return encoder(frames)


@jax.jit
def _decode(decoder, points):
    return jax.nn.sigmoid(decoder(points))


@jax.jit
def _predict(predictor, contexts):
    return predictor(contexts)


@jax.jit
def _cosines(predictor, contexts, displacements):
    return losses.cosine(displacements, predictor(contexts))


@jax.jit
def _score(decoder, points, windows, mean_window):
    """Per window: BCE, BCE of the mean window, entropy, squared error, squared distance from the mean: ``(5, n)``."""
    logits = decoder(points)
    inside = jnp.clip(mean_window, 1e-7, 1 - 1e-7)
    of_mean = -(windows * jnp.log(inside) + (1 - windows) * jnp.log1p(-inside))
    entropy = jax.scipy.special.entr(windows) + jax.scipy.special.entr(1 - windows)
    error = (jax.nn.sigmoid(logits) - windows) ** 2
    distance = (windows - mean_window) ** 2
    bce = losses.cross_entropy(logits, windows)
    axes = (1, 2)
    return jnp.stack([bce.mean(axes), of_mean.mean(axes), entropy.mean(axes), error.sum(axes), distance.sum(axes)])
