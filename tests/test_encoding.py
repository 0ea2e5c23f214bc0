"""Sound to AAC in MP4 and back: sample for sample in its place, of any length, or one clear line and nothing left."""

import subprocess
import sys
import threading

import av
import numpy as np
import pytest
import soundfile
from conftest import looped_song
from media_files import bursts, lag

import orbitscope
from orbitscope import encoding, media
from orbitscope.encoding import SOUND_RATE_HZ, sound_bit_rate, write_sound
from orbitscope.errors import MediaError, StoreError
from orbitscope.types import Recording, Source


def recording(samples, rate_hz=SOUND_RATE_HZ):
    return Recording(np.atleast_2d(np.asarray(samples, np.float32)), rate_hz, source=Source(name="song.wav"))


def noise(channels, samples, seed=0):
    return 0.3 * np.random.default_rng(seed).normal(size=(channels, samples)).clip(-3, 3)


class InBlocks:
    """Sound that comes in blocks of the given sizes, over and over."""

    rate_hz, start_s, source = SOUND_RATE_HZ, 0.0, Source(name="song.wav")

    def __init__(self, samples, sizes):
        self.samples, self.sizes = samples, sizes

    def blocks(self):
        first, turn = 0, 0
        while first < self.samples.shape[1]:
            yield self.samples[:, first : first + self.sizes[turn % len(self.sizes)]]
            first, turn = first + self.sizes[turn % len(self.sizes)], turn + 1


# In its place


@pytest.mark.parametrize("channels", [1, 2])
def test_every_sample_is_where_it_was(tmp_path, channels):
    wrote = bursts(SOUND_RATE_HZ, channels, 4.0, (0.0, 0.7, 1.9, 3.9))
    assert write_sound(recording(wrote), tmp_path / "a.m4a") == 4.0
    read = media.load(tmp_path / "a.m4a")
    assert (read.samples.shape, read.rate_hz) == (wrote.shape, SOUND_RATE_HZ)
    for heard, meant in zip(read.samples, wrote, strict=True):
        assert abs(lag(heard, meant)) < 0.1
        assert np.sqrt(np.mean((heard - meant) ** 2)) < 0.1 * np.sqrt(np.mean(meant**2))


def test_six_channels_are_mixed_to_two_in_the_same_place(tmp_path):
    front = bursts(SOUND_RATE_HZ, 2, 2.0)
    centre = bursts(SOUND_RATE_HZ, 3, 2.0, (0.9,))[2:]
    rest = np.zeros((3, front.shape[1]), np.float32)  # low frequencies, left and right behind
    write_sound(recording(np.concatenate([front, centre, rest])), tmp_path / "a.m4a")
    read = media.load(tmp_path / "a.m4a").samples
    assert read.shape == front.shape
    for heard, own in zip(read, front, strict=True):
        meant = own + np.sqrt(0.5) * centre[0]  # ITU-R BS.775: the centre is 3 dB down in either
        assert abs(lag(heard, meant)) < 0.1
        scale = heard @ meant / (meant @ meant)
        assert np.sqrt(np.mean((heard / scale - meant) ** 2)) < 0.1 * np.sqrt(np.mean(meant**2))


@pytest.mark.parametrize("channels", [3, 4, 5, 7, 8, 9, 16])
def test_any_other_number_of_channels_is_mixed_to_two(tmp_path, channels):
    wrote = bursts(SOUND_RATE_HZ, channels, 1.0, (0.3,))
    write_sound(recording(wrote), tmp_path / "a.m4a")
    read = media.load(tmp_path / "a.m4a").samples
    assert read.shape == (2, SOUND_RATE_HZ)
    assert np.abs(read).max() > 0.1


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("samples", [1, 2, 1023, 1024, 1025, 2047, 2048, 3 * 1024 + 1])
def test_sound_of_any_length_keeps_its_length(tmp_path, samples, channels):
    length_s = write_sound(recording(noise(channels, samples)), tmp_path / "a.m4a")
    assert length_s == samples / SOUND_RATE_HZ
    assert media.load(tmp_path / "a.m4a").samples.shape[1] == samples


@pytest.mark.parametrize("sizes", [(1,), (1, 1023), (700, 1, 4097), (1024,), (100_000,)])
def test_how_the_sound_comes_in_blocks_does_not_matter(tmp_path, sizes):
    wrote = bursts(SOUND_RATE_HZ, 1, 0.25 if sizes == (1,) else 1.5, (0.1,))
    whole, parts = tmp_path / "whole.m4a", tmp_path / "parts.m4a"
    write_sound(recording(wrote), whole)
    assert write_sound(InBlocks(wrote, sizes), parts) == wrote.shape[1] / SOUND_RATE_HZ
    np.testing.assert_array_equal(media.load(parts).samples, media.load(whole).samples)


def test_what_is_beyond_full_scale_does_no_harm(tmp_path):
    write_sound(recording(50 * noise(1, 30_000)), tmp_path / "a.m4a")
    assert np.isfinite(media.load(tmp_path / "a.m4a").samples).all()


def test_the_index_comes_first_so_that_a_page_can_play_before_it_has_all(tmp_path):
    write_sound(recording(noise(2, 100_000)), tmp_path / "a.m4a")
    content = (tmp_path / "a.m4a").read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    with av.open(str(tmp_path / "a.m4a")) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["aac"]


# Its size


@pytest.mark.parametrize(
    ("duration_s", "bits_per_s"),
    [(None, 128_000), (0.1, 128_000), (600, 128_000), (1200, 64_000), (1800, 42_666), (2400, 32_000), (1e6, 32_000)],
)
def test_long_sound_gets_fewer_bits(duration_s, bits_per_s):
    assert sound_bit_rate(duration_s) == bits_per_s


@pytest.mark.parametrize("bit_rate", [128_000, 32_000])
def test_a_file_is_of_the_size_that_was_asked_for(tmp_path, bit_rate):
    write_sound(looped_song(20.0), tmp_path / "a.m4a", bit_rate=bit_rate)
    assert (tmp_path / "a.m4a").stat().st_size < 1.1 * bit_rate / 8 * 20 + 5000


# What goes wrong


def test_another_rate_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(MediaError, match="song.wav: 48000 samples per second; load it at 44100"):
        write_sound(recording(noise(1, 100), 48_000), tmp_path / "a.m4a")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.m4a").mkdir()
    for place in (tmp_path / "file" / "a.m4a", tmp_path / "no" / "a.m4a", tmp_path / "folder.m4a"):
        with pytest.raises(StoreError) as caught:
            write_sound(recording(noise(1, 5000)), place)
        assert str(caught.value).startswith(f"{place}: cannot be written (")
        assert str(caught.value).isprintable()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is of Linux")
@pytest.mark.parametrize("samples", [5000, 2_000_000])
def test_a_full_disk_is_told(samples):
    with pytest.raises(StoreError, match="^/dev/full: cannot be written .No space left on device.; free some space"):
        write_sound(recording(noise(1, samples)), "/dev/full")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [1000, 60_000, 159_000])
def test_a_disk_that_fills_up_midway_is_told(tmp_path, limit):
    """A limit on the size of files stands for the disk: the system refuses to write on, at the end too."""
    code = f"""
import resource, signal
import numpy as np
from orbitscope.encoding import write_sound
from orbitscope.errors import StoreError
from orbitscope.types import Recording
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
sound = Recording(np.random.default_rng(0).normal(size=(2, 441_000)).astype("f4") / 5, 44_100)
try:
    write_sound(sound, "a.m4a")
except StoreError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert said.stdout.startswith("a.m4a: cannot be written ("), said.stdout + said.stderr
    assert len(said.stdout.splitlines()) == 1


@pytest.mark.parametrize("name", ["a:b.m4a", "http:x.m4a", "pipe:1.m4a", "%03d.m4a", "-y é中.m4a", "a b\n.m4a"])
def test_a_name_is_a_name_and_no_address(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_sound(recording(noise(1, 3000)), name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert media.load(tmp_path / name).samples.shape == (1, 3000)


def test_what_the_sound_itself_complains_of_passes(tmp_path):
    samples = noise(1, 60_000)
    samples[0, 50_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples[0], SOUND_RATE_HZ, subtype="FLOAT")
    with pytest.raises(MediaError, match="nan.wav: "):
        write_sound(media.stream(tmp_path / "nan.wav"), tmp_path / "a.m4a")


# Stopped


def test_told_to_stop_it_ends_with_what_is_done(tmp_path):
    stop, given = threading.Event(), []

    class Endless(InBlocks):
        def blocks(self):
            while True:
                given.append(len(given))
                if len(given) == 4:
                    stop.set()
                yield self.samples

    sound = Endless(bursts(SOUND_RATE_HZ, 1, 0.5, (0.1,)), ())
    assert write_sound(sound, tmp_path / "a.m4a", stop=stop) == 1.5
    assert media.load(tmp_path / "a.m4a").samples.shape == (1, round(1.5 * SOUND_RATE_HZ))


def test_an_interrupt_while_the_sound_is_kept_leaves_nothing(tmp_path, monkeypatch):
    """The encoder is in its own thread: it is told to stop, and waited for."""
    encode, ended = encoding.write_sound, threading.Event()

    def slow(sound, path, *, bit_rate, stop):
        class Slow:
            rate_hz, start_s, source = SOUND_RATE_HZ, 0.0, sound.source

            def blocks(self):
                for block in sound.blocks():
                    yield block
                    assert stop.wait(60)

        try:
            return encode(Slow(), path, bit_rate=bit_rate, stop=stop)
        finally:
            ended.set()

    def report(stage, progress):
        if stage == "compiling":
            raise KeyboardInterrupt

    song = looped_song(6.0)
    soundfile.write(tmp_path / "song.wav", song.samples.T, SOUND_RATE_HZ)
    monkeypatch.setattr(encoding, "write_sound", slow)
    with pytest.raises(KeyboardInterrupt):
        orbitscope.run(tmp_path / "song.wav", output=tmp_path / "out", steps=5, report=report)
    assert ended.is_set()
    assert not list((tmp_path / "out").iterdir())
    assert threading.active_count() == 1 or not any("ThreadPool" in t.name for t in threading.enumerate())


def test_a_disk_that_is_full_for_the_sound_leaves_no_orbit(tmp_path, monkeypatch):
    def full(sound, path, **options):
        path.write_bytes(b"half of it")
        raise StoreError(f"{path}: cannot be written (No space left on device); free some space")

    soundfile.write(tmp_path / "song.wav", looped_song(3.0).samples.T, SOUND_RATE_HZ)
    monkeypatch.setattr(encoding, "write_sound", full)
    with pytest.raises(StoreError) as caught:
        orbitscope.run(tmp_path / "song.wav", output=tmp_path / "out", steps=5, figures=False)
    place = tmp_path / "out" / "song.orbit" / "sound.m4a"
    assert str(caught.value) == f"{place}: cannot be written (No space left on device); free some space"
    assert not list((tmp_path / "out").iterdir())
