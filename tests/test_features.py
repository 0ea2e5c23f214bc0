"""Spectrograms against SciPy and librosa, in time, block by block, and on sound that is not music."""

import tracemalloc
import warnings
from dataclasses import dataclass, field, replace

import librosa
import numpy as np
import pytest
import scipy.signal
from conftest import looped_song

from orbitscope import features
from orbitscope.errors import InputError
from orbitscope.features import HOP_S, KINDS, loudness_and_brightness, spectrogram
from orbitscope.types import Recording, Source

RATE_HZ = 44100


@dataclass
class Blocks:
    """An audio source that gives its sound in blocks of the sizes asked for, over and over."""

    samples: np.ndarray
    sizes: tuple
    rate_hz: int = RATE_HZ
    start_s: float = 0.0
    source: Source = field(default_factory=Source)

    def blocks(self):
        first, turn = 0, 0
        while first < self.samples.shape[1]:
            size = self.sizes[turn % len(self.sizes)]
            yield self.samples[:, first : first + size]
            first, turn = first + size, turn + 1


def mono(samples, rate_hz=RATE_HZ, **more):
    return Recording(np.atleast_2d(np.asarray(samples, np.float32)), rate_hz, **more)


def tone(hz, seconds=1.0, rate_hz=RATE_HZ):
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def decibels_to_unit(power, top_db=80.0):
    """As librosa has it: dB below the maximum, cut at ``top_db``, then from -80 dB (0) to 0 dB (1)."""
    return (librosa.power_to_db(power, ref=np.max, amin=1e-30, top_db=top_db) / top_db + 1).T


@pytest.fixture(scope="module")
def music():
    return looped_song(5.3)


class TestArticle:
    def test_equals_scipy(self, music):
        sound = music.samples.mean(axis=0)
        hz, _, magnitude = scipy.signal.spectrogram(
            sound.astype(np.float64),
            RATE_HZ,
            window=("tukey", 0.4),
            nperseg=1024,
            noverlap=0,
            mode="magnitude",
            scaling="spectrum",
        )
        expected = magnitude[:94].T
        expected = (expected - expected.min()) / np.ptp(expected)
        frames = spectrogram(music, "article")
        np.testing.assert_allclose(frames.values, expected, atol=1e-6)
        np.testing.assert_allclose(frames.frequencies_hz, hz[:94])

    def test_other_rates_are_refused(self):
        with pytest.raises(InputError, match=r"48000.*rate_hz=44100"):
            spectrogram(mono(tone(440, rate_hz=48000), 48000), "article")


class TestMel:
    @pytest.mark.parametrize("rate_hz", [44100, 22050, 48000])
    def test_equals_librosa(self, rate_hz):
        hop = {44100: 1024, 22050: 512, 48000: 1115}[rate_hz]
        recording = looped_song(3.1, rate_hz)
        power = librosa.feature.melspectrogram(
            y=recording.samples.mean(axis=0),
            sr=rate_hz,
            n_fft=2 * hop,
            hop_length=hop,
            center=False,
            n_mels=96,
            fmax=11025,
        )
        frames = spectrogram(recording, "mel")
        np.testing.assert_allclose(frames.values, decibels_to_unit(power), atol=1e-4)
        assert frames.hop_s == pytest.approx(hop / rate_hz) == pytest.approx(HOP_S, rel=2e-3)

    def test_low_rates_use_the_range_they_have(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            frames = spectrogram(mono(tone(1000, rate_hz=8000), 8000), "mel")
        assert frames.frequencies_hz[-1] < 4000
        assert abs(frames.frequencies_hz[frames.values[5].argmax()] - 1000) < 40


@pytest.fixture(scope="module")
def long():
    return looped_song(11.0)


@pytest.fixture(scope="module")
def cqt_of_long(long):
    spectrum = librosa.cqt(
        long.samples.mean(axis=0),
        sr=RATE_HZ,
        hop_length=1024,
        fmin=librosa.note_to_hz("C1"),
        n_bins=84,
        pad_mode="constant",
    )
    return decibels_to_unit(np.abs(spectrum) ** 2)


class TestCqt:
    @pytest.mark.parametrize("segment_s", [60.0, 4.0, 2.5])
    def test_in_segments_equals_librosa_on_the_whole(self, long, cqt_of_long, monkeypatch, segment_s):
        monkeypatch.setattr(features, "_CQT_SEGMENT_S", segment_s)
        values = spectrogram(long, "cqt").values
        assert 0 <= len(cqt_of_long) - len(values) <= 1
        expected = cqt_of_long[: len(values)]
        off_db = 80 * np.abs(values - expected)
        audible = expected > 0.5  # down to -40 dB
        assert audible.mean() > 0.1
        assert off_db[audible].max() < 0.1
        assert off_db.mean() < 0.05

    def test_low_rates_are_refused(self):
        with pytest.raises(InputError, match="16000"):
            spectrogram(mono(tone(440, rate_hz=8000), 8000), "cqt")


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_shape_and_range(self, music, kind):
        frames = spectrogram(music, kind)
        assert frames.values.dtype == np.float32
        assert frames.values.min() >= 0 and frames.values.max() == 1
        assert frames.values.shape[1] == len(frames.frequencies_hz) == {"mel": 96, "article": 94, "cqt": 84}[kind]
        assert frames.kind == kind
        assert frames.source is music.source
        assert -1 < music.duration_s / frames.hop_s - len(frames) < 2
        assert frames.hop_s == HOP_S
        assert np.ptp(frames.values, axis=0).min() > 0

    @pytest.mark.parametrize("sizes", [(1_000_000,), (44_100,), (1024,), (1023, 1, 4097), (3000, 700, 2)])
    def test_sizes_of_blocks_do_not_matter(self, kind, sizes, monkeypatch):
        monkeypatch.setattr(features, "_CQT_SEGMENT_S", 1.0)
        recording = looped_song(3.3)
        whole = spectrogram(recording, kind)
        blocks = spectrogram(Blocks(recording.samples, sizes), kind)
        np.testing.assert_allclose(blocks.values, whole.values, atol=1e-6)
        assert blocks.hop_s == whole.hop_s and blocks.start_s == whole.start_s

    def test_channels_are_averaged(self, music, kind):
        average = replace(music, samples=music.samples.mean(axis=0, keepdims=True))
        np.testing.assert_allclose(spectrogram(music, kind).values, spectrogram(average, kind).values, atol=1e-6)
        opposite = replace(music, samples=np.stack([music.samples[0], -music.samples[0]]))
        assert not spectrogram(opposite, kind).values.any()

    def test_level_does_not_matter(self, music, kind):
        quiet = replace(music, samples=music.samples / 1024)
        np.testing.assert_allclose(spectrogram(quiet, kind).values, spectrogram(music, kind).values, atol=1e-5)

    @pytest.mark.parametrize("at_s", [0.5, 0.777, 1.2345])
    def test_a_click_is_in_the_frame_whose_centre_is_nearest(self, kind, at_s):
        samples = np.zeros(2 * RATE_HZ, np.float32)
        samples[round((at_s - 0.25) * RATE_HZ)] = 1
        frames = spectrogram(mono(samples, start_s=0.25), kind)
        energy = (frames.values.astype(np.float64) ** 2).sum(axis=1)
        assert abs(frames.times_s[energy.argmax()] - at_s) <= frames.hop_s / 2 + 1e-9

    def test_a_tone_is_in_the_bin_of_its_frequency(self, kind):
        for hz in (261.6, 1046.5):
            frames = spectrogram(mono(tone(hz)), kind)
            loudest = frames.values[len(frames) // 2].argmax()
            assert loudest == np.abs(frames.frequencies_hz - hz).argmin()

    def test_silence_is_zeros(self, kind):
        frames = spectrogram(mono(np.zeros(RATE_HZ)), kind)
        assert len(frames) > 40
        assert not frames.values.any()

    @pytest.mark.parametrize("level", [0.5, 0.3, -0.9])
    def test_a_constant_signal_is_finite_and_still(self, kind, level):
        values = spectrogram(mono(np.full(2 * RATE_HZ, level)), kind).values
        assert np.isfinite(values).all()
        assert values.min() >= 0 and values.max() <= 1
        if kind != "cqt":  # its long filters hear the edges
            assert np.ptp(values, axis=0).max() < 1e-3

    def test_a_constant_tone_is_finite_and_still(self, kind):
        values = spectrogram(mono(tone(RATE_HZ / 64, 2.0)), kind).values  # a whole number of periods in a hop
        assert np.isfinite(values).all()
        assert np.ptp(values[30:-30], axis=0).max() < 1e-2

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_nan_and_infinite_samples_are_named(self, kind, bad):
        samples = np.zeros((2, 300_000), np.float32)
        samples[1, 290_000] = bad
        recording = Recording(samples, RATE_HZ, 2.5, Source(name="broken take.wav"))
        with pytest.raises(InputError, match=rf"^broken take\.wav: .* {2.5 + 290_000 / RATE_HZ:.3f} s is NaN or inf"):
            spectrogram(recording, kind)

    def test_nothing_at_all_is_too_short(self, kind):
        with pytest.raises(InputError, match=r"^void\.wav: .*shorter than one frame"):
            spectrogram(mono(np.zeros(0), source=Source(name="void.wav")), kind)

    def test_start_moves_the_times_only(self, kind):
        recording = looped_song(1.0)
        at_0, at_7 = spectrogram(recording, kind), spectrogram(replace(recording, start_s=7.0), kind)
        np.testing.assert_allclose(at_7.times_s, at_0.times_s + 7)
        np.testing.assert_array_equal(at_7.values, at_0.values)

    def test_the_whole_sound_is_never_held(self, kind, monkeypatch):
        monkeypatch.setattr(features, "_CQT_SEGMENT_S", 5.0)
        spectrogram(looped_song(1.0), kind)  # imports and tables
        block = looped_song(1.0).samples
        count = 60 if kind == "cqt" else 240

        class Endless:
            rate_hz, start_s, source = RATE_HZ, 0.0, Source()

            def blocks(self):
                for _ in range(count):
                    yield block.copy()

        tracemalloc.start()
        try:
            frames = spectrogram(Endless(), kind)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        whole_mono = count * block.shape[1] * 4
        assert abs(len(frames) * frames.hop_s - count) < 0.1
        assert peak < {"mel": 0.3, "article": 0.3, "cqt": 0.7}[kind] * whole_mono


@pytest.mark.parametrize(("kind", "least"), [("mel", 2048), ("article", 1024)])
def test_one_frame_and_one_sample_less(kind, least):
    sound = tone(440)[:least]
    assert len(spectrogram(mono(sound), kind)) == 1
    with pytest.raises(InputError, match="shorter than one frame of 23 ms"):
        spectrogram(mono(sound[1:]), kind)


@pytest.mark.parametrize("kind", ["chroma", "", None, "MEL"])
def test_unknown_kind(kind):
    with pytest.raises(InputError, match="mel, article, cqt"):
        spectrogram(mono(tone(440)), kind)


class TestLoudnessAndBrightness:
    def test_levels_are_below_full_scale(self):
        """A sine of full scale has an RMS of 1 / sqrt(2), that is -3.01 dB; a square wave one of 1."""
        sine = tone(RATE_HZ / 64)
        for sound, level in ((sine, -3.0103), (sine / 2, -9.0309), (np.sign(sine + 1e-3), 0.0), (sine / 1e5, -80)):
            level_db, _ = loudness_and_brightness(mono(sound))
            assert level_db.dtype == np.float32
            np.testing.assert_allclose(level_db, level, atol=1e-3)

    @pytest.mark.parametrize("rate_hz", [44100, 22050])
    def test_equals_librosa(self, rate_hz):
        hop = round(HOP_S * rate_hz)
        recording = looped_song(3.1, rate_hz)
        options = {"hop_length": hop, "center": False}
        sound = recording.samples.mean(axis=0)
        level_db, centroid_hz = loudness_and_brightness(recording)
        rms = librosa.feature.rms(y=sound, frame_length=2 * hop, **options)[0]
        np.testing.assert_allclose(level_db, np.maximum(20 * np.log10(rms), -80), atol=1e-3)
        expected = librosa.feature.spectral_centroid(y=sound, sr=rate_hz, n_fft=2 * hop, **options)[0]
        np.testing.assert_allclose(centroid_hz, expected, rtol=1e-3)

    @pytest.mark.parametrize("hz", [200, 1000, 5000, 15_000])
    def test_the_brightness_of_a_tone_is_its_frequency(self, hz):
        np.testing.assert_allclose(loudness_and_brightness(mono(tone(hz)))[1], hz, rtol=0.02)

    def test_frames_are_those_of_mel(self):
        samples = np.zeros(3 * RATE_HZ)
        samples[round(1.234 * RATE_HZ)] = 1
        for length in (2048, 2049, 3071, 3072, len(samples)):
            recording = mono(samples[:length])
            level_db, centroid_hz = loudness_and_brightness(recording)
            assert len(level_db) == len(centroid_hz) == len(spectrogram(recording, "mel"))
        frames = spectrogram(mono(samples), "mel")
        loud = frames.times_s[np.flatnonzero(level_db > -80)]
        assert len(loud) == 2 and (np.abs(loud - 1.234) < frames.hop_s).all()

    def test_sizes_of_blocks_do_not_matter_and_channels_are_averaged(self, music):
        average = mono(music.samples.mean(axis=0))
        for sizes in ((1_000_000,), (1023, 1, 4097), (1,)):
            blocks = Blocks(music.samples[:, : 6 * 1024 if sizes == (1,) else None], sizes)
            for found, expected in zip(loudness_and_brightness(blocks), loudness_and_brightness(average), strict=True):
                np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-4)

    def test_silence_is_at_the_floor_and_has_no_brightness(self):
        level_db, centroid_hz = loudness_and_brightness(mono(np.zeros(RATE_HZ)))
        assert len(level_db) > 40 and (level_db == -80).all() and not centroid_hz.any()

    def test_sound_shorter_than_a_frame_has_none(self):
        for samples in (np.zeros(2047), np.zeros(0)):
            assert [len(values) for values in loudness_and_brightness(mono(samples))] == [0, 0]

    def test_nan_samples_are_named(self):
        with pytest.raises(InputError, match="sample at 0.500 s is NaN"):
            loudness_and_brightness(mono(np.where(np.arange(RATE_HZ) == RATE_HZ / 2, np.nan, 0)))
