"""The player's page as a file: what it is told comes back from it, it stays of a size, and it is whole or not there."""

import base64
import errno
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pages import HOP_S, Page, array, trajectory, with_sound
from PIL import Image

from orbitscope._scene import Coloring, Strip
from orbitscope.errors import InputError, StoreError
from orbitscope.player import player_html, write_player
from orbitscope.player._schema import typescript
from orbitscope.scenes import bare_scene
from orbitscope.types import Forecast

WEB = Path(__file__).resolve().parents[1] / "web"

# The two sides


def test_the_page_reads_what_is_written():
    """On drift, run `npm run schema` in web/."""
    assert (WEB / "src" / "schema.ts").read_text("utf-8") == typescript()


def test_all_of_the_data_is_of_its_type(tmp_path):
    """Every field of every interface is there, and nothing else is."""
    fields = {
        name: re.findall(r"readonly (\w+): (.+);", body)
        for name, body in re.findall(r"interface (\w+) \{(.*?)\n\}", typescript(), re.S)
    }

    def check(value, kind):
        kinds = kind.split(" | ")
        if value is None:
            assert "null" in kinds
        elif isinstance(value, list):
            for one in value:
                check(one, re.fullmatch(r"readonly (.+)\[\]", kind)[1])
        elif isinstance(value, dict):
            (name,) = [one for one in kinds if one in fields]
            assert value.keys() == {field for field, _ in fields[name]}
            for field, below in fields[name]:
                check(value[field], below)
        else:
            own = {str: "string", int: "number", float: "number", bool: "boolean"}[type(value)]
            assert own in kinds or json.dumps(value) in kinds

    forecast = Forecast(np.zeros((4, 3)), 5, 0.4, HOP_S, "KNN", "past")
    scene = replace(with_sound(tmp_path / "a.m4a", 5), forecasts=(forecast,))
    check(Page(player_html([scene, bare_scene(trajectory(200, 12))])).data, "PlayerData")
    long = bare_scene(trajectory(50_001))
    check(Page(player_html([long])).data, "PlayerData")


@pytest.mark.parametrize("dims", [1, 2, 3, 12])
def test_a_trajectory_comes_back_to_the_last_bit(dims):
    path = trajectory(700, dims)
    (orbit,) = Page(player_html([bare_scene(path)])).data["orbits"]
    assert array(orbit["points"]).tobytes() == path.points.tobytes()
    assert [orbit[name] for name in ("hop_s", "window_s", "start_s")] == [path.hop_s, path.window_s, path.start_s]
    assert orbit["drawn"] is None and orbit["drawn_error"] == 0
    centered = path.points - path.points.mean(axis=0, dtype=np.float64)
    assert orbit["rms_radius"] == pytest.approx(np.sqrt(np.mean(np.sum(centered**2, axis=1))))


@pytest.mark.parametrize("dims", [1, 2, 3, 12])
def test_the_page_can_show_the_path_where_python_shows_it(dims):
    scene = bare_scene(trajectory(400, dims))
    (orbit,) = Page(player_html([scene])).data["orbits"]
    points = array(orbit["points"]).astype(float)
    drift = np.arange(400)[:, None] * orbit["drift"]
    shown = (points @ array(orbit["axes"]) + drift - orbit["offset"]) / orbit["radius"]
    np.testing.assert_allclose(shown, scene.shown, atol=1e-5)
    assert orbit["note"] == {1: "1 dimension, shown over time", 2: "2 dimensions, shown flat", 3: ""}.get(
        dims, "first 3 of 12 principal axes"
    )


def test_colours_are_a_byte_a_point():
    values = np.array([0.0, 1, 2, 3, 4], np.float32)
    scene = replace(bare_scene(trajectory(5)), colorings=(Coloring("time", "time", "s", values, 1.0, 3.0),))
    (coloring,) = Page(player_html([scene])).data["orbits"][0]["colorings"]
    np.testing.assert_array_equal(array(coloring["scaled"]), [0, 0, 128, 255, 255])
    assert (coloring["low"], coloring["high"]) == (1, 3)


def test_the_strip_is_the_spectrogram_in_its_place(tmp_path):
    scene = with_sound(tmp_path / "a.m4a", 20)
    values = np.zeros_like(scene.strip.spectrum.values)
    values[300, 20] = 1
    values[302:, 60] = 0.5
    strip = Strip(replace(scene.strip.spectrum, values=values), scene.strip.level_db)
    found = Page(player_html([replace(scene, strip=strip, sound_start_s=7.0)])).data["strip"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["image"]))).convert("L"), float)
    assert picture.shape == (96, len(values))
    assert np.unravel_index(picture.argmax(), picture.shape) == (95 - 20, 300)
    assert np.abs(picture[95 - 60, 310:] - 128).mean() < 10
    # column 300 is the frame whose centre is there
    column_s = (found["end_s"] - found["start_s"]) / len(values)
    assert found["start_s"] + 300.5 * column_s == pytest.approx(7.0 + strip.spectrum.times_s[300])
    level_db = found["level_low_db"] + array(found["level"]) / 255 * (found["level_high_db"] - found["level_low_db"])
    np.testing.assert_allclose(level_db, np.maximum(strip.level_db, strip.level_db.max() - 60), atol=0.13)
    for tick in found["ticks"]:
        hz = float(tick["label"].split()[0]) * (1000 if "kHz" in tick["label"] else 1)
        row = tick["at"] * 96 - 0.5
        assert strip.spectrum.frequencies_hz[round(row)] == pytest.approx(hz, rel=0.04)


def test_forecasts_go_where_they_belong():
    path = trajectory(100)
    ahead = path.points[30:50].astype(float) + 0.5
    fits = Forecast(ahead, 30, float(path.times_s[30]), HOP_S, "KNN \u202e<b>", "past")
    flat = replace(fits, points=ahead[:, :2])
    beyond = replace(fits, start=100)
    scene = replace(bare_scene(path), forecasts=(fits, flat, beyond))
    (found,) = Page(player_html([scene])).data["orbits"][0]["forecasts"]
    assert (found["name"], found["knows"], found["start"]) == ("KNN <b>", "past", 30)
    np.testing.assert_array_equal(array(found["points"]), ahead.astype(np.float32))


def test_the_sound_is_in_the_page_byte_for_byte(tmp_path):
    content = np.random.default_rng(0).bytes(100_001)
    scene = replace(with_sound(tmp_path / "a.m4a", 5, content), sound_start_s=2.5)
    page = Page(player_html([scene]))
    assert base64.b64decode(page.text("script", id="sound"), validate=True) == content
    assert page.data["sound"] == {"mime": "audio/mp4", "start_s": 2.5, "duration_s": 5.0}
    assert (page.data["start_s"], page.data["end_s"]) == (2.5, 7.5)
    silent = Page(player_html([bare_scene(trajectory())]))
    assert silent.data["sound"] is None and silent.data["strip"] is None
    assert silent.text("script", id="sound") == ""


# How large


def test_a_song_of_four_minutes_is_a_page_below_8_megabytes(tmp_path):
    scene = with_sound(tmp_path / "a.m4a", 240, np.random.default_rng(0).bytes(240 * 128_000 // 8))
    page = player_html([scene])
    assert len(page.encode()) < 8e6
    assert Page(page).data["orbits"][0]["drawn"] is None


def test_an_hour_is_drawn_with_fewer_lines_and_says_how_far_they_are_off(tmp_path):
    seconds = 150_000 * HOP_S
    scene = with_sound(tmp_path / "a.m4a", seconds, bytes(round(seconds * 32_000 / 8)))
    page = player_html([scene])
    assert len(page.encode()) < 30e6
    data = Page(page).data
    (orbit,) = data["orbits"]
    kept, shown = array(orbit["drawn"]).astype(int), scene.shown
    assert len(array(orbit["points"])) == len(shown) > 149_000
    assert len(kept) <= 50_000 and (kept[0], kept[-1]) == (0, len(shown) - 1) and (np.diff(kept) > 0).all()
    assert 0 < orbit["drawn_error"] < 0.01
    # each point from the line between the kept ones on either side
    after = np.clip(np.searchsorted(kept, np.arange(len(shown)), side="right"), 1, len(kept) - 1)
    first, chord = shown[kept[after - 1]], shown[kept[after]] - shown[kept[after - 1]]
    along = np.sum((shown - first) * chord, axis=1) / np.maximum(np.sum(chord**2, axis=1), 1e-30)
    away = np.linalg.norm(shown - first - np.clip(along, 0, 1)[:, None] * chord, axis=1)
    assert away.max() <= orbit["drawn_error"] * (1 + 1e-9)
    image = Image.open(io.BytesIO(base64.b64decode(data["strip"]["image"])))
    assert image.width <= 4096 and len(array(data["strip"]["level"])) == image.width
    last_s = scene.strip.spectrum.times_s[-1]
    assert 0 <= data["strip"]["end_s"] - last_s < seconds / image.width + HOP_S


# How many


def test_one_to_four_orbits_are_shown_side_by_side(tmp_path):
    scenes = [bare_scene(trajectory(300, dims)) for dims in (3, 2, 12, 5)]
    for count in (1, 2, 3, 4):
        assert len(Page(player_html(scenes[:count])).data["orbits"]) == count
    for wrong in ([], [*scenes, scenes[0]]):
        with pytest.raises(InputError, match=f"{len(wrong)} orbits are given; a page shows 1 to 4"):
            player_html(wrong)


def test_orbits_side_by_side_share_a_sound_and_the_longest_time(tmp_path):
    silent = bare_scene(trajectory(100))
    heard = replace(with_sound(tmp_path / "a.m4a", 9), sound_start_s=1.0)
    page = Page(player_html([silent, heard]))
    assert base64.b64decode(page.text("script", id="sound")) == b"sound"
    assert page.data["sound"]["start_s"] == 1 and page.data["strip"] is not None
    assert page.data["start_s"] == 0 and page.data["end_s"] == 10


def test_of_stretches_of_one_recording_the_longest_is_heard(tmp_path):
    short = with_sound(tmp_path / "a.m4a", 5, b"short")
    long = replace(with_sound(tmp_path / "b.m4a", 9, b"long"), sound_start_s=3.0)
    for scenes in ([short, long], [long, short]):
        page = Page(player_html(scenes))
        assert base64.b64decode(page.text("script", id="sound")) == b"long"
        assert (page.data["sound"]["start_s"], page.data["sound"]["duration_s"]) == (3, 9)
        assert page.data["strip"]["start_s"] == pytest.approx(3 + HOP_S / 2)
        assert (page.data["start_s"], page.data["end_s"]) == (0, 12)


# Whole or not at all


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    scene, target = bare_scene(trajectory()), tmp_path / "player.html"
    assert write_player(target, [scene]) == target
    assert target.read_text("utf-8") == player_html([scene])
    before, write = target.read_bytes(), Path.write_bytes

    def full(self, content):
        write(self, content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError) as caught:
        write_player(target, [bare_scene(trajectory(seed=1))])
    assert str(caught.value).startswith(f"{target}: it cannot be written: No space left on device; free some space")
    monkeypatch.undo()
    assert target.read_bytes() == before
    with pytest.raises(InputError):
        write_player(tmp_path / "none.html", [])
    with pytest.raises(StoreError, match="no.p.html: it cannot be written"):
        write_player(tmp_path / "no" / "p.html", [scene])
    assert [path.name for path in tmp_path.iterdir()] == ["player.html"]
