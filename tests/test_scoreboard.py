"""Forecast scores: closed forms, a brute-force twin that shares no code, and what must be refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from sklearn.decomposition import PCA

from orbitscope import _nearest
from orbitscope.errors import InputError
from orbitscope.geometry import mean_turning_angle
from orbitscope.scoreboard import FORMS, HORIZONS, low_passed, read_embedding, reference_space, score
from orbitscope.types import Frames, Source, Trajectory

HOP_S = 0.02
SHORT = (0, 1, 2, 4)


def magnitudes(frames=300, features=6, seed=0, start_s=0.5, **others):
    """Frames whose levels drift by some decibels."""
    steps = np.random.default_rng(seed).normal(size=(frames, features))
    levels = lfilter([6], [1, -0.9], steps, axis=0)
    values = 10 ** ((levels - levels.max()) / 20)
    return Frames(values.astype(np.float32), HOP_S, start_s, "article", **others)


@pytest.fixture(scope="module", params=[0.7, 1.0], ids=["held out", "in sample"])
def reference(request):
    return reference_space(magnitudes(), 5, trained_share=request.param)


@pytest.fixture(scope="module")
def held_out():
    return reference_space(magnitudes(), 5)


def noise(reference, seed=7, latent_dim=3):
    return np.random.default_rng(seed).normal(size=(len(reference.y), latent_dim))


def trajectory(points, reference, **changes):
    """A trajectory with the times of the reference, unless ``changes`` say otherwise."""
    times = {"hop_s": reference.hop_s, "window_s": reference.window * reference.hop_s, "start_s": reference.start_s}
    return Trajectory(np.asarray(points, np.float32), **(times | changes))


def assert_same_scores(found, expected, tolerance=1e-9):
    for form in FORMS:
        np.testing.assert_allclose(found[form], expected[form], atol=tolerance)


# The reference space


def test_y_is_pca_of_log_magnitude_windows_fitted_on_the_training_part(reference):
    values = magnitudes().values.astype(np.float64)
    decibels = 20 * np.log10(np.maximum(values, values.max() / 10_000))
    windows = np.stack([decibels[i : i + 5].ravel() for i in range(296)])
    trained = 207 if reference.held_out else 296
    twin = PCA(12, svd_solver="full").fit(windows[:trained])
    expected = twin.transform(windows)
    assert reference.trained == trained and reference.trained_frames == trained + 4
    np.testing.assert_allclose(np.abs(reference.y), np.abs(expected), atol=1e-8)
    assert reference.variance == pytest.approx(np.trace(np.cov(expected[:trained].T, bias=True)))
    np.testing.assert_allclose(reference.times_s, 0.5 + HOP_S * (np.arange(296) + 2))


def test_what_comes_after_the_training_part_does_not_shape_the_space(held_out):
    """But for a louder peak, from which the floor is measured."""
    values = magnitudes().values.copy()
    values[3, 3] = 1
    one = reference_space(replace(magnitudes(), values=values.copy()), 5)
    values[held_out.trained_frames :] = np.random.default_rng(1).random((300 - held_out.trained_frames, 6))
    other = reference_space(replace(magnitudes(), values=values), 5)
    np.testing.assert_array_equal(other.y[: other.trained], one.y[: other.trained])
    assert other.variance == one.variance


def test_loudness_does_not_matter(held_out):
    louder = reference_space(replace(magnitudes(), values=magnitudes().values * np.float32(8)), 5)
    np.testing.assert_allclose(np.abs(louder.y), np.abs(held_out.y), atol=1e-6)


# Known answers


def test_y_as_the_embedding_is_the_control_of_12_components_however_it_is_turned(reference):
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(12, 12)))[0]
    found = score({"y": reference.y, "turned": 7 * reference.y @ rotation - 3, "3": reference.y[:, :3]}, reference)
    assert_same_scores(found.nrmse["y"], found.nrmse["first 12 components"], 0)
    assert_same_scores(found.nrmse["turned"], found.nrmse["first 12 components"])
    assert_same_scores(found.nrmse["3"], found.nrmse["first 3 components"], 0)


def test_persistence_and_mean_by_hand(reference):
    y, trained = reference.y, reference.trained
    starts = range(trained + 5 + 30, 296 - 30) if reference.held_out else range(296 - 30)
    found = score({}, reference)
    np.testing.assert_array_equal(found.starts, starts)
    for i, k in enumerate(HORIZONS):
        stay = np.mean([((y[t] - y[t + k]) ** 2).sum() for t in starts]) / reference.variance
        mean = np.mean([((y[:trained].mean(axis=0) - y[t + k]) ** 2).sum() for t in starts]) / reference.variance
        for form in FORMS:
            assert found.nrmse["persistence"][form][i] == pytest.approx(np.sqrt(stay))
            assert found.nrmse["mean"][form][i] == pytest.approx(np.sqrt(mean))


@pytest.mark.parametrize("share", [0.7, 1.0])
def test_what_repeats_exactly_is_forecast_exactly(share):
    loop = magnitudes(20).values
    frames = replace(magnitudes(), values=np.tile(loop, (40, 1)))
    reference = reference_space(frames, 5, trained_share=share)
    found = score({"y": reference.y}, reference)
    for form in FORMS:
        np.testing.assert_allclose(found.nrmse["y"][form], 0, atol=1e-6)
        assert found.skill_ratio("y", form, (5, 10, 30)) < 1e-6
    assert found.nrmse["persistence"]["state"][HORIZONS.index(20)] == pytest.approx(0, abs=1e-6)
    assert found.nrmse["mean"]["state"] == pytest.approx(1, abs=0.02)


def test_white_noise_has_the_scores_of_probability_theory():
    """Of independent frames one at a time: the mean is wrong by 1, any other frame by sqrt 2, five frames between."""
    values = np.random.default_rng(0).random((6000, 12), np.float32)
    reference = reference_space(Frames(values, HOP_S, kind="article"), 1)
    found = score({"noise": noise(reference)}, reference, horizons=(1, 5))
    np.testing.assert_allclose(found.nrmse["mean"]["state"], 1, atol=0.02)
    np.testing.assert_allclose(found.nrmse["persistence"]["state"], np.sqrt(2), atol=0.03)
    for name in ("noise", "first 12 components"):
        np.testing.assert_allclose(found.nrmse[name]["state"], np.sqrt(1 + 1 / 5), atol=0.05)
    np.testing.assert_allclose(found.nrmse["noise"]["displacement"], np.sqrt(2 + 2 / 5), atol=0.07)


def test_an_embedding_that_knows_nothing_is_worse_than_the_mean(reference):
    found = score({"noise": noise(reference), "constant": np.ones((len(reference.y), 2))}, reference)
    for name in ("noise", "constant"):
        assert found.skill_ratio(name, "state") > 1
    displaced = found.nrmse["noise"]["displacement"]
    np.testing.assert_array_equal(displaced[0], 0)  # at no horizon there is nothing to forecast


def test_the_horizon_0_of_the_displacement_form_is_where_it_stands(reference):
    assert score({}, reference).nrmse["first 12 components"]["displacement"][0] == 0


# A brute-force twin


def brute(z, reference, count, horizons):
    """Errors of both forms, ``(starts, horizons)`` each, one initial condition and one point at a time."""
    y, far = reference.y, reference.longest_window + horizons[-1]
    out = {form: [] for form in FORMS}
    for t in range(len(y) - horizons[-1]):
        if reference.held_out and t < reference.trained + far:
            continue
        allowed = [
            (float(np.sqrt(((z[j] - z[t]) ** 2).sum())), j)
            for j in range(reference.trained - horizons[-1])
            if reference.held_out or abs(t - j) > far
        ]
        nearest = sorted(allowed)[:count]
        none = [j for d, j in nearest if d == 0]
        weights = {j: float(j in none) if none else 1 / d for d, j in nearest}
        total = sum(weights.values())
        state = [sum(w * y[j + k] for j, w in weights.items()) / total for k in horizons]
        moved = [y[t] + sum(w * (y[j + k] - y[j]) for j, w in weights.items()) / total for k in horizons]
        for form, forecasts in zip(FORMS, (state, moved), strict=True):
            errors = [((f - y[t + k]) ** 2).sum() for f, k in zip(forecasts, horizons, strict=True)]
            out[form].append(np.array(errors) / reference.variance)
    return {form: np.array(errors) for form, errors in out.items()}


EMBEDDINGS = {
    "noise": noise,
    "smooth": lambda r: noise(r).cumsum(axis=0),
    "grid, with many ties": lambda r: np.round(noise(r)),
    "twelve dimensions": lambda r: noise(r, latent_dim=12),
    "one dimension, repeated": lambda r: (np.arange(len(r.y)) % 9)[:, None] * 1.0,
    "constant": lambda r: np.ones((len(r.y), 2)),
}


@pytest.mark.parametrize(("name", "count"), [*((name, 5) for name in EMBEDDINGS), ("grid, with many ties", 1)])
def test_against_brute_force(reference, name, count):
    z = EMBEDDINGS[name](reference)
    found = score({name: z}, reference, neighbors=count, horizons=SHORT)
    expected = brute(z, reference, count, SHORT)
    for form in FORMS:
        np.testing.assert_allclose(found.squared_errors[name][form], expected[form], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.nrmse[name][form], np.sqrt(expected[form].mean(axis=0)), rtol=1e-9)


def test_blocks_of_initial_conditions_make_no_difference(monkeypatch, reference):
    z = np.round(noise(reference), 1)
    whole = score({"z": z}, reference).nrmse["z"]
    monkeypatch.setattr(_nearest, "_MOST", 17 * 11)
    assert_same_scores(score({"z": z}, reference).nrmse["z"], whole, 0)


def test_held_out_errors_do_not_depend_on_points_that_may_not_be_known(held_out):
    """Neither those of the gap nor those of the training part whose futures leave it."""
    z = noise(held_out)
    changed = z.copy()
    changed[held_out.trained - 30 : held_out.trained + 5 + 30] = z[-40]
    assert_same_scores(score({"z": changed}, held_out).nrmse["z"], score({"z": z}, held_out).nrmse["z"], 0)


# Embeddings of whatever origin


def test_a_trajectory_is_scored_as_its_points_are(reference):
    points = noise(reference).astype(np.float32)
    found = score({"array": points, "trajectory": trajectory(points, reference)}, reference)
    assert_same_scores(found.nrmse["trajectory"], found.nrmse["array"], 0)


def test_other_hops_starts_and_lengths_are_aligned_by_window_centre(reference):
    points = noise(reference)
    hop_s, start_s = reference.hop_s, reference.start_s
    dense = np.repeat(points, 2, axis=0)
    dense[1::2] = 99  # between the centres
    given = {
        "half a hop later, one less": trajectory(points[:-1], reference, start_s=start_s + hop_s / 2),
        "a little earlier": trajectory(points, reference, start_s=start_s - 0.4 * hop_s),
        "twice as dense": trajectory(dense, reference, hop_s=hop_s / 2),
        "from three hops earlier": trajectory(np.pad(points, [(3, 3), (0, 0)]), reference, start_s=start_s - 3 * hop_s),
    }
    # The last point stands for the last two windows where there is one less.
    found = score(given | {"as it is": points}, reference)
    for name in list(given)[1:]:
        assert_same_scores(found.nrmse[name], found.nrmse["as it is"], 1e-6)
    shifted = np.concatenate([points[:1], points[:-1]])
    assert_same_scores(found.nrmse["half a hop later, one less"], score({"s": shifted}, reference).nrmse["s"], 1e-6)


def test_longer_windows_need_a_longer_gap():
    frames = magnitudes(400)
    points = noise(reference_space(frames, 5))
    short, long = (reference_space(frames, 5, longest_window=n) for n in (5, 15))
    given = trajectory(points[5:-5], short, window_s=15 * HOP_S, start_s=short.start_s + 5 * HOP_S)
    with pytest.raises(InputError, match="embedding 'long' has windows of 0.30 s.*longest_window=15"):
        score({"long": given}, short)
    assert len(score({}, short).starts) - len(score({"long": given}, long).starts) == 10


BROKEN = {
    "295 rows; 296 are needed": lambda r: noise(r)[:-1],
    "300 rows; 296 are needed, one for each window of 5 frames: it looks like one row for each frame": lambda r: (
        np.zeros((300, 2))
    ),
    "float64 of shape \\(296,\\)": lambda r: noise(r)[:, 0],
    "float64 of shape \\(296, 0\\)": lambda r: noise(r)[:, :0],
    "int64 of shape": lambda r: noise(r).astype(np.int64),
    "2 of 296 points hold NaN": lambda r: np.where(np.isin(np.arange(296), (5, 9))[:, None], np.nan, noise(r)),
    "goes from 1.54 to": lambda r: trajectory(noise(r), r, start_s=r.start_s + 1),
    "goes from 0.54 to 3.52 s, the reference from 0.54 to 6.44 s": lambda r: trajectory(noise(r)[:150], r),
}


@pytest.mark.parametrize("said", BROKEN)
def test_an_embedding_that_cannot_be_scored_is_named_with_the_reason(reference, said):
    with pytest.raises(InputError, match=f"embedding 'UMAP'.*{said}"):
        score({"fine": noise(reference), "UMAP": BROKEN[said](reference)}, reference)


def test_an_embedding_of_another_recording_is_refused():
    reference = reference_space(magnitudes(source=Source("song.wav", sha256="1")), 5)
    score({"same": trajectory(noise(reference), reference, source=Source("song.wav", sha256="1"))}, reference)
    with pytest.raises(InputError, match="'other' is of another recording.*song.wav"):
        score({"other": trajectory(noise(reference), reference, source=Source("x.wav", sha256="2"))}, reference)


# Low-passed paths


def shaky_circle(points=400, rounds=4, shake=0.05):
    angle = 2 * np.pi * rounds * np.arange(points) / points
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return circle + shake * np.random.default_rng(0).normal(size=circle.shape)


@pytest.mark.parametrize("asked", [90.0, 60.0, 30.0, 8.0])
def test_low_passed_to_a_turning_angle(asked):
    for split in (None, 250):
        assert mean_turning_angle(low_passed(shaky_circle(), asked, split=split)) == pytest.approx(asked, abs=0.05)


def test_the_smaller_the_angle_the_smoother_the_path():
    lengths = [np.linalg.norm(np.diff(low_passed(shaky_circle(), a), axis=0), axis=1).sum() for a in (90, 60, 30, 8)]
    assert lengths == sorted(lengths, reverse=True)
    smooth = low_passed(shaky_circle(), 4.0)
    np.testing.assert_allclose(np.linalg.norm(smooth[20:-20], axis=1), 1, atol=0.1)  # the circle itself is left


def test_a_path_that_turns_less_is_left_alone():
    circle = shaky_circle(shake=0)
    np.testing.assert_array_equal(low_passed(circle, 90), circle)
    np.testing.assert_array_equal(low_passed(np.ones((20, 3)), 90), np.ones((20, 3)))


def test_an_angle_out_of_reach_gives_the_smoothest():
    smooth = low_passed(shaky_circle(), 0.0)
    assert np.isfinite(smooth).all() and mean_turning_angle(smooth) < 5


def test_no_part_sees_the_other():
    path = shaky_circle(shake=0.3) + 1000.0 * (np.arange(400) >= 250)[:, None]
    apart, together = low_passed(path, 20.0, split=250), low_passed(path, 20.0)
    assert np.abs(apart[:250]).max() < 3 and np.abs(apart[250:] - 1000).max() < 3
    assert np.abs(together[:250]).max() > 100


@pytest.mark.parametrize("angle", [-1.0, 181.0, float("nan")])
def test_no_angle_at_all(angle):
    with pytest.raises(InputError, match="turning_angle_deg"):
        low_passed(shaky_circle(), angle)


def test_the_pure_autoencoder_low_passed_is_a_control_beside_every_other_embedding(reference):
    smooth = low_passed(noise(reference), 30.0)
    still = np.ones((len(reference.y), 1))
    given = {"R": noise(reference), "R-F": smooth, "still": still}
    found = score(given, reference, pure="R")
    assert found.embeddings == ("R", "R-F", "still")
    assert set(found.controls) - set(score({}, reference).controls) == {"R, low-passed as R-F"}
    assert found.turning_angle_deg["R, low-passed as R-F"] == pytest.approx(30, abs=0.05)
    split = reference.trained if reference.held_out else None
    again = score({"z": low_passed(noise(reference), found.turning_angle_deg["R-F"], split=split)}, reference)
    assert_same_scores(again.nrmse["z"], found.nrmse["R, low-passed as R-F"])


# What comes out


def test_errors_of_single_forecasts_are_kept(reference):
    found = score({"noise": noise(reference)}, reference, horizons=SHORT)
    assert set(found.squared_errors) == set(found.nrmse) == {"noise", *found.controls}
    for name, forms in found.squared_errors.items():
        for form, errors in forms.items():
            assert errors.dtype == np.float32 and errors.shape == (len(found.starts), len(SHORT))
            np.testing.assert_allclose(np.sqrt(errors.mean(axis=0)), found.nrmse[name][form], rtol=1e-5, atol=1e-7)


def test_skill_ratio_by_hand(reference):
    found = score({"noise": noise(reference)}, reference)
    at = [HORIZONS.index(k) for k in (5, 10, 20, 30)]
    for form in FORMS:
        easy = np.minimum(found.nrmse["persistence"][form], found.nrmse["mean"][form])
        expected = np.prod(found.nrmse["noise"][form][at] / easy[at]) ** 0.25
        assert found.skill_ratio("noise", form) == pytest.approx(expected)
    assert np.isnan(found.skill_ratio("noise", "state", (7,)))


def test_tables_and_json(reference):
    found = score({"noise": noise(reference)}, reference, horizons=(0, 2))
    rows = found.rows()
    assert len(rows) == 5 * 2 * 2
    assert rows[1] == {
        "protocol": "held out" if reference.held_out else "in sample",
        "name": "noise",
        "role": "embedding",
        "form": "state",
        "horizon": 2,
        "horizon_s": 2 * HOP_S,
        "nrmse": found.nrmse["noise"]["state"][1],
    }
    assert {row["name"] for row in rows if row["role"] == "control"} == set(found.controls)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert values["scores"]["noise"]["nrmse"]["state"] == found.nrmse["noise"]["state"].tolist()
    assert values["scores"]["noise"]["skill_ratio"]["state"] is None  # no judged horizon was scored
    assert values["starts"] == len(found.starts)


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizons": (1, 1)}, "horizons are \\(1, 1\\)"),
        ({"horizons": ()}, "horizons are"),
        ({"horizons": (-1, 2)}, "horizons are"),
        ({"horizons": (1, 2.5)}, "horizons are"),
        ({"neighbors": 0}, "neighbors is 0"),
        ({"pure": "R"}, "pure is 'R'; it must be one of the embeddings: z"),
    ],
)
def test_options_out_of_range(held_out, options, said):
    with pytest.raises(InputError, match=said):
        score({"z": noise(held_out)}, held_out, **options)


def test_the_name_of_a_control_is_taken(held_out):
    with pytest.raises(InputError, match="called 'mean'"):
        score({"mean": noise(held_out)}, held_out)


@pytest.mark.parametrize(
    ("share", "enough", "too_few", "said"),
    [
        (0.5, 136, 134, "66 windows after it are needed.*up to horizon 30, and there are 65"),
        (0.1, 354, 340, "35 windows in the training part are needed.*and there are 34"),
        (1.0, 110, 109, "106 windows in all are needed.*and there are 105"),
    ],
)
def test_too_short_says_what_is_needed_and_given(share, enough, too_few, said):
    frames = magnitudes(400, source=Source("song.wav"))
    long, short = (replace(frames, values=frames.values[:count]) for count in (enough, too_few))
    assert len(score({}, reference_space(long, 5, trained_share=share)).starts) > 0
    with pytest.raises(InputError, match=f"song.wav: {said}"):
        score({}, reference_space(short, 5, trained_share=share))


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"kind": "mel"}, {}, "kind 'mel' have no linear magnitudes"),
        ({"values": -magnitudes().values}, {}, "negative"),
        ({"values": np.full((300, 6), np.nan)}, {}, "NaN"),
        ({"values": np.zeros((300, 6))}, {}, "nothing to forecast"),
        ({"values": magnitudes(20).values}, {}, "11 windows of 5 x 6 values.*need 13 windows"),
        ({"values": magnitudes(3).values}, {}, "0 windows"),
        ({"values": np.zeros((0, 6))}, {}, "0 windows"),
        ({}, {"trained_share": 0}, "trained_share is 0"),
        ({}, {"trained_share": 1.1}, "trained_share is 1.1"),
        ({}, {"window": 0}, "window is 0 frames"),
        ({}, {"longest_window": 4}, "longest_window 4"),
    ],
)
def test_frames_that_make_no_reference(changes, options, said):
    frames = replace(magnitudes(source=Source("song.wav")), **changes)
    with pytest.raises(InputError, match=said):
        reference_space(frames, **({"window": 5} | options))


# Files of other programs


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
def test_an_npy_file_comes_back_as_it_was(tmp_path, dtype):
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(dtype)
    np.save(tmp_path / "umap.npy", points)
    found = read_embedding(tmp_path / "umap.npy")
    np.testing.assert_array_equal(found, points)
    found[0] = 0  # memory of its own, not the file


def _write(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict):
        np.savez(path.with_suffix(".npz"), **content)
        path.with_suffix(".npz").rename(path)
    elif content is not None:
        np.save(path, content, allow_pickle=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file; check the name"),
        (b"", "no .npy file"),
        (b"not an array", "no .npy file"),
        (
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 3)}",
            "no .npy file",
        ),
        (np.array([[{}]], dtype=object), "no .npy file"),
        ({"a": np.ones((3, 2)), "b": np.ones(3)}, "several arrays"),
        (np.ones(5), "float64 of shape \\(5,\\)"),
        (np.ones((5, 2), int), "int64 of shape"),
        (np.ones((5, 2), complex), "complex128"),
        (np.zeros((0, 2)), "shape \\(0, 2\\)|no .npy file"),
        (np.array([[1.0, np.inf], [0, 0]]), "1 of 2 points hold NaN or infinite"),
    ],
)
def test_what_is_no_embedding_is_named_with_the_reason(tmp_path, content, said):
    path = tmp_path / "bad.npy"
    _write(path, content)
    with pytest.raises(InputError, match=f"bad.npy: .*({said})"):
        read_embedding(path)


def test_a_truncated_file(tmp_path):
    np.save(tmp_path / "cut.npy", np.ones((500, 3)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-100])
    with pytest.raises(InputError, match="cut.npy"):
        read_embedding(tmp_path / "cut.npy")


def test_a_real_song_is_forecast_better_by_its_own_components_than_by_noise(song):
    from orbitscope.features import spectrogram

    reference = reference_space(spectrogram(song, "article"), 22, trained_share=1.0)
    found = score({"noise": noise(reference)}, reference)
    assert found.skill_ratio("first 12 components", "state") < 0.5  # chords that come again every two seconds
    assert found.skill_ratio("noise", "state") > 1
