"""Linear embeddings: against scikit-learn on windows written out, a generalised eigenproblem, and known mixtures."""

import sys

import numpy as np
import pytest
from scipy.linalg import eigh
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import parametrize_with_checks

from orbitscope import _window_pca
from orbitscope.comparators import TICA, DelayPCA
from orbitscope.errors import InputError
from orbitscope.types import Frames, Source, Trajectory

pytest.importorskip("deeptime")


def wandering(frames=400, features=5, seed=0):
    """Features that drift, of different sizes, far from 0."""
    steps = np.random.default_rng(seed).normal(size=(frames, features))
    return (0.1 * steps.cumsum(axis=0) + steps) * np.arange(1, features + 1) + 50


def windows_of(values, window):
    """Every window written out and flattened, ``(windows, window * features)``."""
    return np.stack([values[i : i + window].ravel() for i in range(len(values) - window + 1)])


def assert_same_up_to_signs(found, expected, rtol=1e-5):
    signs = np.sign(np.sum(found * expected, axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=rtol * np.abs(expected).max())


@parametrize_with_checks([DelayPCA(1, 1.0, hop_s=1.0), TICA(1, 1.0, 1.0, hop_s=1.0)])
def test_scikit_learn_conventions(estimator, check):
    """With a row a point every check applies, and none is expected to fail."""
    check(estimator)


@pytest.mark.parametrize(
    ("frames", "features", "window"),
    [(400, 5, 8), (30, 40, 5), (300, 60, 10)],
    ids=["covariance written down", "more dimensions than windows", "Lanczos"],
)
def test_delay_pca_is_pca_of_the_windows(frames, features, window):
    values = wandering(frames, features)
    embedder = DelayPCA(4, window_s=window, hop_s=1.0)
    points = embedder.fit_transform(values)
    assert points.dtype == np.float32 and embedder.window_ == window
    windows = windows_of(values, window)
    twin = PCA(4, svd_solver="full")
    assert_same_up_to_signs(points, twin.fit_transform(windows))
    shares = embedder.projection_.variances / windows.var(axis=0).sum()
    np.testing.assert_allclose(shares, twin.explained_variance_ratio_, rtol=1e-9)


@pytest.mark.parametrize("features", [5, 90])
def test_blocks_of_windows_make_no_difference(monkeypatch, features):
    values = wandering(300, features)
    whole = DelayPCA(3, 8.0, hop_s=1.0).fit_transform(values)
    monkeypatch.setattr(_window_pca, "_BLOCK", 37)
    np.testing.assert_allclose(DelayPCA(3, 8.0, hop_s=1.0).fit_transform(values), whole, rtol=1e-5, atol=1e-4)


def test_new_frames_are_projected_as_scikit_learn_does():
    values, others = wandering(seed=1), wandering(90, seed=2)
    twin = PCA(3, svd_solver="full").fit(windows_of(values, 6))
    assert_same_up_to_signs(
        DelayPCA(3, 6.0, hop_s=1.0).fit(values).transform(others), twin.transform(windows_of(others, 6))
    )


def test_a_sine_and_its_delays_are_a_circle():
    """Takens' embedding of one oscillation: two components of equal variance, a constant radius."""
    period = 32
    sine = np.sin(2 * np.pi * np.arange(20 * period) / period)[:, None]
    points = DelayPCA(2, window_s=period, hop_s=1.0).fit_transform(sine)
    radius = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(radius, np.sqrt(period / 2), rtol=1e-2)


def brute_tica(values, window, lag, count):
    """Autocorrelations and coordinates, from the symmetrised generalised eigenproblem written out."""
    windows = windows_of(values, window)
    before, after = windows[:-lag], windows[lag:]
    mean = (before.mean(axis=0) + after.mean(axis=0)) / 2
    before, after = before - mean, after - mean
    present = before.T @ before + after.T @ after
    delayed = before.T @ after + after.T @ before
    values, vectors = eigh(delayed, present)
    order = np.argsort(-np.abs(values))[:count]
    points = (windows - windows.mean(axis=0)) @ vectors[:, order] * values[order]
    return values[order], points * np.sqrt(2 * len(before))


def test_tica_solves_the_generalised_eigenproblem():
    values = wandering(600, 3)
    embedder = TICA(3, window_s=4.0, lag_s=5.0, principal_components=12, hop_s=1.0)
    points = embedder.fit_transform(values)
    autocorrelation, expected = brute_tica(values, 4, 5, 3)
    assert embedder.lag_ == 5
    np.testing.assert_allclose(embedder.autocorrelation_, autocorrelation, rtol=1e-6)
    assert_same_up_to_signs(points, expected, rtol=1e-3)


def test_tica_finds_what_is_slow_and_pca_what_is_large():
    rng = np.random.default_rng(0)
    slow = np.sin(2 * np.pi * np.arange(2000) / 500)
    loud = 10 * rng.normal(size=2000)
    mixture = np.stack([slow, loud, 0.01 * rng.normal(size=2000)], axis=1) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    slowest = TICA(1, 1.0, 10.0, hop_s=1.0).fit_transform(mixture)[:, 0]
    largest = DelayPCA(1, 1.0, hop_s=1.0).fit_transform(mixture)[:, 0]
    assert abs(np.corrcoef(slowest, slow)[0, 1]) > 0.99
    assert abs(np.corrcoef(largest, loud)[0, 1]) > 0.99
    assert abs(np.corrcoef(largest, slow)[0, 1]) < 0.2


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
def test_tica_does_not_depend_on_units(scale):
    embedder = TICA(2, 3.0, 2.0, hop_s=1.0)
    points = embedder.fit_transform(wandering() * scale)
    expected = TICA(2, 3.0, 2.0, hop_s=1.0).fit_transform(wandering())
    assert_same_up_to_signs(points, expected, rtol=1e-4)


@pytest.mark.parametrize("embedder", [DelayPCA(2, 0.5), TICA(2, 0.5, 0.3)])
def test_points_lie_where_those_of_an_embedding_lie(embedder, small_embedder, song):
    from orbitscope.features import spectrogram

    frames = spectrogram(song)
    found = embedder.fit_transform(frames)
    model = small_embedder.transform(frames)
    window_s = embedder.window_ * frames.hop_s
    assert isinstance(found, Trajectory) and embedder.window_ == 22
    assert found.points.shape == (len(frames) - 21, 2) and found.source == frames.source
    assert found.hop_s == model.hop_s and found.window_s == pytest.approx(window_s)
    shift_s = (window_s - model.window_s) / 2
    assert found.start_s == pytest.approx(model.start_s + shift_s)
    assert found.start_s == pytest.approx(frames.times_s[:22].mean())


def test_point_i_is_of_frames_i_to_i_plus_window_minus_1():
    values = wandering(200)
    changed = values.copy()
    changed[100] += 3
    embedder = DelayPCA(3, 10.0, hop_s=1.0).fit(values)
    moved = np.flatnonzero((embedder.transform(values) != embedder.transform(changed)).any(axis=1))
    np.testing.assert_array_equal(moved, np.arange(91, 101))


def test_the_same_frames_give_the_same_points_and_inputs_stay():
    values = wandering(300, 80)
    before = values.copy()
    points = [TICA(3, 10.0, 5.0, hop_s=1.0).fit_transform(values) for _ in range(2)]
    np.testing.assert_array_equal(*points)
    np.testing.assert_array_equal(values, before)


def test_without_deeptime_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "deeptime.decomposition", None)
    with pytest.raises(InputError, match=r'pip install "orbitscope\[comparators\]"'):
        TICA(2, 3.0, 1.0, hop_s=1.0).fit(wandering())
    DelayPCA(2, 3.0, hop_s=1.0).fit(wandering())


@pytest.mark.parametrize(
    ("embedder", "said"),
    [
        (DelayPCA(0, 3.0, hop_s=1.0), "latent_dim is 0"),
        (DelayPCA(2.5, 3.0, hop_s=1.0), "latent_dim is 2.5"),
        (DelayPCA(2, -1.0, hop_s=1.0), "window_s is -1.0"),
        (DelayPCA(2, 3.0, hop_s=0), "hop_s is 0"),
        (DelayPCA(16, 3.0, hop_s=1.0), "no more than 15 dimensions, and latent_dim is 16"),
        (DelayPCA(2, 500.0, hop_s=1.0), "400 frames of 5 features"),
        (TICA(2, 3.0, float("nan"), hop_s=1.0), "lag_s is nan"),
        (TICA(2, 3.0, 396.0, hop_s=1.0), "398 windows leave 2 pairs 396 frames apart"),
        (TICA(2, 3.0, 1.0, principal_components=0, hop_s=1.0), "principal_components is 0"),
        (TICA(3, 3.0, 1.0, principal_components=2, hop_s=1.0), "vary in 2 independent ways"),
    ],
)
def test_options_out_of_range(embedder, said):
    with pytest.raises(InputError, match=said):
        embedder.fit(wandering())


@pytest.mark.parametrize("embedder", [DelayPCA(1, 2.0), TICA(1, 2.0, 1.0)])
def test_frames_that_cannot_be_used(embedder):
    values = wandering(50).astype(np.float32)
    with pytest.raises(InputError, match="all frames are the same"):
        embedder.fit(Frames(np.ones((50, 5), np.float32), 1.0))
    broken = values.copy()
    broken[7, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        embedder.fit(Frames(broken, 1.0))
    embedder.fit(Frames(values, 1.0, kind="mel", source=Source(name="song.wav")))
    with pytest.raises(InputError, match="kind 'cqt'"):
        embedder.transform(Frames(values, 1.0, kind="cqt"))
    with pytest.raises(InputError, match="0.5 s apart"):
        embedder.transform(Frames(values, 0.5, kind="mel"))
    with pytest.raises(InputError, match="1 frames are less than one window of 2"):
        embedder.transform(Frames(values[:1], 1.0, kind="mel"))
    with pytest.raises(InputError, match="NaN"):
        embedder.transform(Frames(broken, 1.0, kind="mel"))
