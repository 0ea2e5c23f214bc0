"""What a training run does, decided before it runs: checked members, the shape of their program, and every draw."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import losses
from .config import Settings
from .errors import InputError

CHUNK = 50  # steps between two looks at a run
_DECODED_FRAMES = 2816  # decoded a step unless settings.decoded says otherwise: 128 windows of 22 frames


@dataclass(frozen=True)
class Spec:
    """What is fixed in a compiled program."""

    terms: tuple[str, ...]
    window: int
    segments: int
    points: int  # consecutive windows in a segment
    picks: int  # of them decoded
    burn_in: int
    dropout: float
    clip_norm: float
    schedule: str
    warmup_steps: int
    ragged: bool  # members end at different steps


@dataclass(frozen=True, eq=False)
class Member:
    """One model to be trained, checked."""

    frames: np.ndarray
    window: int
    settings: Settings

    def __post_init__(self):
        if self.frames.ndim != 2:
            raise InputError(f"frames have shape {self.frames.shape}; (frames, features) are needed")
        if not np.isfinite(self.frames).all():
            raise InputError("frames hold NaN or infinite values; repair them or choose a stretch without them")
        if self.windows < self.points:
            raise InputError(
                f"too short: {len(self.frames)} frames hold {max(0, self.windows)} windows of {self.window} frames,"
                f" and the forecast loss needs context + 1 = {self.points} of them; give a longer stretch, a shorter"
                " window, a smaller context, or a forecast weight of 0"
            )
        if self.windows < 1:
            raise InputError(
                f"too short: {len(self.frames)} frames are less than one window of {self.window} frames;"
                " give a longer stretch or a shorter window"
            )
        if len(self.frames) and not np.ptp(self.frames, axis=0).any():
            raise InputError("nothing to learn: every frame is the same (silence?); choose another stretch")

    @property
    def windows(self) -> int:
        return len(self.frames) - self.window + 1

    @cached_property
    def points(self) -> int:
        wanted = self.settings.context + 1
        return wanted if self.settings.forecast_weight else max(1, min(wanted, self.windows))

    @cached_property
    def steps(self) -> int:
        s = self.settings
        return s.steps or math.ceil(s.epochs * (self.windows - self.points + 1) / s.segments)

    @property
    def decoded(self) -> int:
        """Windows to decode in each segment."""
        s = self.settings
        wanted = math.ceil(s.decoded / s.segments) if s.decoded else round(_DECODED_FRAMES / self.window / s.segments)
        return min(max(wanted, 1), self.points)

    def values(self, spec: Spec) -> dict[str, np.ndarray]:
        s = self.settings
        return {
            "weights": np.array([getattr(s, f"{term}_weight") for term in spec.terms], np.float32),
            "ramp_steps": np.float32(s.forecast_ramp * self.steps),
            "learning_rate": np.float32(s.learning_rate),
            "steps": np.int32(self.steps),
        }


def common_spec(members: list[Member]) -> Spec:
    active = [t for t in losses.TERMS if any(getattr(m.settings, f"{t}_weight") for m in members)]
    if "forecast" in active and not all(m.settings.forecast_weight for m in members):
        raise InputError(
            "some members have a forecast weight of 0, so no predictor; train them in a batch of their own"
        )
    specs = {
        Spec(
            terms=tuple(active),
            window=m.window,
            segments=m.settings.segments,
            points=m.points,
            picks=m.decoded,
            burn_in=m.settings.burn_in,
            dropout=m.settings.predictor_dropout,
            clip_norm=m.settings.clip_norm,
            schedule=m.settings.schedule,
            warmup_steps=m.settings.warmup_steps,
            ragged=len({m.steps for m in members}) > 1,
        )
        for m in members
    }
    nets = {
        (m.frames.shape[1], s.latent_dim, s.channels, s.activation, s.decoder, s.decoder_units, s.predictor_units,
         s.predictor_velocity)
        for m in members
        for s in [m.settings]
    }  # fmt: skip
    if len(specs) > 1 or len(nets) > 1:
        raise InputError(
            "members differ in what shapes their program; they may differ in frames, seed, loss weights, steps,"
            " learning_rate and forecast_ramp only"
        )
    return specs.pop()


class Sampler:
    """Draws which segments each step sees: every start once, in random order, then all over again."""

    def __init__(self, member: Member, spec: Spec):
        self._rng = np.random.default_rng([member.settings.seed, 1])
        self._starts = member.windows - spec.points + 1
        self._spec = spec
        self._inputs = member.settings.latent_dim * (2 if member.settings.predictor_velocity else 1)
        self._queue = np.empty(0, np.int64)

    def next_chunk(self) -> dict[str, np.ndarray]:
        spec, rng = self._spec, self._rng
        count = CHUNK * spec.segments
        while len(self._queue) < count:
            self._queue = np.concatenate([self._queue, rng.permutation(self._starts)])
        starts, self._queue = self._queue[:count], self._queue[count:]
        # One decoded window in each of equal parts of the segment.
        part = spec.points / spec.picks
        picks = (np.arange(spec.picks) + rng.random((CHUNK, spec.segments, spec.picks))) * part
        plan = {
            "starts": starts.reshape(CHUNK, spec.segments).astype(np.int32),
            "picks": np.minimum(picks.astype(np.int32), spec.points - 1),
        }
        if spec.dropout and "forecast" in spec.terms:
            kept = rng.random((CHUNK, spec.segments, self._inputs)) >= spec.dropout
            plan["keep"] = (kept / (1 - spec.dropout)).astype(np.float32)
        return plan
