"""What nets that forecast share: training, an epoch at a time, and running them freely, many steps at a time.

An epoch is one compiled program, and so is a forecast. Points are padded to a power of two and contexts gathered from
them on the device by index; numbers of steps are values: one program serves many trajectories. What is random is drawn
in NumPy.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._device import keep_compiled_programs
from ..errors import TrainingError

Params = dict[str, np.ndarray]
Net = Callable[..., jax.Array]  # (params, contexts (batch, context, dim), keep or None) to (batch, dim)

_LEAST_PADDED = 512
_LEAST_BATCH = 64
_LEAST_STEPS = 32
_FINAL_RATE = 0.02  # of the learning rate, at the end of the cosine
_EPSILON = 1e-7  # Adam's, as in Keras


@dataclass(frozen=True)
class Recipe:
    """A net's sizes and its training, complete and checked.

    ``published`` nets have tanh on the output and a constant learning rate; others follow a cosine. ``patience`` counts
    epochs without a better held-out loss.
    """

    sizes: tuple[int, ...]
    context_points: int
    n_epochs: int
    batch_size: int
    learning_rate: float
    published: bool = False
    dropout: float = 0.0
    patience: int = 0


def train(
    net: Net,
    params: Params,
    points: np.ndarray,
    targets: np.ndarray,
    kept: np.ndarray,
    held: np.ndarray,
    recipe: Recipe,
    rng: np.random.Generator,
) -> tuple[Params, np.ndarray, np.ndarray]:
    """Fit ``net`` by the mean squared error of its outputs.

    Parameters
    ----------
    points, targets : np.ndarray [shape=(points, latent_dim)]
        The net sees the points up to each, and should give its target.
    kept, held : np.ndarray [shape=(n,), int]
        The last points of the contexts to learn from, and of those that choose the weights; these may be none.

    Returns
    -------
    Params
        Those of the least held-out loss, or the last where nothing is held.
    np.ndarray, np.ndarray [shape=(epochs,)]
        Loss in training and held out (NaN where nothing is held).

    Raises
    ------
    TrainingError
        The loss became NaN or infinite.
    """
    keep_compiled_programs()
    capacity = max(_LEAST_PADDED, 2 ** math.ceil(math.log2(len(points))))
    data = {name: _padded(value, capacity) for name, value in (("points", points), ("targets", targets))}
    if len(held):
        data["held"] = np.resize(held, capacity // 4).astype(np.int32)
        data["weight"] = _padded(np.full((len(held), 1), 1 / len(held)), capacity // 4)[:, 0]
    count = -(-len(kept) // recipe.batch_size)
    zeros = {name: np.zeros_like(value) for name, value in params.items()}
    state = (params, optax.ScaleByAdamState(np.zeros((), np.int32), zeros, zeros))
    best, best_epoch, history = params, 0, []
    run = _epoch(net, recipe.context_points, recipe.published)
    for epoch in range(recipe.n_epochs):
        plan = _plan(kept, -(-capacity // recipe.batch_size), recipe.batch_size, rng)
        keep = _keep(plan.shape, recipe, rng)
        state, losses = run(state, data, plan, keep, np.float32(_rate(epoch, recipe)), count)
        history.append(np.asarray(losses, np.float64))
        if not np.isfinite(history[-1][0]):
            raise TrainingError(
                f"training diverged in epoch {epoch + 1}: the loss is {history[-1][0]:g}; lower learning_rate (now"
                f" {recipe.learning_rate:g})"
            )
        if not len(held) or history[-1][1] < history[best_epoch][1] or not epoch:
            best, best_epoch = state[0], epoch
        elif epoch - best_epoch >= recipe.patience:
            break
    learning, choosing = np.transpose(history)
    return {name: np.asarray(value) for name, value in best.items()}, learning, choosing


@cache
def _epoch(net: Net, context_points: int, published: bool) -> Callable:
    """The compiled epoch: (state, data, plan, keep, rate, number of steps) to (state, losses)."""
    adam = optax.scale_by_adam(eps=_EPSILON)
    before = np.arange(1 - context_points, 1)

    def errors(params, data, at, keep=None):
        given = net(params, data["points"][at[:, None] + before], keep)
        return (jnp.tanh(given) if published else given) - data["targets"][at]

    def step(i, carry):
        (params, moments), total, data, plan, keep, rate = carry
        mask = None if keep is None else keep[i]
        loss, gradient = jax.value_and_grad(lambda p: jnp.mean(errors(p, data, plan[i], mask) ** 2))(params)
        update, moments = adam.update(gradient, moments)
        params = {name: value - rate * update[name] for name, value in params.items()}
        return (params, moments), total + loss, data, plan, keep, rate

    @jax.jit
    def epoch(state, data, plan, keep, rate, count):
        state, total, *_ = jax.lax.fori_loop(0, count, step, (state, jnp.zeros(()), data, plan, keep, rate))
        held = jnp.nan
        if "held" in data:
            held = jnp.sum(data["weight"] * jnp.mean(errors(state[0], data, data["held"]) ** 2, axis=1))
        return state, jnp.stack([total / count, held])

    return epoch


def rollout(
    move: Callable[[Params, jax.Array], jax.Array], params, seen: np.ndarray, steps: int, reach: float
) -> np.ndarray:
    """Run freely: ``seen[:, -1] + move(params, seen)``, repeated, as one compiled program.

    Parameters
    ----------
    move : callable
        (params, seen ``(batch, context, dim)``) to displacements ``(batch, dim)``; one and the same object for one and
        the same function, since programs are kept by it.
    seen : np.ndarray [shape=(batch, context, dim)]
    steps : int >= 1
    reach : float
        Coordinates are held within ±``reach``, so that none can become infinite.

    Returns
    -------
    np.ndarray [shape=(batch, steps, dim), float64]
    """
    keep_compiled_programs()
    batch, capacity = _round_up(len(seen), _LEAST_BATCH), _round_up(steps, _LEAST_STEPS)
    padded = np.concatenate([seen, np.zeros((batch - len(seen), *seen.shape[1:]))]).astype(np.float32)
    path = _free_run(move, capacity)(params, padded, np.float32(reach), steps)
    return np.asarray(path, np.float64)[:steps].swapaxes(0, 1)[: len(seen)]


@cache
def _free_run(move: Callable, capacity: int) -> Callable:
    @jax.jit
    def run(params, seen, reach, steps):
        def step(k, carry):
            seen, path = carry
            point = jnp.clip(seen[:, -1] + move(params, seen), -reach, reach)
            return jnp.concatenate([seen[:, 1:], point[:, None]], axis=1), path.at[k].set(point)

        path = jnp.zeros((capacity, len(seen), seen.shape[2]), seen.dtype)
        return jax.lax.fori_loop(0, steps, step, (jnp.clip(seen, -reach, reach), path))[1]

    return run


def _plan(kept: np.ndarray, capacity: int, batch: int, rng: np.random.Generator) -> np.ndarray:
    """All contexts in a new order, in batches; the last one is filled up from the beginning of the order."""
    count = -(-len(kept) // batch)
    plan = np.zeros((capacity, batch), np.int32)
    plan[:count] = np.resize(rng.permutation(kept), (count, batch))
    return plan


def _keep(shape: tuple[int, int], recipe: Recipe, rng: np.random.Generator) -> np.ndarray | None:
    """What dropout multiplies the hidden units with, ``(steps, batch, all hidden units)``."""
    if not recipe.dropout:
        return None
    drawn = rng.random((*shape, sum(recipe.sizes)), np.float32) >= recipe.dropout
    return drawn / np.float32(1 - recipe.dropout)


def _rate(epoch: int, recipe: Recipe) -> float:
    if recipe.published:
        return recipe.learning_rate
    cosine = 0.5 * (1 + math.cos(math.pi * epoch / recipe.n_epochs))
    return recipe.learning_rate * (_FINAL_RATE + (1 - _FINAL_RATE) * cosine)


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    return np.pad(values, [(0, length - len(values)), (0, 0)]).astype(np.float32)


def _round_up(count: int, least: int) -> int:
    return -(-count // least) * least
