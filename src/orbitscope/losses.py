"""The terms of the loss, each a pure function of arrays to one number; their weights are the trainer's business.

All follow the published model; the cosine terms are shifted by 1 so that 0 is perfect.
"""

import jax
import jax.numpy as jnp

TERMS = ("reconstruction", "forecast", "off_center", "curvature")


def reconstruction(logits: jax.Array, windows: jax.Array) -> jax.Array:
    """Binary cross-entropy in nats, mean over all bins; ``windows`` in [0, 1], both of one shape."""
    return jnp.mean(cross_entropy(logits, windows))


def cross_entropy(logits: jax.Array, windows: jax.Array) -> jax.Array:
    """Binary cross-entropy of each bin, in nats."""
    return jnp.maximum(logits, 0) - logits * windows + jnp.log1p(jnp.exp(-jnp.abs(logits)))


def forecast(displacements: jax.Array, predicted: jax.Array) -> jax.Array:
    """1 - cosine between true and predicted displacements ``(..., latent_dim)``: 0 same way, 2 opposite."""
    return 1 - jnp.mean(cosine(displacements, predicted))


def off_center(points: jax.Array) -> jax.Array:
    """Mean square of all coordinates."""
    return jnp.mean(points**2)


def curvature(points: jax.Array) -> jax.Array:
    """1 - cosine between consecutive displacements of ``(..., n, latent_dim)``: 0 straight on, 2 back and forth."""
    steps = jnp.diff(points, axis=-2)
    return 1 - jnp.mean(cosine(steps[..., 1:, :], steps[..., :-1, :]))


def cosine(a: jax.Array, b: jax.Array) -> jax.Array:
    """Cosine along the last axis; 0 where either vector vanishes."""
    return jnp.sum(a * b, axis=-1) / jnp.sqrt(jnp.sum(a**2, axis=-1) * jnp.sum(b**2, axis=-1) + 1e-12)
