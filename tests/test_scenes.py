"""What there is to see and hear of an orbit: at the right times, in the right units, or one clear line."""

import json

import numpy as np
import pytest
import soundfile
from conftest import looped_song

import orbitscope
from orbitscope import store
from orbitscope.errors import MediaError, OrbitscopeError, StoreError
from orbitscope.scenes import bare_scene, scene
from orbitscope.types import Forecast, Orbit, Source, Trajectory

RATE_HZ, HOP_S = 44_100, 1024 / 44_100
CLICKS_S = (1.5, 2.75, 4.2)
START_S = 1.0


def write_clicks(path, seconds=6.0):
    """A quiet loop with a loud high click of 5 ms about each of :data:`CLICKS_S`."""
    song = looped_song(seconds, loop_s=1.0)
    samples = 0.02 * song.samples / np.abs(song.samples).max()
    times_s = np.arange(samples.shape[1]) / RATE_HZ
    for click_s in CLICKS_S:
        samples[:, np.abs(times_s - click_s) < 0.0025] = 0.9 * np.sign(
            np.sin(2 * np.pi * 8000 * times_s[np.abs(times_s - click_s) < 0.0025])
        )
    soundfile.write(path, samples.T, RATE_HZ)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return orbitscope.run(write_clicks(folder / "clicks.wav"), output=folder, steps=20, figures=False)


@pytest.fixture(scope="module")
def later(whole, tmp_path_factory):
    """The same recording from 1 s on."""
    folder = tmp_path_factory.mktemp("later")
    return orbitscope.run(
        whole.path.parent / "clicks.wav", output=folder, steps=20, figures=False, start_s=START_S, duration_s=4.0
    )


@pytest.fixture
def copy(whole, tmp_path):
    """An orbit of one's own to damage."""
    target = tmp_path / "mine.orbit"
    with store.new_orbit(target) as folder:
        for file in whole.path.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    return target


def peaks(values, times_s, least_s=0.3):
    """The times of the highest values that are ``least_s`` apart, as many as there are clicks, in order."""
    found = []
    for at in np.argsort(-values, kind="stable"):
        if all(abs(times_s[at] - other) > least_s for other in found):
            found.append(times_s[at])
        if len(found) == len(CLICKS_S):
            break
    return sorted(found)


@pytest.mark.parametrize("which", ["whole", "later"])
def test_a_click_is_seen_when_it_is_heard(request, which):
    orbit = request.getfixturevalue(which)
    shown = scene(orbit)
    start_s = START_S if which == "later" else 0.0
    assert shown.sound_start_s == start_s
    frames_s = shown.sound_start_s + shown.strip.spectrum.times_s
    assert len(frames_s) == len(shown.strip.level_db)
    np.testing.assert_allclose(peaks(shown.strip.level_db, frames_s), CLICKS_S, atol=HOP_S)
    high = shown.strip.spectrum.frequencies_hz > 6000
    np.testing.assert_allclose(peaks(shown.strip.spectrum.values[:, high].sum(axis=1), frames_s), CLICKS_S, atol=HOP_S)
    for name in ("loudness", "brightness"):
        # 5 frames are averaged, so the highest place is one of those
        found = peaks(shown.coloring(name).values, orbit.trajectory.times_s)
        np.testing.assert_allclose(found, CLICKS_S, atol=2.6 * HOP_S)


@pytest.mark.parametrize("which", ["whole", "later"])
def test_the_sound_begins_and_ends_with_the_stretch(request, which):
    shown = scene(request.getfixturevalue(which))
    seconds = 4.0 if which == "later" else 6.0
    assert shown.duration_s == pytest.approx(seconds, abs=0.05)
    assert soundfile_seconds(shown.sound) == pytest.approx(seconds, abs=1e-9)
    end_s = shown.trajectory.times_s[-1] + shown.trajectory.window_s / 2
    assert shown.sound_start_s + shown.duration_s >= end_s - 1e-9


def soundfile_seconds(file):
    return orbitscope.load(file).duration_s


def test_the_middle_of_each_colouring_is_in_its_scale(whole):
    shown = scene(whole)
    assert [one.name for one in shown.colorings][:3] == ["time", "loudness", "brightness"]
    assert "speed" in [one.name for one in shown.colorings]
    for one in shown.colorings:
        assert one.values.shape == (len(whole.trajectory),) and np.isfinite(one.values).all()
        assert one.low < one.high
        assert 0.9 <= np.mean((one.values >= one.low) & (one.values <= one.high)) <= 1
    time = shown.coloring("time")
    np.testing.assert_allclose(time.values, whole.trajectory.times_s, rtol=1e-6)
    assert (time.low, time.high) == tuple(whole.trajectory.times_s[[0, -1]])


@pytest.mark.parametrize(("amplitude", "level_db"), [(0.9, -3.9255), (0.1, -23.0103)])
def test_loudness_is_in_decibels_of_full_scale(copy, amplitude, level_db):
    """A sine is 3.01 dB below its amplitude, and as bright as its frequency; above 0.95 the encoder turns it down."""
    sound = amplitude * np.sin(2 * np.pi * 1000 * np.arange(6 * RATE_HZ) / RATE_HZ)
    soundfile.write(copy / "sine.wav", sound, RATE_HZ, subtype="FLOAT")
    orbitscope.encoding.write_sound(orbitscope.load(copy / "sine.wav"), copy / store.SOUND)
    shown = scene(store.read_orbit(copy))
    assert np.median(shown.coloring("loudness").values) == pytest.approx(level_db, abs=0.02)
    assert np.median(shown.coloring("brightness").values) == pytest.approx(1000, rel=0.02)
    assert shown.coloring("loudness").unit == "dBFS"


def test_silence_has_colours_too(copy):
    soundfile.write(copy / "silence.wav", np.zeros(6 * RATE_HZ), RATE_HZ)
    orbitscope.encoding.write_sound(orbitscope.load(copy / "silence.wav"), copy / store.SOUND)
    shown = scene(store.read_orbit(copy))
    for name in ("loudness", "brightness"):
        assert np.isfinite(shown.coloring(name).scaled).all()
    np.testing.assert_array_equal(shown.coloring("loudness").values, -80)


# Without its sound, or with another


def test_without_its_sound_an_orbit_is_a_path_alone(copy):
    (copy / store.SOUND).unlink()
    shown = scene(store.read_orbit(copy))
    assert shown.sound is None and shown.strip is None
    assert [one.name for one in shown.colorings][:2] == ["time", "speed"]
    assert shown.sound_start_s + shown.duration_s == pytest.approx(6.0, abs=0.05)
    assert shown.sound_start_s == pytest.approx(0, abs=0.05)


@pytest.mark.filterwarnings("default::orbitscope.errors.OrbitscopeWarning")
@pytest.mark.parametrize("damage", ["empty", "noise", "head", "text", "no samples"])
def test_a_damaged_sound_is_named_in_one_line(copy, damage):
    sound = copy / store.SOUND
    content = sound.read_bytes()
    sound.write_bytes(
        {
            "empty": b"",
            "noise": np.random.default_rng(0).bytes(5000),
            "head": content[:200],
            "text": b"no music\n" * 100,
            "no samples": content[: content.index(b"mdat") + 4],
        }[damage]
    )
    with pytest.raises(MediaError) as caught:
        scene(store.read_orbit(copy))
    assert str(sound) in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.filterwarnings("ignore::orbitscope.errors.OrbitscopeWarning")
def test_half_a_sound_or_one_with_flipped_bytes_is_shown_or_named(copy):
    sound, random = copy / store.SOUND, np.random.default_rng(0)
    content = sound.read_bytes()
    damaged = [content[: len(content) // 2]]
    for _ in range(12):
        flipped = bytearray(content)
        for at in random.integers(len(content), size=20):
            flipped[at] ^= 1 << random.integers(8)
        damaged.append(bytes(flipped))
    for one in damaged:
        sound.write_bytes(one)
        try:
            shown = scene(store.read_orbit(copy))
        except OrbitscopeError as error:
            assert "sound.m4a" in str(error) and str(error).isprintable()
        else:
            assert all(np.isfinite(coloring.values).all() for coloring in shown.colorings)
            assert np.isfinite(shown.duration_s)


@pytest.mark.parametrize("seconds", [0.02, 0.2, 30.0])
def test_a_sound_of_another_length_does_not_break_the_page(copy, seconds):
    song = looped_song(seconds)
    orbitscope.encoding.write_sound(song, copy / store.SOUND)
    try:
        shown = scene(store.read_orbit(copy))
    except OrbitscopeError as error:
        assert seconds == 0.02 and "sound.m4a" in str(error)
    else:
        assert len(shown.coloring("loudness").values) == len(shown.trajectory)
        assert shown.duration_s == pytest.approx(max(seconds, 6.0), abs=0.05)


# Damaged otherwise


@pytest.mark.parametrize(
    "change",
    [
        {"extra": {"start_s": "soon"}},
        {"extra": {"start_s": [1]}},
        {"extra": {"start_s": -3}},
        {"extra": {"start_s": 1e999}},
        {"extra": {"start_s": {"s": 1}}},
    ],
)
def test_a_start_that_is_no_time_is_a_damaged_orbit(copy, change):
    manifest = json.loads((copy / store.MANIFEST).read_text("utf-8"))
    (copy / store.MANIFEST).write_text(json.dumps({**manifest, **change}), "utf-8")
    with pytest.raises(StoreError, match="orbit.json: it is damaged .*start_s"):
        scene(store.read_orbit(copy))


@pytest.mark.parametrize("extra", [{}, {"start_s": None}, {"start_s": 0}])
def test_a_start_that_is_not_told_is_the_beginning(copy, extra):
    manifest = json.loads((copy / store.MANIFEST).read_text("utf-8"))
    (copy / store.MANIFEST).write_text(json.dumps({**manifest, "extra": extra}), "utf-8")
    assert scene(store.read_orbit(copy)).sound_start_s == 0


def test_a_metric_that_is_lost_does_not_matter(copy):
    manifest = json.loads((copy / store.MANIFEST).read_text("utf-8"))
    manifest["metrics"]["duration_s"] = None
    (copy / store.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert scene(store.read_orbit(copy)).duration_s == pytest.approx(6.0, abs=0.05)


def test_a_damaged_forecast_is_named(copy):
    (copy / store.FORECASTS).mkdir()
    (copy / store.FORECASTS / "KNN.npz").write_bytes(b"broken")
    with pytest.raises(StoreError, match="KNN.npz"):
        scene(store.read_orbit(copy))


# Names and forecasts


def test_titles_and_names_have_what_to_fall_back_on(copy):
    shown = scene(store.read_orbit(copy))
    assert (shown.name, shown.title, shown.artist) == ("mine", "clicks", "")
    assert scene(store.read_orbit(copy), "other").name == "other"
    manifest = json.loads((copy / store.MANIFEST).read_text("utf-8"))
    for source, title in (({"title": "Song", "artist": "One"}, "Song"), ({"title": ""}, "clicks.wav")):
        manifest["source"].update(source)
        (copy / store.MANIFEST).write_text(json.dumps(manifest), "utf-8")
        shown = scene(store.read_orbit(copy))
        assert (shown.title, shown.artist) == (title, "One")
    manifest["source"].update(name="")
    (copy / store.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert scene(store.read_orbit(copy)).title == "mine"


def test_forecasts_of_the_orbit_come_with_it(copy):
    path = store.read_orbit(copy).trajectory
    kept = Forecast(path.points[10:20].astype(float), 10, float(path.times_s[10]), path.hop_s, "KNN", "past")
    store.write_forecast(copy, kept)
    (found,) = scene(store.read_orbit(copy)).forecasts
    np.testing.assert_array_equal(found.points, kept.points)
    assert (found.start, found.forecaster, found.knows) == (10, "KNN", "past")


# Paths alone


def circle(points, period):
    angle = 2 * np.pi * np.arange(points) / period
    return np.stack([2 * np.cos(angle), np.sin(angle), 0 * angle], axis=1).astype(np.float32)


def test_the_phase_of_a_circle_is_its_angle():
    period_s = 43.3 * HOP_S
    shown = bare_scene(Trajectory(circle(1200, 43.3), HOP_S, 0.5, 0.25))
    phase = shown.coloring("phase")
    assert phase.cyclic and (phase.low, phase.high, phase.unit) == (0, 360, "°")
    assert f"{period_s:.2f} s" in phase.label
    off = (phase.values - 360 * np.arange(1200) / 43.3 + 180) % 360 - 180
    assert np.abs(off[100:-100]).max() < 3
    speed = shown.coloring("speed").values * np.sqrt(2.5)  # radii a second, the RMS radius being sqrt(2.5)
    mean = 9.6884 / period_s  # that is how far it is around an ellipse of half axes 2 and 1
    assert speed.mean() == pytest.approx(mean, rel=0.005)


def test_a_line_has_no_phase():
    line = np.outer(np.arange(600), [1.0, 2, 3]).astype(np.float32)
    assert [one.name for one in bare_scene(Trajectory(line, HOP_S, 0.5)).colorings] == ["time", "speed"]


@pytest.mark.parametrize("points", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("dims", [1, 2, 3, 12])
def test_the_shortest_paths_and_paths_at_rest_are_shown(points, dims):
    for path in (np.random.default_rng(0).normal(size=(points, dims)), np.ones((points, dims))):
        shown = bare_scene(Trajectory(path.astype(np.float32), HOP_S, 0.5, 0.25, Source("a.wav", "", "One")))
        assert np.isfinite(shown.shown).all()
        assert all(np.isfinite(one.scaled).all() for one in shown.colorings)
        assert shown.duration_s == pytest.approx(0.5 + (points - 1) * HOP_S)
        assert (shown.title, shown.artist, shown.sound, shown.strip) == ("a.wav", "One", None, None)


def test_a_clip_of_two_seconds_is_whole(tmp_path):
    write_clicks(tmp_path / "clip.wav", 2.0)
    orbit = orbitscope.run(tmp_path / "clip.wav", output=tmp_path, steps=5, figures=False)
    shown = scene(orbit)
    assert shown.duration_s == pytest.approx(2.0, abs=0.05)
    assert isinstance(orbit, Orbit) and shown.coloring("loudness").values.shape == (len(orbit.trajectory),)
    loudest_s = shown.strip.spectrum.times_s[shown.strip.level_db.argmax()]
    assert loudest_s == pytest.approx(CLICKS_S[0], abs=HOP_S)
