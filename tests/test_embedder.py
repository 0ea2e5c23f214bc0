"""The embedder: scikit-learn's conventions, units, times, files, and what it refuses."""

import json
import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import SMALL_NETS, looped_song
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from orbitscope import store
from orbitscope.embedder import Embedder
from orbitscope.errors import InputError, StoreError
from orbitscope.features import HOP_S, spectrogram
from orbitscope.model import build, leaves
from orbitscope.types import Frames, Trajectory

TINY = {**SMALL_NETS, "channels": (4,), "decoder_units": (6,), "segments": 2, "decoded": 8}
ALONE = {"forecast_weight": 0, "curvature_weight": 0, "steps": 20}  # reconstruction only: quick to compile


def of_rows(**changes):
    """An embedder of arrays whose rows are a second apart, one row a point unless ``window_s`` says otherwise."""
    given = {"latent_dim": 2, "window_s": 1.0, "hop_s": 1.0, "context": 3, "options": TINY, **ALONE, **changes}
    return Embedder(**given)


def table(rows=60, features=3, seed=0):
    """Columns of different scale and place."""
    return np.random.default_rng(seed).random((rows, features)) * 10.0 ** np.arange(features) - 5


def points_of(found):
    return found.points if isinstance(found, Trajectory) else found


@parametrize_with_checks([of_rows(steps=5, random_state=0)])
def test_scikit_learn_conventions(estimator, check):
    """With a row a point every check applies, and none is expected to fail."""
    check(estimator)


CANNOT_APPLY = {  # to windows of several rows: fewer points than rows come out, and none from fewer rows than a window
    "check_transformer_general": "asks for as many outputs as rows",
    "check_transformer_data_not_an_array": "asks for as many outputs as rows",
    "check_methods_sample_order_invariance": "rows are a time series: their order matters",
    "check_methods_subset_invariance": "transforms single rows, which are less than a window",
}


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_conventions_of_longer_windows():
    found = check_estimator(of_rows(window_s=3.0, steps=5, random_state=0), on_fail=None, on_skip=None)
    failed = {check["check_name"] for check in found if check["status"] == "failed"}
    assert failed == set(CANNOT_APPLY)


@pytest.fixture(scope="module")
def of_table():
    return of_rows(window_s=4.0).fit(table())


class TestParameters:
    def test_constructor_stores_what_it_is_given(self):
        given = {"latent_dim": 5, "window_s": 1.25, "features": "cqt", "context": 7, "options": {"segments": 3}}
        embedder = Embedder(**given)
        assert {name: embedder.get_params()[name] for name in given} == given
        assert embedder.options is given["options"]

    def test_clone_and_set_params(self, of_table):
        copy = clone(of_table)
        assert copy.get_params() == of_table.get_params()
        assert not hasattr(copy, "model_")
        assert copy.set_params(latent_dim=4, steps=5).resolve().latent_dim == 4
        assert of_table.latent_dim == 2

    def test_everything_given_arrives_in_the_settings(self):
        given = {
            "latent_dim": 5,
            "window_s": 1.25,
            "reconstruction_weight": 0.5,
            "forecast_weight": 0.25,
            "off_center_weight": 0.125,
            "curvature_weight": 2.0,
            "context": 20,
            "steps": 77,
            "learning_rate": 0.01,
            "clip_norm": 3.0,
        }
        resolved = Embedder(**given, options={"segments": 5}, random_state=11).resolve()
        assert {name: getattr(resolved, name) for name in given} == given
        assert resolved.segments == 5 and resolved.seed == 11

    def test_preset_fills_in_what_is_not_given(self):
        assert Embedder(preset="article").resolve().steps is None
        assert Embedder(preset="article", steps=9).resolve().steps == 9
        assert Embedder(preset="article").resolve().activation == "relu"

    def test_a_short_context_needs_nothing_else(self):
        assert Embedder(context=10).resolve().context == 10

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({"latent_dim": 0}, "latent_dim"),
            ({"latent_dim": 65}, "latent_dim"),
            ({"latent_dim": 2.5}, "latent_dim"),
            ({"window_s": -1}, "window_s"),
            ({"window_s": "long"}, "window_s"),
            ({"forecast_weight": -1}, "forecast_weight"),
            ({"steps": 0}, "steps"),
            ({"learning_rate": "fast"}, "learning_rate"),
            ({"preset": "artikel"}, "artikel"),
            ({"options": {"gadget": 1}}, "gadget"),
            ({"hop_s": 0}, "hop_s"),
            ({"hop_s": "x"}, "hop_s"),
            ({"hop_s": float("nan")}, "hop_s"),
            ({"random_state": -1}, "seed"),
        ],
    )
    def test_bad_ones_are_named_when_fitting(self, given, named):
        with pytest.raises(InputError, match=named):
            of_rows(**given).fit(table())

    @pytest.mark.parametrize("window_s", [0.09, 10.5])
    def test_windows_on_recordings_have_a_range(self, window_s, song):
        with pytest.raises(InputError, match=r"window is .*0\.1 to 10 s"):
            Embedder(window_s=window_s).fit(song)

    def test_unknown_features(self, song):
        with pytest.raises(InputError, match="chroma"):
            Embedder(features="chroma").fit(song)


class TestRandomState:
    def test_integers(self):
        a, b, c = (leaves(of_rows(random_state=seed).fit(table()).model_) for seed in (4, 4, np.int64(5)))
        assert all(a[name].tobytes() == b[name].tobytes() for name in a)
        assert any(a[name].tobytes() != c[name].tobytes() for name in a)

    def test_a_random_state_is_drawn_from(self):
        def seeds(state):
            return [Embedder(random_state=state).resolve().seed for _ in range(2)]

        first, second = seeds(np.random.RandomState(3))
        assert first != second
        assert seeds(np.random.RandomState(3)) == [first, second]

    def test_none_is_different_each_time(self):
        assert Embedder(random_state=None).resolve().seed != Embedder(random_state=None).resolve().seed

    def test_nonsense(self):
        with pytest.raises(ValueError, match="seed"):
            of_rows(random_state="lucky").fit(table())


class TestArrays:
    @pytest.mark.parametrize(("window_s", "window"), [(1.0, 1), (4.0, 4), (4.5, 6)])
    def test_number_of_points(self, window_s, window):
        embedder = of_rows(window_s=window_s, steps=1).fit(table())
        assert embedder.window_ == window
        points = embedder.transform(table(23, seed=1))
        assert isinstance(points, np.ndarray) and points.dtype == np.float32
        assert points.shape == (23 - window + 1, 2)
        with (
            pytest.raises(InputError, match=f"{window - 1} frames are less than")
            if window > 1
            else pytest.raises(ValueError)
        ):
            embedder.transform(table(window - 1))

    def test_fit_transform_is_fit_and_transform(self, of_table):
        assert of_rows(window_s=4.0).fit_transform(table()).tobytes() == of_table.transform(table()).tobytes()

    def test_columns_are_scaled_as_in_fit(self, of_table):
        """Equal to embedding the scaled frames; scale and place of a column do not matter."""
        values = table()
        low, high = values.min(axis=0), values.max(axis=0)
        other = table(seed=1)
        frames = ((other - low) / (high - low)).astype(np.float32)
        from_scaled = np.asarray(of_table.model_.encoder(frames))
        np.testing.assert_allclose(of_table.transform(other), from_scaled, atol=1e-4)
        moved = of_rows(window_s=4.0).fit(values * [2, 3, 0.5] + [7, 8, 9])
        np.testing.assert_allclose(moved.transform(other * [2, 3, 0.5] + [7, 8, 9]), from_scaled, atol=2e-3)

    def test_windows_come_back_in_the_units_of_fit(self):
        values = table(200)
        values[:, :] = np.sin(np.arange(200) / 8)[:, None] * [1.0, 30.0, -500.0] + [0, 100.0, 5e4]
        options = {**TINY, "decoder_units": (24,), "decoded": 64}
        embedder = of_rows(window_s=4.0, steps=400, options=options).fit(values)
        windows = embedder.inverse_transform(embedder.transform(values))
        assert windows.shape == (197, 4, 3)
        expected = values[np.arange(197)[:, None] + np.arange(4)]
        for column in range(3):
            off = windows[..., column] - expected[..., column]
            assert np.sqrt((off**2).mean()) < 0.25 * values[:, column].std()
        assert windows.min(axis=(0, 1)) == pytest.approx(values.min(axis=0), abs=500, rel=0.2)
        assert embedder.score(values) == pytest.approx(embedder.evaluate(values)["r2"])
        assert embedder.score(values) > 0.9

    def test_a_column_that_never_changes(self):
        values = table()
        values[:, 1] = 7.0
        embedder = of_rows().fit(values)
        windows = embedder.inverse_transform(embedder.transform(values))
        assert np.isfinite(windows).all()
        np.testing.assert_allclose(windows[..., 1], 7.0, atol=0.5)

    def test_names_of_the_outputs(self, of_table):
        assert list(of_table.get_feature_names_out()) == ["embedder0", "embedder1"]

    def test_input_is_not_changed(self, of_table):
        values = table()
        of_table.transform(values)
        np.testing.assert_array_equal(values, table())

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_nan_and_infinite_values(self, of_table, bad):
        values = table()
        values[5, 1] = bad
        for use in (of_rows().fit, of_table.transform, of_table.score):
            with pytest.raises(ValueError, match="NaN|infinity"):
                use(values)

    def test_constant_and_short_arrays(self):
        with pytest.raises(InputError, match="nothing to learn"):
            of_rows().fit(np.ones((50, 3)))
        with pytest.raises(InputError, match="too short: 3 frames"):
            of_rows(window_s=4.0).fit(table(3))
        with pytest.raises(InputError, match="too short"):
            of_rows(window_s=4.0, forecast_weight=1.0).fit(table(6))


class TestRecordings:
    def test_times_are_the_centres_of_the_windows_in_the_file(self, song, small_embedder):
        path = small_embedder.transform(song)
        window = small_embedder.window_
        assert window == 12
        frames = spectrogram(song)
        assert len(path) == len(frames) - window + 1
        assert path.points.shape == (len(path), 2) and path.points.dtype == np.float32
        expected = [frames.times_s[i : i + window].mean() for i in range(len(path))]
        np.testing.assert_allclose(path.times_s, expected)
        # Frame 0 is about sample 1024, so the first window's centre is 5.5 hops later; the song begins at 1.5 s.
        assert path.times_s[0] == pytest.approx(1.5 + 1024 / 44100 + 5.5 * HOP_S)
        assert path.hop_s == HOP_S
        assert path.window_s == pytest.approx(12 * HOP_S)
        assert path.source is song.source

    def test_recording_frames_and_fit_transform_agree(self, song, small_embedder):
        path = small_embedder.transform(song)
        assert small_embedder.transform(spectrogram(song)).points.tobytes() == path.points.tobytes()
        again = clone(small_embedder).fit_transform(song)
        assert again.points.tobytes() == path.points.tobytes()
        assert again.start_s == path.start_s

    def test_point_i_stands_for_frames_i_to_i_plus_window(self, song, small_embedder):
        frames = spectrogram(song)
        path = small_embedder.transform(frames)
        part = replace(frames, values=frames.values[100:112], start_s=frames.times_s[100])
        only = small_embedder.transform(part)
        assert len(only) == 1
        np.testing.assert_allclose(only.points[0], path.points[100], atol=1e-5)
        assert only.times_s[0] == pytest.approx(path.times_s[100])

    def test_another_recording(self, small_embedder):
        other = looped_song(4.0, seed=1, loop_s=1.6, name="other.wav")
        path = small_embedder.transform(other)
        assert path.source.name == "other.wav"
        assert path.start_s == pytest.approx(1024 / 44100 + 5.5 * HOP_S)
        assert np.isfinite(path.points).all() and np.ptp(path.points, axis=0).min() > 0
        report = small_embedder.evaluate(other)
        assert set(report) == {
            "bce",
            "bce_mean_window",
            "bce_floor",
            "reconstruction_share",
            "r2",
            "r2_median_window",
            "forecast_loss",
        }
        assert report["bce_floor"] < report["bce"]
        assert 0 < report["forecast_loss"] < 2
        assert small_embedder.score(other) == report["r2"]

    def test_it_has_learnt_something(self, song, small_embedder):
        untrained = clone(small_embedder).set_params(steps=1).fit(song)
        assert small_embedder.score(song) > untrained.score(song) + 0.05

    def test_inverse_transform_of_a_trajectory(self, song, small_embedder):
        path = small_embedder.transform(song)
        windows = small_embedder.inverse_transform(path)
        assert windows.shape == (len(path), 12, 96)
        assert windows.min() >= 0 and windows.max() <= 1
        np.testing.assert_array_equal(windows, small_embedder.inverse_transform(path.points))

    def test_what_was_fitted_can_be_used_apart(self, song, small_embedder):
        model, path = small_embedder.model_, small_embedder.transform(song)
        assert model.encoder(spectrogram(song).values[:30]).shape == (19, 2)
        assert model.decoder(path.points[:3]).shape == (3, 12, 96)
        assert model.predictor(path.points[:6]).shape == (2,)
        assert set(small_embedder.fit_.history) == {"reconstruction", "forecast", "curvature"}

    def test_silence_and_nan_name_the_file(self, song, small_embedder):
        silent = replace(song, samples=np.zeros_like(song.samples))
        with pytest.raises(InputError, match=r"^song\.wav: nothing to learn"):
            clone(small_embedder).fit(silent)
        assert np.ptp(small_embedder.transform(silent).points, axis=0).max() < 1e-5
        frames = spectrogram(song)
        broken = frames.values.copy()
        broken[50, 3] = np.nan
        for use in (clone(small_embedder).fit, small_embedder.transform, small_embedder.evaluate):
            with pytest.raises(InputError, match=r"^song\.wav: frames hold NaN"):
                use(replace(frames, values=broken))

    def test_too_short(self, small_embedder):
        short = looped_song(0.4, name="blip.wav")
        with pytest.raises(InputError, match=r"^blip\.wav: too short: .*context \+ 1 = 7"):
            clone(small_embedder).fit(short)
        with pytest.raises(InputError, match=r"^blip\.wav: \d+ frames are less than one window of 12"):
            small_embedder.transform(replace(short, samples=short.samples[:, :8000]))

    def test_an_article_of_small_nets(self):
        options = {**TINY, "decoder_units": (6, 4, 4), "burn_in": 44}
        embedder = Embedder(preset="article", context=45, options=options, steps=2)
        path = embedder.fit_transform(looped_song(3.0))
        assert embedder.embedding_.kind == "article" and embedder.n_features_in_ == 94 and embedder.window_ == 22
        assert path.points.shape == (129 - 21, 3)
        assert path.times_s[0] == pytest.approx(11 * HOP_S)


class TestMismatch:
    def test_unfitted(self, song, tmp_path):
        for use in (
            lambda e: e.transform(song),
            lambda e: e.transform(table()),
            lambda e: e.inverse_transform(np.zeros((2, 3))),
            lambda e: e.evaluate(song),
            lambda e: e.save(tmp_path / "a.safetensors"),
        ):
            with pytest.raises(NotFittedError):
                use(Embedder())

    def test_kind(self, song, small_embedder):
        with pytest.raises(InputError, match="94 features of kind 'article'.*96 of kind 'mel'"):
            small_embedder.transform(spectrogram(song, "article"))
        with pytest.raises(InputError, match="fitted on 'mel'"):
            small_embedder.transform(np.zeros((50, 96)))

    def test_features(self, song, small_embedder, of_table):
        frames = spectrogram(song)
        with pytest.raises(InputError, match="95 features"):
            small_embedder.transform(replace(frames, values=frames.values[:, :95]))
        with pytest.raises(ValueError, match="4 features.*expecting 3"):
            of_table.transform(table(features=4))

    def test_hop(self, song, small_embedder):
        frames = spectrogram(song)
        with pytest.raises(InputError, match=r"0\.05 s apart"):
            small_embedder.transform(replace(frames, hop_s=0.05))

    @pytest.mark.parametrize("shape", [(5, 3), (2,), (1, 5, 2), (5, 1)])
    def test_points(self, small_embedder, shape):
        with pytest.raises(InputError, match=r"\(points, 2\) are needed"):
            small_embedder.inverse_transform(np.zeros(shape))

    def test_no_points_at_all(self, small_embedder):
        assert small_embedder.inverse_transform(np.zeros((0, 2))).shape == (0, 12, 96)

    def test_frames_for_an_embedder_of_arrays(self, of_table):
        with pytest.raises(InputError, match="kind 'mel'"):
            of_table.transform(Frames(np.zeros((50, 96), np.float32), HOP_S, kind="mel"))

    def test_frames_of_kind_array_are_taken_as_they_are(self, tmp_path):
        """Frames are in [0, 1] by their type, so neither fit nor inverse_transform scales them."""
        values = np.random.default_rng(0).random((60, 3)).astype(np.float32)
        embedder = of_rows().fit(Frames(values, 1.0))
        assert embedder.transform(Frames(values, 1.0)).points.shape == (60, 2)
        windows = embedder.inverse_transform(np.zeros((4, 2)))
        assert windows.min() >= 0 and windows.max() <= 1
        embedder.save(tmp_path / "a")
        assert Embedder.load(tmp_path / "a").inverse_transform(np.zeros((4, 2))).tobytes() == windows.tobytes()


class TestFiles:
    @pytest.fixture
    def saved(self, small_embedder, tmp_path):
        path = tmp_path / "ü model.safetensors"
        small_embedder.save(path)
        return path

    def test_round_trip(self, saved, song, small_embedder):
        again = Embedder.load(saved)
        assert again.transform(song).points.tobytes() == small_embedder.transform(song).points.tobytes()
        assert again.settings_ == small_embedder.settings_
        assert again.resolve() == small_embedder.resolve()
        assert (again.window_, again.embedding_.hop_s, again.embedding_.kind) == (12, HOP_S, "mel")
        assert again.n_features_in_ == 96
        assert again.evaluate(song) == small_embedder.evaluate(song)

    def test_saving_twice_gives_the_same_bytes(self, saved, small_embedder, tmp_path):
        Embedder.load(saved).save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == saved.read_bytes()

    def test_of_arrays(self, of_table, tmp_path):
        of_table.save(tmp_path / "a")
        again = Embedder.load(tmp_path / "a")
        points = of_table.transform(table())
        assert again.transform(table()).tobytes() == points.tobytes()
        assert again.inverse_transform(points).tobytes() == of_table.inverse_transform(points).tobytes()

    def test_a_loaded_one_can_be_fitted_again_to_the_same_model(self, of_table, tmp_path):
        of_table.save(tmp_path / "a")
        again = Embedder.load(tmp_path / "a").fit(table())
        assert again.transform(table()).tobytes() == of_table.transform(table()).tobytes()

    def test_article_preset(self, tmp_path):
        values = np.random.default_rng(0).random((90, 3)).astype(np.float32)
        options = {**TINY, "decoder_units": (6, 4, 4), "burn_in": 44, "epochs": 0.5}
        embedder = of_rows(preset="article", window_s=22.0, context=45, steps=None, options=options)
        embedder.fit(values)
        embedder.save(tmp_path / "a")
        assert Embedder.load(tmp_path / "a").resolve() == embedder.settings_
        assert Embedder.load(tmp_path / "a").transform(values).tobytes() == embedder.transform(values).tobytes()

    def test_in_another_process(self, saved, song, small_embedder, tmp_path):
        np.save(tmp_path / "frames.npy", spectrogram(song).values)
        code = """
import sys
import numpy as np
from orbitscope import Embedder, Frames
from orbitscope.features import HOP_S
frames = Frames(np.load(sys.argv[2]), HOP_S, kind="mel")
np.save(sys.argv[3], Embedder.load(sys.argv[1]).transform(frames).points)
"""
        files = [saved, tmp_path / "frames.npy", tmp_path / "points.npy"]
        subprocess.run([sys.executable, "-c", code, *map(str, files)], check=True)
        assert np.load(files[2]).tobytes() == small_embedder.transform(song).points.tobytes()

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 100, b"\xff" * 8 + b"{}"])
    def test_a_foreign_file(self, tmp_path, content):
        path = tmp_path / "foreign.safetensors"
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"foreign\.safetensors"):
            Embedder.load(path)

    def test_a_missing_file_and_a_folder(self, tmp_path):
        for path in (tmp_path / "no model", tmp_path):
            with pytest.raises(StoreError, match=path.name):
                Embedder.load(path)

    @pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.999])
    def test_a_truncated_file(self, saved, share):
        content = saved.read_bytes()
        saved.write_bytes(content[: int(share * len(content))])
        with pytest.raises(StoreError, match="ü model"):
            Embedder.load(saved)

    def test_weights_of_something_else(self, tmp_path):
        path = tmp_path / "other.safetensors"
        store.write_weights(path, {"a": np.zeros(3)}, {"kind": "other"})
        with pytest.raises(StoreError, match=r"other\.safetensors"):
            Embedder.load(path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda arrays, meta: arrays.pop("encoder.head"),
            lambda arrays, meta: arrays.update({"encoder.head": np.zeros((2, 2), np.float32)}),
            lambda arrays, meta: arrays.update({"gadget": np.zeros(1, np.float32)}),
            lambda arrays, meta: meta.pop("settings"),
            lambda arrays, meta: meta.pop("format"),
            lambda arrays, meta: meta.update(format="x"),
            lambda arrays, meta: meta.update(format=99),
            lambda arrays, meta: meta.update(settings=None),
            lambda arrays, meta: meta.update(settings=[1]),
            lambda arrays, meta: meta.update(window="x"),
            lambda arrays, meta: meta.update(window=-3),
            lambda arrays, meta: meta.update(window=0),
            lambda arrays, meta: meta.update(window=13),
            lambda arrays, meta: meta.update(features=0),
            lambda arrays, meta: meta.update(features=-1),
            lambda arrays, meta: meta.update(features=10**12),
            lambda arrays, meta: meta.update(features=None),
            lambda arrays, meta: meta.update(hop_s="x"),
            lambda arrays, meta: meta.update(hop_s=0),
            lambda arrays, meta: meta.update(hop_s=-1.0),
            lambda arrays, meta: meta.update(kind="array"),
            lambda arrays, meta: meta["settings"].update(gadget=1),
            lambda arrays, meta: meta["settings"].update(latent_dim=65),
            lambda arrays, meta: meta["settings"].update(latent_dim=10**12),
            lambda arrays, meta: meta["settings"].update(channels="wide"),
        ],
    )
    def test_an_inner_fault_is_told_with_the_file(self, saved, change):
        arrays, meta = store.read_weights(saved)
        change(arrays, meta)
        store.write_weights(saved, arrays, meta)
        with pytest.raises(StoreError, match="ü model"):
            Embedder.load(saved)

    def test_metadata_that_is_no_json(self, saved):
        content = saved.read_bytes()
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + size])
        header["__metadata__"] = dict.fromkeys(header["__metadata__"], "{not json")
        text = json.dumps(header).encode()
        saved.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])
        with pytest.raises(StoreError, match="ü model"):
            Embedder.load(saved)

    def test_weights_that_are_nan(self, saved):
        arrays, meta = store.read_weights(saved)
        arrays["encoder.head"] = np.full_like(arrays["encoder.head"], np.nan)
        store.write_weights(saved, arrays, meta)
        with pytest.raises(StoreError, match="ü model"):
            Embedder.load(saved)

    def test_a_place_that_cannot_be_written(self, small_embedder, tmp_path):
        with pytest.raises(StoreError, match="nowhere"):
            small_embedder.save(tmp_path / "nowhere" / "model.safetensors")


def test_untrained_and_trained_models_have_the_same_leaves(small_embedder):
    untrained = build(small_embedder.settings_, 12, np.zeros((2, 96), np.float32))
    assert {k: v.shape for k, v in leaves(untrained).items()} == {
        k: v.shape for k, v in leaves(small_embedder.model_).items()
    }


def test_callback(song, small_embedder):
    seen = []
    clone(small_embedder).fit(song, callback=seen.append)
    assert [p.step for p in seen] == [50, 60]
    assert points_of(small_embedder.transform(song)).shape[1] == 2
