"""Films on disk: MP4, WebM, GIF, a PNG, or a folder of them. Each is written aside, and renamed when it is whole."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from ._atomic import new_folder, store_error, sync, writing
from ._raster import Canvas
from ._render_palette import Palette
from ._render_sound import Copied, Encoded

FRAME_NAME = "frame-{:06d}.png"
_BT709, _NARROW = 1, 1  # as FFmpeg numbers them: the colours of HD, in the range of a film
# Fine lines on a plain ground: little deblocking, and bits for the dark, where gradients band first.
_X264 = {"crf": "17", "preset": "veryfast", "aq-mode": "3", "deblock": "-1:-1"}
_VP9 = {"crf": "26", "deadline": "good", "cpu-used": "4", "row-mt": "1", "tile-columns": "2", "lag-in-frames": "16"}
_KEYFRAME_S = 4.0  # a player can go to each of these at once


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Lend a hidden sibling of ``path`` to write to; at the end of the block it becomes ``path``, at an error it goes.

    Raises
    ------
    StoreError
        The file cannot be written, or the disk is full.
    """
    new = path.with_name(f".orbitscope-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise store_error(path, "there is a folder of that name", "choose another name")
            yield new
            sync(new)
            new.replace(path)
    finally:
        with suppress(OSError):
            new.unlink()


def write_picture(picture: np.ndarray, path: Path) -> None:
    """Write ``(height, width, 3)`` uint8 as PNG, whole or not at all."""
    with new_file(path) as new:
        Image.fromarray(picture).save(new, format="PNG", compress_level=6)


def new_frames(path: Path):
    """Lend a folder for numbered pictures; it takes the place of an older folder of nothing but such pictures."""
    return new_folder(path, is_ours=_is_frames, required=(FRAME_NAME.format(0),))


def _is_frames(path: Path) -> bool:
    names = os.listdir(path) if path.is_dir() else [""]
    return bool(names) and all(name.startswith("frame-") and name.endswith(".png") for name in names)


class Movie:
    """An MP4 or WebM file that is being written.

    Parameters
    ----------
    path : Path
        Its suffix tells which.
    width, height : int
    fps : Fraction
    """

    def __init__(self, path: Path, width: int, height: int, fps: Fraction):
        is_mp4 = path.suffix == ".mp4"
        options = {"movflags": "faststart"} if is_mp4 else {}
        self.container = av.open(str(path), "w", format="mp4" if is_mp4 else "webm", options=options)
        self._stream = self.container.add_stream("libx264" if is_mp4 else "libvpx-vp9", rate=fps)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        self._stream.options = dict(_X264 if is_mp4 else _VP9)
        context = self._stream.codec_context
        context.gop_size = round(_KEYFRAME_S * fps)
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _NARROW
        if not is_mp4:
            context.bit_rate, context.thread_count = 0, min(8, os.cpu_count() or 1)
        self._time_base, self._sound, self._fps = 1 / fps, None, fps

    def add_sound(self, path: Path, start_s: float, duration_s: float, *, whole: bool) -> None:
        """Give the film a stretch of a sound file: by its own packets where it is the whole of an AAC file."""
        codec = "aac" if "mp4" in self.container.format.name else "libopus"
        if whole and codec == "aac" and _is_aac(path):
            self._sound = Copied(self.container, path)
        else:
            self._sound = Encoded(self.container, path, codec, start_s, duration_s)

    @staticmethod
    def prepare(canvas: Canvas) -> av.VideoFrame:
        """A picture as the encoder takes it; may run in several threads, each with a canvas of its own."""
        frame = av.VideoFrame(canvas.width, canvas.height, "yuv420p")
        for plane, values in zip(frame.planes, canvas.planes(), strict=True):
            rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            rows[:, : plane.width] = values
        return frame

    def write(self, frame: av.VideoFrame, number: int) -> None:
        frame.pts, frame.time_base = number, self._time_base
        self.container.mux(self._stream.encode(frame))
        if self._sound is not None:
            self._sound.until((number + 1) / self._fps)

    def close(self) -> None:
        """End it as it should be; an error leaves it to :meth:`abandon`."""
        if self._sound is not None:
            self._sound.until(np.inf)
        self.container.mux(self._stream.encode(None))
        self.container.close()

    def abandon(self) -> None:
        if self._sound is not None:
            self._sound.close()
        with suppress(av.FFmpegError, OSError, ValueError):
            self.container.close()


def _is_aac(path: Path) -> bool:
    with av.open(str(path)) as container:
        return bool(container.streams.audio) and container.streams.audio[0].codec_context.name.startswith("aac")


class Gif:
    """A GIF that is being written: of one palette, dithered by a fixed pattern so that what rests stays at rest."""

    def __init__(self, path: Path, width: int, height: int, fps: Fraction, palette: Palette):
        self.container = av.open(str(path), "w", format="gif", options={"loop": "0"})
        self._stream = self.container.add_stream("gif", rate=fps)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "pal8"
        self._time_base, self._palette = 1 / fps, palette

    def prepare(self, canvas: Canvas) -> av.VideoFrame:
        frame = av.VideoFrame(canvas.width, canvas.height, "pal8")
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : plane.width] = self._palette.indices(canvas.pixels)
        np.frombuffer(frame.planes[1], np.uint8)[: 4 * 256] = self._palette.bgra
        return frame

    def write(self, frame: av.VideoFrame, number: int) -> None:
        frame.pts, frame.time_base = number, self._time_base
        self.container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self.container.mux(self._stream.encode(None))
        self.container.close()

    def abandon(self) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):
            self.container.close()


class Pictures:
    """A folder of numbered PNG files that is being written."""

    def __init__(self, folder: Path):
        self._folder = folder

    @staticmethod
    def prepare(canvas: Canvas) -> bytes:
        import io

        content = io.BytesIO()
        Image.fromarray(canvas.picture()).save(content, format="PNG", compress_level=3)
        return content.getvalue()

    def write(self, content: bytes, number: int) -> None:
        file = self._folder / FRAME_NAME.format(number)
        with writing(file):
            file.write_bytes(content)

    def close(self) -> None:
        pass

    abandon = close
