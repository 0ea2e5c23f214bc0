"""Films, taken apart again: size, rate, length, colours, and sound and picture in step."""

import dataclasses
import errno
import os

import av
import numpy as np
import pytest
from films import HOP_S, luma, noise, pictures, walk, write_fake_orbit

from orbitscope import media, store
from orbitscope._render_files import Movie
from orbitscope._render_frame import Film, Painter, Style
from orbitscope._render_path import line_through
from orbitscope._render_text import clock, fitted, letters
from orbitscope._scene import Coloring, Scene, project
from orbitscope.encoding import SOUND_RATE_HZ, write_sound
from orbitscope.errors import InputError, OrbitscopeWarning, StoreError
from orbitscope.render import rate_of, render, size_of
from orbitscope.scenes import bare_scene, scene
from orbitscope.types import Forecast, Recording, Trajectory

SMALL = {"size": "160x90", "fps": 24}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Four seconds from 1.5 s on in their file, in three dimensions."""
    folder = tmp_path_factory.mktemp("film")
    path = write_fake_orbit(folder / "song.orbit", walk(190), sound=noise(4.0), start_s=1.5)
    return scene(store.read_orbit(path))


@pytest.fixture(scope="module")
def film(shown, tmp_path_factory):
    return render(shown, tmp_path_factory.mktemp("made") / "film.mp4", **SMALL)


def leftovers(folder):
    return [name for name in os.listdir(folder) if name.startswith(".")]


class TestMp4:
    def test_has_the_size_the_rate_and_the_length_that_were_asked_for(self, film):
        with av.open(str(film)) as container:
            video, sound = container.streams.video[0], container.streams.audio[0]
            context = video.codec_context
            assert (context.name, sound.codec_context.name) == ("h264", "aac")
            assert (context.width, context.height, context.pix_fmt) == (160, 90, "yuv420p")
            assert video.average_rate == 24
            assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        times_s, shots = pictures(film)
        assert times_s == pytest.approx(np.arange(96) / 24, abs=1e-4)
        assert len(shots) == 4 * 24

    def test_the_index_comes_first_so_that_it_plays_while_it_loads(self, film):
        content = film.read_bytes()
        assert 0 < content.index(b"moov") < content.index(b"mdat")

    def test_the_sound_is_the_orbits_own_sample_by_sample(self, film, shown):
        ours, theirs = media.load(film), media.load(shown.sound)
        assert np.array_equal(ours.samples, theirs.samples)

    def test_shows_the_point_where_it_is(self, shown, film):
        _, shots = pictures(film)
        bright = [rows.copy() for _, rows in luma(film)]
        look = Film(shown, Style(), 160, 90, shown.sound_start_s, shown.duration_s).made_ready()
        for k in (10, 50, 90):
            canvas = Painter(look).paint(shown.sound_start_s + (k + 0.5) / 24)
            assert np.abs(bright[k].astype(float) - canvas.planes()[0]).mean() < 1.2
            assert np.abs(shots[k].astype(float) - canvas.picture()).mean() < 4  # colours have a quarter of the pixels

    def test_a_stretch_is_encoded_anew_and_stays_in_place(self, shown, tmp_path):
        part = render(shown, tmp_path / "part.mp4", start_s=2.5, duration_s=1.5, **SMALL)
        assert len(pictures(part)[0]) == 36
        ours, theirs = media.load(part).samples[0], media.load(shown.sound).samples[0]
        first = SOUND_RATE_HZ
        lags = [
            np.corrcoef(ours[100:60_000], theirs[first + 100 + lag : first + 60_000 + lag])[0, 1] for lag in (-3, 0, 3)
        ]
        assert lags[1] > 0.97 and lags[1] > max(lags[0], lags[2])
        assert len(ours) == pytest.approx(1.5 * SOUND_RATE_HZ, abs=2048)

    def test_without_sound_it_is_silent_and_says_so(self, tmp_path):
        bare = bare_scene(Trajectory(np.float32(walk(60)), HOP_S, 0.2, 0.1))
        with pytest.warns(OrbitscopeWarning, match="no sound"):
            made = render(bare, tmp_path / "silent.mp4", **SMALL)
        with av.open(str(made)) as container:
            assert not container.streams.audio
        assert len(pictures(made)[0]) == np.ceil(bare.duration_s * 24)


class TestOtherFiles:
    def test_webm(self, shown, tmp_path):
        made = render(shown, tmp_path / "film.webm", start_s=2.0, duration_s=1.0, **SMALL)
        with av.open(str(made)) as container:
            video, sound = container.streams.video[0], container.streams.audio[0]
            assert (video.codec_context.name, sound.codec_context.name) == ("vp9", "opus")
        times_s, _ = pictures(made)
        assert times_s == pytest.approx(np.arange(24) / 24, abs=2e-3)
        ours, theirs = media.load(made).samples[0], media.load(shown.sound).samples[0]
        at = round(0.5 * SOUND_RATE_HZ)
        assert np.corrcoef(ours[1000:40_000], theirs[at + 1000 : at + 40_000])[0, 1] > 0.9

    def test_gif(self, shown, tmp_path):
        made = render(shown, tmp_path / "film.gif", size="160x90", duration_s=1.0)
        times_s, shots = pictures(made)
        assert times_s == pytest.approx(np.arange(15) / 15, abs=0.011)  # a GIF counts hundredths of a second
        look = Film(shown, Style(), 160, 90, shown.sound_start_s, 1.0).made_ready()
        painted = Painter(look).paint(shown.sound_start_s + 7.5 / 15).picture()
        assert np.abs(shots[7].astype(float) - painted).mean() < 6
        assert b"NETSCAPE2.0" in made.read_bytes()  # it plays again and again

    def test_a_folder_of_pictures_and_again(self, shown, tmp_path):
        for duration_s, count in ((0.5, 12), (0.25, 6)):
            made = render(shown, tmp_path / "frames", duration_s=duration_s, **SMALL)
            names = sorted(os.listdir(made))
            assert names == [f"frame-{k:06}.png" for k in range(count)]
        with av.open(str(made / names[3])) as container:
            shot = next(container.decode(video=0)).to_ndarray(format="rgb24")
        look = Film(shown, Style(), 160, 90, shown.sound_start_s, 0.25).made_ready()
        assert (shot == Painter(look).paint(shown.sound_start_s + 3.5 / 24).picture()).all()
        assert not leftovers(tmp_path)

    def test_a_folder_of_anything_else_is_left_alone(self, shown, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "letter.txt").write_text("dear")
        with pytest.raises(StoreError, match="mine"):
            render(shown, tmp_path / "mine", duration_s=0.2, **SMALL)
        assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"

    def test_a_picture_and_a_poster_beside_a_film(self, shown, tmp_path):
        alone = render(shown, tmp_path / "a.png", size="160x90", start_s=3.0)
        render(shown, tmp_path / "b.gif", size="160x90", duration_s=0.2, poster=tmp_path / "c.png")
        for path in (alone, tmp_path / "c.png"):
            with av.open(str(path)) as container:
                assert next(container.decode(video=0)).to_ndarray(format="rgb24").shape == (90, 160, 3)
        assert not leftovers(tmp_path)


def stepping(folder, seconds, seed=0):
    """A point that rises slowly and jumps to the right and back, with a click at each jump; and the jumps' times."""
    rng = np.random.default_rng(seed)
    jumps = np.cumsum(rng.uniform(1.2, 3.4, round(seconds / 2.3)))
    first_s = 0.1
    after = np.round((jumps[jumps < seconds - 1] - first_s) / HOP_S + 0.5).astype(int)  # the first point after each
    jumps = first_s + HOP_S * (after - 0.5)
    place = np.zeros(round((seconds - 0.2) / HOP_S))
    place[after] = 1
    points = np.stack([np.cumsum(place) % 2, np.linspace(0, 4, len(place))], axis=1)
    sound = np.zeros((1, round(seconds * SOUND_RATE_HZ)), np.float32)
    for at in np.round(jumps * SOUND_RATE_HZ).astype(int):
        sound[:, at - 20 : at + 20] = 0.9 * np.sin(np.pi * np.arange(40) / 8)
    file = folder / "steps.m4a"
    length_s = write_sound(Recording(sound, SOUND_RATE_HZ), file)
    path = Trajectory(np.float32(points), HOP_S, 0.2, first_s)
    color = Coloring("time", "time", "s", path.times_s, 0.0, seconds)
    return Scene(path, project(path), (color,), sound=file, duration_s=length_s), jumps


def seen_and_heard(film):
    """The times at which the point changes sides in a film's pictures, and at which its sound clicks."""
    sides = []
    for time_s, picture in luma(film):
        white = (picture > 180).sum(axis=0)  # of the point
        sides.append((time_s, white @ np.arange(len(white)) / white.sum() > len(white) / 2 - 0.5))
    times_s, right = np.array([t for t, _ in sides]), np.array([side for _, side in sides])
    sound = np.abs(media.load(film).samples[0])
    loud = np.flatnonzero(sound > 0.3)
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 0.2 * SOUND_RATE_HZ) + 1)
    heard = np.array([(group * sound[group]).sum() / sound[group].sum() for group in groups]) / SOUND_RATE_HZ
    return times_s[1:][np.diff(right.astype(int)) != 0], heard


@pytest.mark.parametrize(("fps", "minutes"), [(24, 10), (29.97, 0.5), (60, 0.5)])
def test_sound_and_picture_are_in_step(tmp_path, fps, minutes):
    """Each jump of the point is seen within half a picture of its click, all along."""
    steps, jumps = stepping(tmp_path, 60 * minutes)
    options = {"title": False, "strip": False, "tail_s": 0.05}
    made = render(steps, tmp_path / "film.mp4", size="96x64", fps=fps, **options)
    seen, heard = seen_and_heard(made)
    assert len(seen) == len(heard) == len(jumps) > 20 * minutes
    assert heard == pytest.approx(jumps, abs=1e-3)
    assert np.abs(seen - heard).max() <= 0.5 / fps + 1e-3
    early, late = (seen - heard)[: len(jumps) // 2].mean(), (seen - heard)[len(jumps) // 2 :].mean()
    assert abs(early - late) < 0.3 / fps  # and it does not drift


class TestWhatIsShown:
    @pytest.mark.parametrize("dims", [1, 2, 12])
    @pytest.mark.parametrize("theme", ["dark", "light"])
    def test_any_number_of_dimensions(self, dims, theme, tmp_path):
        one = bare_scene(Trajectory(np.float32(walk(100, dims)), HOP_S, 0.2, 0.1))
        look = Film(one, Style(theme=theme), 320, 180, 0.0, 2.2).made_ready()
        painter = Painter(look)
        early, late = painter.paint(0.3).picture(), painter.paint(1.9).picture()
        assert np.abs(early.astype(int) - late).max() > 60
        assert np.median(late) < 40 if theme == "dark" else np.median(late) > 220

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_a_path_of_few_points(self, count):
        one = bare_scene(Trajectory(np.float32(walk(count)), HOP_S, 2.0, 1.0))
        picture = Painter(Film(one, Style(), 160, 90, 0.0, 2.0).made_ready()).paint(1.0).picture()
        assert picture.max() > 240  # the point

    @pytest.mark.parametrize("size", [(640, 360), (360, 640), (360, 360)])
    @pytest.mark.parametrize("dims", [2, 3])
    def test_the_path_stays_in_the_picture_from_every_side(self, size, dims):
        one = bare_scene(Trajectory(np.float32(walk(400, dims)), HOP_S, 0.2, 0.1))
        look = Film(one, Style(title=False, turn_deg_per_s=45), *size, 0.0, 8.0).made_ready()
        painter = Painter(look)
        bare = look.ground
        for time_s in np.arange(0.2, 8, 0.7):
            drawn = (painter.paint(time_s).pixels != bare).any(axis=0)
            assert not drawn[[0, -1]].any() and not drawn[:, [0, -1]].any()
        narrow = min(size)
        assert np.ptp(np.flatnonzero(drawn.any(axis=0))) > 0.3 * narrow

    def test_the_tail_is_behind_the_point_and_the_rest_is_fainter(self):
        line = np.zeros((101, 2))
        line[:, 0] = np.linspace(-1, 1, 101)
        one = bare_scene(Trajectory(np.float32(line), HOP_S, 0.2, 0.1))
        look = Film(one, Style(title=False, tail_s=0.5), 320, 180, 0.0, 2.2).made_ready()
        picture = Painter(look).paint(0.1 + 50 * HOP_S).picture().astype(int)
        row = picture.max(axis=2).max(axis=0)
        assert abs(int(np.flatnonzero(row >= 254).mean()) - 160) <= 2
        old, fresh, ahead = row[50:60].mean(), row[140:150].mean(), row[220:280].mean()
        assert fresh > old > ahead > picture[0].max() + 20

    def test_a_forecast_grows_while_its_time_comes_and_goes_after(self, shown):
        branch = Forecast(
            shown.trajectory.points[50] + walk(51, seed=3) - walk(1, seed=3), 50, 2.6, HOP_S, "knn", "past"
        )
        shots = {}
        for name, forecasts in (("with", (branch,)), ("without", ())):
            one = dataclasses.replace(shown, forecasts=forecasts)
            painter = Painter(Film(one, Style(turn_deg_per_s=0), 320, 180, 1.5, 4.0).made_ready())
            shots[name] = [painter.paint(t).picture().astype(int) for t in (2.5, 2.8, 3.5, 5.0, 5.7)]
        grown = [np.abs(a - b).sum() for a, b in zip(*shots.values(), strict=True)]
        assert grown[0] == 0 < grown[1] < grown[2] and 0 < grown[3] < grown[2] and grown[4] == 0

    def test_options_show_and_hide(self, shown):
        def shot(**style):
            return (
                Painter(Film(shown, Style(**style), 320, 240, 1.5, 4.0).made_ready()).paint(2.5).picture().astype(int)
            )

        whole, plain_one = shot(), shot(title=False, strip=False)
        corner, foot = np.s_[:40, :100], np.s_[205:230, 20:300]
        assert np.ptp(whole[corner]) > 100 > np.ptp(plain_one[corner])
        assert np.ptp(whole[foot]) > 100
        for other in ({"color": "loudness"}, {"theme": "light"}, {"azimuth_deg": 120.0}, {"elevation_deg": -40.0}):
            assert np.abs(shot(**other) - whole).max() > 50

    @pytest.mark.parametrize(
        "title", ["</script><img src=x>", "$x_{", "\x1b[31mred\x07", "\u202egnp.exe", "中文 é 😀", "w" * 5000, "", " "]
    )
    def test_any_title(self, shown, title):
        one = dataclasses.replace(shown, title=title, artist=title)
        picture = Painter(Film(one, Style(), 320, 240, 1.5, 4.0).made_ready()).paint(2.5).picture()
        assert picture.shape == (240, 320, 3)

    def test_letters_are_literal_and_fit(self):
        assert letters("x_{2}$", 20).shape[1] > 1.5 * letters("x2", 20).shape[1]
        assert letters("Hello", 20).max() > 0.95
        assert letters("Hello", 4).size == 0 == letters("", 20).size
        for text in ("short", "a rather long title of a song", "w" * 300):
            assert fitted(text, 20, 120).shape[1] <= 120
        assert [clock(s) for s in (0, 61.9, 3600)] == ["0:00", "1:01", "1:00:00"]


class TestLine:
    def test_drawn_pieces_lie_within_a_fifth_of_a_pixel(self):
        pixels = 500.0
        points = walk(400) / 2
        line = line_through(points, np.zeros((400, 3)), pixels)
        exact = np.stack([line.at(i)[0] for i in np.linspace(0, 399, 20_000)])
        worst = 0.0
        starts, steps = line.points[:-1].astype(float), np.diff(line.points.astype(float), axis=0)
        for point in exact[::7]:
            share = np.clip(((point - starts) * steps).sum(1) / (steps**2).sum(1), 0, 1)
            worst = max(worst, np.linalg.norm(starts + share[:, None] * steps - point, axis=1).min())
        assert worst * pixels < 0.2

    def test_goes_through_the_points_and_is_few_pieces_where_nothing_shows(self):
        points = walk(300)
        line = line_through(points, np.zeros((300, 3)), 400.0)
        for i in (0, 7, 150, 299):
            assert line.at(i)[0] == pytest.approx(points[i])
        assert len(line_through(points, np.zeros((300, 3)), 1.0).points) < 60 < len(line.points)
        assert len(line_through(points[:1], np.zeros((1, 3)), 400.0).points) == 1

    def test_a_rest_stays_a_rest_and_a_jump_does_not_swing_over(self):
        points = np.zeros((100, 3))
        points[50:, 0] = 1
        line = line_through(points, np.zeros((100, 3)), 400.0)
        places = np.array([line.at(i)[0][0] for i in np.linspace(0, 99, 991)])
        assert places.min() == 0 and places.max() <= 1 + 1e-12
        assert (places[:491] == 0).all() and places[501:] == pytest.approx(1, abs=1e-12)
        assert line.at(49.5)[0][0] == pytest.approx(0.5)
        assert len(line.points) < 8

    def test_an_hour(self):
        line = line_through(walk(155_000), np.zeros((155_000, 3)), 10.0)
        assert line.index[-1] == 154_999 and len(line.points) < 80_000


class TestWhatIsAskedFor:
    @pytest.mark.parametrize(
        ("size", "pixels"),
        [
            ("720p", (1280, 720)),
            ("4K", (3840, 2160)),
            ("vertical", (1080, 1920)),
            ("640x480", (640, 480)),
            ((64, 64), (64, 64)),
        ],
    )
    def test_sizes(self, size, pixels):
        assert size_of(size) == pixels

    @pytest.mark.parametrize(
        ("size", "says"),
        [
            ("641x480", "642x480"),
            ("10x10", "64 to 7680"),
            ("99999x2", "64 to 7680"),
            ("huge", "1080p"),
            ("-4x8", "720p"),
        ],
    )
    def test_sizes_that_cannot_be(self, size, says):
        with pytest.raises(InputError, match=says) as caught:
            size_of(size)
        assert "\n" not in str(caught.value)

    def test_rates(self):
        assert rate_of(30) == 30 and rate_of(29.97) * 1001 == 30_000 and rate_of(12.5, gif=True) == 12.5
        for fps in (23, 61, float("nan"), float("inf"), -5):
            with pytest.raises(InputError, match="24 to 60"):
                rate_of(fps)

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"size": "161x90"}, "162x90"),
            ({"fps": 100}, "24 to 60"),
            ({"theme": "blue"}, "dark, light"),
            ({"color": "taste"}, "time, loudness"),
            ({"start_s": 0.0}, "from 1.50 to"),
            ({"start_s": 99.0}, "from 1.50 to"),
            ({"start_s": float("nan")}, "from 1.50 to"),
            ({"duration_s": 0.0}, "more than 0"),
            ({"tail_s": -1.0}, "0 to 3600"),
            ({"turn_deg_per_s": 1e9}, "-360 to 360"),
            ({"elevation_deg": float("nan")}, "-90 to 90"),
            ({"poster": "poster.jpg"}, ".png"),
        ],
    )
    def test_what_cannot_be_is_told_in_a_line_and_nothing_is_written(self, shown, tmp_path, options, says):
        with pytest.raises(InputError, match=says) as caught:
            render(shown, tmp_path / "film.mp4", **{**SMALL, **options})
        assert "\n" not in str(caught.value)
        assert not os.listdir(tmp_path)

    @pytest.mark.parametrize("name", ["film.avi", "film.mp4.txt", ".."])
    def test_names_of_no_film(self, shown, tmp_path, name):
        with pytest.raises(InputError, match=r"film\.mp4|\.mp4, \.webm"):
            render(shown, tmp_path / name, **SMALL)


class TestNothingBrokenIsLeft:
    @pytest.mark.parametrize("name", ["film.mp4", "film.webm", "film.gif", "frames"])
    def test_when_interrupted_the_old_one_stays(self, shown, tmp_path, name):
        old = tmp_path / name
        if name == "frames":
            old.mkdir()
            (old / "frame-000000.png").write_bytes(b"old")
        else:
            old.write_bytes(b"old")

        def stop(done, of):
            if done == 5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            render(shown, old, report=stop, **SMALL)
        assert os.listdir(tmp_path) == [name]
        assert (old / "frame-000000.png" if name == "frames" else old).read_bytes() == b"old"

    @pytest.mark.parametrize("error", [OSError, av.error.OSError])
    def test_a_full_disk_is_told_in_a_line(self, shown, tmp_path, monkeypatch, error):
        def full(*_):
            raise error(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Movie, "close", full)
        with pytest.raises(StoreError, match=r"film\.mp4.*No space left.*free some space"):
            render(shown, tmp_path / "film.mp4", duration_s=0.3, **SMALL)
        assert not os.listdir(tmp_path)

    def test_a_place_that_cannot_be_written(self, shown, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="cannot be written"):
            render(shown, tmp_path / "file" / "film.mp4", duration_s=0.3, **SMALL)
        (tmp_path / "taken.mp4").mkdir()
        with pytest.raises(StoreError, match="folder"):
            render(shown, tmp_path / "taken.mp4", duration_s=0.3, **SMALL)

    def test_progress_counts_every_picture(self, shown, tmp_path):
        seen = []
        render(shown, tmp_path / "film.mp4", duration_s=0.5, report=lambda done, of: seen.append((done, of)), **SMALL)
        assert seen == [(k + 1, 12) for k in range(12)]
