"""Circles, tori, lines and noise: holes whose number and width are known; surrogates that keep spectra only."""

import sys

import numpy as np
import pytest

from orbitscope.errors import InputError
from orbitscope.topology import loop_strength, loop_strengths, loop_test, surrogate_frames
from orbitscope.types import Frames, Trajectory


def polygon(corners, radius=1.0):
    angle = 2 * np.pi * np.arange(corners) / corners
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def noise(points, dims, seed=0):
    return np.random.default_rng(seed).normal(size=(points, dims))


def cycle(wander, count=1500, period=40):
    """Frames around a circle in [0, 1], the tempo wandering by ``wander`` radians a step, with a little noise."""
    rng = np.random.default_rng(0)
    phase = np.cumsum(2 * np.pi / period + wander * rng.normal(size=count))
    values = 0.5 + 0.2 * np.stack([np.cos(phase), np.sin(phase)], axis=1) + 0.01 * rng.normal(size=(count, 2))
    return Frames(values.astype(np.float32), 0.0232, start_s=1.5, kind="mel")


def as_trajectory(frames):
    return Trajectory(frames.values, frames.hop_s, frames.hop_s)


@pytest.mark.parametrize("corners", [12, 100, 250])
def test_a_regular_polygon_is_born_at_its_side_and_dies_at_its_inscribed_triangle(corners):
    # Over the diameter 2 r, a chord over k corners is sin(pi k / n).
    expected = np.sin(np.pi * np.ceil(corners / 3) / corners) - np.sin(np.pi / corners)
    assert loop_strength(polygon(corners, radius=30.0)) == pytest.approx(expected, rel=1e-5)


def test_a_dense_circle_anywhere_in_more_dimensions_comes_near_to_its_limit():
    axes = np.linalg.qr(noise(5, 2))[0]
    path = polygon(5000) @ axes.T * 0.01 + 7
    assert loop_strength(path.astype(np.float32), most=150) == pytest.approx(np.sqrt(3) / 2, abs=0.04)
    assert len(loop_strengths(path, most=150)) == 1


def test_a_torus_has_two_loops_and_a_figure_of_eight_as_well():
    angle = 2 * np.pi * np.arange(3000)[:, None] / 50 * [1, 0.1618]
    torus = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    first, second, third = loop_strengths(torus, most=250)[:3]
    # Both circles are filled at sqrt(3), and the torus is 2 sqrt(2) wide; the points are up to 0.5 apart.
    assert np.sqrt(3 / 8) - 0.25 < second <= first < np.sqrt(3 / 8)
    assert third < second / 3
    angle = 2 * np.pi * np.arange(200) / 200
    eight = loop_strengths(np.stack([np.sin(angle), np.sin(2 * angle) / 2], axis=1))
    assert eight[1] == pytest.approx(eight[0], rel=1e-5)
    assert (eight[2:] < 0.01).all()


@pytest.mark.parametrize("most", [50, 400])
def test_a_line_has_no_loop(most):
    line = np.sort(noise(300, 1), axis=0) * [1.0, 2, 3]
    assert loop_strength(line, most=most) == 0
    assert len(loop_strengths(line, most=most)) == 0


@pytest.mark.parametrize("dims", [2, 3, 12])
def test_noise_has_no_clear_loop(dims):
    assert loop_strength(noise(2000, dims), most=200) < 0.15


def test_an_arc_is_no_loop_until_it_closes():
    assert loop_strength(polygon(100)[:60]) < 0.05
    assert loop_strength(polygon(100)[:98]) > 0.7


def test_thinning_finds_the_loop_that_is_walked_through_unevenly():
    waiting = np.concatenate([np.repeat(polygon(60)[:1], 3000, axis=0), polygon(60)])
    assert loop_strength(waiting, most=60) == pytest.approx(loop_strength(polygon(60)), abs=0.02)


def test_one_place_has_no_loop_strength():
    assert np.isnan(loop_strength(np.full((9, 3), 0.1)))


@pytest.mark.parametrize(("points", "most"), [(polygon(3), 400), (polygon(9), 3), (polygon(9) * np.nan, 400)])
def test_what_can_hold_no_loop_is_refused(points, most):
    with pytest.raises(InputError, match="at least 4|NaN"):
        loop_strength(points, most=most)


def test_without_ripser_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(InputError, match=r'pip install "orbitscope\[topology\]"'):
        loop_strength(polygon(9))


# Surrogates


@pytest.mark.parametrize("count", [200, 201])
def test_a_surrogate_keeps_spectra_cross_spectra_and_means_and_nothing_else(count):
    values = (0.5 + 0.05 * noise(count, 3) @ noise(3, 3, seed=1)).clip(0.01, 0.99)
    frames = Frames(values, 0.02, start_s=3.0, kind="mel", frequencies_hz=np.arange(3.0))
    surrogate = surrogate_frames(frames, 0)
    before, after = (np.fft.rfft(x.values, axis=0) for x in (frames, surrogate))
    cross = np.einsum("fa,fb->fab", before, before.conj())
    np.testing.assert_allclose(np.einsum("fa,fb->fab", after, after.conj()), cross, atol=1e-4 * np.abs(cross[1:]).max())
    np.testing.assert_allclose(surrogate.values.mean(axis=0), values.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(np.corrcoef(surrogate.values.T), np.corrcoef(values.T), atol=1e-5)
    assert abs(np.corrcoef(surrogate.values[:, 0], values[:, 0])[0, 1]) < 0.3
    assert (surrogate.hop_s, surrogate.start_s, surrogate.kind) == (0.02, 3.0, "mel")
    assert surrogate.values.dtype == np.float32


def test_a_seed_gives_one_surrogate_and_no_frame_leaves_its_range():
    frames = Frames((noise(300, 4) > 1).astype(np.float32), 0.02)
    first = surrogate_frames(frames, 1).values
    np.testing.assert_array_equal(surrogate_frames(frames, 1).values, first)
    assert np.abs(surrogate_frames(frames, 2).values - first).max() > 0.1
    assert first.min() == 0
    assert first.max() <= 1


def test_a_cycle_of_wandering_tempo_is_more_than_its_surrogates():
    result = loop_test(cycle(wander=0.1), as_trajectory, surrogates=19, most=100)
    assert result.strength > 0.5
    assert result.surrogate_strengths.shape == (19,)
    assert result.surrogate_strengths.max() < 0.2
    assert result.p_value == pytest.approx(1 / 20)


@pytest.mark.parametrize(
    "frames", [cycle(wander=0, count=38 * 40), Frames(0.5 + 0.1 * noise(1500, 3).clip(-4, 4), 0.02)]
)
def test_equal_rounds_and_noise_are_not_told_from_their_surrogates(frames):
    assert loop_test(frames, as_trajectory, surrogates=9, most=100).p_value > 0.1


def test_the_p_value_counts_surrogates_through_the_encoder_that_is_given():
    given = []

    def embed(frames):
        given.append(frames)
        return polygon(12) if len(given) in (1, 3) else polygon(24)[: 12 + len(given)]

    frames = cycle(wander=0.1, count=50)
    result = loop_test(frames, embed, surrogates=4, seed=5)
    assert given[0] is frames
    np.testing.assert_array_equal(given[2].values, surrogate_frames(frames, [5, 1]).values)
    assert result.p_value == pytest.approx((1 + 1) / 5)  # the second surrogate ties, the arcs are open
    assert np.isnan(loop_test(frames, lambda _: np.zeros((9, 2)), surrogates=1).p_value)


@pytest.mark.parametrize("options", [{"surrogates": 0}, {"seed": -1}])
def test_a_test_needs_surrogates(options):
    with pytest.raises(InputError, match="at least 1 and 0"):
        loop_test(cycle(0.1, count=50), as_trajectory, **options)
