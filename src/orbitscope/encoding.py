"""Sound to files that every browser and player reads: AAC in MP4, through FFmpeg (PyAV).

The edit list of the MP4 takes the encoder's delay away again, so that sample k of the source is heard at k / rate_hz,
and its index makes seeking exact.
"""

import os
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import numpy as np

from ._text import plain
from .errors import MediaError, StoreError
from .types import AudioSource

SOUND_RATE_HZ = 44_100
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_BITS_PER_S = 128_000  # up to ten minutes; what is longer gets less, so that a page with it stays of a size
_LONG_S = 600.0
_LEAST_BITS_PER_S = 32_000
# The index first; and lengths told in samples, not in the milliseconds that would cut off the last few.
_OPTIONS = {"movflags": "faststart", "movie_timescale": str(SOUND_RATE_HZ)}


def sound_bit_rate(duration_s: float | None) -> int:
    """Bits per second for sound of a length: 128,000 up to ten minutes, then less, 32,000 from forty minutes on."""
    if duration_s is None or duration_s <= _LONG_S:
        return _BITS_PER_S
    return max(_LEAST_BITS_PER_S, int(_BITS_PER_S * _LONG_S / duration_s))


def write_sound(
    sound: AudioSource, path: str | Path, *, bit_rate: int = _BITS_PER_S, stop: Event | None = None
) -> float:
    """Encode sound as AAC in an MP4 file (``.m4a``), block by block; give its length in seconds.

    Parameters
    ----------
    sound : Recording or AudioStream
        At 44,100 samples per second. More than two channels are mixed to stereo.
    path : path-like
        Written in place; the caller sees to it that nothing half-written stays.
    bit_rate : int
    stop : Event, optional
        Once it is set, what is done so far is the end.

    Raises
    ------
    MediaError
        Sound that cannot be read, or of another rate.
    StoreError
        The file cannot be written.
    """
    if sound.rate_hz != SOUND_RATE_HZ:
        raise MediaError(f"{sound.source.name}: {sound.rate_hz} samples per second; load it at {SOUND_RATE_HZ}")
    samples = 0
    try:
        # The prefix keeps FFmpeg from seeing a protocol in a name such as "a:b.m4a".
        with av.open("file:" + os.path.abspath(path), "w", format="mp4", options=_OPTIONS) as container:
            stream = mixer = None
            for block in sound.blocks():
                if stop is not None and stop.is_set():
                    break
                if stream is None:
                    layout = "mono" if len(block) == 1 else "stereo"
                    stream = container.add_stream("aac", rate=SOUND_RATE_HZ, layout=layout, bit_rate=bit_rate)
                    mixer = av.AudioResampler("fltp", layout, SOUND_RATE_HZ)
                for mixed in mixer.resample(audio_frame(block, samples)):
                    container.mux(stream.encode(mixed))
                samples += block.shape[1]
            if stream is not None:
                container.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(
            f"{plain(path)}: cannot be written ({reason}); free some space, or choose another place"
        ) from None
    return samples / SOUND_RATE_HZ


def audio_frame(block: np.ndarray, first: int, rate_hz: int = SOUND_RATE_HZ) -> av.AudioFrame:
    """Samples ``(channels, samples)`` as FFmpeg has them; ``first`` is the place of the first of them in the sound.

    More than eight channels, which have no names, become their mean.
    """
    if len(block) not in _LAYOUTS:
        block = block.mean(axis=0, keepdims=True)
    packed = np.ascontiguousarray(block.T, np.float32).reshape(1, -1)  # PyAV cannot hand over eight planes
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=_LAYOUTS[len(block)])
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, first, Fraction(1, rate_hz)
    return frame
