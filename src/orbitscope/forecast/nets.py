"""Nets that learn the next displacement: a perceptron and an LSTM, small enough to be fitted by the dozen."""

import math
from abc import abstractmethod
from dataclasses import replace
from functools import cache
from itertools import pairwise
from numbers import Real

import jax
import jax.numpy as jnp
import numpy as np

from .._checks import check_whole
from ..errors import InputError
from ._base import Library, StepwiseForecaster
from ._descent import Net, Params, Recipe, rollout, train
from ._lstm import last_state

_HELD = 0.15  # of the displacements of each stretch: its end, for early stopping
_GAP = 10  # points between those learnt from and those held
_FLAT = 1e-9  # of the largest coordinate: an axis that spreads less does not move
_REACH = 10.0  # standard deviations
_PUBLISHED_REACH = 1e4  # in units of the axes' ranges: tanh alone bounds any forecast of less than 10,000 steps


class _NetForecaster(StepwiseForecaster):
    """What both nets share: scaling, training, forecasting and their files."""

    _recipes: dict[str, Recipe]

    @property
    def context(self) -> int:
        return self._recipe().context_points

    @property
    @abstractmethod
    def _sizes(self):
        """The hidden sizes that the user asks for; None for those of the preset."""

    @abstractmethod
    def _initial(self, recipe: Recipe, dim: int, rng: np.random.Generator) -> Params:
        """Untrained weights."""

    @property
    @abstractmethod
    def _net(self) -> Net:
        """The net without its output function."""

    def _recipe(self) -> Recipe:
        if self.preset not in self._recipes:
            raise InputError(f"preset {self.preset!r} is unknown; choose one of {', '.join(self._recipes)}")
        given = {name: getattr(self, name) for name in ("context_points", "n_epochs", "batch_size")}
        for name, value in given.items():
            if value is not None:
                check_whole(name, value, 1)
        if (rate := self.learning_rate) is not None and (
            not isinstance(rate, Real) or isinstance(rate, bool) or not 0 < rate < math.inf
        ):
            raise InputError(f"learning_rate is {rate!r}; it must be a positive number")
        check_whole("random_state", self.random_state, 0)
        given |= {"sizes": self._sizes, "learning_rate": rate}
        return replace(self._recipes[self.preset], **{k: v for k, v in given.items() if v is not None})

    def _fit(self, library: Library) -> None:
        recipe = self._recipe()
        kept, held = _split(library, recipe)
        self._scale(library, recipe.published)
        targets, at = np.zeros_like(library.points), library.with_next
        targets[at] = library.pairs()[1] / (self.scale_ * self.gain_)
        rng = np.random.default_rng(self.random_state)
        params = self._initial(recipe, library.points.shape[1], rng)
        points = self._scaled(library.points)
        trained = train(self._net, params, points, targets, kept, held, recipe, rng)
        self.params_, self.loss_history_, self.validation_history_ = trained

    def _scale(self, library: Library, published: bool) -> None:
        points = library.points
        low, high = points.min(axis=0), points.max(axis=0)
        still = high - low <= _FLAT * np.maximum(np.abs(low), np.abs(high))
        self.offset_ = low if published else points.mean(axis=0)
        self.scale_ = np.where(still, 1.0, high - low if published else points.std(axis=0))
        spread = library.pairs()[1].std(axis=0) / self.scale_
        self.gain_ = np.where(published | still | (spread == 0), 1.0, spread)

    def _scaled(self, points: np.ndarray) -> np.ndarray:
        return np.clip((points - self.offset_) / self.scale_, -self._reach, self._reach)

    @property
    def _reach(self) -> float:
        return _PUBLISHED_REACH if self._recipe().published else _REACH

    def _forecast(self, context, steps, at):
        move = _mover(self._net, self._recipe().published)
        params = {"net": self.params_, "gain": np.float32(self.gain_)}
        seen = self._scaled(context[:, context.shape[1] - self.context :])
        return self.offset_ + self.scale_ * rollout(move, params, seen, steps, self._reach)

    def _displacement(self, context, at):
        return self._forecast(context, 1, at)[:, 0] - context[:, -1]

    def _state(self):
        names = ("offset_", "scale_", "gain_", "loss_history_", "validation_history_")
        return {f"net.{name}": value for name, value in self.params_.items()} | {n: getattr(self, n) for n in names}

    def _restore(self, state):
        dim = self.library_.points.shape[1]
        expected = self._initial(self._recipe(), dim, np.random.default_rng(0))
        self.params_ = {name: _checked(state, f"net.{name}", value.shape) for name, value in expected.items()}
        for name in ("offset_", "scale_", "gain_"):
            setattr(self, name, _checked(state, name, (dim,)))
        if self.scale_.min() <= 0:
            raise ValueError("scale_ is not positive")
        self.loss_history_, self.validation_history_ = state["loss_history_"], state["validation_history_"]


class MLPForecaster(_NetForecaster):
    """A multilayer perceptron from the last points to the next displacement.

    Points and displacements are standardised, axis by axis. The last 15 % of each stretch are held out, behind a gap of
    10 points; training stops when their loss has not fallen for a while, and the weights of its least are kept. Where
    nothing is left to learn from or to hold, training runs to its end and keeps the last weights. Forecasts stay
    within 10 standard deviations of the mean of the library. Sizes were chosen by forecasts of 1 to 30 steps in the
    latent space of four songs (held out).

    Parameters
    ----------
    preset : {"default", "article"}
        "default": 8 points, 64 and 64 units, dropout of 0.1; Adam at 3e-3 falling along a cosine, batches of 32, at
        most 200 epochs. "article", as published: one point, 12 and 12 units, dropout of 0.05, tanh on the output;
        axes scaled to [0, 1]; Adam at 1e-3, batches of 4, 8 epochs; nothing held out, no bound on forecasts but tanh.
    hidden : sequence of int >= 1, optional
        Units of the hidden layers, ReLU. This and what follows: None for the preset's own.
    context_points : int >= 1, optional
        Points that the net sees.
    n_epochs, batch_size : int >= 1, optional
    learning_rate : float > 0, optional
    random_state : int >= 0
        Seed of the initial weights (Glorot's), batches and dropout.

    Attributes
    ----------
    params_ : dict of str to np.ndarray
        ``w0`` ``(context * latent_dim, units)``, ``b0``, ... up to the output.
    offset_, scale_, gain_ : np.ndarray [shape=(latent_dim,)]
        The net sees (z - offset) / scale and gives displacements in units of scale * gain.
    loss_history_, validation_history_ : np.ndarray [shape=(epochs,)]
        Mean squared error of the scaled displacements, in training and held out (NaN where nothing is held).

    Raises
    ------
    InputError
        From :meth:`fit`: a parameter out of range; no stretch of ``context_points`` + 1 points.
    TrainingError
        From :meth:`fit`: the loss became NaN or infinite.
    """

    _recipes = {  # noqa: RUF012
        "default": Recipe((64, 64), 8, 200, 32, 3e-3, dropout=0.1, patience=40),
        "article": Recipe((12, 12), 1, 8, 4, 1e-3, published=True, dropout=0.05),
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        hidden: tuple[int, ...] | None = None,
        context_points: int | None = None,
        n_epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        random_state: int = 0,
    ):
        self.preset = preset
        self.hidden = hidden
        self.context_points = context_points
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    @property
    def _sizes(self):
        if self.hidden is None:
            return None
        if not isinstance(self.hidden, tuple | list) or not self.hidden:
            raise InputError(f"hidden is {self.hidden!r}; it must be a tuple of positive whole numbers")
        for size in self.hidden:
            check_whole("a size in hidden", size, 1)
        return tuple(self.hidden)

    def _initial(self, recipe, dim, rng):
        params = {}
        for i, (n_in, n_out) in enumerate(pairwise([recipe.context_points * dim, *recipe.sizes, dim])):
            params |= {f"w{i}": _glorot(rng, n_in, n_out), f"b{i}": np.zeros(n_out, np.float32)}
        return params

    @property
    def _net(self):
        return _mlp


class LSTMForecaster(_NetForecaster):
    """An LSTM over the last points and a linear map from its state to the next displacement.

    Standardised, stopped early and bounded as :class:`MLPForecaster` is.

    Parameters
    ----------
    preset : {"default", "article"}
        "default": 20 points, 32 units, dropout of 0.1 on the state; Adam at 1e-2 falling along a cosine, batches of
        32, at most 100 epochs. "article", as published: 20 points, 32 units, tanh on the output; axes scaled to
        [0, 1]; Adam at 1e-3, batches of 4, 10 epochs; nothing held out.
    units : int >= 1, optional
        Of the LSTM. This and what follows: None for the preset's own.
    context_points, n_epochs, batch_size, learning_rate, random_state
        As for :class:`MLPForecaster`. Initial weights are Keras's: Glorot's, an orthogonal recurrent matrix, and a
        forget gate that starts open.

    Attributes
    ----------
    params_ : dict of str to np.ndarray
        ``w_input`` ``(latent_dim, 4 * units)``, ``w_state`` ``(units, 4 * units)`` and ``bias``, gates in the order
        input, forget, cell, output; ``w_out``, ``b_out``.
    offset_, scale_, gain_, loss_history_, validation_history_
        As for :class:`MLPForecaster`; so are errors.

    References
    ----------
    Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9. Jozefowicz et al. (2015), An
    empirical exploration of recurrent network architectures, ICML.
    """

    _recipes = {  # noqa: RUF012
        "default": Recipe((32,), 20, 100, 32, 1e-2, dropout=0.1, patience=20),
        "article": Recipe((32,), 20, 10, 4, 1e-3, published=True),
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        units: int | None = None,
        context_points: int | None = None,
        n_epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        random_state: int = 0,
    ):
        self.preset = preset
        self.units = units
        self.context_points = context_points
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    @property
    def _sizes(self):
        if self.units is None:
            return None
        check_whole("units", self.units, 1)
        return (self.units,)

    def _initial(self, recipe, dim, rng):
        units = recipe.sizes[0]
        bias = np.zeros(4 * units, np.float32)
        bias[units : 2 * units] = 1
        orthogonal = np.linalg.qr(rng.standard_normal((4 * units, units)))[0].T
        return {
            "w_input": _glorot(rng, dim, 4 * units),
            "w_state": np.float32(orthogonal),
            "bias": bias,
            "w_out": _glorot(rng, units, dim),
            "b_out": np.zeros(dim, np.float32),
        }

    @property
    def _net(self):
        return _lstm


def _mlp(params, contexts, keep=None):
    h = contexts.reshape(len(contexts), -1)
    last = len(params) // 2 - 1
    for i in range(last):
        h = jax.nn.relu(h @ params[f"w{i}"] + params[f"b{i}"])
        if keep is not None:
            first = sum(len(params[f"b{j}"]) for j in range(i))
            h = h * keep[:, first : first + h.shape[1]]
    return h @ params[f"w{last}"] + params[f"b{last}"]


def _lstm(params, contexts, keep=None):
    hidden = last_state(params, contexts)
    if keep is not None:
        hidden = hidden * keep
    return hidden @ params["w_out"] + params["b_out"]


def _glorot(rng: np.random.Generator, n_in: int, n_out: int) -> np.ndarray:
    limit = math.sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, (n_in, n_out)).astype(np.float32)


@cache
def _mover(net: Net, published: bool):
    def move(params, seen):
        given = net(params["net"], seen)
        return params["gain"] * (jnp.tanh(given) if published else given)

    return move


def _split(library: Library, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """The last points of the contexts to learn from, and of those held for early stopping."""
    length = recipe.context_points
    own = [np.arange(s + length - 1, s + len(z) - 1) for s, z in zip(library.starts, library.stretches, strict=True)]
    whole = np.concatenate(own)
    if not len(whole):
        longest = max(map(len, library.stretches))
        raise InputError(
            f"the longest stretch has {longest} points; a context of {length} and the point after it need {length + 1}"
        )
    first_held = [len(ends) - int(_HELD * len(ends)) for ends in own]
    kept = np.concatenate([e[: max(n - _GAP, 0)] if n < len(e) else e for e, n in zip(own, first_held, strict=True)])
    held = np.concatenate([e[n:] for e, n in zip(own, first_held, strict=True)])
    return (whole, held[:0]) if recipe.published or not len(kept) else (kept, held)


def _checked(state: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    value = state[name]
    if value.shape != shape or not np.isfinite(value).all():
        raise ValueError(f"{name} of a wrong shape, or not finite")
    return value
