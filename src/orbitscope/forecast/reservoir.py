"""A forecaster by reservoir computing, through reservoirpy."""

import math
from numbers import Real

import numpy as np

from .._checks import check_whole
from ..errors import InputError
from ._base import Library, StepwiseForecaster

_REACH = 10.0  # standard deviations
_FLAT = 1e-9  # of the largest coordinate: an axis that spreads less does not move


class ReservoirForecaster(StepwiseForecaster):
    """An echo state network: a fixed random recurrent net of leaky units, and a linear map, learnt by ridge
    regression, from its state and the point to the next displacement.

    reservoirpy (``pip install "orbitscope[reservoir]"``) makes the random net and is needed to fit only. The net is
    then run here, s ← (1 - leak) s + leak tanh(W s + W_in z + b), for all initial conditions at once, which
    reservoirpy does not do. Each forecast starts from rest and runs over the context first. Axes are standardised;
    forecasts stay within 10 standard deviations of the mean of the library.

    Parameters
    ----------
    units : int >= 1
        Of the reservoir; a unit hears 30 others on average, or all of fewer.
    spectral_radius : float > 0
        Largest absolute eigenvalue of W.
    leak : float in (0, 1]
        Share of the state that is renewed at each step.
    input_scaling : float > 0
        Absolute value of all input weights, for standardised points; their signs are random.
    ridge : float > 0
        Penalty on the readout: added to the variance of each unit's state (which is at most 1).
    context_points : int >= 1
        Points that warm the reservoir up, in forecasts; as many are passed over at the start of each stretch in fit.
    random_state : int >= 0

    Attributes
    ----------
    w_input_ : np.ndarray [shape=(units, latent_dim)]
    w_state_ : np.ndarray [shape=(units, units)]
    bias_ : np.ndarray [shape=(units,)]
    coef_ : np.ndarray [shape=(units + latent_dim, latent_dim)]
    intercept_ : np.ndarray [shape=(latent_dim,)]
        The readout: standardised displacement from state and standardised point.
    center_, scale_ : np.ndarray [shape=(latent_dim,)]

    Raises
    ------
    InputError
        From :meth:`fit`: reservoirpy is not installed; a parameter out of range; no stretch of ``context_points`` + 1
        points.

    References
    ----------
    Jaeger (2001), The "echo state" approach to analysing and training recurrent neural networks, GMD Report 148.
    Trouvain et al. (2020), ReservoirPy, ICANN.
    """

    def __init__(
        self,
        units: int = 300,
        *,
        spectral_radius: float = 0.9,
        leak: float = 0.8,
        input_scaling: float = 0.5,
        ridge: float = 3e-3,
        context_points: int = 50,
        random_state: int = 0,
    ):
        self.units = units
        self.spectral_radius = spectral_radius
        self.leak = leak
        self.input_scaling = input_scaling
        self.ridge = ridge
        self.context_points = context_points
        self.random_state = random_state

    @property
    def context(self) -> int:
        return self.context_points

    def _fit(self, library: Library) -> None:
        self._check()
        longest = max(map(len, library.stretches))
        if longest <= self.context_points:
            raise InputError(
                f"the longest stretch has {longest} points; a context of {self.context_points} and the point after it"
                f" need {self.context_points + 1}"
            )
        points = library.points
        still = np.ptp(points, axis=0) <= _FLAT * np.abs(points).max(axis=0)
        self.center_, self.scale_ = points.mean(axis=0), np.where(still, 1.0, points.std(axis=0))
        self.w_input_, self.w_state_, self.bias_ = self._draw(points.shape[1])
        seen, moved = [], []
        for stretch in library.stretches:
            scaled = self._scaled(stretch)
            states = self._states(scaled[:-1])[self.context_points - 1 :]
            seen.append(np.concatenate([states, scaled[self.context_points - 1 : -1]], axis=1))
            moved.append(np.diff(stretch, axis=0)[self.context_points - 1 :] / self.scale_)
        inputs, outputs = np.concatenate(seen), np.concatenate(moved)
        self.coef_, self.intercept_ = _ridge(inputs, outputs, self.ridge)

    def _check(self) -> None:
        for name, least in (("units", 1), ("context_points", 1), ("random_state", 0)):
            check_whole(name, getattr(self, name), least)
        for name in ("spectral_radius", "leak", "input_scaling", "ridge"):
            value, most = getattr(self, name), 1 if name == "leak" else math.inf
            known = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
            if not known or not 0 < value <= most:
                bound = " up to 1" if most == 1 else ""
                raise InputError(f"{name} is {value!r}; it must be a positive number{bound}")

    def _draw(self, dim: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Input weights, recurrent weights and bias, by reservoirpy."""
        try:
            from reservoirpy.mat_gen import uniform
            from reservoirpy.nodes import Reservoir
        except ImportError:
            raise InputError(
                'ReservoirForecaster needs reservoirpy, which is not installed; pip install "orbitscope[reservoir]"'
            ) from None
        node = Reservoir(
            self.units,
            sr=self.spectral_radius,
            input_scaling=self.input_scaling,
            input_connectivity=1.0,
            rc_connectivity=min(1.0, 30 / self.units),
            bias=uniform(low=-0.2, high=0.2),
            input_dim=dim,
            seed=int(self.random_state),
        )
        node.initialize(np.zeros((1, dim)))
        return tuple(_dense(part) for part in (node.Win, node.W, np.ravel(_dense(node.bias))))

    def _scaled(self, points: np.ndarray) -> np.ndarray:
        return np.clip((points - self.center_) / self.scale_, -_REACH, _REACH)

    def _next(self, states: np.ndarray, points: np.ndarray) -> np.ndarray:
        """States ``(batch, units)`` after hearing scaled points ``(batch, latent_dim)``."""
        heard = np.tanh(states @ self.w_state_.T + points @ self.w_input_.T + self.bias_)
        return (1 - self.leak) * states + self.leak * heard

    def _states(self, points: np.ndarray) -> np.ndarray:
        """The state after each scaled point of a stretch, from rest."""
        states = np.empty((len(points), self.units))
        state = np.zeros((1, self.units))
        for i in range(len(points)):
            state = self._next(state, points[i : i + 1])
            states[i] = state
        return states

    def _forecast(self, context, steps, at):
        """Warm up over the context, then go on from what is read out."""
        context = self._scaled(context[:, context.shape[1] - self.context_points :])
        states = np.zeros((len(context), self.units))
        for k in range(context.shape[1]):
            states = self._next(states, context[:, k])
        path = np.empty((len(context), steps, context.shape[2]))
        point = context[:, -1]
        for k in range(steps):
            moved = np.concatenate([states, point], axis=1) @ self.coef_ + self.intercept_
            path[:, k] = point = np.clip(point + moved, -_REACH, _REACH)
            states = self._next(states, point)
        return self.center_ + self.scale_ * path

    def _displacement(self, context, at):
        return self._forecast(context, 1, at)[:, 0] - context[:, -1]

    def _state(self):
        return {name: getattr(self, name) for name in self._shapes()}

    def _restore(self, state):
        self._check()
        for name, shape in self._shapes().items():
            value = np.asarray(state[name], np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name} of a wrong shape, or not finite")
            setattr(self, name, value)
        if self.scale_.min() <= 0:
            raise ValueError("scale_ is not positive")

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        dim, units = self.library_.points.shape[1], self.units
        return {
            "w_input_": (units, dim),
            "w_state_": (units, units),
            "bias_": (units,),
            "coef_": (units + dim, dim),
            "intercept_": (dim,),
            "center_": (dim,),
            "scale_": (dim,),
        }


def _ridge(inputs: np.ndarray, outputs: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Slope and constant of the linear map of least squares, the slope penalised."""
    seen, given = inputs.mean(axis=0), outputs.mean(axis=0)
    centered = inputs - seen
    gram = centered.T @ centered / len(inputs) + penalty * np.eye(inputs.shape[1])
    slope = np.linalg.solve(gram, centered.T @ (outputs - given) / len(inputs))
    return slope, given - seen @ slope


def _dense(matrix) -> np.ndarray:
    return np.asarray(matrix.todense() if hasattr(matrix, "todense") else matrix, np.float64)
