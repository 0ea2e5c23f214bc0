"""From packets to samples at their true times: the links of the chain that :mod:`orbitscope.media` decodes with.

Each link takes blocks of samples and yields blocks, so that memory does not grow with the length of a file.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from .errors import MediaError

_ABSOLUTE_TIME = ("mov", "matroska")  # time zero is timestamp 0; elsewhere it is the first timestamp of the file
_BLOCK = 1 << 16  # samples gathered before they are worked on
_JITTER_S = 0.01  # phones write timestamps that waver by some milliseconds: no gaps
_LONGEST_GAP_S = 600.0  # a longer jump of the timestamps, or one backwards, is a restart: no gap either
_RESAMPLER_TAPS = 64  # flat to 0.94 of Nyquist within 3e-5
_PLANES_PYAV_CAN_READ = 8  # its to_ndarray crashes the process on planar frames of 8 channels or more


@dataclass
class Tally:
    """What became of a file while it was decoded, in packets and in samples at the file's rate."""

    damaged: int = 0
    lead: int = 0  # silence before a sound that starts late
    silent: int = 0  # silence in gaps
    decoded: int = 0  # sound, and the silence in its gaps


def decoded(
    container: av.container.InputContainer, sound: av.AudioStream, channels: int, rate_hz: int, tally: Tally
) -> Iterator[tuple[int | None, np.ndarray]]:
    """Yield ``(position, samples)`` of each piece; the position is in samples from time zero, None where untold.

    Packets that cannot be decoded, or decode to another rate or number of channels, are counted and left out.
    """
    absolute = any(name in container.format.name for name in _ABSOLUTE_TIME)
    zero_s = Fraction(0 if absolute else container.start_time or 0, av.time_base)
    packets = container.demux(sound)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, IndexError):  # IndexError: PyAV, at a stream that damage makes appear midway
            tally.damaged += 1
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            tally.damaged += 1
            continue
        for frame in frames:
            if (frame.sample_rate, frame.layout.nb_channels) != (rate_hz, channels):
                tally.damaged += 1
                continue
            at = None if frame.pts is None else round((frame.pts * frame.time_base - zero_s) * rate_hz)
            yield at, _as_float(frame)


def _as_float(frame: av.AudioFrame) -> np.ndarray:
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels >= _PLANES_PYAV_CAN_READ:
        (frame,) = av.AudioResampler(format=frame.format.packed).resample(frame)
    samples = frame.to_ndarray()
    if frame.format.is_packed:
        samples = samples.reshape(-1, channels).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples.astype(np.float32)


def ending_at(pieces: Iterable[tuple[int | None, np.ndarray]], end: int) -> Iterator[tuple[int | None, np.ndarray]]:
    """Cut what the last piece has beyond ``end``: the padding an encoder adds to fill its last frame."""
    for (at, samples), following in itertools.pairwise(itertools.chain(pieces, [None])):
        if following is None and at is not None and at < end:
            samples = samples[:, : end - at]
        yield at, samples


def in_time(
    pieces: Iterable[tuple[int | None, np.ndarray]], rate_hz: int, tick: int, tally: Tally
) -> Iterator[np.ndarray]:
    """Join pieces where their timestamps say: gaps become silence, what comes before time zero or twice is cut.

    ``tick`` is the resolution of the timestamps in samples. After the first piece a jump counts only as far as the next
    piece bears it out, since FFmpeg's timestamps of Vorbis jump for one packet wherever short blocks follow long ones.
    """
    jitter, longest_gap = max(2 * tick, round(_JITTER_S * rate_hz)), round(_LONGEST_GAP_S * rate_hz)
    position = shift = damaged = 0
    first = True
    for (at, samples), following in itertools.pairwise(itertools.chain(pieces, [None])):
        gap = 0 if at is None else at + shift - position
        if not first and following is not None and following[0] is not None:
            later_gap = following[0] + shift - position - samples.shape[1]
            gap = min(gap, later_gap, key=abs) if gap * later_gap > 0 else 0
        tolerance = tick if first or tally.damaged > damaged else jitter
        damaged = tally.damaged
        if not -rate_hz <= gap <= longest_gap:
            shift -= gap
        elif gap > tolerance:
            for begin in range(0, gap, _BLOCK):
                yield np.zeros((len(samples), min(_BLOCK, gap - begin)), np.float32)
            position += gap
            if first:
                tally.lead = gap
            else:
                tally.silent += gap
        elif gap < -tolerance:
            samples = samples[:, -gap:]
        position += samples.shape[1]
        tally.decoded = position - tally.lead
        first = False
        yield samples


def gathered(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Join blocks until they are worth working on."""
    waiting, length = [], 0
    for block in blocks:
        waiting.append(block)
        length += block.shape[1]
        if length >= _BLOCK:
            yield np.concatenate(waiting, axis=1)
            waiting, length = [], 0
    if length:
        yield np.concatenate(waiting, axis=1)


def finite_only(
    blocks: Iterable[np.ndarray], rate_hz: int, start_s: float, end_s: float, shown: str
) -> Iterator[np.ndarray]:
    """Refuse NaN and infinity from ``start_s`` to ``end_s``, once all are counted; elsewhere put silence for them."""
    position = wrong = 0
    first_s = last_s = 0.0
    for block in blocks:
        finite = np.isfinite(block)
        if not finite.all():
            times_s = (position + np.flatnonzero(~finite.all(axis=0))) / rate_hz
            times_s = times_s[(times_s >= start_s) & (times_s < end_s)]
            if times_s.size:
                first_s = first_s if wrong else times_s[0]
                last_s = times_s[-1]
                wrong += times_s.size
            block = np.where(finite, block, np.float32(0))
        position += block.shape[1]
        if not wrong:
            yield block
        elif position / rate_hz >= end_s:
            break
    if wrong:
        raise MediaError(
            f"{shown}: {wrong} samples from {first_s:.3f} s to {last_s:.3f} s are NaN or infinite;"
            " repair the file, or choose a stretch without them with --start and --duration"
        )


def resampled(blocks: Iterable[np.ndarray], from_hz: int, to_hz: int) -> Iterator[np.ndarray]:
    """Band-limited interpolation at the times ``k / to_hz``, with silence taken before and after the sound.

    The silence before is fed to swresample and taken off again: a whole number of samples at both rates, and longer
    than its filter, which would mirror the first samples otherwise.
    """
    if from_hz == to_hz:
        yield from blocks
        return
    blocks = iter(blocks)
    beginning = next(blocks, None)
    if beginning is None:
        return
    period = from_hz // math.gcd(from_hz, to_hz)
    padding = period * math.ceil(_RESAMPLER_TAPS * max(1, from_hz / to_hz) / period)
    silence = np.zeros((len(beginning), padding), np.float32)
    # One for each channel, since swresample has no layout for some numbers of channels.
    options = {"filter_size": str(_RESAMPLER_TAPS)}
    resamplers = [av.AudioResampler("fltp", "mono", to_hz, options=options) for _ in beginning]

    def through(block: np.ndarray) -> np.ndarray:
        return np.stack([_fed(resampler, row, from_hz) for resampler, row in zip(resamplers, block, strict=True)])

    read, written = 0, -padding * to_hz // from_hz
    for block in itertools.chain([silence, beginning], blocks):
        out = through(block)
        yield out[:, max(0, -written) :]
        read += block.shape[1]
        written += out.shape[1]
    out = through(silence)
    yield out[:, max(0, -written) : round((read - padding) * to_hz / from_hz) - written]


def _fed(resampler: av.AudioResampler, samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """What a resampler gives back for one more ``(samples,)`` stretch of a channel."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
    frame.sample_rate = rate_hz
    out = [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    return np.concatenate(out) if out else np.empty(0, np.float32)


def stretch(blocks: Iterable[np.ndarray], first: int, count: int | None) -> Iterator[np.ndarray]:
    """Yield the samples from ``first`` on, ``count`` of them or all; stop reading when done."""
    position, end = 0, math.inf if count is None else first + count
    for block in blocks:
        length = block.shape[1]
        begin, stop = max(0, first - position), min(length, end - position)
        position += length
        if begin < stop:
            yield np.ascontiguousarray(block[:, begin:stop])
        if position >= end:
            return
