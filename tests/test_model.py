"""The nets: dense against window by window, against numpy twins, and what they see."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest

from orbitscope._device import keep_compiled_programs
from orbitscope.config import Settings
from orbitscope.model import Encoder, Predictor, build, leaves, with_leaves

WINDOWS = (1, 2, 3, 4, 5, 6, 9, 10, 21, 22, 23, 43, 88, 430)
DIMS = (1, 3, 12, 64)
SMALL = Settings(latent_dim=2, channels=(6, 8, 8), decoder_units=(10, 12), predictor_units=5)
RNG = np.random.default_rng(0)
FRAMES = (RNG.random((700, 5)) * [1, 0.5, 0.2, 1e-3, 0] + [0, 0.2, 0.5, 0.1, 0.3]).astype(np.float32)

encode = apply = eqx.filter_jit(lambda net, x: net(x))  # much quicker than one operation at a time
every = eqx.filter_jit(lambda predictor, *inputs: predictor.every(*inputs))


@pytest.fixture(scope="module", autouse=True)
def programs_are_kept():
    keep_compiled_programs()


def net(window, **changes):
    return build(replace(SMALL, **changes), window, FRAMES)


def biased(module, seed=0):
    """The module with biases off zero too, as after training."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape).astype(np.float32), module)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


class TestEncoder:
    CASES = (
        *((window, DIMS[i % len(DIMS)], "silu") for i, window in enumerate(WINDOWS)),
        *((window, DIMS[i % len(DIMS)], "relu") for i, window in enumerate((10, 1, 430, 22, 2))),
    )

    @pytest.mark.parametrize(("window", "latent_dim", "activation"), CASES)
    def test_dense_equals_window_by_window(self, window, latent_dim, activation):
        encoder = biased(net(window, latent_dim=latent_dim, activation=activation).encoder)
        frames = FRAMES[: window + 30]
        windows = frames[np.arange(31)[:, None] + np.arange(window)]
        dense, one_by_one = eqx.filter_jit(lambda e, a, b: (e(a), e(b)))(encoder, frames, windows)
        assert one_by_one.shape == (31, 1, latent_dim)
        np.testing.assert_allclose(dense, one_by_one[:, 0], atol=1e-5 * max(1, np.abs(dense).max()))
        assert np.ptp(dense, axis=0).min() > 1e-3

    @pytest.mark.parametrize("window", WINDOWS)
    def test_it_sees_every_frame_of_its_window_and_no_other(self, window):
        encoder = biased(net(window, channels=(16, 16, 16)).encoder)
        frames = FRAMES[: window + 3]
        changed = np.repeat(frames[None], window + 3, axis=0)
        changed[np.arange(window + 3), np.arange(window + 3), 0] += 1  # one frame in each copy
        points = encode(encoder, np.concatenate([changed, frames[None]]))[:, 0]
        moved = np.abs(points[:-1] - points[-1]).max(axis=-1)
        assert moved[:window].min() > 1e-5
        assert (moved[window:] == 0).all()

    def test_equals_the_published_net_in_numpy(self):
        """Levels of convolution, relu and pooling by 2 with stride 2, on a single window of 22 frames."""
        encoder = biased(net(22, activation="relu").encoder)
        h = (FRAMES[:22].astype(np.float64) - encoder.center) * encoder.scale
        for kernel, bias in zip(encoder.kernels, encoder.biases, strict=True):
            taps = len(kernel)
            h = np.stack([np.tensordot(h[i : i + taps], kernel, axes=2) for i in range(len(h) - taps + 1)]) + bias
            h = np.maximum(h, 0)
            h = h[: len(h) // 2 * 2].reshape(-1, 2, h.shape[1]).max(axis=1)
        expected = np.tensordot(h, encoder.head, axes=2) + encoder.head_bias
        assert len(encoder.kernels) == 3
        np.testing.assert_allclose(encode(encoder, FRAMES[:22])[0], expected, rtol=1e-4, atol=1e-5)

    def test_batches(self):
        encoder = net(10).encoder
        batch = FRAMES[:120].reshape(2, 3, 20, 5)
        found = encode(encoder, batch)
        assert found.shape == (2, 3, 11, 2)
        np.testing.assert_allclose(found[1, 2], encode(encoder, batch[1, 2]), atol=1e-5)

    def test_input_is_standardised_bin_by_bin(self):
        encoder = net(22).encoder
        np.testing.assert_allclose(encoder.center, FRAMES.mean(axis=0), rtol=1e-5)
        spread = FRAMES.std(axis=0, dtype=np.float64)
        assert (spread < 0.02 * spread.max()).sum() == 2
        np.testing.assert_allclose(encoder.scale, 1 / np.maximum(spread, 0.02 * spread.max()), rtol=1e-4)

    def test_standardisation_is_not_trained(self):
        encoder = net(10).encoder
        gradient = jax.jit(jax.grad(lambda e: (e(FRAMES[:20]) ** 2).sum()))(encoder)
        assert not gradient.center.any() and not gradient.scale.any()
        assert all(np.any(k) for k in gradient.kernels) and np.any(gradient.head)

    def test_constant_frames_make_a_finite_net(self):
        encoder = build(SMALL, 10, np.full((50, 5), 0.25, np.float32)).encoder
        assert np.isfinite(encode(encoder, np.full((50, 5), 0.25, np.float32))).all()
        assert np.isfinite(encode(encoder, FRAMES[:50])).all()


@pytest.mark.parametrize("decoder", ["mlp", "conv"])
class TestDecoder:
    @pytest.mark.parametrize("window", (1, 2, 7, 8, 22, 88, 430))
    def test_shapes(self, decoder, window):
        d = net(window, decoder=decoder).decoder
        assert jax.eval_shape(d, np.zeros((3, 4, 2), np.float32)).shape == (3, 4, window, 5)
        assert jax.eval_shape(d, np.zeros(2, np.float32)).shape == (window, 5)

    def test_each_point_for_itself(self, decoder):
        d = biased(net(22, decoder=decoder).decoder)
        points = RNG.normal(size=(6, 2)).astype(np.float32)
        together = apply(d, points)
        np.testing.assert_allclose(together[4], apply(d, points[4]), atol=1e-5)
        assert np.abs(together[4] - together[0]).max() > 1e-3

    def test_untrained_it_answers_nearly_the_mean_frame(self, decoder):
        d = net(22, decoder=decoder).decoder
        answer = sigmoid(np.asarray(apply(d, 0.1 * RNG.normal(size=(50, 2)).astype(np.float32))))
        mean_frame = np.broadcast_to(FRAMES.mean(axis=0), answer.shape)
        assert np.abs(answer - mean_frame).mean() < 0.05
        assert np.abs(answer - 0.5).mean() > 0.15

    def test_bins_that_are_always_0_or_1(self, decoder):
        frames = np.tile(np.array([0, 1, 0.5, 0.25, 0.75], np.float32), (30, 1))
        d = build(replace(SMALL, decoder=decoder), 4, frames).decoder
        answer = sigmoid(np.asarray(apply(d, np.zeros(2, np.float32))))
        assert np.isfinite(answer).all()
        np.testing.assert_allclose(answer.mean(axis=0), [0, 1, 0.5, 0.25, 0.75], atol=0.1)


class TestMLPDecoder:
    def test_equals_numpy(self):
        d = biased(net(7).decoder)
        point = RNG.normal(size=2)
        h = silu(point @ d.weights[0] + d.biases[0])
        h = silu(h @ d.weights[1] + d.biases[1])
        expected = (h @ d.weights[2] + d.biases[2]).reshape(7, 5)
        np.testing.assert_allclose(apply(d, point.astype(np.float32)), expected, rtol=1e-4, atol=1e-5)


class TestConvDecoder:
    def twin(self, d, point, window):
        """The published layers, one at a time: upsample, pad, convolve; cropped alike at both ends."""
        h = np.maximum(point @ d.dense + d.dense_bias, 0).reshape(-1, d.kernels[0].shape[1])
        for kernel, bias in zip(d.kernels[:-1], d.biases[:-1], strict=True):
            h = np.pad(np.repeat(h, 2, axis=0), [(1, 1), (0, 0)])
            h = np.maximum(sum(h[k : len(h) - 2 + k] @ kernel[k] for k in range(3)) + bias, 0)
        h = np.repeat(h, 2, axis=0) @ d.kernels[-1][0] + d.biases[-1]
        crop = (len(h) - window) // 2
        return h[crop : len(h) - (len(h) - window - crop)]

    @pytest.mark.parametrize("window", (1, 3, 22, 24, 25))
    def test_equals_numpy(self, window):
        d = biased(net(window, decoder="conv", activation="relu", decoder_units=(12, 8, 6)).decoder)
        point = RNG.normal(size=2)
        expected = self.twin(d, point, window)
        assert expected.shape == (window, 5)
        np.testing.assert_allclose(apply(d, point.astype(np.float32)), expected, rtol=1e-4, atol=1e-5)

    def test_published_sizes(self):
        frames = RNG.random((100, 94)).astype(np.float32)
        d = build(Settings(decoder="conv", decoder_units=(192, 128, 128)), 22, frames).decoder
        assert d.dense.shape == (3, 192)
        assert [k.shape for k in d.kernels] == [(3, 64, 128), (3, 128, 128), (1, 128, 94)]


class TestPredictor:
    def twin(self, p: Predictor, points):
        """A plain LSTM: gates in the order input, forget, output, candidate."""
        units = len(p.w_state)
        hidden, memory, found = np.zeros(units), np.zeros(units), []
        before = points[0]
        for point in points.astype(np.float64):
            x = point
            if p.velocity:
                step = point - before
                x = np.concatenate([point, step / max(np.linalg.norm(step), 1e-6)])
            gates = x @ p.w_input + hidden @ p.w_state + p.bias
            into, forget, out, new = np.split(gates, 4)
            memory = sigmoid(forget) * memory + sigmoid(into) * np.tanh(new)
            hidden = sigmoid(out) * np.tanh(memory)
            found.append(hidden @ p.w_out + p.b_out)
            before = point
        return np.array(found)

    @pytest.fixture(params=[False, True], ids=["points", "velocity"])
    def predictor(self, request):
        return biased(net(4, predictor_velocity=request.param).predictor)

    def test_equals_a_plain_lstm(self, predictor):
        points = RNG.normal(size=(12, 2)).astype(np.float32)
        assert predictor.w_input.shape[0] == (4 if predictor.velocity else 2)
        np.testing.assert_allclose(every(predictor, points), self.twin(predictor, points), atol=1e-5)

    def test_every_equals_one_call_for_each_prefix(self, predictor):
        points = RNG.normal(size=(3, 7, 2)).astype(np.float32)
        all_at_once = every(predictor, points)
        assert all_at_once.shape == (3, 7, 2)
        prefixes = eqx.filter_jit(lambda p, x: [p(x[:, :n]) for n in (1, 2, 5, 7)])(predictor, points)
        np.testing.assert_allclose(np.stack(prefixes, axis=1), all_at_once[:, [0, 1, 4, 6]], atol=1e-6)

    def test_dropout_multiplies_the_inputs_at_every_step(self, predictor):
        points = RNG.normal(size=(2, 5, 2)).astype(np.float32)
        inputs = predictor.w_input.shape[0]
        keep = np.ones((2, inputs), np.float32)
        plain = every(predictor, points)
        np.testing.assert_array_equal(every(predictor, points, keep), plain)
        keep[1] = [2.0, 0.0] * (inputs // 2)
        scaled = eqx.tree_at(lambda p: p.w_input, predictor, predictor.w_input * keep[1][:, None])
        found = every(predictor, points, keep)
        np.testing.assert_allclose(found[1], every(scaled, points)[1], atol=1e-6)
        np.testing.assert_allclose(found[0], plain[0], atol=1e-6)

    def test_repeated_points_have_finite_gradients(self):
        predictor = net(4).predictor
        gradient = jax.jit(jax.grad(lambda x: predictor(x).sum()))(np.ones((6, 2), np.float32))
        assert np.isfinite(gradient).all()

    def test_none_without_a_forecast_loss(self):
        assert net(4, forecast_weight=0).predictor is None
        assert isinstance(net(4, forecast_weight=1e-9).predictor, Predictor)


class TestBuild:
    @pytest.mark.parametrize("decoder", ["mlp", "conv"])
    def test_same_seed_same_bytes(self, decoder):
        a, b, c = (leaves(net(10, decoder=decoder, seed=seed)) for seed in (1, 1, 2))
        assert {k: v.tobytes() for k, v in a.items()} == {k: v.tobytes() for k, v in b.items()}
        drawn = [k for k, v in a.items() if v.tobytes() != c[k].tobytes()]
        assert {"encoder.kernels.0", "encoder.head", "predictor.w_state"} <= set(drawn)
        assert {"encoder.center", "encoder.scale"}.isdisjoint(drawn)

    def test_seed_beside_the_settings(self):
        a, b = leaves(build(SMALL, 4, FRAMES, seed=9)), leaves(net(4, seed=9))
        assert all(a[k].tobytes() == b[k].tobytes() for k in a)

    def test_frames_are_not_changed(self):
        frames = FRAMES.copy()
        build(SMALL, 10, frames)
        np.testing.assert_array_equal(frames, FRAMES)

    def test_points_of_an_untrained_net_are_about_1_in_size(self):
        points = encode(net(88, channels=(32, 64, 128)).encoder, FRAMES)
        assert 0.1 < np.std(points) < 10


class TestLeaves:
    def test_names(self):
        named = leaves(net(10))
        assert {"encoder.center", "encoder.kernels.0", "decoder.weights.2", "predictor.w_out"} <= set(named)
        assert all(isinstance(v, np.ndarray) and v.dtype == np.float32 for v in named.values())
        assert not any(name.startswith("predictor") for name in leaves(net(10, forecast_weight=0)))

    def test_round_trip(self):
        a, b = net(10, seed=1), net(10, seed=2)
        again = with_leaves(b, leaves(a))
        assert jax.tree.structure(again) == jax.tree.structure(a)
        np.testing.assert_array_equal(encode(again.encoder, FRAMES), encode(a.encoder, FRAMES))
        assert {k: v.tobytes() for k, v in leaves(again).items()} == {k: v.tobytes() for k, v in leaves(a).items()}

    def test_what_does_not_fit_is_named(self):
        model = net(10)
        arrays = leaves(model)
        with pytest.raises(ValueError, match=r"'encoder\.head' are missing"):
            with_leaves(model, {k: v for k, v in arrays.items() if k != "encoder.head"})
        with pytest.raises(ValueError, match=r"'gadget' are not of this model"):
            with_leaves(model, {**arrays, "gadget": np.zeros(3)})
        with pytest.raises(ValueError, match=r"'encoder\.head_bias' have shape \(7,\); \(2,\) was expected"):
            with_leaves(model, {**arrays, "encoder.head_bias": np.zeros(7)})


def test_encoder_is_a_value_that_does_not_change():
    with pytest.raises(AttributeError):
        net(4).encoder.window = 5
    assert isinstance(net(4).encoder, Encoder)
