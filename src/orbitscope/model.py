"""The nets: an encoder from windows to points, a decoder back, and a predictor of where the point goes next.

Each is usable by itself. The encoder is dense: convolutions without padding and pooling by stride-1 maxima with
dilation give the point of every window in one pass over the frames, exactly what encoding each window alone gives.
Convolutions are written as matrix products, since XLA's own are slow inside a loop on a CPU.
"""

from collections.abc import Sequence
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .config import Settings

_ACTIVATIONS = {"relu": jax.nn.relu, "silu": jax.nn.silu}
_LEAST_SPREAD = 0.02  # of the widest feature: a nearly constant feature is not blown up into noise
_DARKEST = 1e-4  # the decoder's output starts at the mean frame, kept this far from 0 and 1


class Encoder(eqx.Module):
    """Dense convolutional encoder, after the published one: levels of (convolution, activation, max-pooling by 2).

    Level l works at dilation 2^l. The first kernel is widened to take up what is left over of the window, so that
    every frame of the window is seen.

    Attributes
    ----------
    center, scale : Array [shape=(features,)]
        Standardisation of the input, feature by feature; not trained.
    kernels : list of Array [shape=(taps, channels_in, channels_out)]
    biases : list of Array [shape=(channels_out,)]
    head : Array [shape=(taps, channels, latent_dim)]
        Linear map from what is left of a window to a point.
    head_bias : Array [shape=(latent_dim,)]
    """

    center: jax.Array
    scale: jax.Array
    kernels: list[jax.Array]
    biases: list[jax.Array]
    head: jax.Array
    head_bias: jax.Array
    window: int = eqx.field(static=True)
    pooled: bool = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __call__(self, frames: jax.Array) -> jax.Array:
        """Frames ``(..., frames, features)`` to points ``(..., frames - window + 1, latent_dim)``."""
        h = (frames - jax.lax.stop_gradient(self.center)) * jax.lax.stop_gradient(self.scale)
        dilation = 1
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            h = _ACTIVATIONS[self.activation](_convolve(h, kernel, dilation) + bias)
            if self.pooled:
                h = jnp.maximum(h[..., :-dilation, :], h[..., dilation:, :])
                dilation *= 2
        # The head is narrow, so one product comes first and the shifts after.
        taps, channels, latent_dim = self.head.shape
        length = h.shape[-2] - dilation * (taps - 1)
        products = h @ jnp.moveaxis(self.head, 0, 1).reshape(channels, taps * latent_dim)
        parts = jnp.split(products, taps, axis=-1)
        return self.head_bias + sum(p[..., k * dilation : k * dilation + length, :] for k, p in enumerate(parts))


class MLPDecoder(eqx.Module):
    """Point to window by fully connected layers; the output bias starts at the mean frame."""

    weights: list[jax.Array]
    biases: list[jax.Array]
    window: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __call__(self, points: jax.Array) -> jax.Array:
        """Points ``(..., latent_dim)`` to logits of windows ``(..., window, features)``."""
        h = points
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            h = _ACTIVATIONS[self.activation](h @ weight + bias)
        logits = h @ self.weights[-1] + self.biases[-1]
        return logits.reshape(*points.shape[:-1], self.window, -1)


class ConvDecoder(eqx.Module):
    """The published decoder: a linear map to a few coarse frames of 64 channels, then (upsample 2, convolve) twice,
    upsample 2 and a kernel of 1, cropped to the window. Its batch normalisation is left out: its statistics are
    unsteady at the published batch of 8 (REFERENCE: the R-F row of vibe_ace)."""

    dense: jax.Array
    dense_bias: jax.Array
    kernels: list[jax.Array]
    biases: list[jax.Array]
    window: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __call__(self, points: jax.Array) -> jax.Array:
        """Points ``(..., latent_dim)`` to logits of windows ``(..., window, features)``."""
        activation = _ACTIVATIONS[self.activation]
        h = activation(points @ self.dense + self.dense_bias)
        h = h.reshape(*points.shape[:-1], -1, self.kernels[0].shape[1])
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            h = jnp.repeat(h, 2, axis=-2)
            padded = jnp.pad(h, [(0, 0)] * (h.ndim - 2) + [(1, 1), (0, 0)])
            h = activation(_convolve(padded, kernel, 1) + bias)
        h = jnp.repeat(h, 2, axis=-2)
        crop = (h.shape[-2] - self.window) // 2
        return h[..., crop : crop + self.window, :] @ self.kernels[-1][0] + self.biases[-1]


class Predictor(eqx.Module):
    """An LSTM over the last points and a linear map from its state to the next displacement.

    Trained by its cosine, it gives a direction; the length of what it returns means nothing.
    """

    w_input: jax.Array
    w_state: jax.Array
    bias: jax.Array
    w_out: jax.Array
    b_out: jax.Array
    velocity: bool = eqx.field(static=True)

    def every(self, points: jax.Array, keep: jax.Array | None = None) -> jax.Array:
        """Points ``(..., n, latent_dim)`` to the displacement after each of them, from it and those before.

        ``keep`` ``(..., inputs)`` multiplies the inputs at every step (dropout).
        """
        inputs = points
        if self.velocity:
            step = jnp.diff(points, axis=-2, prepend=points[..., :1, :])
            length = jnp.sqrt(jnp.sum(step**2, axis=-1, keepdims=True) + 1e-12)
            inputs = jnp.concatenate([points, step / length], axis=-1)
        if keep is not None:
            inputs = inputs * keep[..., None, :]
        units = len(self.w_state)

        def cell(carry, x):
            hidden, memory = carry
            gates = x + hidden @ self.w_state
            into, forget, out = jnp.split(jax.nn.sigmoid(gates[..., : 3 * units]), 3, axis=-1)
            memory = forget * memory + into * jnp.tanh(gates[..., 3 * units :])
            hidden = out * jnp.tanh(memory)
            return (hidden, memory), hidden

        start = jnp.zeros((*points.shape[:-2], units), points.dtype)
        _, states = jax.lax.scan(cell, (start, start), jnp.moveaxis(inputs @ self.w_input + self.bias, -2, 0))
        return jnp.moveaxis(states, 0, -2) @ self.w_out + self.b_out

    def __call__(self, points: jax.Array) -> jax.Array:
        """Context ``(..., n, latent_dim)`` to the displacement after its last point, ``(..., latent_dim)``."""
        return self.every(points)[..., -1, :]


class Autoencoder(eqx.Module):
    """Encoder, decoder and, where forecasts are part of the loss, predictor."""

    encoder: Encoder
    decoder: MLPDecoder | ConvDecoder
    predictor: Predictor | None


def build(settings: Settings, window: int, frames: np.ndarray, *, seed: int | None = None) -> Autoencoder:
    """An untrained model for windows of ``window`` frames, standardised by ``frames`` ``(frames, features)``.

    Weights are drawn with He's scale from ``seed`` (by default ``settings.seed``), in NumPy, so that they are the
    same on every machine.
    """
    rng = np.random.default_rng(settings.seed if seed is None else seed)
    center = frames.mean(axis=0, dtype=np.float64)
    spread = frames.std(axis=0, dtype=np.float64)
    widest = spread.max() if spread.max() > 0 else 1.0
    return Autoencoder(
        encoder=_build_encoder(settings, window, center, 1 / np.maximum(spread, _LEAST_SPREAD * widest), rng),
        decoder=_DECODERS[settings.decoder](settings, window, center, rng),
        predictor=_build_predictor(settings, rng) if settings.forecast_weight else None,
    )


def _build_encoder(settings: Settings, window: int, center, scale, rng) -> Encoder:
    levels, seen = 0, 1
    while levels < len(settings.channels) and seen + 3 * 2**levels <= window:
        seen += 3 * 2**levels
        levels += 1
    pooled = levels > 0
    stride = 2**levels
    taps = (window - seen) // stride + 1 if pooled else 1
    first = 3 + (window - seen) % stride if pooled else window
    sizes = [len(center), *settings.channels[: max(levels, 1)]]
    kernels = [
        _normal(rng, first if level == 0 else 3, sizes[level], sizes[level + 1], gain=2)
        for level in range(max(levels, 1))
    ]
    return Encoder(
        center=_array(center),
        scale=_array(scale),
        kernels=kernels,
        biases=[_array(np.zeros(n)) for n in sizes[1:]],
        head=_normal(rng, taps, sizes[-1], settings.latent_dim, gain=1),
        head_bias=_array(np.zeros(settings.latent_dim)),
        window=window,
        pooled=pooled,
        activation=settings.activation,
    )


def _build_mlp(settings: Settings, window: int, center, rng) -> MLPDecoder:
    sizes = [settings.latent_dim, *settings.decoder_units]
    weights = [_normal(rng, a, b, gain=2) for a, b in pairwise(sizes)]
    # Points lie about 0: spread kinks of the first layer over them.
    biases = [_array(0.5 * rng.standard_normal(sizes[1])), *(_array(np.zeros(n)) for n in sizes[2:])]
    output = _normal(rng, sizes[-1], window * len(center), gain=0.1)
    return MLPDecoder(
        weights=[*weights, output],
        biases=[*biases, _array(np.tile(_logit(center), window))],
        window=window,
        activation=settings.activation,
    )


def _build_conv(settings: Settings, window: int, center, rng) -> ConvDecoder:
    dense, *channels = settings.decoder_units
    coarse = -(-window // 2 ** (len(channels) + 1))
    base = max(1, dense // 3)  # the published 192 units are 3 coarse frames of 64 channels for half a second
    sizes = [base, *channels]
    kernels = [_normal(rng, 3, a, b, gain=2) for a, b in pairwise(sizes)]
    return ConvDecoder(
        dense=_normal(rng, settings.latent_dim, coarse * base, gain=2),
        dense_bias=_array(np.zeros(coarse * base)),
        kernels=[*kernels, _normal(rng, 1, sizes[-1], len(center), gain=0.1)],
        biases=[*(_array(np.zeros(n)) for n in channels), _array(_logit(center))],
        window=window,
        activation=settings.activation,
    )


_DECODERS = {"mlp": _build_mlp, "conv": _build_conv}


def _build_predictor(settings: Settings, rng) -> Predictor:
    units, inputs = settings.predictor_units, settings.latent_dim * (2 if settings.predictor_velocity else 1)
    bias = np.zeros(4 * units)
    bias[units : 2 * units] = 1  # the forget gate starts open (Jozefowicz et al. 2015)
    return Predictor(
        w_input=_normal(rng, inputs, 4 * units, gain=1),
        w_state=_normal(rng, units, 4 * units, gain=1),
        bias=_array(bias),
        w_out=_normal(rng, units, settings.latent_dim, gain=1),
        b_out=_array(np.zeros(settings.latent_dim)),
        velocity=settings.predictor_velocity,
    )


def _convolve(h: jax.Array, kernel: jax.Array, dilation: int) -> jax.Array:
    """Valid convolution over the second last axis as one matrix product."""
    taps, channels, out = kernel.shape
    length = h.shape[-2] - dilation * (taps - 1)
    shifted = [h[..., k * dilation : k * dilation + length, :] for k in range(taps)]
    return jnp.concatenate(shifted, axis=-1) @ kernel.reshape(taps * channels, out)


def _normal(rng: np.random.Generator, *shape: int, gain: float) -> jax.Array:
    fan_in = int(np.prod(shape[:-1]))
    return _array(rng.standard_normal(shape) * np.sqrt(gain / fan_in))


def _logit(center: np.ndarray) -> np.ndarray:
    p = np.clip(center, _DARKEST, 1 - _DARKEST)
    return np.log(p / (1 - p))


def _array(values: np.ndarray) -> jax.Array:
    return np.asarray(values, np.float32)


def leaves(model: Autoencoder) -> dict[str, np.ndarray]:
    """Every array of a model by its name, such as ``"encoder.kernels.0"``."""
    flat, _ = jax.tree_util.tree_flatten_with_path(model)
    return {_name(path): np.asarray(leaf) for path, leaf in flat}


def with_leaves(model: Autoencoder, arrays: dict[str, np.ndarray]) -> Autoencoder:
    """The model with its arrays replaced by those of the same names and shapes.

    Raises
    ------
    ValueError
        Where a name is missing or foreign, or a shape differs; the text names it.
    """
    flat, structure = jax.tree_util.tree_flatten_with_path(model)
    expected = {_name(path): leaf for path, leaf in flat}
    if foreign := sorted(set(arrays) ^ set(expected)):
        raise ValueError(f"weights {foreign[0]!r} are {'missing' if foreign[0] in expected else 'not of this model'}")
    for name, leaf in expected.items():
        if arrays[name].shape != leaf.shape:
            raise ValueError(f"weights {name!r} have shape {arrays[name].shape}; {leaf.shape} was expected")
    return jax.tree_util.tree_unflatten(structure, [_array(arrays[name]) for name in expected])


def _name(path: Sequence) -> str:
    return ".".join(str(getattr(key, "name", getattr(key, "idx", key))) for key in path)
