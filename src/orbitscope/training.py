"""Training: one compiled program for a whole run, called in chunks of steps.

A step draws segments of consecutive windows, encodes them densely, decodes some of their windows, predicts their
displacements, and takes one step of Adam. What is random is drawn beforehand in NumPy, so that one member of a batch
sees exactly what it would see alone. Everything that differs between songs (their length, the loss weights, the
number of steps, the learning rate) is a value and not a constant of the program: songs share it, and its compiled
form is kept on disk.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import losses
from ._device import keep_compiled_programs
from ._plan import CHUNK, Member, Sampler, Spec, common_spec
from .config import Settings
from .errors import InputError, TrainingError
from .model import Autoencoder, build

_LOST = 100.0  # nats: no reconstruction loss of a run that still learns is near this
_FINAL_RATE = 0.02  # of the learning rate, at the end of a cosine schedule
_LEAST_PADDED = 512


@dataclass(frozen=True, eq=False)
class Fit:
    """A trained model and how it came about.

    Attributes
    ----------
    model : Autoencoder
    history : dict of str to np.ndarray [shape=(steps,)]
        Each active loss term at each step, unweighted, on that step's batch.
    seconds : float
        Time of training, for all members of its batch together, without compilation.
    compile_seconds : float
        Time to compile the program, or to fetch it from the cache.
    """

    model: Autoencoder
    history: dict[str, np.ndarray]
    seconds: float
    compile_seconds: float


@dataclass(frozen=True, eq=False)
class Progress:
    """What a callback is given after every chunk of steps.

    Attributes
    ----------
    step, steps : int
        Steps done, and to do in all (those of the longest run of a batch).
    losses : dict of str to np.ndarray [shape=(members,)]
        Mean of each active term over the chunk.
    """

    step: int
    steps: int
    losses: dict[str, np.ndarray]
    _models: Autoencoder
    _stacked: bool

    def model(self, member: int = 0) -> Autoencoder:
        """The model of one member as it is now."""
        return jax.tree.map(lambda leaf: leaf[member], self._models) if self._stacked else self._models


Callback = Callable[[Progress], None]


def train(frames: np.ndarray, window: int, settings: Settings, *, callback: Callback | None = None) -> Fit:
    """Train one model from scratch on ``frames`` ``(frames, features)`` float32 in [0, 1].

    Raises
    ------
    InputError
        Too few frames for the window and the context, or frames that never change.
    TrainingError
        The loss became NaN or infinite.
    """
    return train_many([frames], window, [settings], callback=callback)[0]


def train_many(
    recordings: Sequence[np.ndarray],
    window: int,
    settings: Sequence[Settings],
    *,
    callback: Callback | None = None,
) -> list[Fit]:
    """Train one model for each pair of frames and settings, all at once in one vectorised program.

    Members may differ in their frames (of one number of features; shorter ones are padded), seed, loss weights,
    steps, learning rate and ramp. Each result is that of :func:`train` alone, to rounding.

    Parameters
    ----------
    recordings : sequence of np.ndarray [shape=(frames, features), float32]
        In [0, 1].
    window : int
        Frames in a window.
    settings : sequence of Settings
        One for each recording; what shapes the nets and the batches must be the same in all.
    callback : callable, optional
        Given a :class:`Progress` after every chunk of steps; what it raises ends the run.

    Raises
    ------
    InputError, TrainingError
        As :func:`train`; also members that do not fit into one program.
    """
    keep_compiled_programs()
    if not settings or len(recordings) != len(settings):
        raise InputError(f"{len(recordings)} recordings and {len(settings)} settings; give one of each per member")
    members = [Member(np.asarray(f, np.float32), window, s) for f, s in zip(recordings, settings, strict=True)]
    spec = common_spec(members)
    many = len(members) > 1
    padded = max(_LEAST_PADDED, *(2 ** math.ceil(math.log2(len(m.frames))) for m in members))
    joined = _stack if many else (lambda trees: trees[0])
    models = [build(m.settings, window, m.frames) for m in members]
    state = (joined(models), joined([_at_rest(_optimizer(spec), model) for model in models]))
    frames = joined([np.pad(m.frames, [(0, padded - len(m.frames)), (0, 0)]) for m in members])
    values = joined([m.values(spec) for m in members])
    samplers = [Sampler(m, spec) for m in members]
    steps = max(m.steps for m in members)
    run = _program(spec, many)

    begun = time.perf_counter()
    plan = joined([s.next_chunk() for s in samplers])
    jax.block_until_ready(run(state, frames, plan, values, 0, 0))
    compile_seconds = time.perf_counter() - begun

    rows, seconds = [], 0.0
    for first in range(0, steps, CHUNK):
        count = min(CHUNK, steps - first)
        begun = time.perf_counter()
        state, chunk = run(state, frames, plan, values, first, count)
        if first + count < steps:
            plan = joined([s.next_chunk() for s in samplers])  # while the device works
        chunk = np.asarray(chunk).reshape(len(members), CHUNK, -1)[:, :count]
        seconds += time.perf_counter() - begun
        _check_sane(chunk, spec.terms, first, members)
        rows.append(chunk)
        if callback:
            means = dict(zip(spec.terms, chunk.mean(axis=1).T, strict=True))
            callback(Progress(first + count, steps, means, state[0], many))
    history = np.concatenate(rows, axis=1)
    models = jax.tree.map(np.asarray, state[0])
    return [
        Fit(
            jax.tree.map(lambda leaf, i=i: leaf[i], models) if many else models,
            {term: history[i, : m.steps, t] for t, term in enumerate(spec.terms)},
            seconds,
            compile_seconds,
        )
        for i, m in enumerate(members)
    ]


def _optimizer(spec: Spec) -> optax.GradientTransformation:
    clip = [optax.clip_by_global_norm(spec.clip_norm)] if spec.clip_norm else []
    return optax.chain(*clip, optax.scale_by_adam())


def _at_rest(optimizer: optax.GradientTransformation, model: Autoencoder) -> optax.OptState:
    """The state of an optimizer before its first step, all zeros for Adam, without running a program for each array."""
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), jax.eval_shape(optimizer.init, model))


@cache
def _program(spec: Spec, many: bool) -> Callable:
    """The compiled chunk: (state, frames, plan, values, first step, number of steps) to (state, losses)."""
    optimizer = _optimizer(spec)

    def terms(model: Autoencoder, frames: jax.Array, batch: dict) -> jax.Array:
        length = spec.points + spec.window - 1
        segments = jax.vmap(lambda start: jax.lax.dynamic_slice_in_dim(frames, start, length))(batch["starts"])
        points = model.encoder(segments)
        found = []
        for term in spec.terms:
            if term == "reconstruction":
                picked = jnp.take_along_axis(points, batch["picks"][..., None], axis=1)
                span = batch["picks"][..., None] + jnp.arange(spec.window)
                windows = jax.vmap(lambda segment, at: segment[at])(segments, span)
                found.append(losses.reconstruction(model.decoder(picked), windows))
            elif term == "forecast":
                predicted = model.predictor.every(points[:, :-1], batch.get("keep"))
                displacements = jnp.diff(points, axis=1)
                found.append(losses.forecast(displacements[:, spec.burn_in :], predicted[:, spec.burn_in :]))
            else:
                found.append(getattr(losses, term)(points))
        return jnp.stack(found)

    def chunk(state, frames, plan, values, first, count):
        def step(i, carry):
            model, optimizer_state, record = carry
            now = first + i
            batch = {name: part[i] for name, part in plan.items()}
            ramp = jnp.minimum(now / jnp.maximum(values["ramp_steps"], 1e-6), 1.0)
            scale = jnp.stack([ramp if term == "forecast" else jnp.ones(()) for term in spec.terms])

            def objective(model):
                found = terms(model, frames, batch)
                return jnp.sum(values["weights"] * scale * found), found

            gradient, found = jax.grad(objective, has_aux=True)(model)
            update, new_state = optimizer.update(gradient, optimizer_state, model)
            rate = values["learning_rate"] * _schedule(spec, now, values["steps"])
            new_model = jax.tree.map(lambda p, u: p - rate * u, model, update)
            if spec.ragged:
                old, new = (model, optimizer_state), (new_model, new_state)
                new_model, new_state = jax.tree.map(lambda a, b: jnp.where(now < values["steps"], b, a), old, new)
            return new_model, new_state, record.at[i].set(found)

        record = jnp.zeros((CHUNK, len(spec.terms)))
        model, optimizer_state, record = jax.lax.fori_loop(0, count, step, (*state, record))
        return (model, optimizer_state), record

    return jax.jit(jax.vmap(chunk, in_axes=(0, 0, 0, 0, None, None)) if many else chunk)


def _schedule(spec: Spec, step: jax.Array, steps: jax.Array) -> jax.Array:
    warm = jnp.minimum(1.0, (step + 1) / max(spec.warmup_steps, 1))
    if spec.schedule == "constant":
        return warm
    share = jnp.clip((step - spec.warmup_steps) / jnp.maximum(steps - spec.warmup_steps, 1), 0, 1)
    return warm * (_FINAL_RATE + (1 - _FINAL_RATE) * 0.5 * (1 + jnp.cos(jnp.pi * share)))


def _check_sane(chunk: np.ndarray, terms: Sequence[str], first: int, members: list[Member]) -> None:
    lost = ~np.isfinite(chunk)
    if "reconstruction" in terms:
        at = terms.index("reconstruction")
        lost[..., at] |= chunk[..., at] > _LOST
    if not lost.any():
        return
    wrong = np.argwhere(lost)
    member, step, term = wrong[wrong[:, 1].argmin()]
    which = f" (member {member})" if len(members) > 1 else ""
    s = members[member].settings
    clip = "" if s.clip_norm else ", or set clip_norm to 1"
    raise TrainingError(
        f"training diverged at step {first + step + 1}{which}: the {terms[term]} loss is {chunk[member, step, term]:g};"
        f" lower learning_rate (now {s.learning_rate:g}) or the loss weights{clip}"
    )


def _stack(trees: list) -> object:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
