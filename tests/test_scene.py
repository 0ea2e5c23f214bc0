"""How a path is shown: projected, coloured, thinned out, and turned onto another."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from sklearn.decomposition import PCA

from orbitscope._scene import Coloring, Scene, aligned, decimated, project
from orbitscope.types import Trajectory


def walk(points, dims, seed=0):
    return np.random.default_rng(seed).normal(size=(points, dims)).cumsum(axis=0)


def trajectory(points, hop_s=0.02, window_s=0.5, start_s=0.25):
    return Trajectory(np.asarray(points), hop_s, window_s, start_s)


def knot(points, turns=3.0):
    """A closed curve without symmetries, in three dimensions."""
    angle = np.linspace(0, 2 * np.pi * turns, points)
    return np.stack([np.cos(angle), 0.6 * np.sin(angle) + 0.2 * np.cos(2 * angle), 0.3 * np.sin(3 * angle + 1)], axis=1)


def bare(points, **times):
    path = trajectory(points, **times)
    return Scene(path, project(path), ())


# Projection


@pytest.mark.parametrize("dims", [2, 3, 4, 12])
def test_axes_are_orthonormal_and_distances_kept_up_to_the_radius(dims):
    points = walk(500, dims)
    projection = project(trajectory(points))
    shown = projection(points)
    within = min(dims, 3)
    np.testing.assert_allclose(
        projection.axes.T @ projection.axes, np.diag([1.0] * within + [0.0] * (3 - within)), atol=1e-9
    )
    if dims <= 3:
        np.testing.assert_allclose(
            np.linalg.norm(shown[1:] - shown[0], axis=1) * projection.radius,
            np.linalg.norm(points[1:] - points[0], axis=1),
        )
    assert projection.flat == (dims == 2)
    assert not projection.drift.any()


def test_three_dimensions_are_shown_as_they_are():
    points = knot(400) * 5 + [100, -20, 3]
    projection = project(trajectory(points))
    np.testing.assert_array_equal(projection.axes, np.eye(3))
    assert projection.names == ("latent 1", "latent 2", "latent 3") and projection.note == ""
    np.testing.assert_allclose(projection(points) * projection.radius + projection.offset, points)


def test_two_dimensions_lie_in_the_plane():
    points = walk(300, 2)
    projection = project(trajectory(points))
    shown = projection(points)
    assert not shown[:, 2].any()
    np.testing.assert_allclose(shown[:, :2] * projection.radius + projection.offset[:2], points)
    assert "flat" in projection.note


def test_one_dimension_is_shown_over_time_three_times_as_wide_as_high():
    points = walk(301, 1)
    projection = project(trajectory(points))
    shown = projection(points)
    np.testing.assert_allclose(np.diff(shown[:, 0]), 3 * np.ptp(shown[:, 1]) / 300)
    np.testing.assert_allclose(np.diff(shown[:, 1]) * projection.radius, np.diff(points[:, 0]))
    assert not shown[:, 2].any()
    assert projection.flat and projection.names == ("time", "latent 1")
    np.testing.assert_allclose(projection(points[100:120], first=100), shown[100:120])


def test_more_dimensions_are_shown_by_the_principal_axes_of_scikit_learn():
    points = walk(800, 12) @ np.diag(np.linspace(3, 0.2, 12)) + 50
    projection = project(trajectory(points))
    pca = PCA(3).fit(points)
    np.testing.assert_allclose(np.abs(np.sum(projection.axes * pca.components_.T, axis=0)), 1, atol=1e-6)
    shown = projection(points) * projection.radius
    np.testing.assert_allclose(np.abs(np.corrcoef(shown.T, pca.transform(points).T)[:3, 3:]), np.eye(3), atol=1e-5)
    shares = [f"{share:.0%}" for share in pca.explained_variance_ratio_]
    assert [name[-len(share) - 2 :] for name, share in zip(projection.names, shares, strict=True)] == [
        f"({share})" for share in shares
    ]
    assert projection.note == "first 3 of 12 principal axes"


@pytest.mark.parametrize("dims", [1, 2, 3, 12])
def test_the_path_is_within_the_unit_ball_and_fills_it(dims):
    for points in (walk(700, dims), np.sin(walk(700, dims, 1)), walk(3, dims) * 1e-6, walk(50, dims) * 1e6):
        reach = np.linalg.norm(project(trajectory(points))(points), axis=1)
        assert np.mean(reach <= 1 + 1e-9) >= 0.98
        assert 0.7 < np.percentile(reach, 98) <= 1 + 1e-9


def test_points_that_run_out_far_do_not_shrink_the_rest():
    points = knot(2000)
    far = points.copy()
    far[[500, 1500]] = [[1e4, 0, 0], [0, -1e6, 1e5]]
    plain, with_far = project(trajectory(points)), project(trajectory(far))
    assert with_far.radius < 1.5 * plain.radius
    np.testing.assert_allclose(with_far.offset, plain.offset, atol=0.05)


@pytest.mark.parametrize("dims", [1, 2, 3, 12])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_point_at_rest_is_shown_in_the_middle(dims, count):
    projection = project(trajectory(np.full((count, dims), 7.0)))
    np.testing.assert_allclose(projection(np.full((count, dims), 7.0)), 0, atol=1e-9)
    assert projection.radius > 0


def test_two_points_are_the_ends_of_a_diameter():
    points = np.array([[0.0, 0, 0], [2, 0, 0]])
    np.testing.assert_allclose(project(trajectory(points))(points), [[-1, 0, 0], [1, 0, 0]])


# Fewer lines


def furthest(points, kept):
    """Of the points left out, the largest distance from the segment between the kept ones on either side."""
    worst = 0.0
    for a, b in pairwise(kept):
        chord = points[b] - points[a]
        for point in points[a + 1 : b]:
            share = np.clip((point - points[a]) @ chord / (chord @ chord or 1.0), 0, 1)
            worst = max(worst, float(np.linalg.norm(point - points[a] - share * chord)))
    return worst


PATHS = {
    "walk": walk(1500, 3) / 40,
    "knot": knot(1500),
    "noise": np.random.default_rng(1).normal(size=(1500, 3)),
    "there and back": np.outer(np.abs(np.linspace(-1, 1, 1500)) ** 3, [1.0, 2, 3]),
    "with a jump": knot(1500) + np.where(np.arange(1500) < 700, 0, 9)[:, None],
    "standing": np.repeat(walk(15, 3), 100, axis=0),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("most", [2, 3, 40, 500, 1499])
def test_a_thinned_path_keeps_its_ends_its_count_and_its_word(name, most):
    points = PATHS[name]
    kept, error = decimated(points, most)
    assert kept.dtype == np.uint32
    assert (kept[0], kept[-1]) == (0, len(points) - 1)
    assert (np.diff(kept.astype(int)) > 0).all()
    assert 2 <= len(kept) <= most
    assert furthest(points, kept) <= error * (1 + 1e-12)


def test_the_error_is_no_more_than_it_must_be():
    """The step before, that error divided by the root of 2, would keep too many; so it is within that of the least."""
    kept, error = decimated(PATHS["walk"], 100)
    assert len(decimated(PATHS["walk"], 1500, error / 2**0.5 * (1 - 1e-9))[0]) > 100
    assert furthest(PATHS["walk"], kept) > 0.5 * error


def test_a_short_path_keeps_all_of_its_points():
    kept, error = decimated(PATHS["noise"], 1500)
    np.testing.assert_array_equal(kept, np.arange(1500))
    assert error == 0
    np.testing.assert_array_equal(decimated(np.zeros((1, 3)), 5)[0], [0])


def test_an_error_that_is_allowed_thins_a_short_path_too():
    kept, error = decimated(PATHS["knot"], 1500, 0.01)
    assert error == 0.01 and len(kept) < 200
    assert furthest(PATHS["knot"], kept) <= 0.01


def test_a_straight_line_is_its_two_ends():
    line = np.outer(np.linspace(0, 1, 1000), [3.0, -1, 2])
    for points, most, error in ((line, 999, 0.0), (line, 5000, 1e-3), (np.zeros((1000, 3)), 999, 0.0)):
        np.testing.assert_array_equal(decimated(points, most, error)[0], [0, 999])


def test_corners_are_what_is_kept():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1]])
    path = np.concatenate([np.linspace(a, b, 100, endpoint=False) for a, b in pairwise(corners)])
    kept, _ = decimated(np.vstack([path, corners[-1:]]), 50)
    np.testing.assert_array_equal(kept, [0, 100, 200, 300, 400])


# One turned onto another


def turned(points, seed=3, mirrored=True):
    turn = Rotation.random(random_state=seed).as_matrix()
    return points @ turn * ([-1, 1, 1] if mirrored else [1, 1, 1])


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_and_moved_copy_comes_back_onto_the_first(mirrored):
    first = bare(knot(600))
    second = bare(4 * turned(knot(600), mirrored=mirrored) + [5, 6, 7])
    after = aligned([first, second])
    assert after[0] is first
    axes = after[1].projection.axes
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    # only its middle and its radius are its own: percentiles along axes that were turned
    ours, theirs = (one.shown - one.shown.mean(axis=0) for one in after)
    scale = np.sum(ours * theirs) / np.sum(theirs**2)
    np.testing.assert_allclose(ours, scale * theirs, atol=1e-6)
    assert 0.8 < scale < 1.25


def test_turning_is_a_motion_of_the_picture_only():
    scenes = [bare(knot(600)), bare(turned(knot(600)))]
    before, after = scenes[1].shown, aligned(scenes)[1].shown
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), np.linalg.norm(before, axis=1), atol=1e-9)
    assert aligned(scenes)[1].trajectory is scenes[1].trajectory
    assert np.abs(before - scenes[0].shown).max() > 0.5


def test_orbits_of_different_hops_and_windows_meet_at_the_moments_that_both_have():
    moments = np.linspace(0, 1, 2001)

    def stretch(first_s, last_s, hop_s):
        times_s = np.arange(first_s, last_s, hop_s)
        return np.stack([np.interp(times_s / 20, moments, axis) for axis in knot(2001).T], axis=1)

    first = bare(stretch(0, 20, 0.02), hop_s=0.02, start_s=0.0)
    second = bare(turned(stretch(3, 17, 0.05)), hop_s=0.05, window_s=2.0, start_s=3.0)
    after = aligned([first, second])[1]
    at = np.round(after.trajectory.times_s / 0.02).astype(int)
    ours, theirs = first.shown[at], after.shown
    ours, theirs = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    assert np.sum(ours * theirs) / np.sqrt(np.sum(ours**2) * np.sum(theirs**2)) > 0.9999


def test_twelve_dimensions_come_onto_three():
    high = turned(knot(600)) @ np.linalg.qr(walk(12, 12))[0][:3]
    first, second = aligned([bare(knot(600)), bare(high)])
    ours, theirs = (one.shown - one.shown.mean(axis=0) for one in (first, second))
    assert np.sum(ours * theirs) / np.sqrt(np.sum(ours**2) * np.sum(theirs**2)) > 0.999999


def test_paths_over_time_are_left_alone():
    for scenes in ([bare(walk(300, 1)), bare(walk(300, 1, 1))], [bare(knot(300)), bare(walk(300, 1))]):
        assert aligned(scenes)[1] is scenes[1]


def test_flat_paths_stay_in_their_plane():
    flat = knot(500)[:, :2]
    mirrored = flat @ np.array([[0.6, 0.8], [0.8, -0.6]])
    first, second = aligned([bare(flat), bare(mirrored)])
    np.testing.assert_allclose(second.shown[:, 2], 0, atol=1e-9)
    ours, theirs = (one.shown - one.shown.mean(axis=0) for one in (first, second))
    assert np.sum(ours * theirs) / np.sqrt(np.sum(ours**2) * np.sum(theirs**2)) > 0.999999


def test_paths_that_share_no_moments_or_stand_still_are_left_sound():
    apart = [bare(knot(300)), bare(turned(knot(300)), start_s=500.0)]
    assert aligned(apart)[1] is apart[1]
    still = aligned([bare(knot(300)), bare(np.full((300, 3), 2.0))])[1]
    np.testing.assert_allclose(still.shown, 0, atol=1e-9)


# Colours


def test_a_scale_goes_from_its_low_to_its_high_end_and_no_further():
    one = Coloring("level", "level", "dB", np.array([-90.0, -80, -60, -40, 0], np.float32), -80.0, -40.0)
    np.testing.assert_allclose(one.scaled, [0, 0, 0.5, 1, 1])
    assert one.scaled.dtype == np.float32


def test_equal_ratios_are_equally_far_apart_on_a_scale_of_frequencies():
    hz = np.array([0.0, 50, 100, 200, 400, 800, 1600, 3200])
    one = Coloring("brightness", "brightness", "Hz", hz, 100.0, 1600.0, log=True)
    np.testing.assert_allclose(one.scaled, [0, 0, 0, 0.25, 0.5, 0.75, 1, 1], atol=1e-6)


@pytest.mark.parametrize("log", [False, True])
def test_one_value_everywhere_is_one_end_of_the_scale(log):
    one = Coloring("speed", "speed", "", np.full(5, 3.0), 3.0, 3.0, log=log)
    np.testing.assert_array_equal(one.scaled, np.zeros(5))


def test_a_coloring_is_found_by_its_name():
    time, speed = (Coloring(name, name, "", np.zeros(3), 0, 1) for name in ("time", "speed"))
    assert replace(bare(knot(5)), colorings=(time, speed)).coloring("speed") is speed
