"""The sound of a film: the packets of the orbit's own file where all of it is played, encoded anew where a part is."""

from collections.abc import Iterator
from pathlib import Path

import av

from . import media
from .encoding import audio_frame

_BITS_PER_S = {"aac": 160_000, "libopus": 128_000}
_RATE_HZ = {"aac": 44_100, "libopus": 48_000}


class Copied:
    """The AAC packets of a sound file as they are, so that each sample stays what it was and where it was.

    The first packet lies before time zero: it is the encoder's run-up, which the film's edit list leaves out again.
    """

    def __init__(self, container: av.container.OutputContainer, path: Path):
        self._from = av.open(str(path))
        sound = self._from.streams.audio[0]
        self._to = container.add_stream_from_template(sound)
        self._container, self._packets, self._next = container, self._from.demux(sound), None

    def until(self, time_s: float) -> None:
        """Bring what begins before a time of the film."""
        while True:
            packet = self._next or next(self._packets, None)
            self._next = None
            if packet is None:
                return
            if packet.dts is None:  # what closes the stream
                continue
            if float(packet.dts * packet.time_base) > time_s:
                self._next = packet
                return
            packet.stream = self._to
            self._container.mux(packet)

    def close(self) -> None:
        self._from.close()


class Encoded:
    """A stretch of a sound file, encoded anew.

    Parameters
    ----------
    container : av.container.OutputContainer
    path : Path
    codec : str
        ``"aac"`` or ``"libopus"``.
    start_s, duration_s : float
        The stretch, from the beginning of the file.
    """

    def __init__(
        self, container: av.container.OutputContainer, path: Path, codec: str, start_s: float, duration_s: float
    ):
        self._rate_hz = _RATE_HZ[codec]
        sound = media.stream(path, start_s=start_s, duration_s=duration_s, rate_hz=self._rate_hz)
        self._blocks: Iterator = sound.blocks()
        self._container, self._codec, self._samples = container, codec, 0
        self._block = next(self._blocks, None)
        if self._block is not None:
            layout = "mono" if len(self._block) == 1 else "stereo"
            self._to = container.add_stream(codec, rate=self._rate_hz, layout=layout, bit_rate=_BITS_PER_S[codec])
            form = "flt" if codec == "libopus" else "fltp"
            self._mixer = av.AudioResampler(form, layout, self._rate_hz)

    def until(self, time_s: float) -> None:
        """Bring what begins before a time of the film."""
        while self._block is not None and self._samples < time_s * self._rate_hz:
            frame = audio_frame(self._block, self._samples, self._rate_hz)
            for mixed in self._mixer.resample(frame):
                self._container.mux(self._to.encode(mixed))
            self._samples += self._block.shape[1]
            self._block = next(self._blocks, None)
            if self._block is None:
                self._container.mux(self._to.encode(None))

    def close(self) -> None:
        pass
