"""Sound to frames: spectrograms, computed block by block so that an hour needs little more memory than a minute.

All kinds share one hop, 1024 samples at 44.1 kHz (23.2 ms), and end in [0, 1]: every recording is scaled by itself,
so that its level does not matter. Channels are averaged to mono first.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from .errors import InputError
from .types import AudioSource, Frames

HOP_S = 1024 / 44100
FLOOR_DB = 80.0

_MEL_BANDS = 96
_MEL_TOP_HZ = 11_025.0
_CQT_LOWEST_HZ = 32.703  # C1
_CQT_BINS = 84
_CQT_SEGMENT_S, _CQT_MARGIN_S = 60.0, 2.0  # the longest CQT filter is 0.5 s


def spectrogram(recording: AudioSource, kind: str = "mel") -> Frames:
    """Turn sound into frames.

    Parameters
    ----------
    recording : Recording or AudioStream
        Sound in memory, or a file that is decoded as it is read.
    kind : {"mel", "article", "cqt"}
        - ``"mel"``: power in 96 mel bands up to 11 kHz (Hann window of 2048 samples at 44.1 kHz), in dB below the
          loudest band, from -80 dB (0) to 0 dB (1).
        - ``"article"``: the published features. Magnitudes of ``scipy.signal.spectrogram`` (Tukey window, alpha 0.4,
          1024 samples, no overlap), the lowest 94 bins (0 to 4 kHz), linear, one min-max over the whole recording.
          Needs 44.1 kHz.
        - ``"cqt"``: constant-Q magnitudes of librosa, 84 semitones from C1, in dB as ``"mel"``.

    Returns
    -------
    Frames
        Values ``(frames, features)`` float32 in [0, 1]. Silence gives zeros.

    Raises
    ------
    InputError
        An unknown kind, sound shorter than one frame, a wrong rate, or NaN or infinite samples.
    """
    if kind not in _KINDS:
        raise InputError(f"features {kind!r} are unknown; choose one of {', '.join(_KINDS)}")
    values, hop_s, center_s, frequencies_hz = _KINDS[kind](recording)
    if not len(values):
        name = recording.source.name or "the recording"
        raise InputError(f"{name}: the sound is shorter than one frame of {hop_s * 1000:.0f} ms; give a longer stretch")
    return Frames(values, hop_s, recording.start_s + center_s, kind, frequencies_hz, recording.source)


def loudness_and_brightness(recording: AudioSource) -> tuple[np.ndarray, np.ndarray]:
    """Level and spectral centroid of every frame of ``"mel"``, at the same times.

    Returns
    -------
    level_db : np.ndarray [shape=(frames,), float32]
        RMS of the frame below full scale, -80 dB at least.
    centroid_hz : np.ndarray [shape=(frames,), float32]
        Mean frequency weighted by magnitude, as ``librosa.feature.spectral_centroid``; of silence 0.
    """
    rate_hz = recording.rate_hz
    hop = round(HOP_S * rate_hz)
    window = _tukey(2 * hop, 1.0)
    frequencies_hz = np.fft.rfftfreq(2 * hop, 1 / rate_hz).astype(np.float32)
    level, centroid = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for x in _framed(recording, 2 * hop, hop):
        power = np.maximum(np.mean(np.square(x), axis=1), 1e-30)
        level.append(np.maximum(10 * np.log10(power), -FLOOR_DB))
        magnitude = np.abs(np.fft.rfft(x * window))
        total = magnitude.sum(axis=1)
        centroid.append((magnitude @ frequencies_hz / np.maximum(total, 1e-9)).astype(np.float32))
    return np.concatenate(level).astype(np.float32), np.concatenate(centroid)


def _article(recording: AudioSource):
    if recording.rate_hz != 44100:
        raise InputError(f"features 'article' need 44100 Hz, not {recording.rate_hz}; load with rate_hz=44100")
    size, bins = 1024, 94
    window = _tukey(size, 0.4)
    values = np.concatenate(
        [
            np.abs(np.fft.rfft((x - x.mean(axis=1, keepdims=True)) * window)[:, :bins]) / window.sum()
            for x in _framed(recording, size, size)
        ]
        or [np.empty((0, bins), np.float32)]
    )
    low, high = (values.min(), values.max()) if len(values) else (0, 0)
    values -= low
    if high > low:
        values /= high - low
    return values, size / recording.rate_hz, size / 2 / recording.rate_hz, np.arange(bins) * recording.rate_hz / size


def _mel(recording: AudioSource):
    import librosa

    rate_hz = recording.rate_hz
    hop = round(HOP_S * rate_hz)
    size = 2 * hop
    top_hz = min(_MEL_TOP_HZ, rate_hz / 2)
    bank = librosa.filters.mel(sr=rate_hz, n_fft=size, n_mels=_MEL_BANDS, fmax=top_hz).T
    window = _tukey(size, 1.0)
    power = [(np.abs(np.fft.rfft(x * window)) ** 2).astype(np.float32) @ bank for x in _framed(recording, size, hop)]
    values = _decibels(np.concatenate(power or [np.empty((0, _MEL_BANDS), np.float32)]))
    centers_hz = librosa.mel_frequencies(_MEL_BANDS + 2, fmax=top_hz)[1:-1]
    return values, hop / rate_hz, size / 2 / rate_hz, centers_hz


def _cqt(recording: AudioSource):
    import librosa

    rate_hz = recording.rate_hz
    if rate_hz < 16_000:
        raise InputError(f"features 'cqt' need at least 16000 Hz, not {rate_hz}; load with rate_hz=44100")
    # librosa wants a hop divisible by 2 for every octave that it halves the rate.
    hop = 64 * round(HOP_S * rate_hz / 64)
    transform = partial(
        librosa.cqt, sr=rate_hz, hop_length=hop, fmin=_CQT_LOWEST_HZ, n_bins=_CQT_BINS, pad_mode="constant"
    )
    step = hop * round(_CQT_SEGMENT_S * rate_hz / hop)
    margin = hop * round(_CQT_MARGIN_S * rate_hz / hop)
    power = []
    for segment, before, keep in _overlapping(_mono_blocks(recording), step, margin):
        first = before // hop
        spectrum = np.abs(transform(segment))[:, first : first + -(-keep // hop)]
        power.append((spectrum.T**2).astype(np.float32))
    values = _decibels(np.concatenate(power or [np.empty((0, _CQT_BINS), np.float32)]))
    return values, hop / rate_hz, 0.0, librosa.cqt_frequencies(_CQT_BINS, fmin=_CQT_LOWEST_HZ)


_KINDS: dict[str, Callable] = {"mel": _mel, "article": _article, "cqt": _cqt}
KINDS = tuple(_KINDS)


def _decibels(power: np.ndarray) -> np.ndarray:
    """Power to dB below its own maximum, cut at the floor and scaled to [0, 1], in place; silence stays 0."""
    if not power.size or power.max() <= 0:
        return power
    peak = power.max()
    np.maximum(power, peak * np.float32(10 ** (-FLOOR_DB / 10)), out=power)
    power /= peak
    np.log10(power, out=power)
    power *= 10 / FLOOR_DB
    power += 1
    return np.clip(power, 0, 1, out=power)


def _tukey(size: int, alpha: float) -> np.ndarray:
    """Periodic Tukey window as of ``scipy.signal``, whose import takes half a second; alpha 1 is the Hann window."""
    from_edge = np.minimum(np.arange(size), size - np.arange(size))
    rise = np.minimum(2 * from_edge / (alpha * size), 1)
    return (0.5 - 0.5 * np.cos(np.pi * rise)).astype(np.float32)


def _mono_blocks(recording: AudioSource) -> Iterator[np.ndarray]:
    seen = 0
    for block in recording.blocks():
        mono = np.asarray(block, np.float32).mean(axis=0)
        if not np.isfinite(mono).all():
            at_s = recording.start_s + (seen + np.flatnonzero(~np.isfinite(mono))[0]) / recording.rate_hz
            raise InputError(
                f"{recording.source.name or 'the recording'}: a sample at {at_s:.3f} s is NaN or infinite;"
                " repair the sound, or choose a stretch without it"
            )
        seen += len(mono)
        yield mono


def _framed(recording: AudioSource, size: int, hop: int) -> Iterator[np.ndarray]:
    """Yield ``(frames, size)`` arrays: frame i of the whole holds samples i * hop to i * hop + size - 1."""
    rest = np.empty(0, np.float32)
    for block in _mono_blocks(recording):
        rest = np.concatenate([rest, block])
        count = (len(rest) - size) // hop + 1
        if count > 0:
            yield np.lib.stride_tricks.sliding_window_view(rest, size)[::hop][:count]
            rest = rest[count * hop :]


def _overlapping(blocks: Iterator[np.ndarray], step: int, margin: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Cut sound into stretches of ``step`` samples with up to ``margin`` more on either side.

    Yields ``(samples, before, keep)``: ``samples[before:before + keep]`` is the stretch itself.
    """
    held, before = np.empty(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= before + step + margin:
            yield held[: before + step + margin], before, step
            cut = max(0, before + step - margin)
            before = before + step - cut
            held = held[cut:]
    while len(held) > before:
        keep = min(step, len(held) - before)
        yield held[: before + keep + margin], before, keep
        cut = max(0, before + keep - margin)
        before = before + keep - cut
        held = held[cut:]
