"""Files to sound: decoding through FFmpeg (PyAV), from front to back, with exact times.

Time zero is where a player begins: encoder delay (the LAME tag of MP3, the edit list of MP4, the pre-skip of Opus) is
already removed, and a gap in the file's timestamps becomes silence, so that sample ``k`` of a file is heard at
``k / rate_hz`` seconds. Raw ADTS ``.aac`` and MPEG-TS do not say how long their encoder delay is, so it stays in:
1024 samples for most encoders. MP3 and ADTS carry no timestamps either, so that frames whose headers are destroyed are
missing from the time line instead of being silent.

Samples keep their channels. Integers are scaled by their full scale (16 bit by 2**15), as libsndfile does; floating
point and lossy formats may go beyond [-1, 1], and are left so, since clipping would change the sound.

Files are untrusted. They are opened as plain files only, by demuxers that read one file and nothing else: a playlist
that calls itself a song is refused. Tags are returned as plain text; escaping them is for whoever displays them.
"""

import hashlib
import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np

from ._decoding import Tally, decoded, ending_at, finite_only, gathered, in_time, resampled, stretch
from ._text import plain
from .errors import InputError, MediaError, OrbitscopeWarning
from .types import Recording, Source

SUFFIXES = frozenset(
    [
        ".aac",
        ".aif",
        ".aiff",
        ".avi",
        ".flac",
        ".m4a",
        ".m4b",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".ts",
        ".wav",
        ".webm",
        ".wma",
        ".wmv",
    ]
)
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1000, 384_000

# Demuxers that read the one file they are given. Playlists (hls, concat, dash, image2) would open others.
_DEMUXERS = "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
_OPEN_OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
_REMEDY = "check that it plays, or convert it, to FLAC say"
_SILENT = f"no sound in it can be decoded; {_REMEDY}"
_TITLE_LENGTH = 200


@dataclass(frozen=True, eq=False)
class AudioStream:
    """The sound of a file, or of a stretch of it, decoded anew each time it is read. Made by :func:`stream`.

    Attributes
    ----------
    path : Path
    rate_hz : int
        Rate of the blocks, in samples per second.
    start_s, duration_s : float, float or None
        The stretch to read, in seconds; ``None`` reads to the end.
    channels : int
    native_rate_hz : int
        Rate of the file.
    announced_s : float or None
        Duration of the whole file as the file tells it, in seconds; an estimate where it does not know.
    title, artist : str
        Untrusted text, free of control characters; the title falls back to the name of the file.
    """

    path: Path
    rate_hz: int
    start_s: float
    duration_s: float | None
    channels: int
    native_rate_hz: int
    announced_s: float | None
    title: str
    artist: str

    @cached_property
    def source(self) -> Source:
        """What the file says of itself, with its SHA-256 (read from the whole file, once)."""
        try:
            with open(self.path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(self.path, error) from None
        return Source(plain(self.path.name), self.title, self.artist, digest)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield consecutive ``(channels, samples)`` float32 blocks, of some tens of thousands of samples.

        Raises
        ------
        MediaError
            When nothing can be decoded, when ``start_s`` lies beyond the end, or when samples are NaN or infinite.

        Warns
        -----
        OrbitscopeWarning
            When packets are damaged or the file is shorter than it announces. Lost sound is silence of the same length.
        """
        shown, native = plain(self.path), self.native_rate_hz
        end_s = math.inf if self.duration_s is None else self.start_s + self.duration_s
        tally = Tally()
        with _opened(self.path) as (container, sound):
            pieces = decoded(container, sound, self.channels, native, tally)
            if "mov" in container.format.name and sound.duration:
                end = ((sound.start_time or 0) + sound.duration) * sound.time_base
                pieces = ending_at(pieces, round(end * native))
            placed = gathered(in_time(pieces, native, math.ceil(native * sound.time_base), tally))
            sound_only = finite_only(placed, native, self.start_s, end_s, shown)
            first = round(self.start_s * self.rate_hz)
            count = None if self.duration_s is None else max(1, round(self.duration_s * self.rate_hz))
            yielded = 0
            for block in stretch(resampled(sound_only, native, self.rate_hz), first, count):
                yielded += block.shape[1]
                yield block
            announced_s = _dependable_duration(container, sound, self.path)
        if not tally.decoded:
            raise MediaError(f"{shown}: {_SILENT}")
        heard_s = (tally.lead + tally.decoded) / native
        if not yielded:
            raise MediaError(f"{shown}: start_s={self.start_s:g} is beyond its end, {heard_s:.3f} s; lower --start")
        if tally.damaged or tally.silent:
            silent_s = tally.silent / native
            _warn(f"{shown}: damaged packets: {tally.damaged}; silence in place of lost sound: {silent_s:.3f} s")
        if announced_s and min(announced_s, end_s) - heard_s > min(0.5, max(0.1, 0.02 * announced_s)):
            _warn(f"{shown}: ends early, {heard_s:.2f} s decoded of {announced_s:.2f} s announced; is it complete?")


def load(
    path: str | os.PathLike, *, start_s: float = 0.0, duration_s: float | None = None, rate_hz: int = 44_100
) -> Recording:
    """Decode the sound of a file, or of a stretch of it, into memory.

    Parameters, errors and warnings are those of :func:`stream` and :meth:`AudioStream.blocks`.

    Returns
    -------
    Recording
        Samples ``(channels, samples)`` float32, full scale [-1, 1].
    """
    sound = stream(path, start_s=start_s, duration_s=duration_s, rate_hz=rate_hz)
    samples = np.concatenate(list(sound.blocks()), axis=1)
    return Recording(samples, sound.rate_hz, sound.start_s, sound.source)


def stream(
    path: str | os.PathLike, *, start_s: float = 0.0, duration_s: float | None = None, rate_hz: int = 44_100
) -> AudioStream:
    """Open the sound of a file for reading block by block, in memory that does not grow with its length.

    Parameters
    ----------
    path : path-like
        A file on this machine, whatever its name looks like; never an address.
    start_s : float >= 0
        Where to begin, in seconds.
    duration_s : float > 0, optional
        How much to read, in seconds; to the end by default, and never beyond.
    rate_hz : int in [1000, 384000]
        Rate to resample to. Sample ``k`` stands for ``start_s + k / rate_hz`` seconds, without filter delay.

    Returns
    -------
    AudioStream

    Raises
    ------
    InputError
        For an option out of range.
    MediaError
        When the file is missing, unreadable, not audio or video, or without sound.
    """
    if not (math.isfinite(start_s) and start_s >= 0):
        raise InputError(f"start_s={start_s}: must be 0 or more seconds; change --start")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise InputError(f"duration_s={duration_s}: must be more than 0 seconds; change --duration")
    if not (LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ and rate_hz == int(rate_hz)):
        raise InputError(f"rate_hz={rate_hz}: must be a whole number from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}")
    path = Path(path)
    with _opened(path) as (container, sound):
        tags = {key.lower(): value for key, value in (sound.metadata | container.metadata).items()}
        return AudioStream(
            path=path,
            rate_hz=int(rate_hz),
            start_s=float(start_s),
            duration_s=duration_s,
            channels=sound.codec_context.channels,
            native_rate_hz=sound.codec_context.sample_rate,
            announced_s=_announced_s(container, sound),
            title=plain(tags.get("title", ""), _TITLE_LENGTH) or plain(path.stem, _TITLE_LENGTH),
            artist=plain(tags.get("artist", ""), _TITLE_LENGTH),
        )


def find_media(path: str | os.PathLike) -> list[Path]:
    """List the audio and video files in a folder and the folders below it, sorted, known by their suffixes.

    Hidden files and folders are left out, and links to folders are not followed. A path to a file gives that file.

    Raises
    ------
    MediaError
        When the folder is missing or holds no media.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MediaError(f"{plain(path)}: no such file or folder; check the path")
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        candidates = (Path(folder, name) for name in names if not name.startswith("."))
        found += [file for file in candidates if file.suffix.lower() in SUFFIXES and file.is_file()]
    if not found:
        raise MediaError(f"{plain(path)}: no audio or video files in this folder; give a file, or another folder")
    return sorted(found)


def _warn(message: str) -> None:
    warnings.warn(message, OrbitscopeWarning, stacklevel=3)


def _unreadable(path: Path, error: Exception) -> MediaError:
    reason = getattr(error, "strerror", None) or error
    return MediaError(f"{plain(path)}: cannot be read ({reason}); check the path and its permissions")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.AudioStream]]:
    """Open a plain file and choose its sound; whatever FFmpeg has against it becomes a MediaError."""
    shown = plain(path)
    try:
        mode, empty = path.stat().st_mode, False
        if stat.S_ISREG(mode):
            with open(path, "rb") as file:
                empty = not file.read(1)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(mode):
        raise MediaError(f"{shown}: is a folder; give a file in it")
    if not stat.S_ISREG(mode):
        raise MediaError(f"{shown}: is not a plain file; copy its content to one")
    if empty:
        raise MediaError(f"{shown}: is empty; fetch or export it again")
    try:
        # The prefix keeps FFmpeg from seeing a protocol in a name such as "http://x" or "concat:a|b".
        container = av.open("file:" + os.path.abspath(path), container_options=_OPEN_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MediaError(f"{shown}: is not audio or video that can be read ({reason}); {_REMEDY}") from None
    with container:
        sound = container.streams.best("audio")
        if sound is None:
            raise MediaError(f"{shown}: has no sound; give a file with an audio track")
        codec = sound.codec_context
        if not (codec and codec.channels and codec.sample_rate):
            raise MediaError(f"{shown}: {_SILENT}")
        if not LOWEST_RATE_HZ <= codec.sample_rate <= HIGHEST_RATE_HZ:
            raise MediaError(f"{shown}: its rate of {codec.sample_rate} Hz makes no sense for sound; {_REMEDY}")
        yield container, sound


def _announced_s(container: av.container.InputContainer, sound: av.AudioStream) -> float | None:
    if sound.duration:
        return float(sound.duration * sound.time_base)
    return container.duration / av.time_base if container.duration else None


def _dependable_duration(container: av.container.InputContainer, sound: av.AudioStream, path: Path) -> float | None:
    """Seconds of sound that the file states, or None where FFmpeg guesses them, or states those of the picture."""
    guessed = container.format.name == "aac" or (container.format.name == "mp3" and not _has_frame_count(path))
    if guessed or (not sound.duration and len(container.streams) > 1):
        return None
    announced_s = _announced_s(container, sound)
    if container.format.name == "wav" and announced_s:
        announced_s *= max(1.0, _riff_excess(path))  # FFmpeg tells what is there, not what the header announces
    return announced_s


def _riff_excess(path: Path) -> float:
    """Size of a RIFF file by its header, over its size on disk; 0 where a recorder could not write its size."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8)[4:], "little") + 8
    return size / path.stat().st_size if size < 0x7FFF0000 else 0.0


def _has_frame_count(path: Path) -> bool:
    """Whether an MP3 file begins with a frame that tells the number of frames (Xing, LAME's Info, or VBRI)."""
    with open(path, "rb") as file:
        head = file.read(10)
        tag = 0
        if head[:3] == b"ID3":
            tag = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        file.seek(tag)
        beginning = file.read(4096)
    return any(mark in beginning for mark in (b"Xing", b"Info", b"VBRI"))
