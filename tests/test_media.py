"""Decoding against closed forms, libsndfile and numpy; and files that lie, lack or break."""

import hashlib
import os
import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile
from media_files import burst, bursts, encode, lag, picture_only

from orbitscope import _decoding, media
from orbitscope.errors import InputError, MediaError, OrbitscopeWarning

LOSSY = [
    ("mp3", "libmp3lame", 44100),
    ("m4a", "aac", 44100),
    ("mp4", "aac", 48000),
    ("mkv", "aac", 44100),
    ("opus", "libopus", 48000),
    ("webm", "libopus", 48000),
    ("mkv", "libmp3lame", 44100),
    ("mp4", "libopus", 48000),
]
PADDED_ENDS = {("mkv", "aac")}  # Matroska does not tell where in the last AAC frame the sound ends


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def wav(path, samples, rate_hz=44100, subtype=None):
    soundfile.write(path, samples.T, rate_hz, subtype=subtype)
    return path


@pytest.mark.parametrize(("suffix", "codec", "rate_hz"), LOSSY)
def test_lossy_formats_keep_time_and_length(tmp_path, suffix, codec, rate_hz):
    original = bursts(rate_hz, 2)
    path = encode(tmp_path / f"a.{suffix}", original, rate_hz, codec)
    decoded = media.load(path, rate_hz=rate_hz).samples
    assert decoded.dtype == np.float32
    for channel in range(2):
        assert abs(lag(decoded[channel], original[channel])) < 0.5
    excess = decoded.shape[1] - original.shape[1]
    assert 0 <= excess < 1024 if (suffix, codec) in PADDED_ENDS else excess == 0
    noise = decoded[:, : original.shape[1]] - original
    assert np.mean(noise**2) < 0.1 * np.mean(original**2)


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_files_from_libsndfile_decode_as_libsndfile_decodes_them(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).normal(size=(2, 60_000)) * np.geomspace(0.001, 0.2, 60_000)
    wav(path, bursts(44100, 2, 60_000 / 44100) + noise)
    expected = soundfile.read(path, dtype="float32")[0].T
    decoded = media.load(path).samples
    assert decoded.shape == expected.shape == (2, 60_000)
    np.testing.assert_allclose(decoded, expected, atol=1e-5)


def test_raw_adts_keeps_its_encoder_delay(tmp_path):
    original = bursts(44100)
    decoded = media.load(encode(tmp_path / "a.aac", original, 44100, "aac")).samples
    assert abs(lag(decoded[0], original[0]) - 1024) < 0.1


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_equals_libsndfile_bit_for_bit(tmp_path, subtype):
    noise = np.random.default_rng(1).uniform(-1, 1, (2, 5000))
    path = wav(tmp_path / "a.wav", noise, 22050, subtype)
    expected = soundfile.read(path, dtype="float32")[0].T
    np.testing.assert_array_equal(media.load(path, rate_hz=22050).samples, expected)


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_flac_equals_libsndfile_bit_for_bit(tmp_path, subtype):
    noise = np.random.default_rng(2).uniform(-1, 1, (2, 5000))
    path = wav(tmp_path / "a.flac", noise, 96000, subtype)
    expected = soundfile.read(path, dtype="float32")[0].T
    np.testing.assert_array_equal(media.load(path, rate_hz=96000).samples, expected)


@pytest.mark.parametrize("channels", [1, 2, 6, 8, 9])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_channels_stay_apart_and_in_order(tmp_path, suffix, channels):
    if (suffix, channels) == ("flac", 9):
        pytest.skip("FLAC holds at most 8 channels")
    level = (np.arange(channels) + 1) / 10
    samples = np.repeat(level[:, None], 4800, axis=1)
    path = wav(tmp_path / f"a.{suffix}", samples, 48000)
    decoded = media.load(path, rate_hz=44100).samples
    assert decoded.shape == (channels, 4410)
    np.testing.assert_allclose(decoded[:, 2000], level, atol=1e-4)
    assert media.stream(path).channels == channels


@pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("opus", "libopus")])
def test_seven_point_one_in_lossy_formats(tmp_path, suffix, codec):
    silent = np.zeros((8, 48000), np.float32)
    silent[5] = bursts(48000, 1, 1.0, (0.4,))[0]
    decoded = media.load(encode(tmp_path / f"a.{suffix}", silent, 48000, codec), rate_hz=48000).samples
    power = np.mean(decoded**2, axis=1)
    assert decoded.shape == (8, 48000)
    assert np.argmax(power) == 5
    assert np.delete(power, 5).max() < 0.01 * power[5]


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22051, 48000, 96000, 192_000])
def test_resampling_is_exact_in_time_and_value(tmp_path, rate_hz):
    path = wav(tmp_path / "a.wav", bursts(rate_hz), rate_hz, "FLOAT")
    decoded = media.load(path).samples[0]
    assert decoded.size == round(round(1.5 * rate_hz) * 44100 / rate_hz)
    seconds = np.arange(decoded.size) / 44100
    expected = sum(burst(seconds - time_s) for time_s in (0.0, 0.4, 1.1))
    assert abs(lag(decoded, expected)) < 1e-3
    np.testing.assert_allclose(decoded, expected, atol=2e-4)


def test_resampling_takes_silence_around_the_sound(tmp_path):
    click = np.zeros((1, 1000))
    click[0, 0] = click[0, -1] = 0.5
    decoded = media.load(wav(tmp_path / "a.wav", click, 22050, "FLOAT")).samples[0]
    np.testing.assert_allclose(decoded[[0, 2, 4]], [0.5, 0, 0], atol=2e-3)
    np.testing.assert_allclose(decoded[[-6, -4, -2]], [0, 0, 0.5], atol=2e-3)
    assert decoded[1] == pytest.approx(decoded[-1], abs=1e-4) == pytest.approx(decoded[-3], abs=1e-4)
    assert decoded[1] == pytest.approx(0.5 * 2 / np.pi, rel=0.01)  # sinc(1/2)


@pytest.mark.parametrize(("suffix", "codec"), [("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("m4a", "aac")])
@pytest.mark.parametrize("rate_hz", [44100, 22050, 48000])
def test_a_stretch_is_that_part_of_the_whole(tmp_path, suffix, codec, rate_hz):
    path = encode(tmp_path / f"a.{suffix}", bursts(44100, 2), 44100, codec)
    whole = media.load(path, rate_hz=rate_hz).samples
    part = media.load(path, start_s=0.37, duration_s=0.5, rate_hz=rate_hz)
    first, count = round(0.37 * rate_hz), round(0.5 * rate_hz)
    np.testing.assert_array_equal(part.samples, whole[:, first : first + count])
    assert part.start_s == 0.37
    rest = media.load(path, start_s=1.2, duration_s=99, rate_hz=rate_hz)
    np.testing.assert_array_equal(rest.samples, whole[:, round(1.2 * rate_hz) :])


@pytest.mark.parametrize(("suffix", "codec", "slack"), [("mp4", "aac", 0), ("mka", "flac", 44)])
def test_a_late_start_is_silence(tmp_path, suffix, codec, slack):
    original = bursts(44100)
    exact = {"movie_timescale": "44100"} if suffix == "mp4" else {}  # MP4 would round the late start to 1 ms
    path = encode(tmp_path / f"a.{suffix}", original, 44100, codec, start_pts=22050, container_options=exact)
    decoded = media.load(path).samples[0]
    late = np.concatenate([np.zeros(22050, np.float32), original[0]])
    assert abs(lag(decoded, late)) < slack + 0.1
    assert abs(decoded.size - late.size) <= slack
    assert np.abs(decoded[:21900]).max() < 5e-3


@pytest.mark.parametrize(("suffix", "codec", "slack"), [("mp4", "alac", 0), ("mka", "flac", 44)])
def test_a_gap_is_silence_and_is_reported(tmp_path, suffix, codec, slack):
    original = bursts(44100)
    path = encode(tmp_path / f"a.{suffix}", original, 44100, codec, skip=range(3, 5))
    with pytest.warns(OrbitscopeWarning, match=r"a\.\w+: damaged packets: 0; silence in place of lost sound: 0\.\d+ s"):
        decoded = media.load(path).samples[0]
    after = round(1.0 * 44100)
    assert abs(decoded.size - original.shape[1]) <= slack
    assert abs(lag(decoded[after:], original[0, after:])) <= slack + 0.1


def test_timestamps_that_waver_are_not_gaps():
    tally = _decoding.Tally()
    pieces = [(1000 * number + (-1) ** number * 150, np.full((1, 1000), number)) for number in range(1, 20)]
    pieces = [(0, np.zeros((1, 1000))), *pieces]
    joined = np.concatenate(list(_decoding.in_time(iter(pieces), 44100, 1, tally)), axis=1)
    np.testing.assert_array_equal(joined[0], np.repeat(np.arange(20), 1000))
    assert tally.silent == 0


def test_a_jump_that_the_next_timestamp_takes_back_is_no_gap():
    """FFmpeg gives Vorbis such timestamps where short blocks follow long ones; these are from a song."""
    starts, sizes = [9664, 10240, 11264, 11392, 11520], [576, 576, 576, 128, 128]
    tally = _decoding.Tally()
    pieces = [(at - 9664, np.ones((1, size))) for at, size in zip(starts, sizes, strict=True)]
    joined = np.concatenate(list(_decoding.in_time(iter(pieces), 44100, 1, tally)), axis=1)
    assert joined.shape == (1, sum(sizes))
    assert joined.all()
    assert tally.silent == 0


def test_timestamps_that_start_again_go_on():
    tally = _decoding.Tally()
    pieces = [(at, np.ones((1, 500))) for at in (0, 500, 1000, 10**15, 10**15 + 500, 0, 500)]
    joined = np.concatenate(list(_decoding.in_time(iter(pieces), 100, 1, tally)), axis=1)
    assert joined.shape == (1, 3500)
    assert joined.all()


def test_blocks_can_be_read_again_and_make_up_what_load_gives(tmp_path):
    path = wav(tmp_path / "a.wav", bursts(44100, 2, 4.0), 44100)
    sound = media.stream(path, rate_hz=32000)
    first, second = list(sound.blocks()), list(sound.blocks())
    assert len(first) > 1
    np.testing.assert_array_equal(np.concatenate(first, axis=1), np.concatenate(second, axis=1))
    recording = media.load(path, rate_hz=32000)
    np.testing.assert_array_equal(np.concatenate(first, axis=1), recording.samples)
    assert (sound.rate_hz, sound.start_s, sound.announced_s) == (32000, 0.0, 4.0)
    assert recording.source == sound.source


def test_memory_does_not_grow_with_the_length(tmp_path):
    path = tmp_path / "long.wav"
    second = (np.random.default_rng(3).normal(size=8000) * 3000).astype(np.int16)
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(1200):
            file.write(second)
    tracemalloc.start()
    samples = sum(block.shape[1] for block in media.stream(path, rate_hz=11025).blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples == 1200 * 11025
    assert peak < 10e6  # the whole is 53 MB


def test_tags_are_plain_text_and_sha256_is_that_of_the_file(tmp_path):
    tags = {"title": "A\x1b[31m <b>red</b>\r\n\u202e line \u200b \x07 ", "artist": "x" * 500}
    path = encode(tmp_path / "a.mp3", bursts(44100), 44100, "libmp3lame", tags=tags)
    source = media.load(path).source
    assert source.title == "A <b>red</b> line"
    assert source.artist == "x" * 199 + "…"
    assert source.name == "a.mp3"
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_tags_of_ogg_are_found_and_the_title_falls_back_to_the_name(tmp_path):
    with soundfile.SoundFile(tmp_path / "a.ogg", "w", 44100, 1) as file:
        file.title, file.artist = "Übung", "Clara"
        file.write(bursts(44100)[0])
    sound = media.stream(tmp_path / "a.ogg")
    assert (sound.title, sound.artist) == ("Übung", "Clara")
    untitled = media.stream(wav(tmp_path / "My \x1b[1mSong.wav", bursts(44100)))
    assert (untitled.title, untitled.artist) == ("My Song", "")


NAMES = [
    "two words.wav",
    "-leading.wav",
    "été 音楽.wav",
    "concat:a|b.wav",
    "pipe:0",
    "http:x.wav",
    "%03d.wav",
    "file:a.wav",
    os.fsdecode(b"\xff.wav"),
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_plain_files(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    samples = bursts(44100)
    soundfile.write("plain", samples.T, 44100, format="WAV", subtype="FLOAT")
    os.rename("plain", name)
    np.testing.assert_array_equal(media.load(name).samples, samples)


def test_a_nul_in_the_name():
    with pytest.raises(MediaError, match="cannot be read"):
        media.load("a\0.wav")


def test_an_address_is_a_missing_file():
    with pytest.raises(MediaError, match="No such file"):
        media.load("http://localhost:9/x.mp3")


def playlist(folder, name, text):
    wav(folder / "target.wav", bursts(44100))
    path = folder / name
    path.write_text(text.format(target=folder / "target.wav"))
    return path


PLAYLISTS = [
    ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{target}\n#EXT-X-ENDLIST\n"),
    ("a.mp3", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{target}\n#EXT-X-ENDLIST\n"),
    ("a.wav", "ffconcat version 1.0\nfile 'target.wav'\n"),
]


@pytest.mark.parametrize(("name", "text"), PLAYLISTS)
def test_a_playlist_opens_nothing(tmp_path, name, text):
    with pytest.raises(MediaError, match=f"{name}: is not audio or video"):
        media.load(playlist(tmp_path, name, text))


def make_bad(folder, case):
    path = folder / "bad.mp3"
    if case == "text":
        path.write_text("These are the words of the song.\n" * 300)
    elif case == "noise":
        path.write_bytes(np.random.default_rng(4).bytes(100_000))
    elif case == "empty":
        path.touch()
    elif case == "folder":
        path.mkdir()
    elif case == "tiny":
        path.write_bytes(b"ID3")
    elif case == "silent film":
        return picture_only(folder / "bad.mp4")
    elif case == "rate":
        content = bytearray(wav(folder / "whole.wav", bursts(44100)).read_bytes())
        content[24:28] = (2_000_000_000).to_bytes(4, "little")
        path.write_bytes(content)
    elif case == "headers only":
        whole = encode(folder / "whole.flac", bursts(44100), 44100, "flac").read_bytes()
        path.write_bytes(whole[:8000])
    return path


BAD = {
    "missing": "No such file.*check the path",
    "text": "is not audio or video",
    "noise": "has no sound|no sound in it can be decoded",
    "empty": "is empty",
    "folder": "is a folder; give a file in it",
    "tiny": "is not audio or video",
    "silent film": "has no sound",
    "rate": "its rate of 2000000000 Hz",
    "headers only": "is not audio or video|no sound in it can be decoded",
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_one_line(tmp_path, capfd, case):
    path = make_bad(tmp_path, case)
    with pytest.raises(MediaError, match=BAD[case]) as caught:
        media.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = wav(tmp_path / "a.wav", bursts(44100))

    def refuse(*_args, **_kwargs):  # root, who runs tests in containers, may read everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(MediaError, match=r"a\.wav: cannot be read \(Permission denied\)"):
        media.stream(path)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(MediaError, match="is not a plain file"):
        media.load(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start_s": -1}, "start_s=-1"),
        ({"start_s": float("nan")}, "start_s=nan"),
        ({"duration_s": 0}, "duration_s=0"),
        ({"duration_s": float("inf")}, "duration_s=inf"),
        ({"rate_hz": 999}, "rate_hz=999"),
        ({"rate_hz": 44100.5}, "rate_hz=44100.5"),
        ({"rate_hz": 384_001}, "rate_hz=384001"),
        ({"start_s": 1.5}, "start_s=1.5 is beyond its end, 1.500 s"),
    ],
)
def test_options_out_of_range_are_named(tmp_path, options, named):
    path = wav(tmp_path / "a.wav", bursts(44100))
    with pytest.raises(InputError, match=named):
        media.load(path, **options)


@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_nan_and_infinity_are_counted_and_can_be_avoided(tmp_path, rate_hz):
    samples = bursts(44100)
    samples[0, 44100 : 44100 + 3] = np.nan, np.inf, -np.inf
    path = wav(tmp_path / "a.wav", samples, 44100, "FLOAT")
    with pytest.raises(MediaError, match=r"3 samples from 1\.000 s to 1\.000 s are NaN or infinite"):
        media.load(path, rate_hz=rate_hz)
    assert np.isfinite(media.load(path, duration_s=1.0, rate_hz=rate_hz).samples).all()
    assert np.isfinite(media.load(path, start_s=1.001, rate_hz=rate_hz).samples).all()


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        ("mp3", "libmp3lame", {}),
        ("flac", "flac", {}),
        ("mp4", "aac", {"movflags": "faststart"}),
        ("mkv", "aac", {}),
        ("wav", "pcm_s16le", {}),
    ],
)
def test_a_truncated_file_gives_what_it_has_and_says_so(tmp_path, suffix, codec, options):
    noise = np.random.default_rng(5).normal(size=(1, 4 * 44100)).astype(np.float32) * 0.1
    whole = encode(tmp_path / f"whole.{suffix}", noise, 44100, codec, container_options=options)
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.warns(OrbitscopeWarning) as caught:
        decoded = media.load(path).samples
    expected = media.load(whole).samples
    assert 0.4 * expected.shape[1] < decoded.shape[1] < 0.7 * expected.shape[1]
    np.testing.assert_allclose(decoded[:, :-2500], expected[:, : decoded.shape[1] - 2500], atol=1e-6)
    message = str(caught[-1].message)
    assert message.startswith(f"{path}: ends early, {decoded.shape[1] / 44100:.2f} s decoded of ")
    assert " 4.0" in message
    with pytest.warns(OrbitscopeWarning) as caught:
        media.load(path, duration_s=3.5)
    assert "ends early" in str(caught[-1].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        media.load(path, duration_s=1.0)  # the stretch is whole


def test_an_mp3_that_announces_nothing_is_not_called_truncated(tmp_path):
    """Silence, then noise, at a variable bit rate, without a Xing header: FFmpeg guesses a length that is too long."""
    noise = np.random.default_rng(6).normal(size=(1, 5 * 44100)).astype(np.float32) * 0.3
    noise[:, : 2 * 44100] = 0
    options = {"write_xing": "0", "id3v2_version": "0"}
    variable = {"flags": "+qscale", "global_quality": "0"}
    path = encode(tmp_path / "a.mp3", noise, 44100, "libmp3lame", container_options=options, stream_options=variable)
    assert media.stream(path).announced_s > 5.6
    assert media.load(path).duration_s == pytest.approx(5, abs=0.1)


def test_random_damage_never_raises_anything_else(tmp_path):
    random = np.random.default_rng(8)
    formats = [
        ("mp3", "libmp3lame"),
        ("m4a", "aac"),
        ("flac", "flac"),
        ("opus", "libopus"),
        ("ts", "aac"),
        ("mkv", "aac"),
    ]
    for suffix, codec in formats:
        whole = encode(tmp_path / f"whole.{suffix}", bursts(48000), 48000, codec).read_bytes()
        path = tmp_path / f"broken.{suffix}"
        refused = 0
        for trial in range(12):
            content = bytearray(whole)
            for place in random.integers(0, len(content) if trial % 2 else 2000, size=2 + trial):
                content[place] = random.integers(256)
            path.write_bytes(content)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", OrbitscopeWarning)
                try:
                    assert np.isfinite(media.load(path, rate_hz=48000).samples).all()
                except MediaError:
                    refused += 1
        assert refused < 12


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "aac"), ("flac", "flac"), ("opus", "libopus")])
def test_damage_in_the_middle_keeps_the_time(tmp_path, suffix, codec):
    seconds = np.arange(6 * 48000) / 48000
    sweep = 0.3 * np.sin(2 * np.pi * (300 + 250 * seconds) * seconds)[None].astype(np.float32)
    path = encode(tmp_path / f"a.{suffix}", sweep, 48000, codec)
    expected = media.load(path, rate_hz=48000).samples
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 900] = bytes(900)
    path.write_bytes(content)
    with pytest.warns(OrbitscopeWarning, match="damaged packets: .* silence in place of lost sound: "):
        decoded = media.load(path, rate_hz=48000).samples
    assert decoded.shape == expected.shape
    differs = np.flatnonzero(np.abs(decoded - expected)[0] > 0.02)
    assert differs[0] > 1.5 * 48000
    assert differs[-1] < 4.7 * 48000
    assert np.mean(np.abs(decoded - expected) > 0.05) < 0.2


def test_find_media(tmp_path):
    for name in ("b.mp3", "a.FLAC", "sub/c.webm", ".hidden/d.mp3", ".e.mp3", "notes.txt", "cover.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.mp3").symlink_to(tmp_path / "nowhere")
    assert media.find_media(tmp_path) == [tmp_path / name for name in ("a.FLAC", "b.mp3", "sub/c.webm")]
    assert media.find_media(tmp_path / "b.mp3") == [tmp_path / "b.mp3"]
    with pytest.raises(MediaError, match=f"{tmp_path / '.hidden' / 'x'}: no such"):
        media.find_media(tmp_path / ".hidden" / "x")
    (tmp_path / "bare").mkdir()
    with pytest.raises(MediaError, match="bare: no audio or video files"):
        media.find_media(tmp_path / "bare")
