"""Figures of forecasts hold what they were given: paths, bars and words, all of them inside the axes."""

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from mpl_toolkits.mplot3d import Axes3D
from test_plots import HOP_S, knot

from orbitscope import plots
from orbitscope.errors import InputError
from orbitscope.plots_dynamics import CURVE_COLORS, plot_divergence, plot_forecast
from orbitscope.types import Trajectory

RED, BLACK = "#c8102e", "#111111"


@pytest.fixture(autouse=True)
def quiet_and_without_traces():
    before = dict(matplotlib.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert dict(matplotlib.rcParams) == before


def wandering(trajectory, start, steps=60, seed=0):
    """A forecast that leaves the trajectory by a random walk."""
    walk = np.random.default_rng(seed).normal(size=(steps + 1, trajectory.points.shape[1])).cumsum(axis=0)
    return trajectory.points[start] + 0.1 * (walk - walk[0])


def drawn(line):
    """The points of a line in 2-D or 3-D, ``(points, 2 or 3)``."""
    return np.stack(line.get_data_3d() if hasattr(line, "get_data_3d") else line.get_data(), axis=1)


def words(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


class TestForecast:
    @pytest.mark.parametrize("dims", [2, 3])
    def test_path_truth_and_forecast_are_there(self, dims):
        trajectory = knot(dims)
        forecast = wandering(trajectory, 100)
        figure = plot_forecast(trajectory, forecast, 100, name="KNN")
        (ax,) = figure.axes
        path, true, made, initial = ax.lines
        np.testing.assert_array_equal(drawn(path), trajectory.points)
        np.testing.assert_array_equal(drawn(true), trajectory.points[100:161])
        np.testing.assert_array_equal(drawn(made), forecast)
        np.testing.assert_array_equal(drawn(initial), trajectory.points[100:101])
        assert [line.get_color() for line in ax.lines] == ["0.78", BLACK, RED, RED]
        handles = figure.legends[0].legend_handles
        assert [(h.get_color(), w) for h, w in zip(handles, words(figure), strict=True)] == [
            (BLACK, "true"), (RED, "KNN")
        ]  # fmt: skip
        assert isinstance(ax, Axes3D) == (dims == 3)

    def test_one_dimension_goes_over_time(self):
        trajectory = knot(1)
        forecast = wandering(trajectory, 390)
        (ax,) = plot_forecast(trajectory, forecast, 390).axes
        path, true, made, _ = ax.lines
        np.testing.assert_allclose(drawn(path)[:, 0], trajectory.times_s)
        np.testing.assert_allclose(drawn(true)[:, 0], trajectory.times_s[390:])
        np.testing.assert_allclose(drawn(made)[:, 0], trajectory.times_s[390] + HOP_S * np.arange(61))
        np.testing.assert_array_equal(drawn(made)[:, 1], forecast[:, 0])
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "latent 1")

    def test_many_dimensions_are_seen_along_the_axes_of_the_path(self):
        trajectory = knot(12)
        forecast = wandering(trajectory, 100)
        (ax,) = plot_forecast(trajectory, forecast, 100, title="Song").axes
        path, _, made, _ = map(drawn, ax.lines)
        # The path lies in these 3 axes, so that its lengths are kept; the forecast leaves them.
        length = np.linalg.norm(np.diff(knot().points, axis=0), axis=1).sum()
        assert np.linalg.norm(np.diff(path, axis=0), axis=1).sum() == pytest.approx(length, rel=1e-4)
        np.testing.assert_allclose(path[100], made[0], atol=1e-6)
        center = trajectory.points.mean(axis=0, dtype=float)
        axes = np.linalg.svd(trajectory.points.astype(float) - center)[2][:3]
        np.testing.assert_allclose(np.abs(made), np.abs((forecast - center) @ axes.T), atol=1e-4)
        assert ax.get_title() == "Song\nfirst 3 of 12 principal axes"
        assert ax.get_xlabel().startswith("axis 1 (")

    @pytest.mark.parametrize("steps", [0, 60])
    @pytest.mark.parametrize("dims", [1, 2, 3, 12])
    def test_beyond_the_end_only_the_forecast_goes_on(self, dims, steps):
        trajectory = knot(dims)
        figure = plot_forecast(trajectory, wandering(trajectory, 390, steps), 390)
        _, true, made, _ = figure.axes[0].lines
        assert len(drawn(true)) == min(10, steps + 1) and len(drawn(made)) == steps + 1
        figure.draw_without_rendering()

    @pytest.mark.parametrize("dims", [1, 2, 3, 12])
    def test_everything_is_inside_the_axes(self, dims):
        trajectory = knot(dims)
        far = trajectory.points[100] + np.linspace(0, 30, 41)[:, None]
        figure = plot_forecast(trajectory, far, 100)
        figure.draw_without_rendering()
        (ax,) = figure.axes
        limits = np.array([ax.get_xlim(), ax.get_ylim(), *([ax.get_zlim()] if dims > 2 else [])])
        for line in ax.lines:
            assert (drawn(line) >= limits[:, 0]).all() and (drawn(line) <= limits[:, 1]).all()
        if dims > 2:
            spans = np.ptp(limits, axis=1)
            np.testing.assert_allclose(ax._box_aspect / spans, (ax._box_aspect / spans)[0], rtol=1e-6)
        elif dims == 2:
            assert ax.get_aspect() == 1

    def test_the_note_tells_moment_and_length(self):
        figure = plot_forecast(knot(), wandering(knot(), 100, 50), 100)
        title = figure.legends[0].get_title().get_text()
        assert title == f"50 steps ({50 * HOP_S:.3g} s) from {2 + 100 * HOP_S:.2f} s"

    def test_title_is_that_of_the_recording(self):
        trajectory = knot(title="Its $x_{$ own\nname\x1b[31m")
        forecast = wandering(trajectory, 0)
        assert plot_forecast(trajectory, forecast, 0).axes[0].get_title() == "Its $x_{$ own name"
        assert plot_forecast(trajectory, forecast, 0, title="mine").axes[0].get_title() == "mine"
        nameless = knot(12)
        assert plot_forecast(nameless, wandering(nameless, 0), 0).axes[0].get_title() == "first 3 of 12 principal axes"

    @pytest.mark.parametrize("shape", [(61,), (61, 2), (61, 4), (1, 61, 3), (0, 3)])
    def test_shapes_must_fit(self, shape):
        with pytest.raises(InputError, match=r"shape .*\(steps \+ 1, 3\) is needed"):
            plot_forecast(knot(), np.zeros(shape), 100)

    @pytest.mark.parametrize("start", [-1, 400, 10**9])
    def test_start_must_lie_in_the_trajectory(self, start):
        with pytest.raises(InputError, match="points 0 to 399"):
            plot_forecast(knot(), np.zeros((5, 3)), start)
        plot_forecast(knot(), np.zeros((5, 3)), 399)

    @pytest.mark.parametrize("wrong", [np.nan, np.inf])
    def test_numbers_must_be_finite(self, wrong):
        with pytest.raises(InputError, match="NaN or infinite"):
            plot_forecast(knot(), np.full((5, 3), wrong), 100)

    @pytest.mark.parametrize("points", [np.zeros((1, 3)), np.ones((9, 3)), np.ones((9, 5)), np.zeros((1, 1))])
    def test_path_that_does_not_move(self, points):
        plot_forecast(Trajectory(points, HOP_S, 0.5), points[:1].repeat(4, axis=0), 0).draw_without_rendering()


def curve(height, steps=30, error=0.1, interval=False):
    mean = height * np.sqrt(np.arange(steps + 1))
    error = error * mean
    return mean, (np.stack([mean - error, mean + 2 * error]) if interval else error)


def bars(ax):
    """Steps, lower and upper ends of all error bars of a panel."""
    pieces = [p for c in ax.collections if isinstance(c, LineCollection) for p in c.get_segments() if len(p)]
    return np.array([(p[0][0], p[0][1], p[-1][1]) for p in pieces])


def curves(ax):
    return [line for line in ax.lines if len(line.get_xdata()) > 2 and line.get_linestyle() != "None"]


class TestDivergence:
    def test_curves_are_the_means(self):
        given = {"knn": curve(0.1), "linear": curve(0.2, interval=True)}
        (ax,) = plot_divergence({"leak-free": given}).axes
        for line, (mean, _) in zip(curves(ax), given.values(), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), np.arange(31))
            np.testing.assert_array_equal(line.get_ydata(), mean)
        assert ax.get_title() == "leak-free" and ax.get_xlabel() == "steps"
        assert ax.get_ylabel() == "distance δ from the true path"

    @pytest.mark.parametrize("interval", [False, True])
    def test_bars_are_standard_errors_or_intervals(self, interval):
        mean, error = curve(0.3, interval=interval)
        (ax,) = plot_divergence({"": {"knn": (mean, error)}}).axes
        found = bars(ax)
        assert 9 <= len(found) <= 11
        at = found[:, 0].astype(int)
        np.testing.assert_allclose(found[:, 1], 0.9 * mean[at])
        np.testing.assert_allclose(found[:, 2], (1.2 if interval else 1.1) * mean[at])

    def test_bars_of_several_curves_stand_beside_each_other(self):
        (ax,) = plot_divergence({"": {str(i): curve(0.1, steps=100) for i in range(4)}}).axes
        steps = bars(ax)[:, 0]
        assert len(steps) >= 36 and len(set(steps)) == len(steps)

    def test_a_distance_is_not_below_zero(self):
        (ax,) = plot_divergence({"": {"knn": curve(0.3, error=1.5)}}).axes
        assert (bars(ax)[:, 1] == 0).all() and ax.get_ylim()[0] == 0

    @pytest.mark.parametrize("order", [1, -1])
    @pytest.mark.parametrize("interval", [False, True])
    def test_one_scale_holds_every_panel(self, order, interval):
        heights = [0.01, 0.5, 3.0][::order]
        panels = {f"{h}": {"a": curve(h, error=0.6, interval=interval), "b": curve(h / 2)} for h in heights}
        figure = plot_divergence(panels, hop_s=HOP_S)
        figure.draw_without_rendering()
        axes = figure.axes[:3]
        assert len({ax.get_ylim() for ax in axes}) == 1 and axes[0].get_ylim()[0] == 0
        for ax in axes:
            assert len(bars(ax)) >= 18
            assert (bars(ax)[:, 1:] <= ax.get_ylim()[1]).all()
            for line in curves(ax):
                assert (line.get_ydata() <= ax.get_ylim()[1]).all()
                assert ax.get_xlim()[0] <= 0 and line.get_xdata().max() <= ax.get_xlim()[1]
        # and is no wider than it must be
        assert axes[0].get_ylim()[1] < 1.2 * max(bars(ax)[:, 2].max() for ax in axes)

    def test_a_reference_is_inside_too(self):
        (ax,) = plot_divergence({"": {"knn": curve(0.01)}}, reference=1.0).axes
        (line,) = [line for line in ax.lines if line.get_linestyle() == "--"]
        assert list(line.get_ydata()) == [1, 1] and ax.get_ylim()[1] > 1

    def test_steps_have_their_times(self):
        figure = plot_divergence({"": {"knn": curve(0.1)}}, hop_s=0.05)
        figure.draw_without_rendering()
        (ax,) = figure.axes
        (top,) = ax.child_axes
        np.testing.assert_allclose(top.get_xlim(), 0.05 * np.array(ax.get_xlim()))
        assert top.get_xlabel() == "time (s)"
        assert not plot_divergence({"": {"knn": curve(0.1)}}).axes[0].child_axes

    def test_a_label_keeps_its_colour_and_stands_in_the_legend_once(self):
        panels = {"one": {"a": curve(0.1), "b": curve(0.2)}, "two": {"b": curve(0.3), "c": curve(0.4)}}
        figure = plot_divergence(panels, colors={"c": "#123456"})
        colors = {"a": CURVE_COLORS[0], "b": CURVE_COLORS[1], "c": "#123456"}
        for ax, given in zip(figure.axes, panels.values(), strict=True):
            assert [line.get_color() for line in curves(ax)] == [colors[label] for label in given]
        assert words(figure) == ["a", "b", "c"]
        assert [h.get_color() for h in figure.legends[0].legend_handles] == list(colors.values())

    def test_no_two_of_many_curves_look_alike(self):
        figure = plot_divergence({"": {str(i): curve(0.1 + i) for i in range(2 * len(CURVE_COLORS) + 1)}})
        looks = {(line.get_color(), line.get_linestyle()) for line in curves(figure.axes[0])}
        assert len(looks) == 2 * len(CURVE_COLORS) + 1

    @pytest.mark.parametrize("count", [1, 7, 25])
    @pytest.mark.parametrize("label", ["knn", "a song of a rather long name, forecast by someone {}"])
    def test_the_legend_fits_into_the_figure(self, count, label):
        names = [f"{label.format(i)} {i}" for i in range(count)]
        figure = plot_divergence({"leak-free": {name: curve(0.1) for name in names}}, hop_s=HOP_S)
        figure.draw_without_rendering()
        legend, (ax,) = figure.legends[0], figure.axes
        box, page = legend.get_window_extent(), figure.bbox
        assert box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0
        assert box.y1 < ax.get_window_extent().y0 and ax.get_window_extent().height > 0.35 * 2.9 * figure.dpi
        assert words(figure) == names

    @pytest.mark.parametrize(
        "label", ["_below", "$x_{$", "<b>é</b>", "東京 😀 \U0010fffd", "a\nb\x1b[31m\udcff", "^_{}\\%", ""]
    )
    def test_hostile_labels_are_drawn_literally(self, label, tmp_path):
        figure = plot_divergence({label: {label: curve(0.1), "other": curve(0.2)}})
        text = figure.legends[0].get_texts()[0]
        assert not text.get_parse_math() and text.get_text().isprintable()
        if label.isascii() and label.isprintable():
            assert text.get_text() == label and figure.axes[0].get_title() == label
        plots.save(figure, tmp_path, "label")
        plots.save(plot_forecast(knot(), wandering(knot(), 0), 0, name=label), tmp_path, "label")

    def test_gaps_and_single_steps(self):
        mean, error = curve(0.1)
        mean[[0, 9]], error[5] = [np.nan, np.inf], np.nan
        figure = plot_divergence({"": {"a": (mean, error), "b": curve(0.1, steps=1), "c": curve(0.1, steps=0)}})
        line = figure.axes[0].lines[0]
        assert np.isnan(line.get_ydata()[[0, 9]]).all() and np.isfinite(line.get_ydata()[10:]).all()
        assert np.isfinite(figure.axes[0].get_ylim()).all()
        figure.draw_without_rendering()
        nothing = np.full(31, np.nan)
        plot_divergence({"": {"a": (nothing, np.stack([nothing, nothing]))}}).draw_without_rendering()

    @pytest.mark.parametrize(
        ("mean", "error"), [((31,), (30,)), ((31,), (3, 31)), ((31,), (31, 2)), ((31, 1), (31, 1)), ((), ())]
    )
    def test_shapes_must_fit(self, mean, error):
        with pytest.raises(InputError, match="knn: the mean has shape"):
            plot_divergence({"": {"knn": (np.zeros(mean), np.zeros(error))}})

    @pytest.mark.parametrize("panels", [{}, {"": {}}])
    def test_there_must_be_a_curve(self, panels):
        with pytest.raises(InputError, match="no curve"):
            plot_divergence(panels)


def test_the_same_figure_has_the_same_bytes(tmp_path):
    draw = {
        "path": lambda: plot_forecast(knot(), wandering(knot(), 100), 100),
        "errors": lambda: plot_divergence({"a": {"x": curve(0.1)}, "b": {"y": curve(0.2, interval=True)}}, hop_s=HOP_S),
    }
    for name, figure in draw.items():
        first = [path.read_bytes() for path in plots.save(figure(), tmp_path, name)]
        assert [path.read_bytes() for path in plots.save(figure(), tmp_path, name)] == first
        assert first[1].rstrip().endswith(b"</svg>") and b"<dc:date>" not in first[1]
