"""Pulse clarity of sounds whose pulse is known."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from orbitscope.errors import InputError
from orbitscope.features import spectrogram
from orbitscope.rhythm import pulse_clarity
from orbitscope.types import Frames, Recording

RATE_HZ = 44100
HOP_S = 1024 / RATE_HZ


def clicks(period_s, seconds=20.0, noise=0.0, seed=0):
    """Short bursts, ``period_s`` apart, in noise, as article frames."""
    rng = np.random.default_rng(seed)
    burst = rng.normal(size=800) * np.exp(-np.arange(800) / 150)
    sound = noise * rng.normal(size=round(seconds * RATE_HZ))
    for start in np.round(np.arange(0.1, seconds - 0.1, period_s) * RATE_HZ).astype(int):
        sound[start : start + 800] += burst
    return spectrogram(Recording(0.1 * sound[None].astype(np.float32), RATE_HZ), "article")


def levels(values, hop_s=0.02):
    """Frames that are taken as levels already."""
    return Frames(np.asarray(values, np.float32), hop_s, kind="mel")


def random_levels(frames=600, features=5, seed=0):
    return np.random.default_rng(seed).random((frames, features))


def twin(values, hop_s):
    """Pulse clarity of levels, sum by sum."""
    rise = [sum(max(b - a, 0) for a, b in zip(x, y, strict=True)) for x, y in pairwise(values)]
    n, wide = len(rise), round(2 / hop_s)
    low, high = wide // 2 if wide % 2 else wide // 2 - 1, wide // 2  # frames taken after and before
    onset = []
    for i in range(n):
        around = rise[max(0, i - high) : min(n, i + low + 1)]
        onset.append(rise[i] - sum(around) / len(around))
    power = sum(x * x for x in onset) / n
    lags = range(round(0.25 / hop_s), wide + 1)
    return max(sum(onset[i] * onset[i + k] for i in range(n - k)) / (n - k) / power for k in lags)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("hop_s", [0.02, 0.0213])
def test_equals_sums_written_out(seed, hop_s):
    values = random_levels(seed=seed)
    values[::30] += 2
    frames = levels(values, hop_s)
    assert pulse_clarity(frames) == pytest.approx(twin(frames.values.astype(float).tolist(), hop_s), abs=1e-9)


def test_levels_that_rise_every_half_second_are_all_pulse():
    values = np.zeros((500, 4))
    values[::25] = 1
    assert pulse_clarity(levels(values)) > 0.97


@pytest.mark.parametrize("period_s", [64 * HOP_S, 60 / 90, 60 / 120, 60 / 133])
def test_a_click_track_is_clear(period_s):
    """Slow ones only where frames fall on the beat: one lag alone is left to find it, and it is cut into frames."""
    assert pulse_clarity(clicks(period_s)) > 0.85


def test_clicks_three_seconds_apart_are_no_pulse():
    assert pulse_clarity(clicks(3.0)) < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_none(seed):
    sound = np.random.default_rng(seed).normal(size=(1, 40 * RATE_HZ)).astype(np.float32)
    assert pulse_clarity(spectrogram(Recording(0.1 * sound, RATE_HZ), "article")) < 0.15


def test_noise_hides_the_pulse_more_and_more():
    found = [pulse_clarity(clicks(0.5, noise=noise)) for noise in (0, 0.03, 0.1, 0.3, 1)]
    assert all(a > b + 0.01 for a, b in pairwise(found)), found


def test_loudness_and_what_is_far_below_it_do_not_matter():
    frames = clicks(0.5, noise=0.05, seconds=8)
    louder = replace(frames, values=frames.values * np.float32(4))
    assert pulse_clarity(louder) == pytest.approx(pulse_clarity(frames), abs=1e-4)
    quiet = np.random.default_rng(0).random(frames.values.shape, np.float32) * frames.values.max() * 1e-4
    loud_only = replace(frames, values=np.where(frames.values > frames.values.max() / 999, frames.values, 0))
    added = replace(loud_only, values=np.maximum(loud_only.values, quiet))
    assert pulse_clarity(added) == pytest.approx(pulse_clarity(loud_only), abs=1e-9)


@pytest.mark.parametrize("kind", ["article", "mel"])
@pytest.mark.parametrize("level", [0.0, 0.3])
def test_frames_that_never_change_have_no_answer(kind, level):
    assert np.isnan(pulse_clarity(Frames(np.full((400, 5), level, np.float32), 0.02, kind=kind)))


def test_four_seconds_are_needed():
    with pytest.raises(InputError, match=r"201 frames .*202 \(4 s\)"):
        pulse_clarity(levels(random_levels(201)))
    assert 0 <= pulse_clarity(levels(random_levels(202))) <= 1


def test_coarse_frames_are_refused():
    with pytest.raises(InputError, match="5 s apart"):
        pulse_clarity(levels(random_levels(), hop_s=5.0))
    assert 0 <= pulse_clarity(levels(random_levels(), hop_s=0.25)) <= 1
