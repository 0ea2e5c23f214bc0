"""Shapes whose angles and radii are known."""

import numpy as np
import pytest

from orbitscope.geometry import mean_turning_angle, rms_radius, turning_angle, turning_cosine


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
