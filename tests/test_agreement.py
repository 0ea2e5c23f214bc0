"""Neighbors that are kept, lost and excluded, against scikit-learn and a brute-force twin."""

import numpy as np
import pytest
from sklearn import manifold
from sklearn.neighbors import NearestNeighbors

from orbitscope.agreement import neighbor_overlap, trustworthiness
from orbitscope.errors import InputError


def noise(points, dims, seed=0):
    return np.random.default_rng(seed).normal(size=(points, dims))


def walk(points, dims, seed=0):
    return noise(points, dims, seed).cumsum(axis=0)


def windows(frames, window):
    return np.stack([frames[first : first + window].ravel() for first in range(len(frames) - window + 1)])


def brute_force(points, reference, neighbors, theiler, queries):
    """Trustworthiness and overlap from the definitions, one point and one neighbor at a time."""
    costs, shares = [], []
    for i in queries:
        others = [j for j in range(len(points)) if abs(i - j) > theiler]
        near = sorted(others, key=lambda j: np.linalg.norm(points[i] - points[j]))[:neighbors]
        order = sorted(others, key=lambda j: np.linalg.norm(reference[i] - reference[j]))
        cost = sum(max(order.index(j) + 1 - neighbors, 0) for j in near)
        worst = sum(len(others) - place - neighbors for place in range(neighbors))
        costs.append(cost / worst)
        shares.append(len(set(near) & set(order[:neighbors])) / neighbors)
    return 1 - np.mean(costs), np.mean(shares)


@pytest.mark.parametrize("neighbors", [1, 5, 30])
@pytest.mark.parametrize("kept", [1, 3, 8])
def test_without_exclusion_it_is_that_of_scikit_learn(neighbors, kept):
    reference = walk(300, 8) + 1000
    points = reference[:, :kept]
    expected = manifold.trustworthiness(reference, points, n_neighbors=neighbors)
    assert trustworthiness(points, reference, neighbors=neighbors) == pytest.approx(expected, abs=1e-12)


def test_without_exclusion_the_overlap_is_that_of_scikit_learns_neighbors():
    reference = noise(400, 5)
    points = reference[:, :3]
    near, far = (NearestNeighbors(n_neighbors=7).fit(x).kneighbors(return_distance=False) for x in (points, reference))
    expected = np.mean([len(set(a) & set(b)) / 7 for a, b in zip(near, far, strict=True)])
    assert 0.1 < expected < 0.9
    assert neighbor_overlap(points, reference, neighbors=7) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("theiler", [0, 1, 12])
def test_with_exclusion_they_are_as_defined(theiler):
    reference = walk(90, 4, seed=1)
    points = reference[:, :2] + noise(90, 2, seed=2)
    trust, overlap = brute_force(points, reference, 6, theiler, range(90))
    options = {"neighbors": 6, "theiler": theiler}
    assert trustworthiness(points, reference, **options) == pytest.approx(trust, abs=1e-12)
    assert neighbor_overlap(points, reference, **options) == pytest.approx(overlap, abs=1e-12)


def test_a_window_of_frames_is_compared_as_one_long_vector():
    frames = walk(120, 3).astype(np.float32)
    points = noise(114, 2)
    options = {"neighbors": 4, "theiler": 6}
    for measure in (trustworthiness, neighbor_overlap):
        expected = measure(points, windows(frames, 7), **options)
        assert measure(points, frames, window=7, **options) == pytest.approx(expected, abs=1e-12)


def test_blocks_and_chunks_change_nothing(monkeypatch):
    frames, points = walk(130, 3), noise(121, 2)
    whole = trustworthiness(points, frames, window=10, theiler=9)
    monkeypatch.setattr("orbitscope.agreement._MOST_DISTANCES", 1000)
    monkeypatch.setattr("orbitscope.agreement._CHUNK", 16)
    assert trustworthiness(points, frames, window=10, theiler=9) == pytest.approx(whole, abs=1e-12)


def test_fewer_points_asked_are_still_ranked_among_all():
    reference, points = noise(200, 4), noise(200, 2, seed=1)
    asked = np.linspace(0, 199, 12).round().astype(int)
    trust, overlap = brute_force(points, reference, 8, 3, asked)
    options = {"neighbors": 8, "theiler": 3, "most": 12}
    assert trustworthiness(points, reference, **options) == pytest.approx(trust, abs=1e-12)
    assert neighbor_overlap(points, reference, **options) == pytest.approx(overlap, abs=1e-12)


@pytest.mark.parametrize("theiler", [0, 25])
def test_a_scaled_and_rotated_copy_keeps_all_neighbors(theiler):
    reference = walk(500, 3)
    turn = np.linalg.qr(noise(3, 3))[0]
    points = (reference @ turn * 0.01 + 7).astype(np.float32)
    assert trustworthiness(points, reference, theiler=theiler) > 0.9999
    assert neighbor_overlap(points, reference, theiler=theiler) > 0.999


def test_points_that_have_nothing_to_do_with_the_reference():
    points, reference = noise(3000, 3), noise(3000, 10, seed=1)
    assert trustworthiness(points, reference, theiler=20) == pytest.approx(0.5, abs=0.01)
    assert neighbor_overlap(points, reference, theiler=20) == pytest.approx(10 / 3000, abs=0.002)


def test_neighbors_in_time_no_longer_flatter_a_path_that_is_wrong():
    """A clock keeps the order of time and nothing else; the reference goes around a circle 20 times."""
    angle = 40 * np.pi * np.arange(2000) / 2000
    reference = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.01 * noise(2000, 2)
    clock = np.arange(2000.0)[:, None]
    assert trustworthiness(clock, reference, neighbors=6) > 0.85
    assert trustworthiness(clock, reference, neighbors=6, theiler=30) < 0.6
    assert trustworthiness(reference + 0.001, reference, neighbors=6, theiler=30) > 0.999


def test_copies_rank_first_as_in_silence():
    reference = np.concatenate([np.full((60, 4), 0.3), noise(60, 4)])
    points = reference @ noise(4, 2, seed=3)
    points[60:] = reference[60:, :2]
    assert trustworthiness(points[:60], reference[:60], neighbors=5) == 1
    assert neighbor_overlap(points[:60], reference[:60], neighbors=5) == 1


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (49, {}, "50 points and 49 rows"),
        (50, {"window": 3}, "50 points and 50 rows.*52"),
        (50, {"neighbors": 25}, "25 neighbors are too many: of 50 points"),
        (50, {"neighbors": 5, "theiler": 21}, "exclusion of 21 leaves 7"),
        (50, {"theiler": 30}, "leaves 0"),
        (50, {"neighbors": 0}, "neighbors is 0"),
        (50, {"neighbors": 2.5}, "neighbors is 2.5"),
        (50, {"theiler": -1}, "theiler is -1"),
        (50, {"window": 0}, "window is 0"),
        (50, {"most": 0}, "most is 0"),
    ],
)
@pytest.mark.parametrize("measure", [trustworthiness, neighbor_overlap])
def test_what_cannot_be_compared_is_refused(measure, rows, options, message):
    with pytest.raises(InputError, match=message):
        measure(noise(50, 2), noise(rows, 3), **options)


def test_a_reference_with_nan_is_named():
    reference = noise(50, 3)
    reference[4, 1] = np.nan
    with pytest.raises(InputError, match="^reference hold NaN"):
        trustworthiness(noise(50, 2), reference)
