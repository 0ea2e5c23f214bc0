"""A whole study in small: what it writes, that it goes on where it was, and what it refuses."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import looped_song
from scipy import stats
from test_pipeline import write_loop

from orbitscope import cli, evaluation, run_study
from orbitscope import study as study_module
from orbitscope._study_figures import _by_forecaster
from orbitscope._study_measure import Plan
from orbitscope._study_page import _method
from orbitscope.errors import InputError, StoreError
from orbitscope.study import read_study

SMALL = {"dims": (2,), "windows_s": (0.25,), "seeds": 2, "steps": 20, "every": 40, "surrogates": 1, "nets": False}


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    for seed, name in enumerate(("one", "two")):
        song = looped_song(seconds=7, loop_s=1.0 + 0.3 * seed, seed=seed)
        soundfile.write(folder / f"{name}.wav", song.samples.T, song.rate_hz)
    return [folder / "one.wav", folder / "two.wav"]


@pytest.fixture(scope="module")
def done(songs, tmp_path_factory):
    output = tmp_path_factory.mktemp("study") / "out"
    said = []
    study = run_study(songs, output, workers=1, report=lambda *what: said.append(what), **SMALL)
    return study, said


def test_every_shape_of_every_song_is_measured(done):
    study, said = done
    assert [done_ for _, done_, of in said] == [1, 2]
    assert {of for _, _, of in said} == {2}
    cells = {(c["song"], c["model"], c["dims"], c["window_s"]) for c in study.cells}
    assert cells == {(s, m, 2, 0.25) for s in ("one", "two") for m in ("R", "R-F")}
    for cell in study.cells:
        assert [run["seed"] for run in cell["runs"]] == [0, 1]
        for run in cell["runs"]:
            assert set(run["divergence"]) == set(evaluation.PROTOCOLS)
            assert ("Joint" in run["divergence"]["article"]) == (cell["model"] == "R-F")
            for found in run["divergence"]["article"].values():
                assert found["mean"][0] == 0 and len(found["mean"]) == 31
            assert set(run["scores"]) == {"in sample", "held out"}


def test_pure_and_conditioned_differ_and_so_do_seeds(done):
    runs = {(c["song"], c["model"], c["dims"]): c["runs"] for c in done[0].cells}
    counts = {run["divergence"]["article"]["KNN"]["initial_points"] for some in runs.values() for run in some}
    assert len(counts) == 1  # the same initial points for both
    angles = [run["shape"]["turning_angle_deg"] for all_runs in runs.values() for run in all_runs]
    assert len(set(angles)) == len(angles)


def test_a_number_in_the_study_is_the_one_that_the_library_gives(done):
    from orbitscope import KNNForecaster, divergence

    study, _ = done
    path = study.trajectory("one", "R", 2, 0.25)
    run = next(c for c in study.cells if (c["song"], c["model"], c["dims"]) == ("one", "R", 2))["runs"][0]
    for protocol in ("article", "leak-free"):
        again = divergence(path, KNNForecaster(), protocol=protocol, every=40, context=45)
        np.testing.assert_allclose(run["divergence"][protocol]["KNN"]["mean"], again.mean, rtol=1e-9)


def test_the_page_is_whole_and_runs_nothing(done):
    study, _ = done
    page = study.page.read_text()
    assert "Content-Security-Policy" in page and "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    for claim in study.claims:
        assert f"Claim {claim.number}." in page
    for image in re.findall(r'src="data:image/png;base64,([^"]{20})', page):
        assert image.startswith("iVBOR")
    assert (study.path / "study.md").read_text().count("![") == page.count("<img")


def test_tables_hold_every_number(done):
    study, _ = done

    def rows(name):
        with (study.path / f"{name}.csv").open() as file:
            return list(csv.DictReader(file))

    assert len(rows("runs")) == 2 * 2 * 2
    run = study.cells[0]["runs"][1]
    (row,) = [
        r
        for r in rows("divergence")
        if (r["song"], r["model"], r["dims"], r["seed"]) == ("one", "R", "2", "1")
        and (r["protocol"], r["forecaster"], r["series"]) == ("held-out", "Linear", "mean")
    ]
    assert float(row["step_30"]) == pytest.approx(run["divergence"]["held-out"]["Linear"]["mean"][30], rel=1e-5)
    assert {r["scored"] for r in rows("scores")} >= {
        "R",
        "R-F",
        "persistence",
        "mean",
        "first 12 components",
        "delay-PCA",
    }
    verdicts = json.loads((study.path / "claims.json").read_text())
    assert [c["claim"] for c in verdicts["claims"]] == [1, 2, 3, 4, 5, 6]


def test_it_goes_on_where_it_was_and_gives_the_same(songs, done, monkeypatch):
    study, _ = done
    before = study.cells
    removed = study.path / "cells" / "two" / "2d_0.25s.json"
    removed.unlink()
    worked = []
    work = study_module._work
    monkeypatch.setattr(study_module, "_work", lambda *job: (worked.append(job[2:]), work(*job)))
    again = run_study(songs, study.path, workers=1, **SMALL)
    assert [(song.name, dims) for song, dims, _ in worked] == [("two", 2)]
    assert again.cells == before


def test_songs_are_known_again_under_other_names(songs, done, tmp_path):
    study, _ = done
    other = tmp_path / "two.wav"  # the name that the second song has there
    other.write_bytes(songs[0].read_bytes())
    again = run_study([songs[1], other], study.path, workers=1, **SMALL)
    assert not again.failed and again.cells == study.cells
    assert sorted(path.name for path in (study.path / "cells").iterdir()) == ["one", "two"]


def test_another_study_is_not_overwritten(songs, done, tmp_path):
    study, _ = done
    with pytest.raises(StoreError, match="of other songs \\(one, two\\).*another folder"):
        run_study(songs[:1], study.path, workers=1, **SMALL)
    with pytest.raises(StoreError, match="another plan \\(steps differ\\)"):
        run_study(songs, study.path, workers=1, **{**SMALL, "steps": 21})
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="holds no study"):
        run_study(songs, tmp_path, workers=1, **SMALL)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_bad_songs_are_reported_and_the_rest_is_done(songs, tmp_path):
    silent, text = tmp_path / "silent.wav", tmp_path / "text <b>.mp3"
    soundfile.write(silent, np.zeros(44100 * 7), 44100)
    text.write_text("no sound")
    plan = {**SMALL, "seeds": 1, "surrogates": 0, "nets": True}
    study = run_study([silent, songs[0], text, tmp_path / "missing.wav"], tmp_path / "out", workers=1, **plan)
    assert {c["song"] for c in study.cells} == {"one"}
    assert set(study.cells[1]["runs"][0]["displacement"]) >= {"MLP", "LSTM", "MLP (article)", "LSTM (article)", "Joint"}
    assert set(study.failed) == {"silent, 2-D, 0.25 s", "text <b>.mp3", "missing.wav"}
    page = study.page.read_text()
    assert "text &lt;b&gt;.mp3" in page and "<b>.mp3" not in page


def test_no_song_at_all_is_an_error(tmp_path):
    with pytest.raises(InputError, match="missing.wav"):
        run_study([tmp_path / "missing.wav"], tmp_path / "out", **SMALL)
    with pytest.raises(InputError, match="no song is given"):
        run_study([], tmp_path / "out", **SMALL)
    assert not (tmp_path / "out").exists()


def test_options_are_checked_before_any_work(songs, tmp_path):
    for wrong, word in (
        ({"dims": (0,)}, "latent_dim"),
        ({"dims": ()}, "one value at least"),
        ({"dims": (2, 3, 2)}, "none twice"),
        ({"windows_s": 0.5}, "windows_s is 0.5; it must hold one value at least"),
        ({"windows_s": (0.5, -1.0)}, "window"),
        ({"preset": "other"}, "preset"),
        ({"seeds": 0}, "seeds"),
        ({"horizon": 0}, "horizon"),
        ({"gadgets": 3}, "gadgets"),
        ({"workers": 0}, "workers"),
    ):
        with pytest.raises(InputError, match=word):
            run_study(songs, tmp_path / "out", **wrong)


def test_songs_of_one_name_do_not_collide(songs, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "one.wav"
    write_loop(twin, seed=5)
    found, failed = study_module._songs([songs[0], twin, songs[0]])
    assert len(found) == 2 and not failed
    assert found[0].name == "one" and found[1].name.startswith("one-")


def test_a_damaged_cell_is_named(done, tmp_path):
    study, _ = done
    file = study.path / "cells" / "one" / "2d_0.25s.json"
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    try:
        with pytest.raises(StoreError, match="2d_0.25s.json.*damaged.*remove it"):
            read_study(study.path)
    finally:
        file.write_bytes(whole)
    with pytest.raises(StoreError, match="study.json"):
        read_study(tmp_path)


def test_damaged_paths_are_named(done):
    study, _ = done
    file = study.path / "cells" / "one" / "2d_0.25s.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    try:
        with pytest.raises(StoreError, match="2d_0.25s.npz.*remove it"):
            study.trajectory("one", "R", 2, 0.25)
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("change", [{"songs": ["one"]}, {"songs": None}, {"plan": None}, {"schema": 99}])
def test_a_manifest_of_another_make_is_named(songs, done, tmp_path, change):
    manifest = json.loads((done[0].path / study_module.MANIFEST).read_text())
    (tmp_path / study_module.MANIFEST).write_text(json.dumps(manifest | change))
    with pytest.raises(StoreError, match="study.json: it is not a study that can be read"):
        read_study(tmp_path)
    with pytest.raises(StoreError, match="study.json: it is not a study that can be read"):
        run_study(songs, tmp_path, workers=1, **SMALL)


def test_the_page_says_which_stretch_was_taken(done):
    stretches = {(0.0, None): "one, two. R", (0.0, 9.0): "two, the first 9 s.", (2.5, 9.0): "two, 9 s from 2.5 s on."}
    stretches[2.5, None] = "two, from 2.5 s on."
    for (start_s, duration_s), words in stretches.items():
        plan = replace(done[0].plan, start_s=start_s, duration_s=duration_s)
        assert words in _method(replace(done[0], plan=plan))


def test_bars_of_forecasters_are_standard_errors_over_seeds(done):
    study, _ = done
    runs = next(c for c in study.cells if (c["song"], c["model"]) == ("one", "R-F"))["runs"]
    relative = np.array([run["divergence"]["held-out"]["KNN"]["relative"][1:] for run in runs])
    mean, error = _by_forecaster(study, "one", "held-out", 2, 0.25)["KNN"]
    np.testing.assert_allclose(mean[1:], relative.mean(axis=0))
    np.testing.assert_allclose(error[1:], stats.sem(relative))


def test_the_models_of_a_plan_differ_by_the_forecast_weight_alone():
    pure, conditioned = (Plan().settings(model, 3, 0.5, 4).to_dict() for model in ("R", "R-F"))
    assert {name for name in pure if pure[name] != conditioned[name]} == {"forecast_weight"}
    assert pure["forecast_weight"] == pure["curvature_weight"] == 0
    assert conditioned["forecast_weight"] == 1e-3


def test_the_command(songs, done, capsys):
    study, _ = done
    arguments = ["study", *map(str, songs), "-o", str(study.path), "--dims", "2", "--windows", "0.25"]
    status = cli.main([*arguments, "--seeds", "2", "--steps", "20", "-q", "--json"])
    said = capsys.readouterr()
    assert status == 1 and "another plan" in said.err  # `every` is another one
    assert cli.main(["study", str(songs[0])]) == 2  # no --output
    for wrong in (["--dims", "2", "2.5"], ["--seeds", "1.5"], ["--steps", "2.5"]):
        assert cli.main([*arguments, *wrong]) == 2
        assert f"{wrong[0]}: " in capsys.readouterr().err
