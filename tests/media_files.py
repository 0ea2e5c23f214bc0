"""Sound files made at test time: known signals through PyAV's encoders."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def bursts(rate_hz: int, channels: int = 1, duration_s: float = 1.5, times_s: tuple[float, ...] = (0.0, 0.4, 1.1)):
    """Windowed chirps of 60 ms that begin at known times, ``(channels, samples)`` float32; each channel has its pitch.

    A chirp has one sharp correlation peak, so a lag of one sample shows; it stays below 3.4 kHz, so 8 kHz carries it.
    """
    samples = np.zeros((channels, round(duration_s * rate_hz)), np.float64)
    for channel in range(channels):
        for time_s in times_s:
            samples[channel] += burst(np.arange(samples.shape[1]) / rate_hz - time_s, channel)
    return samples.astype(np.float32)


def burst(seconds: np.ndarray, channel: int = 0) -> np.ndarray:
    """The chirp as a function of the time since it began: the closed form behind :func:`bursts`."""
    inside = (seconds >= 0) & (seconds < 0.06)
    phase = 2 * np.pi * ((400 + 150 * channel) * seconds + 15_000 * seconds**2)
    return np.where(inside, 0.5 * np.sin(phase) * np.sin(np.pi * seconds / 0.06) ** 2, 0.0)


def encode(
    path: Path,
    samples: np.ndarray,
    rate_hz: int,
    codec: str,
    *,
    start_pts: int = 0,
    skip: range = range(0),
    tags: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    stream_options: dict[str, str] | None = None,
    layout: str | None = None,
) -> Path:
    """Encode ``(channels, samples)`` float32 to a file whose suffix chooses the container.

    ``start_pts`` sets the timestamp of the first sample, in samples; packets numbered in ``skip`` are not written.
    """
    layout = layout or LAYOUTS[len(samples)]
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=rate_hz, layout=layout, options=stream_options or {})
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1024
        converter = av.AudioResampler(stream.codec_context.format, layout, rate_hz)
        packets = []
        for first in range(0, samples.shape[1], size):
            packed = np.ascontiguousarray(samples[:, first : first + size].T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate = rate_hz
            for ready in converter.resample(frame):
                ready.pts = start_pts + first
                ready.time_base = Fraction(1, rate_hz)
                packets += stream.encode(ready)
        packets += stream.encode(None)
        for number, packet in enumerate(packets):
            if number not in skip:
                container.mux(packet)
    return path


def picture_only(path: Path) -> Path:
    """A video of a few grey frames without sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 128, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def lag(decoded: np.ndarray, original: np.ndarray, reach: int = 3000) -> float:
    """Samples by which ``decoded`` is late, from the peak of the cross-correlation, refined by a parabola."""
    length = original.size + 2 * reach
    spectrum = np.fft.rfft(decoded[: original.size], length) * np.conj(np.fft.rfft(original, length))
    correlation = np.fft.irfft(spectrum, length)
    peak = int(np.argmax(correlation))
    before, top, after = correlation[peak - 1], correlation[peak], correlation[(peak + 1) % length]
    refined = peak + 0.5 * (before - after) / (before - 2 * top + after)
    return refined if peak < length / 2 else refined - length
