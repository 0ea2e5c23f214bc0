"""Shapes whose angles, radii, bends and ranks are known, and speeds whose spectra are."""

import numpy as np
import pytest
from scipy.integrate import quad

from orbitscope.errors import InputError
from orbitscope.geometry import (
    check_points,
    curvature,
    effective_rank,
    mean_turning_angle,
    rms_radius,
    spectral_arc_length,
    speed,
    turning_angle,
    turning_cosine,
)


def regular_polygon(corners, radius=1.0, rounds=3):
    angle = 2 * np.pi * np.arange(rounds * corners) / corners
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_a_straight_line_does_not_turn_at_any_speed():
    speed = np.array([1.0, 0.01, 5.0, 300.0, 2.0])
    line = np.cumsum(speed)[:, None] * np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(turning_cosine(line), 1, atol=1e-12)
    assert mean_turning_angle(line) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("corners", [3, 4, 7, 360])
def test_a_circle_turns_by_the_same_angle_at_every_point(corners):
    points = regular_polygon(corners, radius=17.0)
    assert turning_angle(points).shape == (len(points) - 2,)
    np.testing.assert_allclose(turning_angle(points), 360 / corners, rtol=1e-6)
    assert mean_turning_angle(points) == pytest.approx(360 / corners)


def test_a_circle_lying_anywhere_in_more_dimensions_is_the_same():
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 2)))[0]
    points = (regular_polygon(12) @ axes.T + 100).astype(np.float32)
    assert mean_turning_angle(points) == pytest.approx(30, abs=0.01)


def test_back_and_forth_is_180_degrees():
    zigzag = np.array([[0.0], [1.0]] * 5)
    np.testing.assert_array_equal(turning_cosine(zigzag), -1)
    assert mean_turning_angle(zigzag) == 180


def test_a_random_walk_turns_by_90_degrees_on_average():
    walk = np.random.default_rng(0).normal(size=(100_000, 3)).cumsum(axis=0)
    assert mean_turning_angle(walk) == pytest.approx(90, abs=0.5)


def test_a_point_that_stays_has_no_direction_and_is_left_out_of_the_mean():
    points = np.array([[0.0, 0], [1, 0], [1, 0], [2, 0], [2, 1]])
    cosine = turning_cosine(points)
    np.testing.assert_array_equal(np.isnan(cosine), [True, True, False])
    assert mean_turning_angle(points) == pytest.approx(90)
    assert np.isnan(mean_turning_angle(np.zeros((9, 3))))


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_points_to_turn(count):
    assert turning_cosine(np.zeros((count, 3))).shape == (0,)
    assert np.isnan(mean_turning_angle(np.zeros((count, 3))))


def test_rms_radius():
    assert rms_radius(np.add(regular_polygon(8, radius=2.5), [30, -7])) == pytest.approx(2.5)
    assert rms_radius(np.ones((4, 3))) == 0
    points = np.random.default_rng(0).normal(size=(50, 4)) * [1, 2, 3, 4] + 9
    assert rms_radius(points) == pytest.approx(np.sqrt(points.var(axis=0).sum()))


def path_of_speed(profile, hop_s):
    """A straight path in two dimensions whose speed from point to point is ``profile``."""
    return np.concatenate([[0.0], np.cumsum(profile) * hop_s])[:, None] * [0.6, 0.8]


def test_speed_is_in_latent_units_per_second():
    profile = np.array([1.0, 0.0, 7.5, 2.0])
    np.testing.assert_allclose(speed(path_of_speed(profile, 0.02), 0.02), profile, atol=1e-12)
    np.testing.assert_allclose(speed(regular_polygon(6, radius=3.0), 0.5), 6)


@pytest.mark.parametrize("radius", [0.01, 1, 40])
def test_the_curvature_of_a_circle_is_one_over_its_radius(radius):
    bends = curvature(regular_polygon(500, radius))
    assert bends.shape == (1498,)
    np.testing.assert_allclose(bends, 1 / radius, rtol=1e-4)


def test_the_curvature_of_a_helix_lying_anywhere_in_space_at_any_speed():
    radius, rise = 2.0, 0.7
    angle = np.cumsum(np.linspace(0.002, 0.006, 2000))
    helix = np.stack([radius * np.cos(angle), radius * np.sin(angle), rise * angle], axis=1)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 3)))[0]
    np.testing.assert_allclose(curvature(helix @ axes.T + 9), radius / (radius**2 + rise**2), rtol=1e-4)


def test_the_curvature_of_a_line_is_0_and_where_the_path_has_no_direction_nan():
    line = np.cumsum([1.0, 0.25, 5, 300, 2])[:, None] * [1.0, -2, 0.5]
    np.testing.assert_allclose(curvature(line), 0, atol=1e-12)
    assert np.isnan(curvature(np.array([[0.0], [1.0]] * 5))).all()
    assert np.isnan(curvature(np.zeros((5, 3)))).all()


def test_sparc_of_the_example_that_its_authors_publish():
    """github.com/siva82kb/SPARC, scripts/smoothness.py: -1.41403."""
    times_s = np.arange(-1, 1, 0.01)
    assert spectral_arc_length(path_of_speed(np.exp(-5 * times_s**2), 0.01), 0.01) == pytest.approx(-1.41403, abs=5e-6)


def test_sparc_of_a_constant_speed_is_the_length_of_a_sinc_whatever_the_duration():
    # |sin(pi x) / (pi x)| is at least 0.05 for the last time where its sixth lobe comes down, near x = 5.7.
    grid = np.linspace(5, 6, 100_001)
    last = grid[np.abs(np.sinc(grid)) >= 0.05][-1]

    def slope(x):
        return (np.cos(np.pi * x) - np.sinc(x)) / x if x else 0.0

    length = sum(
        quad(lambda x: np.hypot(1 / last, slope(x)), low, min(low + 1, last))[0] for low in range(int(np.ceil(last)))
    )
    for count in (1024, 4096):  # powers of two, so that the zeros of the spectrum lie on its grid
        line = np.arange(count + 1)[:, None] * [1.0, 2.0]
        assert spectral_arc_length(line, 0.01) == pytest.approx(-length, abs=0.02)


def test_a_speed_that_trembles_is_less_smooth():
    times_s = np.arange(-1, 1, 0.01)
    smooth = np.exp(-5 * times_s**2)
    trembling = smooth * (1 + 0.5 * np.sin(2 * np.pi * 6 * times_s))
    smooth, trembling = path_of_speed(smooth, 0.01), path_of_speed(trembling, 0.01)
    assert spectral_arc_length(trembling, 0.01) < spectral_arc_length(smooth, 0.01) - 0.3
    # Nothing above highest_hz counts: 6 Hz of trembling does not.
    assert spectral_arc_length(trembling, 0.01, highest_hz=4) == pytest.approx(-1.414, abs=0.02)


def test_sparc_in_stretches_does_not_grow_with_the_length_of_the_path():
    profile = np.abs(np.random.default_rng(0).normal(size=9000)) + 1
    path = path_of_speed(profile, 0.02)
    each = [spectral_arc_length(path[first : first + 101], 0.02) for first in range(0, 9000, 100)]
    assert spectral_arc_length(path, 0.02, stretch_s=2) == pytest.approx(np.mean(each))
    assert spectral_arc_length(path[:2001], 0.02, stretch_s=2) == pytest.approx(np.mean(each), rel=0.05)


def test_sparc_without_motion_is_nan():
    assert np.isnan(spectral_arc_length(np.ones((50, 3)), 0.02))
    resting = np.concatenate([np.zeros((100, 2)), path_of_speed(np.ones(100), 0.02)])
    assert spectral_arc_length(resting, 0.02, stretch_s=2) == pytest.approx(
        spectral_arc_length(resting[100:], 0.02), abs=0.05
    )


@pytest.mark.parametrize("option", [{"highest_hz": 0}, {"threshold": 1}, {"stretch_s": 9}, {"stretch_s": 0.01}])
def test_sparc_refuses_what_it_cannot_use(option):
    with pytest.raises(InputError, match=next(iter(option))):
        spectral_arc_length(regular_polygon(20), 0.02, **option)


def test_effective_rank_counts_the_dimensions_in_use():
    line = np.arange(50)[:, None] * [1.0, -2, 3] + 100
    assert effective_rank(line) == pytest.approx(1, abs=1e-9)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))[0]
    assert effective_rank(regular_polygon(12) @ axes.T + 5) == pytest.approx(2, abs=1e-9)
    noise = np.random.default_rng(0).normal(size=(20_000, 12))
    assert effective_rank(noise) == pytest.approx(12, rel=1e-3)


def test_effective_rank_of_an_ellipse_by_hand():
    # Singular values 3 : 1, so shares 0.75 and 0.25.
    ellipse = regular_polygon(40) * [3, 1]
    assert effective_rank(ellipse) == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))
    assert np.isnan(effective_rank(np.full((9, 3), 0.1)))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((2, 3)), "number 2; at least 3"),
        (np.zeros(9), r"shape \(9,\)"),
        (np.zeros((9, 0)), r"shape \(9, 0\)"),
        ([["a", "b"]], "no array of numbers"),
        (np.array([[0.0], [np.nan], [1], [np.inf]]), "in 2 of 4 rows"),
    ],
)
def test_points_that_are_none_are_refused_in_one_line(points, message):
    for measure in (curvature, lambda some: spectral_arc_length(some, 0.1)):
        with pytest.raises(InputError, match=message) as caught:
            measure(points)
        assert "\n" not in str(caught.value)


def test_check_points_names_what_was_given_and_leaves_it_as_it_was():
    given = np.ones((3, 2), np.float32)
    assert check_points(given).dtype == np.float64
    assert given.dtype == np.float32
    with pytest.raises(InputError, match="^frames number 3"):
        check_points(given, least=4, name="frames")


@pytest.mark.parametrize("hop_s", [0, -1, np.nan])
def test_a_hop_is_above_0(hop_s):
    with pytest.raises(InputError, match="hop_s"):
        speed(regular_polygon(5), hop_s)
