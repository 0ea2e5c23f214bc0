"""From a file to its orbit folder, in Python."""

import json
import os
import shutil

import numpy as np
import pytest
import soundfile

import orbitscope
from orbitscope import pipeline, store
from orbitscope.embedder import Embedder
from orbitscope.errors import InputError, OrbitscopeWarning, StoreError

QUICK = {"steps": 60, "figures": False}


def write_loop(path, *, seconds=4.0, seed=0):
    """A loop of three notes over noise: something to learn."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(44100 * seconds)) / 44100
    pitch = np.array([220.0, 330.0, 440.0])[(t // 0.25).astype(int) % 3] * (1 + 0.1 * seed)
    sound = 0.4 * np.sin(2 * np.pi * pitch * t) * np.exp(-6 * (t % 0.25)) + 0.01 * rng.normal(size=len(t))
    soundfile.write(path, sound, 44100)
    return path


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    return write_loop(tmp_path_factory.mktemp("songs") / "loop.wav")


@pytest.fixture(scope="module")
def orbit(song, tmp_path_factory):
    return orbitscope.run(song, output=tmp_path_factory.mktemp("orbits"), steps=200)


def test_the_folder_holds_all_that_was_promised(orbit):
    names = {p.relative_to(orbit.path).as_posix() for p in orbit.path.rglob("*") if p.is_file()}
    figures = {f"figures/{n}.{s}" for n in ("trajectory", "spectrogram", "losses", "windows") for s in ("png", "svg")}
    assert names == {"orbit.json", "model.safetensors", "trajectory.npz", "sound.m4a", "player.html"} | figures
    assert orbit.path.name == "loop.orbit"


def test_the_numbers_are_those_of_the_model(orbit, song):
    frames = orbitscope.spectrogram(orbitscope.load(song))
    embedder = Embedder.load(orbit.model_path)
    assert np.array_equal(embedder.transform(frames).points, orbit.trajectory.points)
    for name, value in embedder.evaluate(frames).items():
        assert orbit.metrics[name] == value
    assert orbit.metrics["reconstruction_share"] > 0.3
    assert orbit.metrics["points"] == len(orbit.trajectory) == len(frames) - 21
    assert len(orbit.history["reconstruction"]) == 200


def test_the_manifest_tells_source_settings_and_versions(orbit, song):
    manifest = json.loads((orbit.path / "orbit.json").read_text("utf-8"))
    assert manifest["source"]["name"] == "loop.wav"
    assert manifest["settings"]["latent_dim"] == 3
    assert manifest["settings"]["steps"] == 200
    assert manifest["versions"]["orbitscope"] == orbitscope.__version__


def test_the_same_seed_gives_the_same_bytes(orbit, song, tmp_path):
    again = orbitscope.run(song, output=tmp_path, steps=200, figures=False)
    assert np.array_equal(again.trajectory.points, orbit.trajectory.points)
    assert again.model_path.read_bytes() == orbit.model_path.read_bytes()
    other = orbitscope.run(song, output=tmp_path / "other", steps=200, figures=False, seed=1)
    assert not np.allclose(other.trajectory.points, orbit.trajectory.points)


def test_a_stretch_is_embedded_at_its_own_times(song, tmp_path):
    orbit = orbitscope.run(song, output=tmp_path, start_s=1.0, duration_s=2.0, **QUICK)
    # Point 0 is centred on mel frames 0 to 21: samples 0 to 23 * 1024 after the start.
    assert orbit.trajectory.times_s[0] == pytest.approx(1.0 + 23 * 1024 / 2 / 44100)
    assert orbit.metrics["duration_s"] == pytest.approx(2.0, abs=0.05)


def test_another_recording_of_the_same_name_gets_another_folder(song, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    shutil.copy(song, first / "x.wav")
    write_loop(second / "x.wav", seed=1)
    one = orbitscope.run(first / "x.wav", output=tmp_path / "out", **QUICK)
    two = orbitscope.run(second / "x.wav", output=tmp_path / "out", **QUICK)
    assert one.path != two.path
    assert one.path.name == "x.orbit"
    assert two.path.name == f"x-{two.trajectory.source.sha256[:6]}.orbit"
    assert orbitscope.run(second / "x.wav", output=tmp_path / "out", **QUICK).path == two.path
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_skip_existing_skips_only_the_same_work(song, tmp_path):
    first = orbitscope.run(song, output=tmp_path, **QUICK)
    stamp = os.stat(first.path / "orbit.json").st_mtime_ns

    def rerun(**options):
        orbit = orbitscope.run(song, output=tmp_path, skip_existing=True, **{**QUICK, **options})
        return os.stat(orbit.path / "orbit.json").st_mtime_ns != stamp

    assert not rerun()
    assert rerun(latent_dim=2)
    assert rerun(features="article")
    (first.path / "trajectory.npz").write_bytes(b"broken")
    assert rerun(features="article")


@pytest.mark.parametrize("stage", pipeline.STAGES)
def test_an_interrupt_at_any_stage_leaves_nothing(song, tmp_path, stage):
    def report(now, progress):
        if now == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        orbitscope.run(song, output=tmp_path, steps=60, report=report)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_keeps_the_orbit_that_was_there(song, tmp_path):
    first = orbitscope.run(song, output=tmp_path, **QUICK)

    def report(now, progress):
        if progress is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        orbitscope.run(song, output=tmp_path, seed=5, report=report, **QUICK)
    assert np.array_equal(store.read_orbit(first.path).trajectory.points, first.trajectory.points)
    assert [p.name for p in tmp_path.iterdir()] == ["loop.orbit"]


def test_a_full_disk_while_drawing_is_told_and_leaves_nothing(song, tmp_path, monkeypatch):
    from orbitscope import plots

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plots, "save", full)
    with pytest.raises(StoreError, match="No space left"):
        orbitscope.run(song, output=tmp_path, steps=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seconds, level, words", [(4.0, 0.0, "every frame is the same"), (0.5, 0.1, "too short")])
def test_sound_that_cannot_be_learnt_is_named(tmp_path, seconds, level, words):
    file = tmp_path / "poor.wav"
    soundfile.write(file, level * np.random.default_rng(0).normal(size=round(seconds * 44100)), 44100)
    with pytest.raises(InputError, match=f"poor.wav: .*{words}"):
        orbitscope.run(file, output=tmp_path / "out", **QUICK)
    assert not list((tmp_path / "out").iterdir())


def test_a_constant_tone_has_an_orbit_of_finite_numbers(tmp_path):
    file = tmp_path / "tone.wav"
    soundfile.write(file, 0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * 44100) / 44100), 44100)
    orbit = orbitscope.run(file, output=tmp_path, steps=60)
    assert np.isfinite(orbit.trajectory.points).all()


def test_notices_are_kept_and_passed_on(song, tmp_path):
    cut = tmp_path / "cut.wav"
    cut.write_bytes(song.read_bytes()[:200_000])
    with pytest.warns(OrbitscopeWarning, match="ends early"):
        orbit = orbitscope.run(cut, output=tmp_path, **QUICK)
    assert "ends early" in orbit.manifest["notices"][0]


def test_names_that_no_file_system_likes(song, tmp_path):
    for name in ("-x y é中\n\x1b[31m.wav", "n" * 200 + ".wav"):
        file = tmp_path / name
        shutil.copy(song, file)
        orbit = orbitscope.run(file, output=tmp_path / "out", **QUICK)
        assert orbit.path.is_dir()
        assert not any(ord(c) < 32 for c in orbit.path.name)


def test_more_dimensions_and_the_published_preset(song, tmp_path):
    orbit = orbitscope.run(song, output=tmp_path, preset="article", latent_dim=12, steps=30)
    assert orbit.trajectory.points.shape[1] == 12
    assert orbit.manifest["features"] == "article"
    assert orbit.settings["decoder"] == "conv"
