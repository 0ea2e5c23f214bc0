"""Painting against a brute-force twin in NumPy and against closed forms."""

import numpy as np
import pytest

from orbitscope._raster import Canvas, dither, ground

SIZE = (60, 80)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def plain_canvas(value=0, *, dark=True, size=SIZE):
    return Canvas(np.full((3, *size), value, np.uint8), dark=dark)


def polyline(points, half=1.5, strength=1.0, color=WHITE):
    points = np.asarray(points, float)
    rest = np.tile([half, strength, *color], (len(points), 1))
    return np.column_stack([points, rest]).astype(np.float32)


def random_polyline(rng, count=12, half=None):
    places = rng.uniform([-10, -10], [90, 70], (count, 2))
    trace = polyline(places)
    trace[:, 2] = rng.uniform(0.5, 5) if half is None else half
    trace[:, 3], trace[:, 4:] = rng.uniform(0.3, 1), rng.uniform(0, 255, 3)
    return trace


def brute_force(under, trace, *, dark=True, soft=False):
    """Every pixel against every piece, round caps and all."""
    height, width = under.shape[1:]
    y, x = np.mgrid[:height, :width] + 0.5
    best = under.astype(float)
    for a, b in zip(trace[:-1].astype(float), trace[1:].astype(float), strict=True):
        step = b[:2] - a[:2]
        along = ((x - a[0]) * step[0] + (y - a[1]) * step[1]) / max(step @ step, 1e-12)
        along = np.clip(along, 0, 1)
        away = np.hypot(x - a[0] - along * step[0], y - a[1] - along * step[1])
        mixed = a[2:, None, None] + along * (b - a)[2:, None, None]
        half, strength, color = mixed[0], mixed[1], mixed[2:]
        covered = np.clip(1 - away / half, 0, 1) ** 2 if soft else np.clip(half + 0.5 - away, 0, 1)
        value = under + (color - under) * covered * strength
        best = np.maximum(best, value) if dark else np.minimum(best, value)
    return best


class TestLines:
    @pytest.mark.parametrize("dark", [True, False])
    @pytest.mark.parametrize("soft", [True, False])
    @pytest.mark.parametrize("seed", range(4))
    def test_as_by_brute_force(self, dark, soft, seed):
        rng = np.random.default_rng(seed)
        under = rng.integers(0, 255, (3, *SIZE)).astype(np.uint8)
        canvas, trace = Canvas(under, dark=dark), random_polyline(rng)
        (canvas.glow if soft else canvas.lines)(trace)
        expected = brute_force(under, trace, dark=dark, soft=soft)
        assert np.abs(canvas.pixels - expected).max() <= 0.51

    @pytest.mark.parametrize("seed", range(3))
    def test_widths_strengths_and_colours_that_change_along_the_line(self, seed):
        rng = np.random.default_rng(seed)
        trace = polyline(np.cumsum(rng.normal(0, 4, (30, 2)), axis=0) + np.array([40, 30]))
        trace[:, 2], trace[:, 3] = np.linspace(1, 3, 30), np.linspace(0.4, 1, 30)
        trace[:, 4:] = np.linspace([255, 0, 60], [80, 200, 255], 30)
        canvas = plain_canvas()
        canvas.lines(trace)
        wrong = np.abs(canvas.pixels - brute_force(np.zeros((3, *SIZE)), trace))
        assert wrong.max() <= 12  # only in the caps that are left out, where the next piece is a little other
        assert np.mean(wrong > 1) < 0.01

    @pytest.mark.parametrize("angle", [0, 17, 45, 90, 133])
    def test_covers_the_area_of_a_capsule(self, angle):
        half, length = 4.3, 37.0
        step = length * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        canvas = plain_canvas()
        canvas.lines(polyline([np.array([40.2, 30.6]) - step / 2, np.array([40.2, 30.6]) + step / 2], half))
        expected = 2 * half * length + np.pi * (half**2 + 1 / 12)  # the soft edge of the caps adds a twelfth
        assert canvas.pixels[0].sum() / 255 == pytest.approx(expected, rel=6e-3)

    def test_is_the_same_in_any_order(self):
        rng = np.random.default_rng(0)
        traces = [random_polyline(rng, 3) for _ in range(20)]
        first, second = plain_canvas(20), plain_canvas(20)
        for trace in traces:
            first.lines(trace)
        for trace in reversed(traces):
            second.lines(trace[::-1].copy())
        assert np.abs(first.pixels.astype(int) - second.pixels).max() <= 1

    def test_a_mirrored_line_is_a_mirrored_picture(self):
        trace = random_polyline(np.random.default_rng(5))
        mirrored = trace.copy()
        mirrored[:, 0] = SIZE[1] - mirrored[:, 0]
        first, second = plain_canvas(), plain_canvas()
        first.lines(trace)
        second.lines(mirrored)
        assert np.abs(first.pixels.astype(int) - second.pixels[:, :, ::-1]).max() <= 1

    def test_a_straight_line_is_the_same_in_one_piece_and_in_many(self):
        ends = np.array([[5.3, 7.1], [70.9, 48.2]])
        first, second = plain_canvas(), plain_canvas()
        first.lines(polyline(ends, 2.2))
        second.lines(polyline(ends[0] + np.linspace(0, 1, 40)[:, None] * (ends[1] - ends[0]), 2.2))
        assert np.abs(first.pixels.astype(int) - second.pixels).max() <= 1

    @pytest.mark.parametrize(
        "points",
        [
            [[-500, -400], [-20, -30]],
            [[1e6, 5], [2e6, 5]],
            [[-1e5, 30], [1e5, 30]],
            [[40, -1e5], [41, 1e5]],
            [[40, 30], [40, 30]],
            [[-0.4, -0.4], [80.4, 60.4]],
        ],
    )
    def test_draws_inside_the_frame_only(self, points):
        guarded = np.full((SIZE[0] + 2, SIZE[1], 4), 7, np.uint8)
        canvas = plain_canvas()
        canvas._pixels = guarded[1:-1]
        canvas._pixels[:] = 0
        canvas.lines(polyline(points, 3))
        canvas.glow(polyline(points, 9))
        assert (guarded[[0, -1]] == 7).all()

    def test_one_point_twice_is_a_disc(self):
        canvas, other = plain_canvas(), plain_canvas()
        canvas.lines(polyline([[40, 30], [40, 30]], 6))
        other.disc(40, 30, 6, WHITE)
        assert np.abs(canvas.pixels.astype(int) - other.pixels).max() <= 1
        assert canvas.pixels[0].sum() / 255 == pytest.approx(np.pi * (36 + 1 / 12), rel=6e-3)


class TestLight:
    def test_falls_off_to_a_hundredth_at_its_radius(self):
        canvas = plain_canvas(size=(101, 101))
        canvas.halo(50.5, 50.5, 40, WHITE, 1.0)
        assert canvas.pixels[0, 50, 50] == 255
        assert canvas.pixels[0, 50, 70] == pytest.approx(255 * np.exp(-4.6 / 4), abs=1)
        assert canvas.pixels[0, 50, 90] == pytest.approx(2.55, abs=1)
        assert not canvas.pixels[0, 50, :0].any() and not canvas.pixels[0, 0, 0]

    def test_is_added_to_a_dark_ground_and_taken_from_a_light_one(self):
        dark, light = plain_canvas(100), plain_canvas(200, dark=False)
        for canvas in (dark, light):
            canvas.halo(40.5, 30.5, 20, (255, 0, 0), 0.5)
        assert dark.pixels[:, 30, 40] == pytest.approx([255 - 155 * 0.5, 100, 100], abs=1)
        assert light.pixels[:, 30, 40] == pytest.approx([200, 100, 100], abs=1)


class TestStamp:
    def test_covers_by_its_mask(self):
        mask = np.random.default_rng(0).random((9, 14)).astype(np.float32)
        canvas = plain_canvas(40)
        canvas.stamp(mask, 12, 20, (240, 40, 0))
        drawn = canvas.pixels[:, 20:29, 12:26]
        assert np.abs(drawn[0] - (40 + 200 * mask)).max() <= 0.51
        assert (drawn[1] == 40).all()

    def test_between_pixels_it_keeps_what_it_covers_and_where(self):
        mask = np.zeros((7, 7), np.float32)
        mask[2:5, 2:5] = 1
        canvas = plain_canvas()
        canvas.stamp(mask, 20.25, 11.75, WHITE)
        covered = canvas.pixels[0] / 255
        assert covered.sum() == pytest.approx(9, abs=0.05)
        assert (covered.sum(axis=0) @ (np.arange(80) + 0.5)) / 9 == pytest.approx(20.25 + 3.5, abs=0.02)
        assert (covered.sum(axis=1) @ (np.arange(60) + 0.5)) / 9 == pytest.approx(11.75 + 3.5, abs=0.02)

    @pytest.mark.parametrize("place", [(-5, -5), (76, 57), (-100, 10), (200, 200)])
    def test_is_cut_at_the_edges(self, place):
        canvas = plain_canvas()
        canvas.stamp(np.ones((8, 8), np.float32), *place, WHITE)
        x, y = place
        inside = max(0, min(x + 8, 80) - max(x, 0)) * max(0, min(y + 8, 60) - max(y, 0))
        assert (canvas.pixels[0] == 255).sum() == inside


class TestFrames:
    def test_clearing_brings_the_ground_back(self):
        under = ground(80, 60, (40, 20, 60), (0, 0, 0))
        canvas = Canvas(under, dark=True)
        canvas.lines(random_polyline(np.random.default_rng(0)))
        canvas.halo(10, 10, 9, WHITE, 1)
        canvas.disc(70, 50, 5, WHITE)
        canvas.stamp(np.ones((5, 5), np.float32), 30, 1, WHITE)
        canvas.place(np.zeros((3, 4, 10), np.uint8), 60, 3)
        assert (canvas.pixels != under).any()
        canvas.clear()
        assert (canvas.pixels == under).all()

    def test_planes_are_those_of_bt709(self):
        rng = np.random.default_rng(0)
        smooth = np.repeat(np.repeat(rng.integers(0, 256, (3, 15, 10)), 4, axis=1), 8, axis=2)
        canvas = Canvas(smooth.astype(np.uint8), dark=True)
        luma, blue, red = canvas.planes()
        r, g, b = smooth / 255
        y = 0.2126 * r + 0.7152 * g + 0.0722 * b
        assert np.abs(luma - (16 + 219 * y)).max() <= 0.51
        inner = np.s_[::2, 2::8]  # columns whose neighbours have the same colour
        for plane, exact in ((blue, 128 + 224 * (b - y) / 1.8556), (red, 128 + 224 * (r - y) / 1.5748)):
            assert np.abs(plane[:, 1::4] - exact[inner]).max() <= 0.51

    def test_planes_follow_what_changes(self):
        """They are worked out where something was drawn, and must be what they would be of the whole."""
        rng = np.random.default_rng(3)
        under = ground(80, 60, (40, 20, 60), (0, 0, 0))
        canvas = Canvas(under, dark=True)
        for _ in range(6):
            canvas.clear()
            canvas.lines(random_polyline(rng, 3))
            canvas.disc(*rng.uniform(0, 60, 2), 4, WHITE)
            kept = [plane.copy() for plane in canvas.planes()]
            fresh = Canvas(canvas.pixels, dark=True).planes()
            assert all((a == b).all() for a, b in zip(kept, fresh, strict=True))

    def test_the_ground_fades_without_bands(self):
        """On the average of some pixels it is what it would be if there were more than 256 steps."""
        made = ground(400, 300, (18, 18, 18), (6, 6, 6))
        share = (np.linspace(-1, 1, 400) ** 2 + np.linspace(-1, 1, 300)[:, None] ** 2) / 2
        exact = 18 - 12 * share**0.85
        blocks = [a.reshape(15, 20, 20, 20).mean(axis=(1, 3)) for a in (made[0].astype(float), exact)]
        assert np.abs(blocks[0] - blocks[1]).max() < 0.06
        pattern = dither(64, 64)
        assert pattern.min() >= 0 and pattern.max() < 1 and pattern.mean() == pytest.approx(0.5, abs=0.02)

    def test_the_picture_is_the_pixels(self):
        canvas = Canvas(np.random.default_rng(0).integers(0, 256, (3, 6, 8)).astype(np.uint8), dark=True)
        assert canvas.picture().shape == (6, 8, 3)
        assert (canvas.picture()[2, 5] == canvas.pixels[:, 2, 5]).all()
