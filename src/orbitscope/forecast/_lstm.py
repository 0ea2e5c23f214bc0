"""An LSTM for small batches on a CPU, where the number of operations counts and not their size.

Two things make it several times faster than the plain one: all gates go through one tanh, since
sigmoid(x) = (1 + tanh(x / 2)) / 2; and its gradient is written out, so that the recurrent weights get theirs from one
product over all steps.
"""

import jax
import jax.numpy as jnp
import numpy as np


def last_state(params: dict, contexts: jax.Array) -> jax.Array:
    """Hidden state after the last of contexts ``(batch, n, inputs)``: ``(batch, units)``.

    ``params`` holds ``w_input`` ``(inputs, 4 * units)``, ``w_state`` ``(units, 4 * units)`` and ``bias``, gates in the
    order input, forget, cell, output, as in Keras.
    """
    half = np.repeat(np.float32([0.5, 0.5, 1.0, 0.5]), len(params["w_state"]))
    inputs = jnp.moveaxis(contexts, 1, 0) @ (params["w_input"] * half) + params["bias"] * half
    return _run(inputs, params["w_state"] * half)


@jax.custom_vjp
def _run(inputs: jax.Array, w_state: jax.Array) -> jax.Array:
    """Inputs of all gates ``(n, batch, 4 * units)``, those of sigmoids halved, to the last hidden state."""
    return _states(inputs, w_state)[0][0]


def _states(inputs, w_state):
    def cell(carry, x):
        hidden, memory = carry
        gates = jnp.tanh(x + hidden @ w_state)
        into, forget, new, out = jnp.split(gates, 4, axis=-1)
        following = (0.5 * forget + 0.5) * memory + (0.5 * into + 0.5) * new
        return ((0.5 * out + 0.5) * jnp.tanh(following), following), (hidden, memory, gates)

    start = jnp.zeros((inputs.shape[1], len(w_state)), inputs.dtype)
    return jax.lax.scan(cell, (start, start), inputs)


def _forward(inputs, w_state):
    (hidden, memory), before = _states(inputs, w_state)
    return hidden, (memory, before, w_state)


def _backward(kept, gradient):
    last, (hidden, memory, gates), w_state = kept
    into, forget, new, out = jnp.split(gates, 4, axis=-1)
    seen = jnp.tanh(jnp.concatenate([memory[1:], last[None]]))
    # How the memory after a step depends on its gates (of the output gate: how the hidden state does).
    slopes = [0.5 * new * (1 - into**2), 0.5 * memory * (1 - forget**2), (0.5 * into + 0.5) * (1 - new**2)]
    slopes = jnp.concatenate([*slopes, 0.5 * seen * (1 - out**2)], axis=-1)
    shown = (0.5 * out + 0.5) * (1 - seen**2)

    def cell(carry, step):
        of_hidden, of_memory = carry
        slopes, shown, lasting = step
        of_memory = of_memory + of_hidden * shown
        of_gates = slopes * jnp.concatenate([of_memory, of_memory, of_memory, of_hidden], axis=-1)
        return (of_gates @ w_state.T, of_memory * lasting), of_gates

    steps = (slopes, shown, 0.5 * forget + 0.5)
    _, of_inputs = jax.lax.scan(cell, (gradient, jnp.zeros_like(gradient)), steps, reverse=True)
    units, four = w_state.shape
    return of_inputs, hidden.reshape(-1, units).T @ of_inputs.reshape(-1, four)


_run.defvjp(_forward, _backward)
