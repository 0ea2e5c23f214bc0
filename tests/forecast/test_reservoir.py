"""The echo state network: against reservoirpy's own, on a motion with a known answer, and at its edges."""

import sys

import numpy as np
import pytest
from sklearn.base import clone

from orbitscope.errors import InputError, StoreError
from orbitscope.forecast import Forecaster
from orbitscope.forecast.reservoir import ReservoirForecaster

nodes = pytest.importorskip("reservoirpy.nodes")


def turning(points, phase=0.0):
    turns = phase + 0.2 * np.arange(points)
    return np.stack([3 * np.cos(turns) + 1, np.sin(turns)], axis=1)


def noisy(points=150, seed=0):
    return turning(points) + 0.3 * np.random.default_rng(seed).normal(size=(points, 2))


def small(**options):
    return ReservoirForecaster(**{"units": 40, "context_points": 20} | options)


def test_a_rotation_is_forecast():
    forecaster = ReservoirForecaster(units=100, ridge=1e-6).fit(turning(600))
    truth = np.stack([turning(90, phase) for phase in (0.3, 2.0)])
    np.testing.assert_allclose(forecaster.forecast(truth[:, :60], 29), truth[:, 59:89], atol=0.02)


def test_states_and_readout_are_those_of_reservoirpy():
    points = noisy()
    forecaster = small(leak=0.3, ridge=1e-2).fit(points)
    scaled = (points - points.mean(axis=0)) / points.std(axis=0)
    theirs = nodes.Reservoir(
        W=forecaster.w_state_, Win=forecaster.w_input_, bias=forecaster.bias_, lr=forecaster.leak
    ).run(scaled[:-1])
    np.testing.assert_allclose(forecaster._states(scaled[:-1]), theirs, atol=1e-12)
    inputs, outputs = np.concatenate([theirs, scaled[:-1]], axis=1)[19:], np.diff(scaled, axis=0)[19:]
    readout = nodes.Ridge(ridge=1e-2 * len(inputs)).fit(inputs, outputs)
    np.testing.assert_allclose(forecaster.coef_, readout.Wout, atol=1e-8)
    np.testing.assert_allclose(forecaster.intercept_, np.ravel(readout.bias), atol=1e-8)
    state = nodes.Reservoir(
        W=forecaster.w_state_, Win=forecaster.w_input_, bias=forecaster.bias_, lr=forecaster.leak
    ).run(scaled[30:50])[-1]
    expected = points[49] + points.std(axis=0) * readout.run(np.concatenate([state, scaled[49]])[None])[0]
    np.testing.assert_allclose(forecaster.forecast(points[None, 25:50], 1)[0, 1], expected, atol=1e-8)


def test_the_net_has_the_radius_and_scale_asked_for():
    forecaster = small(spectral_radius=0.7, input_scaling=0.25).fit(noisy())
    assert np.abs(np.linalg.eigvals(forecaster.w_state_)).max() == pytest.approx(0.7, rel=1e-6)
    np.testing.assert_allclose(np.abs(forecaster.w_input_), 0.25)


def test_the_seed_decides_all_also_of_a_loaded_one(tmp_path):
    points, seen = noisy(), np.stack([noisy()[i : i + 30] for i in range(4)])
    one, same, other = (small(units=120, random_state=s).fit(points) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.forecast(seen, 20), same.forecast(seen, 20))
    assert np.abs(one.forecast(seen, 20) - other.forecast(seen, 20)).max() > 1e-6
    one.save(tmp_path / "esn.safetensors")
    loaded = Forecaster.load(tmp_path / "esn.safetensors")
    assert loaded.get_params() == one.get_params() == clone(one).get_params()
    assert loaded.forecast(seen, 20).tobytes() == one.forecast(seen, 20).tobytes()


def test_a_loaded_one_needs_no_reservoirpy(tmp_path, monkeypatch):
    fitted = small().fit(noisy())
    fitted.save(tmp_path / "esn.safetensors")
    monkeypatch.setitem(sys.modules, "reservoirpy.nodes", None)
    with pytest.raises(InputError, match=r"orbitscope\[reservoir\]"):
        small().fit(noisy())
    assert np.isfinite(Forecaster.load(tmp_path / "esn.safetensors").forecast(noisy()[None, :30], 5)).all()


def test_a_file_of_another_size_is_refused(tmp_path):
    fitted = small().fit(noisy())
    fitted.units = 41
    with pytest.raises(StoreError, match="w_input_ of a wrong shape"):
        fitted.save(tmp_path / "esn.safetensors")
        Forecaster.load(tmp_path / "esn.safetensors")


def test_stretches_do_not_touch():
    apart = small().fit([noisy(60, seed=1), noisy(60, seed=2)])
    swapped = small().fit([noisy(60, seed=2), noisy(60, seed=1)])
    np.testing.assert_allclose(apart.coef_, swapped.coef_, atol=1e-10)
    alone = small().fit([noisy(60, seed=1), noisy(3, seed=5)])
    assert np.isfinite(alone.coef_).all()


def test_forecasts_stay_within_ten_deviations_and_still_points_stay():
    points = noisy()
    wild = small().fit(points)
    wild.coef_ = wild.coef_ + 1e6
    away = np.abs(wild.forecast(points[None, :30], 50) - points.mean(axis=0)) / points.std(axis=0)
    assert away.max() <= 10 + 1e-9
    still = small().fit(np.full((80, 2), 0.1))
    np.testing.assert_allclose(still.forecast(np.full((1, 20, 2), 0.1), 30), 0.1, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"units": 0}, "units is 0"),
        ({"leak": 1.5}, "leak is 1.5"),
        ({"ridge": 0.0}, "ridge is 0.0"),
        ({"spectral_radius": float("nan")}, "spectral_radius is nan"),
        ({"input_scaling": "1"}, "input_scaling"),
        ({"random_state": -1}, "random_state is -1"),
        ({"context_points": 2.5}, "context_points is 2.5"),
    ],
)
def test_a_reservoir_of_wrong_parameters_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        small(**options).fit(noisy())


def test_too_short_a_stretch_or_context_is_refused():
    with pytest.raises(InputError, match="longest stretch has 20 points.* need 21"):
        small().fit(noisy(20))
    fitted = small().fit(noisy(21))
    with pytest.raises(InputError, match="needs 20"):
        fitted.forecast(noisy()[None, :19], 3)
