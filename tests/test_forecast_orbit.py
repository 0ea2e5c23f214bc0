"""Going on from a moment of an orbit: what the forecaster is shown, and where it starts."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from orbitscope.errors import InputError
from orbitscope.forecast import Forecaster, KNNForecaster, LinearForecaster, PersistenceForecaster
from orbitscope.pipeline import forecast_orbit
from orbitscope.types import Orbit, Trajectory

HOP_S, START_S, WINDOW = 0.02, 1.5, 5


def orbit(points):
    path = Trajectory(np.asarray(points, np.float32), HOP_S, WINDOW * HOP_S, START_S)
    return Orbit(Path("x.orbit"), path, {}, {}, {}, {})


def places(count=100):
    """Point i is i."""
    return orbit(np.arange(count)[:, None])


def circle(count=200, per_turn=40):
    phase = 2 * np.pi * np.arange(count) / per_turn
    return orbit(np.stack([np.cos(phase), np.sin(phase)], axis=1))


def at(place):
    return START_S + place * HOP_S


class Spy(Forecaster):
    """Remembers what it was shown, and says that all goes on as on a line."""

    told: ClassVar[dict] = {}

    def __init__(self, length=1):
        self.length = length

    @property
    def context(self):
        return self.length

    def _fit(self, library):
        Spy.told = {"known": [stretch[:, 0].tolist() for stretch in library.stretches]}

    def _forecast(self, context, steps, at):
        Spy.told["context"] = context[0, :, 0].tolist()
        return context[:, -1:] + np.arange(1, steps + 1)[None, :, None]


def known(knows, place, steps=7, count=100, length=1):
    forecast_orbit(places(count), Spy(length), at(place), steps, knows=knows)
    return Spy.told["known"]


class TestWhatIsKnown:
    def test_leak_free_is_all_that_shares_no_frame_with_the_moment_and_its_future(self):
        before, after = known("leak-free", 50)
        assert before == list(range(50 - 7 - WINDOW)) and after == list(range(50 + 7 + WINDOW + 1, 100))
        # Frames i to i + 4 make point i: the last known one ends before frame 50, the next begins after frame 61.
        assert before[-1] + WINDOW - 1 < 50 and after[0] > 57 + WINDOW - 1

    @pytest.mark.parametrize(("place", "ends"), [(3, (16, 99)), (99, (0, 86)), (12, (25, 99))])
    def test_leak_free_near_an_end_has_one_stretch(self, place, ends):
        (stretch,) = known("leak-free", place)
        assert stretch == list(range(ends[0], ends[1] + 1))

    def test_a_stretch_too_short_for_the_context_is_left_out(self):
        assert [s[0] for s in known("leak-free", 18, length=5)] == [0, 31]
        assert [s[0] for s in known("leak-free", 17, length=5)] == [30]

    def test_past_is_all_up_to_the_moment(self):
        assert known("past", 50) == [list(range(51))]

    def test_all_is_all(self):
        assert known("all", 50) == [list(range(100))]

    def test_the_published_forecaster_is_not_handed_the_answer(self):
        """Of all points the true future is nearest to itself: the nearest is to be left out, as published."""
        noisy = orbit(circle().trajectory.points + 0.05 * np.random.default_rng(0).normal(size=(200, 2)))
        points = noisy.trajectory.points.astype(float)
        made = forecast_orbit(noisy, KNNForecaster(), at(60), 20, knows="all").points
        twin = KNNForecaster(drop_nearest=True).fit(points).forecast(points[None, :61], 20)[0]
        np.testing.assert_array_equal(made, twin)
        assert np.abs(made - points[60:81])[1:].max() > 0.01


class TestForecast:
    def test_a_circle_goes_on_as_a_circle(self):
        made = forecast_orbit(circle(), LinearForecaster(ridge=0), at(190), 60, knows="past")
        phase = 2 * np.pi * np.arange(190, 251) / 40
        np.testing.assert_allclose(made.points, np.stack([np.cos(phase), np.sin(phase)], axis=1), atol=1e-3)

    def test_leak_free_neighbours_of_a_circle_are_a_turn_away(self):
        noise = 0.02 * np.random.default_rng(0).normal(size=(200, 2))
        points = circle().trajectory.points + noise
        made = forecast_orbit(orbit(points), KNNForecaster(2), at(100), 10).points
        library = [i for i in range(199) if abs(i - 100) > 10 + WINDOW and i != 100 - 10 - WINDOW - 1]
        path, now = [], points.astype(np.float32).astype(float)
        here = now[100]
        for _ in range(10):
            distances = np.linalg.norm(now[library] - here, axis=1)
            nearest = np.argsort(distances)[:2]
            weights = 1 / distances[nearest] / (1 / distances[nearest]).sum()
            here = here + sum(
                w * (now[library[n] + 1] - now[library[n]]) for w, n in zip(weights, nearest, strict=True)
            )
            path.append(here)
        np.testing.assert_allclose(made[1:], path, atol=1e-12)

    def test_it_says_what_it_is(self):
        made = forecast_orbit(places(), Spy(3), at(50), 7, knows="past", name="spy")
        assert Spy.told["context"] == [48, 49, 50]
        assert made.points[:, 0].tolist() == list(range(50, 58)) and made.points.dtype == np.float64
        assert (made.start, made.hop_s, made.forecaster, made.knows) == (50, HOP_S, "spy", "past")
        assert made.start_s == pytest.approx(2.5)
        assert forecast_orbit(places(), Spy(), at(50), 7).forecaster == "Spy"

    @pytest.mark.parametrize(
        ("moment", "place"), [(0, 0), (0.4, 0), (0.6, 1), (50.49, 50), (99, 99), (99.9, 99), (-0.9, 0)]
    )
    def test_it_starts_at_the_nearest_point(self, moment, place):
        made = forecast_orbit(places(), PersistenceForecaster(), at(moment), 3)
        assert made.start == place and (made.points == place).all() and len(made.points) == 4

    def test_the_orbit_is_left_as_it_is(self):
        one = circle()
        before = one.trajectory.points.tobytes()
        forecast_orbit(one, KNNForecaster(), at(60), 20)
        assert one.trajectory.points.tobytes() == before and one.trajectory.points.dtype == np.float32

    @pytest.mark.parametrize("knows", ["leak-free", "past", "all"])
    def test_the_forecaster_is_left_as_it_is(self, knows):
        forecaster = KNNForecaster()
        forecast_orbit(circle(), forecaster, at(60), 20, knows=knows)
        assert forecaster.get_params() == KNNForecaster().get_params()
        assert not hasattr(forecaster, "library_")


class TestRefused:
    @pytest.mark.parametrize("moment", [-1.2, 100.5, 1e9, -np.inf, np.nan])
    def test_a_moment_outside(self, moment):
        with pytest.raises(InputError, match=r"outside the orbit, which goes from 1\.50 to 3\.48 s"):
            forecast_orbit(places(), Spy(), at(moment), 7)

    @pytest.mark.parametrize("steps", [0, -1, 2.5, True, "7"])
    def test_steps(self, steps):
        with pytest.raises(InputError, match="steps is"):
            forecast_orbit(places(), Spy(), at(50), steps)

    def test_knows(self):
        with pytest.raises(InputError, match="'future'; choose one of leak-free, past, all"):
            forecast_orbit(places(), Spy(), at(50), 7, knows="future")

    def test_too_little_before_the_moment(self):
        assert forecast_orbit(places(), Spy(10), at(9), 7).start == 9
        with pytest.raises(InputError, match=r"10 points must be seen first; go on from 1\.68 s or later"):
            forecast_orbit(places(), Spy(10), at(8), 7)
        with pytest.raises(InputError, match=r"the orbit has 100 points.* 101 first"):
            forecast_orbit(places(), Spy(101), at(99), 7)

    @pytest.mark.parametrize(
        ("knows", "place", "steps"), [("leak-free", 50, 45), ("leak-free", 50, 10**12), ("past", 0, 7)]
    )
    def test_nothing_left_to_learn_from(self, knows, place, steps):
        with pytest.raises(InputError, match="nothing is left to learn from"):
            forecast_orbit(places(), Spy(), at(place), steps, knows=knows)

    def test_a_forecast_that_runs_away(self):
        growing = orbit(1.5 ** np.arange(60)[:, None])
        with (
            np.errstate(all="ignore"),
            pytest.raises(InputError, match=r"infinity after 1\d\d\d steps; forecast fewer"),
        ):
            forecast_orbit(growing, LinearForecaster(1), at(50), 3000, knows="all")
