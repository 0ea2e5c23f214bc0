"""Every option of a run, its range and its presets.

A :class:`Settings` is complete and checked: whoever holds one need not check it again.
"""

import math
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real

from .errors import InputError

WINDOW_RANGE_S = (0.1, 10.0)
LATENT_DIM_RANGE = (1, 64)


@dataclass(frozen=True)
class Settings:
    """How to turn frames into a trajectory. The defaults were chosen by measurement: see docs/choices.md.

    Sizes of the nets
        ``latent_dim`` axes of latent space; ``window_s`` seconds seen by one point; ``channels`` of the encoder's
        levels; ``activation`` ("relu" or "silu"); ``decoder`` ("mlp", or "conv" as published) with ``decoder_units``;
        ``predictor_units`` of the LSTM, ``predictor_velocity`` (it sees directions of motion beside the points),
        ``predictor_dropout`` at its input; ``context`` points that it sees.
    Loss
        The four weights; ``forecast_ramp``, the share of the run over which the forecast weight rises from 0;
        ``burn_in``, points the predictor must have seen before its forecasts count, less than ``context``.
    Budget
        ``steps``, or ``epochs`` when ``steps`` is None; ``segments`` of ``context + 1`` consecutive windows in a
        step, of which ``decoded`` windows in all are reconstructed (None: 128 of half a second, or fewer longer ones);
        ``learning_rate`` with ``warmup_steps`` and a ``schedule`` ("cosine" or "constant"); ``clip_norm`` of the
        gradient (0: no clipping); ``seed``.
    """

    latent_dim: int = 3
    window_s: float = 0.5
    context: int = 45
    channels: tuple[int, ...] = (32, 64, 128)
    activation: str = "silu"
    decoder: str = "mlp"
    decoder_units: tuple[int, ...] = (64, 128, 128)
    predictor_units: int = 16
    predictor_velocity: bool = True
    predictor_dropout: float = 0.0

    reconstruction_weight: float = 1.0
    forecast_weight: float = 1e-3
    off_center_weight: float = 0.0
    curvature_weight: float = 3e-3
    forecast_ramp: float = 0.5
    burn_in: int = 15

    steps: int | None = 800
    epochs: float = 7.0
    segments: int = 16
    decoded: int | None = None
    learning_rate: float = 7e-3
    warmup_steps: int = 20
    schedule: str = "cosine"
    clip_norm: float = 0.0
    seed: int = 0

    def __post_init__(self):
        _integer(self, "latent_dim", *LATENT_DIM_RANGE)
        _number(self, "window_s", 0.0, math.inf, open_low=True)
        _integer(self, "context", 2, 10_000)
        for name in ("channels", "decoder_units"):
            _sizes(self, name)
        _choice(self, "activation", ("relu", "silu"))
        _choice(self, "decoder", ("mlp", "conv"))
        _choice(self, "schedule", ("cosine", "constant"))
        _integer(self, "predictor_units", 1, 4096)
        if not isinstance(self.predictor_velocity, bool):
            raise InputError(f"predictor_velocity is {self.predictor_velocity!r}; it must be True or False")
        _number(self, "predictor_dropout", 0.0, 0.95)
        for name in ("reconstruction_weight", "forecast_weight", "off_center_weight", "curvature_weight", "clip_norm"):
            _number(self, name, 0.0, 1e6)
        if not any((self.reconstruction_weight, self.forecast_weight, self.off_center_weight, self.curvature_weight)):
            raise InputError("every loss weight is 0, so there is nothing to learn; give at least one a positive value")
        _number(self, "forecast_ramp", 0.0, 1.0)
        _integer(self, "burn_in", 0, self.context - 1)
        if self.steps is not None:
            _integer(self, "steps", 1, 10_000_000)
        _number(self, "epochs", 0.0, 1e6, open_low=True)
        _integer(self, "segments", 1, 4096)
        if self.decoded is not None:
            _integer(self, "decoded", 1, 1_000_000)
        _number(self, "learning_rate", 0.0, 10.0, open_low=True)
        _integer(self, "warmup_steps", 0, 10_000_000)
        _integer(self, "seed", 0, 2**32 - 1)

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Settings":
        """The settings that :meth:`to_dict` wrote, also after a trip through JSON."""
        _refuse_unknown(values)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


PRESETS: dict[str, dict] = {
    "default": {},
    "article": {
        "activation": "relu",
        "decoder": "conv",
        "decoder_units": (192, 128, 128),
        "predictor_velocity": False,
        "predictor_dropout": 0.1,
        "forecast_weight": 1e-3,
        "curvature_weight": 0.0,
        "forecast_ramp": 0.0,
        "burn_in": 44,  # the last point of the context only
        "steps": None,
        "epochs": 7.0,
        "segments": 8,
        "decoded": 8,
        "learning_rate": 1e-3,
        "warmup_steps": 0,
        "schedule": "constant",
    },
}

PRESET_FEATURES = {"default": "mel", "article": "article"}


def settings(preset: str = "default", **overrides) -> Settings:
    """The settings of ``preset`` with ``overrides``; a value of None means the preset's own.

    Raises
    ------
    InputError
        An unknown preset or option, or a value out of range.
    """
    if not isinstance(preset, str) or preset not in PRESETS:
        raise InputError(f"preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}")
    _refuse_unknown(overrides)
    given = {k: v for k, v in overrides.items() if v is not None}
    if "epochs" in given and "steps" not in given:
        given["steps"] = None
    chosen = {"burn_in": Settings.burn_in, **PRESETS[preset], **given}
    if "burn_in" not in given and _is_whole(given.get("context")):
        chosen["burn_in"] = max(0, min(chosen["burn_in"], given["context"] - 1))  # a short context needs no more said
    return replace(Settings(), **chosen)


def _refuse_unknown(options: dict) -> None:
    known = sorted(f.name for f in fields(Settings))
    for name in options:
        if name not in known:
            raise InputError(f"unknown option {name!r}; the options are {', '.join(known)}")


def window_frames(window_s: float, hop_s: float) -> int:
    """How many frames a window of ``window_s`` seconds spans.

    A whole multiple of the hop is taken as it is; anything else gets the smallest even number of frames that covers
    it. At 1024 samples of 44.1 kHz a hop this gives the published 22 frames for 0.5 s and 88 for 2 s.
    """
    exact = window_s / hop_s
    if abs(exact - round(exact)) < 1e-6 * max(exact, 1.0) and round(exact) >= 1:
        return round(exact)
    return 2 * math.ceil(exact / 2)


def check_window(window_s: float) -> None:
    """Raise InputError unless a window for recordings is in its range."""
    low, high = WINDOW_RANGE_S
    if not low <= window_s <= high:
        raise InputError(f"window is {window_s:g} s; it must be from {low:g} to {high:g} s")


def _integer(owner, name, low, high):
    value = getattr(owner, name)
    if not _is_whole(value):
        raise InputError(f"{name} is {value!r}; it must be a whole number from {low} to {high}")
    if not low <= value <= high:
        raise InputError(f"{name} is {value}; it must be from {low} to {high}")
    object.__setattr__(owner, name, int(value))


def _sizes(owner, name):
    value = getattr(owner, name)
    if not isinstance(value, (tuple, list)) or not value or not all(_is_whole(n) and n > 0 for n in value):
        raise InputError(f"{name} is {value!r}; it must be a tuple of positive whole numbers")
    object.__setattr__(owner, name, tuple(int(n) for n in value))


def _is_whole(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _number(owner, name, low, high, open_low=False):
    value = getattr(owner, name)
    bounds = f"{'above' if open_low else 'from'} {low:g}" + (f" to {high:g}" if math.isfinite(high) else "")
    if not isinstance(value, Real) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; it must be a number {bounds}")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value) or not low <= value <= high or (open_low and value == low):
        raise InputError(f"{name} is {value:g}; it must be {bounds}")
    object.__setattr__(owner, name, value)


def _choice(owner, name, choices):
    value = getattr(owner, name)
    if value not in choices:
        raise InputError(f"{name} is {value!r}; choose one of {', '.join(choices)}")
