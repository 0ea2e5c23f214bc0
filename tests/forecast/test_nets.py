"""The latent MLP and LSTM: against NumPy twins, on motions with known answers, and at their edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.base import clone

from orbitscope.errors import InputError, StoreError, TrainingError
from orbitscope.forecast import Forecaster
from orbitscope.forecast._base import Library
from orbitscope.forecast._lstm import last_state
from orbitscope.forecast.nets import LSTMForecaster, MLPForecaster, _split

NETS = (MLPForecaster, LSTMForecaster)


def rotation(points, angle=0.15, radius=2.0, phase=0.0):
    turns = phase + angle * np.arange(points)
    return radius * np.stack([np.cos(turns), np.sin(turns)], axis=1) + [5.0, -1.0]


def wandering(points=120, dim=3, seed=0):
    rng = np.random.default_rng(seed)
    walk = np.zeros((points, dim))
    for t in range(1, points):
        walk[t] = 0.9 * walk[t - 1] + rng.normal(size=dim)
    return walk * np.arange(1, dim + 1)


def contexts_of(points, length, count=5):
    return np.stack([points[i : i + length] for i in range(count)])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mlp_twin(net, contexts):
    h = contexts.reshape(len(contexts), -1)
    for i in range(2):
        h = np.maximum(h @ net.params_[f"w{i}"] + net.params_[f"b{i}"], 0)
    return h @ net.params_["w2"] + net.params_["b2"]


def lstm_twin(net, contexts):
    """Keras's equations, a gate at a time."""
    p = {name: np.float64(value) for name, value in net.params_.items()}
    hidden = memory = np.zeros((len(contexts), len(p["w_state"])))
    for t in range(contexts.shape[1]):
        gates = contexts[:, t] @ p["w_input"] + hidden @ p["w_state"] + p["bias"]
        into, forget, new, out = np.split(gates, 4, axis=1)
        memory = sigmoid(forget) * memory + sigmoid(into) * np.tanh(new)
        hidden = sigmoid(out) * np.tanh(memory)
    return hidden @ p["w_out"] + p["b_out"]


TWINS = {MLPForecaster: mlp_twin, LSTMForecaster: lstm_twin}


@pytest.mark.parametrize("preset", ["default", "article"])
@pytest.mark.parametrize("kind", NETS)
def test_forecasts_are_those_of_a_numpy_twin(kind, preset):
    points = wandering()
    net = kind(preset, n_epochs=2, random_state=3).fit(points)
    path = contexts_of(points, 25)
    forecast = net.forecast(path, 4)
    for k in range(1, 5):
        seen = (path[:, path.shape[1] - net.context :] - net.offset_) / net.scale_
        given = TWINS[kind](net, seen)
        moved = net.scale_ * net.gain_ * (np.tanh(given) if preset == "article" else given)
        path = np.concatenate([path, path[:, -1:] + moved[:, None]], axis=1)
        np.testing.assert_allclose(forecast[:, k], path[:, -1], atol=2e-4)


@pytest.mark.parametrize("kind", NETS)
def test_the_published_nets_see_axes_from_0_to_1_and_move_at_most_by_one_range(kind):
    points = wandering()
    net = kind("article", n_epochs=1).fit(points)
    np.testing.assert_allclose(net.offset_, points.min(axis=0))
    np.testing.assert_allclose(net.scale_, np.ptp(points, axis=0))
    net.params_["b2" if kind is MLPForecaster else "b_out"] = np.float32([50, -50, 50])
    moved = np.diff(net.forecast(contexts_of(points, 25), 3), axis=1)
    np.testing.assert_allclose(moved, np.broadcast_to([1, -1, 1] * np.ptp(points, axis=0), moved.shape), rtol=1e-5)


def test_the_published_sizes():
    mlp, lstm = (kind("article", n_epochs=1).fit(wandering()) for kind in NETS)
    assert [mlp.params_[f"w{i}"].shape for i in range(3)] == [(3, 12), (12, 12), (12, 3)]
    assert [lstm.params_[name].shape for name in ("w_input", "w_state", "w_out")] == [(3, 128), (32, 128), (32, 3)]
    assert (mlp.context, lstm.context) == (1, 20)
    assert [len(kind("article").fit(wandering()).loss_history_) for kind in NETS] == [8, 10]


@pytest.mark.parametrize("kind", NETS)
def test_a_rotation_is_forecast(kind):
    net = kind(random_state=1).fit(rotation(500))
    truth = np.stack([rotation(60, phase=phase) for phase in (0.3, 2.0, 4.0)])
    forecast = net.forecast(truth[:, :30], 29)
    errors = np.linalg.norm(forecast[:, 1:] - truth[:, 30:59], axis=2)
    assert errors[:, 0].max() < 0.02  # of a displacement of 0.3
    assert errors.max() < 0.3  # of a radius of 2


def test_the_published_mlp_learns_a_rotation():
    net = MLPForecaster("article", n_epochs=40).fit(rotation(500))
    truth = rotation(60, phase=1.0)
    moved = np.diff(net.forecast(truth[None, :30], 1), axis=1)[0, 0]
    assert np.linalg.norm(moved - (truth[30] - truth[29])) < 0.06
    assert net.loss_history_[-1] < 0.1 * net.loss_history_[0]
    assert np.isnan(net.validation_history_).all()


def test_the_gradient_of_the_lstm_is_that_of_the_plain_one():
    rng = np.random.default_rng(5)
    shapes = {"w_input": (2, 12), "w_state": (3, 12), "bias": (12,)}
    params = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    contexts = rng.normal(size=(4, 7, 2)).astype(np.float32)

    def plain(params):
        hidden = memory = jnp.zeros((4, 3))
        for t in range(7):
            gates = contexts[:, t] @ params["w_input"] + hidden @ params["w_state"] + params["bias"]
            into, forget, new, out = jnp.split(gates, 4, axis=1)
            memory = jax.nn.sigmoid(forget) * memory + jax.nn.sigmoid(into) * jnp.tanh(new)
            hidden = jax.nn.sigmoid(out) * jnp.tanh(memory)
        return hidden

    def total(state):
        return jnp.sum(jnp.sin(state) * jnp.arange(12.0).reshape(4, 3))

    expected = jax.grad(lambda p: total(plain(p)))(params)
    found = jax.grad(lambda p: total(last_state(p, contexts)))(params)
    for name in shapes:
        np.testing.assert_allclose(found[name], expected[name], atol=2e-5, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("kind", NETS)
def test_the_weights_of_the_least_held_out_loss_are_kept(kind):
    points = wandering(300, dim=2)
    net = kind(n_epochs=60, learning_rate=1e-2).fit(points)
    history = net.validation_history_
    assert history[-1] > history.min()
    runs, displacements = Library.of([points]).contexts(net.context)
    held = int(0.15 * len(runs))
    given = TWINS[kind](net, (runs[-held:] - net.offset_) / net.scale_)
    loss = np.mean((given - displacements[-held:] / (net.scale_ * net.gain_)) ** 2)
    np.testing.assert_allclose(loss, history.min(), rtol=1e-3)


def test_what_is_held_lies_behind_a_gap_in_each_stretch_and_no_context_bridges_two():
    library = Library.of([np.zeros((200, 2)), np.zeros((104, 2)), np.zeros((3, 2))])
    recipe = LSTMForecaster(context_points=4)._recipe()
    kept, held = _split(library, recipe)
    assert held.tolist() == [*range(199 - 29, 199), *range(303 - 15, 303)]
    assert kept.tolist() == [*range(3, 199 - 29 - 10), *range(203, 303 - 15 - 10)]
    kept, held = _split(library, LSTMForecaster("article", context_points=4)._recipe())
    assert kept.tolist() == [*range(3, 199), *range(203, 303)]
    assert not len(held)


@pytest.mark.parametrize("kind", NETS)
def test_the_seed_decides_all(kind):
    points = wandering()
    one, same, other = (kind("article", n_epochs=2, random_state=s).fit(points) for s in (4, 4, 5))
    seen = contexts_of(points, 30)
    assert one.forecast(seen, 10).tobytes() == same.forecast(seen, 10).tobytes()
    assert one.forecast(seen, 10).tobytes() != other.forecast(seen, 10).tobytes()


@pytest.mark.parametrize("preset", ["default", "article"])
@pytest.mark.parametrize("kind", NETS)
def test_a_loaded_net_gives_the_same_bytes(kind, preset, tmp_path):
    points = wandering()
    net = kind(preset, n_epochs=2, random_state=2).fit(points)
    net.save(tmp_path / "net.safetensors")
    loaded = Forecaster.load(tmp_path / "net.safetensors")
    seen = contexts_of(points, 30)
    assert type(loaded) is kind
    assert loaded.get_params() == net.get_params()
    assert loaded.forecast(seen, 40).tobytes() == net.forecast(seen, 40).tobytes()
    np.testing.assert_array_equal(loaded.loss_history_, net.loss_history_)


def test_a_file_of_other_sizes_is_refused(tmp_path):
    net = MLPForecaster(n_epochs=1).fit(wandering())
    net.hidden = (5,)
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(StoreError, match="net.safetensors"):
        Forecaster.load(tmp_path / "net.safetensors")


@pytest.mark.parametrize("preset", ["default", "article"])
@pytest.mark.parametrize("kind", NETS)
def test_still_points_stay(kind, preset):
    points = wandering()
    points[:, 1] = 0.1
    net = kind(preset, n_epochs=3).fit(points)
    forecast = net.forecast(contexts_of(points, 30), 5)
    assert np.isfinite(forecast).all()
    still = kind(preset, n_epochs=3).fit(np.full((60, 2), 7.3))
    assert np.isfinite(still.forecast(np.full((1, 30, 2), 7.3), 5)).all()


@pytest.mark.parametrize("kind", NETS)
def test_a_forecast_stays_within_ten_deviations(kind):
    points = wandering()
    net = kind(n_epochs=1).fit(points)
    net.params_ = {name: np.full_like(value, 1e5) for name, value in net.params_.items()}
    forecast = net.forecast(contexts_of(points, 30), 50)
    np.testing.assert_allclose(forecast[:, -1], np.tile(net.offset_ + 10 * net.scale_, (5, 1)), rtol=1e-6)
    assert np.isfinite(kind(n_epochs=1).fit(points).forecast(np.full((1, 30, 3), 1e200), 3)).all()


@pytest.mark.parametrize("kind", NETS)
def test_many_initial_conditions_are_forecast_as_each_alone(kind):
    points = wandering(200)
    net = kind(n_epochs=1).fit(points)
    seen = contexts_of(points, 30, count=70)
    together, alone = net.forecast(seen, 40), net.forecast(seen[66:67], 33)
    np.testing.assert_allclose(together[66:67, :34], alone, atol=1e-4)


@pytest.mark.parametrize("kind", NETS)
def test_it_is_an_estimator(kind):
    net = kind("article", n_epochs=3, random_state=6)
    assert clone(net).get_params() == net.get_params()
    assert not hasattr(clone(net.fit(wandering())), "params_")


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (MLPForecaster("best"), "preset 'best'"),
        (MLPForecaster(hidden=()), "hidden"),
        (MLPForecaster(hidden=(3, 0)), "hidden is 0"),
        (LSTMForecaster(units=2.5), "units is 2.5"),
        (LSTMForecaster(n_epochs=0), "n_epochs is 0"),
        (LSTMForecaster(batch_size=True), "batch_size is True"),
        (MLPForecaster(learning_rate=-1.0), "learning_rate is -1.0"),
        (MLPForecaster(learning_rate=float("nan")), "learning_rate"),
        (MLPForecaster(random_state=-1), "random_state is -1"),
        (MLPForecaster(context_points=0), "context_points is 0"),
    ],
)
def test_a_net_of_wrong_parameters_is_refused(net, words):
    with pytest.raises(InputError, match=words):
        net.fit(wandering())


def test_too_short_a_stretch_is_refused_and_one_more_point_will_do():
    with pytest.raises(InputError, match="longest stretch has 20 points.* need 21"):
        LSTMForecaster("article").fit([wandering(20), wandering(9)])
    net = LSTMForecaster("article", n_epochs=1).fit(wandering(21))
    assert np.isfinite(net.forecast(wandering(21)[None], 3)).all()
    assert np.isnan(MLPForecaster(n_epochs=1, context_points=2).fit(wandering(3)).validation_history_).all()


def test_training_that_diverges_says_so():
    with pytest.raises(TrainingError, match="lower learning_rate"):
        MLPForecaster(learning_rate=1e30).fit(wandering())
