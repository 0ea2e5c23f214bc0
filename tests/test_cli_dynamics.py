"""The commands forecast, divergence and score: the numbers of the Python API, and one clear line for what is wrong."""

import json
import re
import shutil

import numpy as np
import pytest
from conftest import SMALL_NETS
from test_pipeline import write_loop

import orbitscope
from orbitscope import cli, store
from orbitscope.evaluation import divergence
from orbitscope.forecast import JointForecaster, KNNForecaster, LinearForecaster
from orbitscope.pipeline import forecast_orbit
from orbitscope.scoreboard import reference_space, score

STRANGE = ["two words", "é中😀", "[1] [bold]<b>'$x_{$", "_below", "-a b"]


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """``song.wav`` with the orbits ``song``, ``pure`` (without a predictor), ``damaged`` and ``wide`` (2 s)."""
    folder = tmp_path_factory.mktemp("dynamics")
    song = write_loop(folder / "song.wav", seconds=7.5)
    options = {"steps": 30, "figures": False, **SMALL_NETS, "context": 6}
    orbitscope.run(song, output=folder, **options)
    orbitscope.run(song, output=folder / "pure.orbit", forecast_weight=0.0, **options)
    for name in ("damaged", "wide"):
        shutil.copytree(folder / "song.orbit", folder / f"{name}.orbit")
    (folder / "damaged.orbit" / store.TRAJECTORY).write_bytes(b"broken")
    with np.load(folder / "wide.orbit" / store.TRAJECTORY) as archive:
        arrays = {**archive, "window_s": np.float64(1.0)}
    np.savez(folder / "wide.orbit" / store.TRAJECTORY, **arrays)
    return folder


@pytest.fixture(scope="module")
def reference(songs):
    frames = orbitscope.spectrogram(orbitscope.load(songs / "song.wav"), "article")
    return reference_space(frames, 22, trained_share=1.0)


@pytest.fixture(scope="module")
def components(songs, reference):
    """An array that must score as the control of three components does."""
    np.save(songs / "components.npy", reference.y[:, :3])
    return songs / "components.npy"


@pytest.fixture
def orbit(songs, tmp_path):
    """A copy of ``song.orbit`` to write into."""
    return shutil.copytree(songs / "song.orbit", tmp_path / "copy.orbit")


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made but not written, which takes most of the time."""
    monkeypatch.setattr(
        "orbitscope.plots.save", lambda _, folder, name: (folder / f"{name}.png", folder / f"{name}.svg")
    )


def strictly(text):
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


class TestForecast:
    def test_it_is_kept_and_drawn(self, orbit, called):
        status, out, err = called("forecast", orbit, "--from", "2", "--steps", 20)
        npz, png = (orbit / "forecasts" / f"knn-leak-free-2.01s.{suffix}" for suffix in ("npz", "png"))
        assert (status, out, err) == (0, f"{npz}\n{png}\n", "")
        assert png.read_bytes()[:4] == b"\x89PNG" and png.with_suffix(".svg").exists()
        (kept,) = store.read_forecasts(orbit)
        expected = forecast_orbit(store.read_orbit(orbit), KNNForecaster(), 2.0, 20)
        np.testing.assert_array_equal(kept.points, expected.points)
        assert (kept.forecaster, kept.knows, kept.start) == ("knn", "leak-free", expected.start)

    @pytest.mark.parametrize(
        ("method", "knows", "forecaster"),
        [("linear", "past", lambda _: LinearForecaster()), ("joint", "all", lambda orbit: JointForecaster(orbit))],
    )
    def test_json_has_the_numbers_of_the_api(self, orbit, called, undrawn, method, knows, forecaster):
        options = ("--with", method, "--knows", knows, "--steps", 12, "--json")
        status, out, _ = called("forecast", orbit, "--from", "3", *options)
        (line,) = strictly(out)
        expected = forecast_orbit(store.read_orbit(orbit), forecaster(orbit), 3.0, 12, knows=knows, name=method)
        assert status == 0
        assert line == {
            "orbit": str(orbit), "file": str(orbit / f"forecasts/{method}-{knows}-3.01s.npz"), **expected.to_dict()
        }  # fmt: skip

    def test_a_seed_makes_the_same_forecast(self, orbit, called, undrawn):
        made = [
            strictly(called("forecast", orbit, "--from", "3", "--steps", 5, "--with", "reservoir", "--seed", seed,
                            "--json")[1])[0]["points"]
            for seed in (1, 1, 2)
        ]  # fmt: skip
        assert made[0] == made[1] != made[2]

    @pytest.mark.parametrize("text", ["2.5", "2.5s", " 2.50 s", "0:02.5", "00:2.5", "0:2.5s", "002.5"])
    def test_forms_of_a_moment(self, orbit, called, undrawn, text):
        status, out, _ = called("forecast", orbit, "--from", text, "--steps", 3, "--with", "persistence", "--json")
        times_s = store.read_orbit(orbit).trajectory.times_s
        assert status == 0
        assert strictly(out)[0]["start"] == np.abs(times_s - 2.5).argmin()

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("1:02.5", "62.5"), ("90", "90"), ("0", "0"), ("9" * 5000 + ":00", "inf"), ("0:75", "75"), (".1s", "0.1")],
    )
    def test_a_moment_outside(self, orbit, called, text, seconds):
        status, out, err = called("forecast", orbit, "--from", text, "--steps", 3)
        assert (status, out) == (1, "")
        assert err.startswith(f"orbitscope: {seconds} s is outside the orbit, which goes from 0.27 to 7.")

    @pytest.mark.parametrize(
        "text", ["", "abc", "-1", "1:2:3", "nan", "inf", "1e1", "2,5", "2 5", "2m", ":", "1:", "²"]
    )
    def test_what_is_no_moment(self, orbit, called, text):
        status, out, err = called("forecast", orbit, f"--from={text}", "--steps", 3)
        assert (status, out) == (2, "") and "--from" in err and len(err.splitlines()) == 1

    @pytest.mark.parametrize(
        ("options", "status", "words"),
        [
            (("--steps", "0"), 2, "--steps is 0; it must be from 1 to 100000"),
            (("--steps", "-5"), 2, "--steps is -5"),
            (("--steps", "100001"), 2, "--steps is 100001"),
            (("--steps", "1" + "0" * 30), 2, "--steps is 1000"),
            (("--steps", "two"), 2, "--steps"),
            (("--steps", "2.5"), 2, "--steps: '2.5' is no whole number"),
            (("--seed", "1e3"), 2, "--seed: '1e3' is no whole number"),
            (("--seed", "-1"), 2, "--seed is -1"),
            (("--with", "oracle"), 2, "oracle"),
            (("--knows", "future"), 2, "future"),
            (("--bogus",), 2, "--bogus"),
            (("--steps", "1000"), 1, "nothing is left to learn from"),
            (("--with", "reservoir", "--from", "0.5"), 1, "go on from 1.40 s or later"),
            (("--with", "analog", "--steps", "123", "--from", "1"), 1, "5 neighbors are asked for"),
        ],
    )
    def test_options_that_cannot_be(self, orbit, called, options, status, words):
        before = files(orbit)
        got, out, err = called("forecast", orbit, *(() if "--from" in options else ("--from", "2")), *options)
        assert (got, out) == (status, "") and words in err and len(err.splitlines()) == 1
        assert files(orbit) == before

    def test_a_moment_must_be_given(self, orbit, called):
        assert called("forecast", orbit)[0] == 2
        assert called("forecast")[0] == 2

    @pytest.mark.parametrize("name", ["nothing.orbit", "song.wav", ".", "damaged.orbit"])
    def test_no_orbit(self, songs, called, name):
        status, out, err = called("forecast", songs / name, "--from", "2")
        assert (status, out, len(err.splitlines())) == (1, "", 1)
        assert name.strip(".") in err

    def test_joint_needs_a_model_with_a_predictor(self, songs, orbit, called):
        status, out, err = called("forecast", songs / "pure.orbit", "--from", "2", "--with", "joint")
        assert (status, out) == (1, "") and "trained without a forecast" in err
        (orbit / store.MODEL).write_bytes(b"broken")
        status, out, err = called("forecast", orbit, "--from", "2", "--with", "joint")
        assert (status, out) == (1, "") and "model.safetensors: it is damaged" in err

    @pytest.mark.parametrize(
        "taken", ["forecasts", "forecasts/knn-leak-free-2.01s.npz", "forecasts/knn-leak-free-2.01s.png"]
    )
    def test_a_place_that_cannot_be_written(self, orbit, called, taken):
        if taken == "forecasts":
            (orbit / taken).write_text("a file where the folder should be")
        else:
            (orbit / taken).mkdir(parents=True)
        status, out, err = called("forecast", orbit, "--from", "2", "--steps", 3)
        assert (status, out) == (1, "") and len(err.splitlines()) == 1
        assert f"{orbit / taken}: " in err and "cannot be written" in err

    @pytest.mark.parametrize("name", STRANGE)
    def test_strange_names(self, songs, tmp_path, monkeypatch, called, name):
        shutil.copytree(songs / "song.orbit", tmp_path / f"{name}.orbit")
        monkeypatch.chdir(tmp_path)
        status, out, err = called("forecast", "--from", "2", "--steps", 3, "--", f"{name}.orbit")
        assert (status, err) == (0, "")
        assert out.splitlines() == [f"{name}.orbit/forecasts/knn-leak-free-2.01s.{suffix}" for suffix in ("npz", "png")]

    @pytest.mark.parametrize("name", ["a\x1b[31mb\nc", "a\udcffb"])
    def test_a_name_cannot_steer_the_terminal(self, songs, tmp_path, called, undrawn, name):
        orbit = shutil.copytree(songs / "song.orbit", tmp_path / f"{name}.orbit")
        status, out, _ = called("forecast", orbit, "--from", "2", "--steps", 3)
        assert status == 0 and len(out.splitlines()) == 2
        assert all(line.isprintable() for line in out.splitlines())
        status, out, _ = called("forecast", orbit, "--from", "2", "--steps", 3, "--json")
        assert strictly(out)[0]["orbit"] == str(orbit)


class TestDivergence:
    def test_json_has_the_numbers_of_the_api(self, songs, called):
        options = ("--steps", 20, "--every", 7, "--protocol", "all", "--json")
        status, out, err = called("divergence", songs / "song.orbit", "--with", "knn", "joint", *options)
        orbit = store.read_orbit(songs / "song.orbit")
        makers = {"knn": KNNForecaster(), "joint": JointForecaster(orbit.path)}
        expected = [
            {
                **divergence(orbit.trajectory, made, steps=20, every=7, protocol=protocol, context=6).to_dict(),
                "orbit": str(orbit.path),
                "forecaster": name,
            }
            for protocol in ("article", "leak-free", "held-out")
            for name, made in makers.items()
        ]
        assert (status, err) == (0, "")
        assert strictly(out) == expected
        assert all(
            a["initial_points"] == b["initial_points"] for a, b in zip(expected[::2], expected[1::2], strict=True)
        )

    @pytest.mark.parametrize("columns", [40, 80])
    def test_the_table_has_whole_numbers_at_any_width(self, songs, tmp_path, called, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        long = shutil.copytree(songs / "song.orbit", tmp_path / f"{'a long name ' * 3}{'n' * 30}.orbit")
        options = ("--with", "knn", "persistence", "--every", 40)
        _, lines, _ = called("divergence", songs / "song.orbit", *options, "--json")
        status, out, _ = called("divergence", songs / "song.orbit", long, *options)
        assert status == 0 and "…" not in out
        rows = [row.split()[-8:] for row in out.splitlines()]
        for found in strictly(lines):
            numbers = [*(found["scaled"][k] for k in (1, 5, 10, 20, 30)), found["relative"][30]]
            cells = [found["forecaster"], *(f"{v:.3f}" for v in numbers), f"{found['valid_time_s']:.2f}"]
            assert rows.count(cells) == 2
        assert max(map(len, out.splitlines())) <= max(columns, 72)
        assert f"leak-free, {found['initial_points']} initial points" in out and "ratio" in out and "valid s" in out

    def test_a_damaged_orbit_among_good_ones(self, songs, called):
        given = [songs / f"{name}.orbit" for name in ("damaged", "song", "nothing", "pure")]
        status, out, err = called("divergence", *given, "--json")
        lines = strictly(out)
        assert status == 1
        assert [line["orbit"] for line in lines if "mean" in line] == [str(given[1]), str(given[3])]
        assert [line["input"] for line in lines if "error" in line] == [str(given[0]), str(given[2])]
        assert len(err.splitlines()) == 2
        assert re.search("damaged.orbit/trajectory.npz: it is damaged.*\n.*nothing.orbit: there is no such", err)
        status, out, err = called("divergence", *given)
        assert (status, len(err.splitlines())) == (1, 2) and "song" in out and "pure" in out
        status, out, err = called("divergence", given[0])
        assert (status, out, len(err.splitlines())) == (1, "", 1)

    def test_a_forecaster_that_one_orbit_lacks(self, songs, called):
        given = [songs / "pure.orbit", songs / "song.orbit"]
        status, out, err = called("divergence", *given, "--with", "joint", "knn", "--json")
        done = [(line["orbit"], line["forecaster"]) for line in strictly(out) if "mean" in line]
        assert status == 1
        assert done == [(str(given[0]), "knn"), (str(given[1]), "joint"), (str(given[1]), "knn")]
        assert err.startswith(f"orbitscope: {given[0]}, joint: this model was trained without a forecast")
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize(
        ("options", "status", "words"),
        [
            (("--steps", "0"), 2, "--steps is 0; it must be from 1"),
            (("--steps", "-3"), 2, "--steps is -3"),
            (("--steps", "1" + "0" * 30), 2, "--steps is 1000"),
            (("--every", "0"), 2, "--every is 0"),
            (("--every", "1" + "0" * 30), 2, "--every is 1000"),
            (("--seed", "-1"), 2, "--seed is -1"),
            (("--with", "oracle"), 2, "oracle"),
            (("--with",), 2, "--with names no forecaster"),
            (("--protocol", "fair"), 2, "fair"),
            (("-o", "."), 2, "--output . is no name of a figure"),
            (("-o", ".."), 2, "--output .. is no name of a figure"),
            (("--steps", "5000"), 1, "song.orbit, knn: song.wav: too short"),
            (("--with", "linear", "--steps", "200"), 1, "song.orbit, linear: too short"),
            (("-o", "taken/x.png"), 1, "taken/x.png: cannot be written"),
        ],
    )
    def test_options_that_cannot_be(self, songs, tmp_path, monkeypatch, called, options, status, words):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "taken").write_text("a file where the folder should be")
        got, out, err = called("divergence", songs / "song.orbit", *options)
        assert got == status and words in err and len(err.splitlines()) == 1
        assert out == "" or "-o" in options
        assert files(tmp_path) == ["taken"]
        assert called("divergence")[0] == 2

    def test_a_figure(self, songs, tmp_path, called):
        figure = tmp_path / "new folder" / "both é.png"
        options = ("--protocol", "all", "--every", 20, "--steps", 10)
        status, out, _ = called("divergence", songs / "song.orbit", *options, "-o", figure)
        assert status == 0 and out.endswith(f"{figure}\n{figure.with_suffix('.svg')}\n")
        assert figure.read_bytes()[:4] == b"\x89PNG"
        status, out, err = called("divergence", songs / "song.orbit", *options[2:], "--json", "-o", figure)
        assert status == 0 and len(strictly(out)) == 1 and str(figure) in err

    @pytest.mark.parametrize("name", ["k.4.png", "k.4.SVG", "k.4"])
    def test_a_figure_keeps_the_dots_of_its_name(self, songs, called, undrawn, tmp_path, name):
        _, out, _ = called("divergence", songs / "song.orbit", "--every", 50, "-o", tmp_path / name)
        assert out.splitlines()[-2:] == [str(tmp_path / f"k.4.{suffix}") for suffix in ("png", "svg")]

    def test_orbits_of_one_name_are_told_apart(self, songs, tmp_path, called, monkeypatch):
        drawn = []
        monkeypatch.setattr("orbitscope.plots_dynamics.plot_divergence", lambda panels, **_: drawn.append(panels))
        monkeypatch.setattr("orbitscope.plots.save", lambda *_: ())
        monkeypatch.setenv("COLUMNS", "300")
        other = shutil.copytree(songs / "pure.orbit", tmp_path / "song.orbit")
        status, out, _ = called("divergence", songs / "song.orbit", other, songs / "pure.orbit", "-o", tmp_path / "x")
        assert status == 0
        assert list(drawn[0]["leak-free"]) == [str(songs / "song.orbit"), str(other), "pure"]
        assert str(other) in out
        mean, (low, high) = drawn[0]["leak-free"]["pure"]
        found = divergence(store.read_orbit(other).trajectory, KNNForecaster())
        np.testing.assert_array_equal(mean, found.scaled)
        np.testing.assert_allclose([low, high], found.interval / found.radius)

    def test_strange_names(self, songs, tmp_path, called, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.chdir(tmp_path)
        given = [shutil.copytree(songs / "song.orbit", f"{name}.orbit") for name in [*STRANGE, "\x1b[31mred"]]
        status, out, err = called("divergence", "--every", 50, "-o", "x.png", "--", *given)
        assert (status, err) == (0, "")
        assert "\x1b" not in out and all(name in out for name in [*STRANGE, "red"])
        assert (tmp_path / "x.png").exists()

    def test_from_inside_the_orbit(self, orbit, called, monkeypatch):
        monkeypatch.chdir(orbit)
        status, out, _ = called("divergence", ".", "--every", 50)
        assert status == 0 and "copy" in out


class TestScore:
    def test_json_has_the_numbers_of_the_api(self, songs, called, reference, components):
        given = [songs / "song.orbit", songs / "pure.orbit", components]
        options = ("--recording", songs / "song.wav", "--pure", "pure", "--neighbors", 4)
        status, out, err = called("score", *given, *options, "--json")
        embeddings = {path.stem: store.read_orbit(path).trajectory for path in given[:2]}
        expected = score(embeddings | {"components": reference.y[:, :3]}, reference, neighbors=4, pure="pure")
        assert (status, err) == (0, "")
        (line,) = strictly(out)
        assert line == {"recording": str(songs / "song.wav"), **json.loads(json.dumps(expected.to_dict()))}
        assert line["scores"]["components"]["nrmse"] == line["scores"]["first 3 components"]["nrmse"]
        assert line["scores"]["pure, low-passed as song"]["role"] == "control"

    def test_held_out_is_the_last_part(self, songs, called, components):
        options = ("--recording", songs / "song.wav", "--held-out", "--json")
        (line,) = strictly(called("score", components, *options)[1])
        frames = orbitscope.spectrogram(orbitscope.load(songs / "song.wav"), "article")
        held_out = reference_space(frames, 22)
        expected = score({"components": np.load(components)}, held_out)
        assert line["protocol"] == "held out" and line["starts"] == len(held_out.starts(30))
        assert line["scores"]["components"]["nrmse"]["state"] == expected.nrmse["components"]["state"].tolist()

    def test_an_orbit_of_a_longer_window_sets_the_gap(self, songs, called):
        (line,) = strictly(called("score", songs / "wide.orbit", "--recording", songs / "song.wav", "--json")[1])
        frames = orbitscope.spectrogram(orbitscope.load(songs / "song.wav"), "article")
        reference = reference_space(frames, 22, trained_share=1.0, longest_window=43)
        expected = score({"wide": store.read_orbit(songs / "wide.orbit").trajectory}, reference)
        assert line["scores"]["wide"]["nrmse"]["state"] == expected.nrmse["wide"]["state"].tolist()

    @pytest.mark.parametrize("columns", [40, 80])
    def test_the_table_has_whole_numbers_at_any_width(self, songs, called, components, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        given = (songs / "song.orbit", components, "--recording", songs / "song.wav")
        status, out, _ = called("score", *given)
        (line,) = strictly(called("score", *given, "--json")[1])
        assert status == 0 and "…" not in out
        rows = [row.split()[-9:] for row in out.splitlines()]
        for found in line["scores"].values():
            for form, values in found["nrmse"].items():
                assert [f"{v:.3f}" for v in [*values, found["skill_ratio"][form]]] in rows
        assert "NRMSE, in sample, displacement" in out
        assert max(map(len, out.splitlines())) <= max(columns, 68)

    @pytest.mark.parametrize(
        ("name", "made", "words"),
        [
            ("rows", lambda y: np.delete(y, 0, axis=0), "embedding 'rows' has .* rows; .* are needed"),
            ("frames", lambda y: np.pad(y, [(0, 21), (0, 0)]), "one row for each frame: embed windows"),
            ("nan", lambda y: np.where(y == y[3], np.nan, y), "nan.npy: 1 of .* points hold NaN"),
            ("infinite", lambda y: np.where(y == y[3], np.inf, y), "NaN or infinite"),
            ("flat", lambda y: y[:, 0], "flat.npy: it is float64 of shape"),
            ("whole", lambda y: y.astype(int), "whole.npy: it is int64"),
            ("objects", lambda y: y.astype(object), "objects.npy: it is no .npy file"),
            ("empty", lambda y: y[:, :0], "empty.npy: it is float64 of shape"),
            ("text", None, "text.npy: it is no .npy file"),
            ("missing", None, "missing.npy: there is no such file"),
            ("folder", None, "folder.npy: it is not an orbit folder"),
        ],
    )
    def test_an_array_that_cannot_be(self, songs, tmp_path, called, reference, name, made, words):
        file = tmp_path / f"{name}.npy"
        if made:
            np.save(file, made(reference.y[:, :3]), allow_pickle=True)
        elif name == "text":
            file.write_text("no array\n" * 100)
        elif name == "folder":
            file.mkdir()
        status, out, err = called("score", file, "--recording", songs / "song.wav")
        assert (status, out, len(err.splitlines())) == (1, "", 1)
        assert re.search(words, err)

    def test_pickles_are_not_opened(self, songs, tmp_path, called):
        class Bomb:
            def __reduce__(self):
                return (open, (str(tmp_path / "boom"), "w"))

        np.save(tmp_path / "bomb.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
        assert called("score", tmp_path / "bomb.npy", "--recording", songs / "song.wav")[0] == 1
        assert not (tmp_path / "boom").exists()

    @pytest.mark.parametrize(
        ("options", "status", "words"),
        [
            (("pure.orbit", "song.npy"), 2, "two embeddings are called 'song'"),
            (("--pure", "R"), 2, "--pure 'R' is none of the embeddings: song"),
            (("--window", "20"), 2, "--window is 20 s; it must be from 0.1 to 10 s"),
            (("--window", "nan"), 2, "--window is nan"),
            (("--neighbors", "0"), 2, "--neighbors is 0"),
            (("--neighbors", "five"), 2, "--neighbors"),
            (("--neighbors", "5000"), 1, "song.wav: .* windows in all are needed"),
            (("--recording", "missing.wav"), 1, "missing.wav: cannot be read"),
            (("--recording", "text.wav"), 1, "text.wav: is not audio"),
            (("--recording", "other.wav"), 1, "embedding 'song' is of another recording"),
            (("--start", "5"), 1, "windows in all are needed"),
            (("--start", "-1"), 1, "change --start"),
            (("--duration", "0.3"), 1, "give a longer stretch"),
            (("damaged.orbit",), 1, "trajectory.npz: it is damaged"),
        ],
    )
    def test_options_that_cannot_be(self, songs, called, monkeypatch, options, status, words):
        monkeypatch.chdir(songs)
        (songs / "text.wav").write_text("no music\n" * 100)
        write_loop(songs / "other.wav", seconds=7.5, seed=1)
        recording = () if "--recording" in options else ("--recording", "song.wav")
        got, out, err = called("score", "song.orbit", *options, *recording)
        assert (got, out, len(err.splitlines())) == (status, "", 1)
        assert re.search(words, err)

    def test_something_to_score_must_be_given(self, songs, called):
        assert called("score", "--recording", songs / "song.wav")[0] == 2
        assert called("score", songs / "song.orbit")[0] == 2

    def test_strange_names(self, songs, tmp_path, called, components, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.chdir(tmp_path)
        for name in [*STRANGE, "\x1b[31mred"]:
            shutil.copy(components, f"{name}.npy")
        given = [f"{name}.npy" for name in [*STRANGE, "\x1b[31mred"]]
        status, out, err = called("score", "--recording", songs / "song.wav", "--pure", "_below", "--", *given)
        assert (status, err) == (0, "")
        assert "\x1b" not in out and all(out.count(name) >= 2 for name in [*STRANGE, "red"])

    def test_an_embedding_called_as_a_control_is(self, songs, called, components):
        shutil.copy(components, songs / "mean.npy")
        status, _, err = called("score", songs / "mean.npy", "--recording", songs / "song.wav")
        assert status == 1 and "is called 'mean', as a control is" in err


def test_help_tells_every_option(called):
    for command, options in {
        "forecast": ("--from", "--steps", "--with", "--knows", "--seed", "--json"),
        "divergence": ("--with", "--protocol", "--steps", "--every", "--seed", "--output", "--json"),
        "score": ("--recording", "--window", "--start", "--duration", "--held-out", "--pure", "--neighbors", "--json"),
    }.items():
        status, out, _ = called(command, "--help")
        assert status == 0 and all(option in out for option in options)
    assert cli.main(["forecast", "--help"]) == 0
