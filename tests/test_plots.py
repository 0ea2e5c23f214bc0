"""Figures hold what they were given: colours are times, axes keep their scales, marks have their true sizes."""

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.image import imread
from matplotlib.patches import Rectangle
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from orbitscope import plots
from orbitscope.errors import InputError
from orbitscope.types import Frames, Source, Trajectory

HOP_S = 1024 / 44100


@pytest.fixture(autouse=True)
def quiet_and_without_traces():
    before = dict(matplotlib.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert dict(matplotlib.rcParams) == before


def knot(dims=3, points=400, start_s=2.0, title=""):
    phase = np.linspace(0, 6 * np.pi, points)
    path = np.stack([3 * np.cos(phase), np.sin(2 * phase), 0.2 * np.sin(3 * phase) + 0.01 * phase], axis=1)
    if dims > 3:
        path = path @ np.linalg.qr(np.random.default_rng(0).normal(size=(dims, 3)))[0].T
    return Trajectory(path[:, :dims].astype(np.float32), HOP_S, 22 * HOP_S, start_s, Source(title=title))


def lines_of(ax):
    return next(c for c in ax.collections if isinstance(c, LineCollection))


def noise(frames, features=20, **options):
    values = np.random.default_rng(0).random((frames, features), dtype=np.float32)
    return Frames(values, HOP_S, start_s=HOP_S, **options)


class TestTrajectory:
    def test_each_piece_has_the_colour_of_its_time(self):
        trajectory = knot()
        lines = lines_of(plots.plot_trajectory(trajectory).axes[0])
        assert isinstance(lines, Line3DCollection)
        assert (lines.norm.vmin, lines.norm.vmax) == (trajectory.times_s[0], trajectory.times_s[-1])
        times_of = {tuple(p): t for p, t in zip(trajectory.points.astype(float), trajectory.times_s, strict=True)}
        assert len(lines._segments3d) == len(trajectory) - 1
        for piece, moment in zip(lines._segments3d, lines.get_array(), strict=True):
            assert moment == pytest.approx((times_of[tuple(piece[0])] + times_of[tuple(piece[1])]) / 2)

    @pytest.mark.parametrize("sides", [(3, 3, 3), (3, 3, 0), (3, 0, 3), (0, 3, 3), (3, 2, 1), (3, 1, 0.5), (1, 1, 6)])
    def test_names_and_numbers_of_axes_keep_apart(self, sides):
        """At least 15 pixels, numbers being 9 high, however flat the path."""
        phase = np.linspace(0, 60, 1500)
        points = np.stack([np.sin(phase), np.cos(1.1 * phase), np.sin(0.7 * phase)], axis=1) * sides
        figure = plots.plot_trajectory(Trajectory(points.astype(np.float32), HOP_S, 0.5))
        FigureCanvasAgg(figure).draw()
        ax = figure.axes[0]
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            name, *numbers = (
                text.get_window_extent()
                for text in (axis.label, *(tick.label1 for tick in axis.get_major_ticks()))
                if text.get_text()
            )
            assert numbers
            for i, number in enumerate(numbers):
                assert np.hypot(*(np.mean(number, axis=0) - np.mean(name, axis=0))) >= 15
                assert not any(number.overlaps(other) for other in numbers[:i])

    def test_near_pieces_come_last(self):
        ax = plots.plot_trajectory(knot()).axes[0]
        azimuth, elevation = np.radians([ax.azim, ax.elev])
        viewer = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
        depth = [piece.mean(axis=0) @ viewer for piece in lines_of(ax)._segments3d]
        assert (np.diff(depth) >= 0).all()

    @pytest.mark.parametrize("dims", [3, 12])
    def test_axes_of_space_have_one_scale(self, dims):
        ax = plots.plot_trajectory(knot(dims)).axes[0]
        spans = np.ptp([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()], axis=1)
        np.testing.assert_allclose(ax._box_aspect / spans, (ax._box_aspect / spans)[0], rtol=1e-6)
        drawn = np.concatenate(lines_of(ax)._segments3d)
        limits = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()])
        assert (drawn >= limits[:, 0]).all() and (drawn <= limits[:, 1]).all()

    def test_principal_axes_are_named_and_right(self):
        trajectory = knot(12)
        ax = plots.plot_trajectory(trajectory, title="Song").axes[0]
        assert ax.get_title() == "Song\nfirst 3 of 12 principal axes"
        centered = trajectory.points - trajectory.points.mean(axis=0)
        singular = np.linalg.svd(centered.astype(float), compute_uv=False)
        shares = singular**2 / (singular**2).sum()
        labels = [ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()]
        assert labels == [f"axis {i + 1} ({shares[i]:.0%})" for i in range(3)]
        # These 12 dimensions hold a path of 3, so that its lengths are kept.
        pieces = np.array(lines_of(ax)._segments3d)
        length = np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1).sum()
        assert length == pytest.approx(np.linalg.norm(np.diff(knot().points, axis=0), axis=1).sum(), rel=1e-4)

    def test_two_dimensions(self):
        figure = plots.plot_trajectory(knot(2))
        assert figure.axes[0].get_aspect() == 1 and len(figure.axes) == 2
        assert figure.axes[1].get_ylabel() == "time (s)"

    def test_one_dimension_goes_over_time(self):
        trajectory = knot(1)
        (ax,) = plots.plot_trajectory(trajectory).axes
        drawn = np.array([piece[0] for piece in lines_of(ax).get_segments()])
        np.testing.assert_allclose(drawn[:, 0], trajectory.times_s[:-1])
        np.testing.assert_allclose(drawn[:, 1], trajectory.points[:-1, 0])
        assert ax.get_xlabel() == "time (s)"

    def test_long_path_loses_no_point_and_stays_small(self, tmp_path):
        points = np.random.default_rng(0).normal(size=(155_000, 3)).cumsum(axis=0)
        figure = plots.plot_trajectory(Trajectory(points, HOP_S, 0.5))
        lines = lines_of(figure.axes[0])
        assert len(lines._segments3d) <= 20_000 and lines.get_rasterized()
        assert sum(len(piece) - 1 for piece in lines._segments3d) == 154_999
        _, svg = plots.save(figure, tmp_path, "long")
        assert svg.stat().st_size < 2e6

    @pytest.mark.parametrize("points", [np.zeros((1, 3)), np.ones((9, 3)), np.ones((9, 5)), np.zeros((1, 1))])
    def test_path_that_does_not_move(self, points, tmp_path):
        plots.save(plots.plot_trajectory(Trajectory(points, HOP_S, 0.5)), tmp_path, "still")

    def test_given_axes(self):
        figure = matplotlib.figure.Figure()
        ax = figure.add_subplot(projection="3d")
        assert plots.plot_trajectory(knot(), ax=ax) is figure and lines_of(ax)
        with pytest.raises(InputError, match="2-D"):
            plots.plot_trajectory(knot(2), ax=ax)
        with pytest.raises(InputError, match="no points"):
            plots.plot_trajectory(Trajectory(np.zeros((0, 3)), HOP_S, 0.5))


class TestTitles:
    @pytest.mark.parametrize(
        "title", [r"$\frac{1}{$ and $x^2$", "東京 نور 😀 \U0010fffd", "a\nb\x1b[31m\udcff", "^_{}\\%"]
    )
    def test_hostile_title_is_drawn_literally(self, title, tmp_path):
        figure = plots.plot_trajectory(knot(title=title))
        text = figure.axes[0].title
        assert not text.get_parse_math() and text.get_text().isprintable()
        if "$" in title:
            assert text.get_text() == title
        plots.save(figure, tmp_path, "title")
        plots.save(plots.plot_losses({title: np.ones(9)}), tmp_path, "title")

    def test_long_title_is_cut(self):
        title = plots.plot_spectrogram(noise(30), title="word " * 100).axes[0].get_title()
        assert len(title) <= 60 and title.startswith("word word") and title.endswith("…")


class TestComparison:
    def test_one_scale_of_time(self, tmp_path):
        figure = plots.plot_comparison([knot(), knot(12, start_s=30.0), knot(2)], titles=["a", "b", "c"])
        scales = {(lines_of(ax).norm.vmin, lines_of(ax).norm.vmax) for ax in figure.axes[:3]}
        assert scales == {(2.0, knot(start_s=30.0).times_s[-1])}
        assert [ax.get_title() for ax in figure.axes[:3]] == ["a", "b\nfirst 3 of 12 principal axes", "c"]
        assert len(figure.axes) == 4
        plots.save(figure, tmp_path, "two")

    def test_titles_must_fit(self):
        with pytest.raises(InputError, match="a title for each"):
            plots.plot_comparison([knot(), knot()], titles=["a"])
        with pytest.raises(InputError):
            plots.plot_comparison([])


class TestSpectrogram:
    def test_times_and_window_are_true(self):
        frames = noise(300)
        ax = plots.plot_spectrogram(frames, window_s=22 * HOP_S, window_start_s=1.25).axes[0]
        left, right, _, _ = ax.images[0].get_extent()
        assert (left, right) == pytest.approx((0.5 * HOP_S, 300.5 * HOP_S))
        (box,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
        assert (box.get_x(), box.get_width()) == pytest.approx((1.25, 22 * HOP_S))
        assert [text.get_text() for text in ax.texts] == ["window 0.51 s"]

    @pytest.mark.parametrize("frequencies", [np.geomspace(40, 16000, 80), np.linspace(100, 20000, 80)])
    def test_ticks_stand_at_their_frequencies(self, frequencies):
        ax = plots.plot_spectrogram(noise(50, 80, frequencies_hz=frequencies)).axes[0]
        ticks = [float(label.get_text().replace(",", "")) for label in ax.get_yticklabels()]
        assert len(ticks) >= 4
        np.testing.assert_allclose(np.interp(ax.get_yticks(), np.arange(80), frequencies), ticks, rtol=1e-6)
        assert ax.get_ylabel() == "frequency (Hz)"

    def test_hour_is_thinned_by_means(self):
        frames = noise(155_001, 8)
        shown = plots.plot_spectrogram(frames).axes[0].images[0].get_array()
        assert shown.shape[1] <= 2000
        np.testing.assert_allclose(shown[:, 3], frames.values[3 * 78 : 4 * 78].mean(axis=0), rtol=1e-5)

    def test_silence_and_faults(self, tmp_path):
        plots.save(plots.plot_spectrogram(Frames(np.zeros((1, 4), np.float32), HOP_S)), tmp_path, "silence")
        with pytest.raises(InputError, match="rising"):
            plots.plot_spectrogram(noise(9, 3, frequencies_hz=np.array([3.0, 2.0, 1.0])))
        with pytest.raises(InputError, match="frames"):
            plots.plot_spectrogram(noise(0))


class TestLosses:
    def test_every_term_has_a_panel(self):
        history = {"curvature": np.ones(50), "my_term": np.ones(50), "reconstruction": np.linspace(1, 0, 50)}
        panels = plots.plot_losses(history).axes
        names = [ax.get_title(loc="left") for ax in panels]
        assert names == ["reconstruction (BCE)", "curvature (1 − cos)", "my term"]
        np.testing.assert_array_equal(panels[0].lines[0].get_ydata(), history["reconstruction"])
        assert panels[-1].get_xlabel() == "step"

    def test_smoothing_is_a_mean_that_skips_gaps(self, tmp_path):
        losses = np.full(400, 2.5)
        losses[[0, 7, 399]] = np.nan, np.inf, np.nan
        smooth = plots.plot_losses({"forecast": losses}).axes[0].lines[1].get_ydata()
        np.testing.assert_allclose(smooth[np.isfinite(losses)], 2.5)
        assert np.isnan(smooth[[0, 7, 399]]).all()
        for length in (0, 1, 5):
            plots.save(plots.plot_losses({"forecast": losses[1 : 1 + length]}), tmp_path, "short")
        with pytest.raises(InputError, match="no loss term"):
            plots.plot_losses({})


class TestWindows:
    def test_one_scale_and_a_difference(self):
        original, reconstructed = noise(22).values, noise(22).values[::-1]
        figure = plots.plot_windows(original, reconstructed, hop_s=HOP_S, time_s=7.0, r2=0.834)
        left, middle, right = (ax.images[0] for ax in figure.axes[:3])
        assert left.get_clim() == middle.get_clim()
        np.testing.assert_array_equal(right.get_array(), (reconstructed - original).T)
        assert right.get_clim()[0] == -right.get_clim()[1]
        assert left.get_extent()[:2] == pytest.approx((7 - 11 * HOP_S, 7 + 11 * HOP_S))
        assert "0.83" in figure.axes[1].get_title()

    def test_shapes_must_agree(self):
        with pytest.raises(InputError, match="shapes"):
            plots.plot_windows(np.zeros((3, 4)), np.zeros((3, 5)), hop_s=HOP_S)


def test_files_are_whole_and_repeat(tmp_path):
    draw = {"path": lambda: plots.plot_trajectory(knot()), "frames": lambda: plots.plot_spectrogram(noise(30))}
    for name, figure in draw.items():
        first = [path.read_bytes() for path in plots.save(figure(), tmp_path, name)]
        paths = plots.save(figure(), tmp_path, name)
        assert [path.read_bytes() for path in paths] == first
        assert [path.name for path in paths] == [f"{name}.png", f"{name}.svg"]
        assert first[1].rstrip().endswith(b"</svg>") and b"<dc:date>" not in first[1]
        pixels = imread(paths[0])
        assert pixels.shape[1] > 900 and (pixels[0, 0, :3] == 1).all()
