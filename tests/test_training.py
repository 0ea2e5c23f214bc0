"""Training against a plain loop, many against one by one, and runs that cannot go well."""

import math
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from orbitscope import _plan, inference, losses, training
from orbitscope.config import Settings, settings
from orbitscope.errors import InputError, TrainingError
from orbitscope.model import build, leaves
from orbitscope.training import CHUNK, train, train_many

WINDOW = 4
BASE = Settings(
    latent_dim=2,
    channels=(4,),
    decoder_units=(8,),
    predictor_units=3,
    context=4,
    burn_in=1,
    segments=2,
    decoded=4,
    off_center_weight=1e-2,
    steps=60,
    seed=5,
)
FRAMES = np.random.default_rng(0).random((70, 5)).astype(np.float32)
TERMS = ("reconstruction", "forecast", "off_center", "curvature")


def same_bytes(a, b):
    a, b = leaves(a), leaves(b)
    return {k: v.tobytes() for k, v in a.items()} == {k: v.tobytes() for k, v in b.items()}


def greatest_difference(a, b):
    a, b = leaves(a), leaves(b)
    assert set(a) == set(b)
    return max(np.abs(a[name] - b[name]).max() for name in a)


@pytest.fixture(scope="module")
def base_fit():
    return train(FRAMES, WINDOW, BASE)


ALL_AT_ONCE = replace(
    BASE,
    context=9,
    burn_in=3,
    segments=1,
    decoded=10,
    steps=12,
    forecast_ramp=0.5,
    warmup_steps=3,
    forecast_weight=0.3,
    off_center_weight=0.1,
    curvature_weight=0.2,
    learning_rate=0.02,
    clip_norm=0.05,
)


@pytest.fixture(scope="module")
def looped():
    """Model and losses of a training loop written out: ten windows, all seen at every step, so nothing is random."""
    s, frames = ALL_AT_ONCE, jnp.asarray(FRAMES[:13])
    windows = jnp.stack([frames[i : i + WINDOW] for i in range(10)])

    def cosine(a, b):
        return jnp.mean(jnp.sum(a * b, -1) / jnp.linalg.norm(a, axis=-1) / jnp.linalg.norm(b, axis=-1))

    def terms(model):
        points = model.encoder(windows)[:, 0]
        answers = jax.nn.sigmoid(model.decoder(points))
        bce = -jnp.mean(windows * jnp.log(answers) + (1 - windows) * jnp.log(1 - answers))
        moves = points[1:] - points[:-1]
        predicted = model.predictor.every(points[:-1])
        return jnp.stack(
            [bce, 1 - cosine(moves[3:], predicted[3:]), jnp.mean(points**2), 1 - cosine(moves[1:], moves[:-1])]
        )

    @jax.jit
    def gradient(model, weights):
        return jax.grad(lambda m: ((weights * (found := terms(m))).sum(), found), has_aux=True)(model)

    model = build(s, WINDOW, FRAMES[:13])
    flat, structure = jax.tree.flatten(model)
    mean, square = [np.zeros_like(p) for p in flat], [np.zeros_like(p) for p in flat]
    history = []
    for i in range(12):
        weights = np.array([1, 0.3 * min(i / 6, 1), 0.1, 0.2])
        g, found = gradient(jax.tree.unflatten(structure, flat), weights)
        g = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(g)]
        norm = math.sqrt(sum((leaf**2).sum() for leaf in g))
        assert norm > 0.05
        rate = 0.02 * min(1, (i + 1) / 3)
        rate *= 0.02 + 0.98 * (1 + math.cos(math.pi * max(0, (i - 3) / 9))) / 2
        for k, leaf in enumerate(g):
            leaf = leaf * 0.05 / norm
            mean[k] = 0.9 * mean[k] + 0.1 * leaf
            square[k] = 0.999 * square[k] + 0.001 * leaf**2
            step = (mean[k] / (1 - 0.9 ** (i + 1))) / (np.sqrt(square[k] / (1 - 0.999 ** (i + 1))) + 1e-8)
            flat[k] = (flat[k] - rate * step).astype(np.float32)
        history.append(np.asarray(found))
    return jax.tree.unflatten(structure, flat), np.array(history)


class TestAgainstAPlainLoop:
    def test_losses_at_every_step(self, looped):
        fit = train(FRAMES[:13], WINDOW, ALL_AT_ONCE)
        assert tuple(fit.history) == TERMS
        for i, term in enumerate(TERMS):
            np.testing.assert_allclose(fit.history[term], looped[1][:, i], rtol=2e-3, atol=1e-4)

    def test_weights_at_the_end(self, looped):
        moved = greatest_difference(build(ALL_AT_ONCE, WINDOW, FRAMES[:13]), looped[0])
        assert moved > 0.1
        fit = train(FRAMES[:13], WINDOW, ALL_AT_ONCE)
        assert greatest_difference(fit.model, looped[0]) < 0.02 * moved


class TestTermsOfWeightZero:
    @pytest.fixture
    def traced(self, monkeypatch):
        """Which loss terms a program is made of; it is traced and not run."""

        class Traced(Exception):
            pass

        def untranslated(function):
            def run(*arguments):
                jax.eval_shape(function, *arguments)
                raise Traced

            return run

        seen = []
        for term in TERMS:
            plain = getattr(losses, term)
            monkeypatch.setattr(losses, term, lambda *a, term=term, plain=plain: seen.append(term) or plain(*a))

        monkeypatch.setattr(training, "_program", training._program.__wrapped__)
        monkeypatch.setattr(training, "jax", SimpleNamespace(**{**vars(jax), "jit": untranslated}))

        def trace(changed):
            with pytest.raises(Traced):
                train(FRAMES, WINDOW, changed)
            return set(seen)

        return trace

    def test_with_all_weights_all_terms_are_there(self, traced):
        assert traced(BASE) == set(TERMS)

    @pytest.mark.parametrize("term", TERMS)
    def test_one_of_zero_is_left_out(self, traced, term):
        assert traced(replace(BASE, **{f"{term}_weight": 0})) == set(TERMS) - {term}

    def test_the_history_and_the_model_lack_it(self):
        fit = train(FRAMES, WINDOW, replace(BASE, forecast_weight=0, off_center_weight=0, steps=3))
        assert set(fit.history) == {"reconstruction", "curvature"}
        assert fit.model.predictor is None


class TestLearning:
    def test_a_loop_of_bumps_is_learnt(self):
        at = np.arange(500)[:, None] / 40  # a bump goes up and down the bins
        center = 12 + 9 * np.sin(2 * np.pi * at)
        frames = np.exp(-(((np.arange(24) - center) / 2) ** 2)).astype(np.float32)
        s = settings(
            latent_dim=2, context=8, burn_in=3, channels=(8, 16), decoder_units=(32,), predictor_units=6, steps=400
        )
        fit = train(frames, 8, s)
        loss = fit.history["reconstruction"]
        assert loss.shape == (400,)
        points = inference.encode(fit.model.encoder, frames)
        report = inference.reconstruction_report(fit.model, frames, points)
        assert loss[:5].mean() == pytest.approx(report["bce_mean_window"], rel=0.1)
        assert loss[-20:].mean() == pytest.approx(report["bce"], rel=0.1)
        assert report["reconstruction_share"] > 0.8
        assert report["r2"] > 0.8
        forecast = inference.forecast_loss(fit.model.predictor, points, 8)
        assert fit.history["forecast"][0] > 0.5 > 0.2 > forecast
        assert fit.seconds > 0 and fit.compile_seconds > 0


class TestTheFirstSteps:
    """Adam's first step moves every weight with a gradient by the learning rate: so the schedule can be seen."""

    def test_warm_up(self):
        fit = train(FRAMES, WINDOW, replace(BASE, steps=1, learning_rate=0.4))
        moved = leaves(fit.model)["decoder.biases.1"] - leaves(build(BASE, WINDOW, FRAMES))["decoder.biases.1"]
        np.testing.assert_allclose(np.abs(moved), 0.4 / BASE.warmup_steps, rtol=1e-3)

    def test_the_forecast_weight_begins_at_zero(self):
        untrained = leaves(build(BASE, WINDOW, FRAMES).predictor)
        after = {n: leaves(train(FRAMES, WINDOW, replace(BASE, steps=n)).model.predictor) for n in (1, 3)}
        assert all((after[1][name] == untrained[name]).all() for name in untrained)
        assert not any((after[3][name] == untrained[name]).all() for name in untrained)

    def test_the_standardisation_stays(self, base_fit):
        np.testing.assert_allclose(base_fit.model.encoder.center, FRAMES.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("warmup", [0, 1, 20])
def test_schedules(warmup):
    steps = 220
    cosine = SimpleNamespace(schedule="cosine", warmup_steps=warmup)
    constant = SimpleNamespace(schedule="constant", warmup_steps=warmup)
    for step in (0, 1, 10, 19, 20, 21, 120, 219):
        warm = min(1, (step + 1) / warmup) if warmup else 1
        share = max(0, (step - warmup) / (steps - warmup))
        falling = 0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2
        assert training._schedule(constant, step, steps) == pytest.approx(warm)
        assert training._schedule(cosine, step, steps) == pytest.approx(warm * falling, rel=1e-4)
    assert training._schedule(cosine, steps, steps) == pytest.approx(0.02)


class TestMany:
    MEMBERS = (
        {"steps": 30},
        {"seed": 6, "steps": 12, "learning_rate": 1e-2},
        {"seed": 7, "steps": 30, "forecast_weight": 0.5, "curvature_weight": 0.0, "forecast_ramp": 0.0},
        {"reconstruction_weight": 0.2, "off_center_weight": 0.5, "steps": 25},
    )

    def test_equals_one_by_one(self):
        rng = np.random.default_rng(1)
        clips = [FRAMES, rng.random((40, 5)), FRAMES[:30], rng.random((600, 5)) ** 2]  # padded to 512 alone, here 1024
        clips = [clip.astype(np.float32) for clip in clips]
        members = [replace(BASE, **changes) for changes in self.MEMBERS]
        together = train_many(clips, WINDOW, members)
        alone = [train(f, WINDOW, s) for f, s in zip(clips, members, strict=True)]
        for a, b, s, f in zip(together, alone, members, clips, strict=True):
            assert greatest_difference(a.model, b.model) < 1e-3
            assert greatest_difference(a.model, build(s, WINDOW, f)) > 0.02
            for term in TERMS:
                assert a.history[term].shape == (s.steps,)
                if term in b.history:
                    assert b.history[term].shape == (s.steps,)
                    np.testing.assert_allclose(a.history[term], b.history[term], atol=0.02)
        assert greatest_difference(together[0].model, together[1].model) > 0.1

    def test_members_without_a_predictor_go_alone(self):
        members = [BASE, replace(BASE, forecast_weight=0)]
        with pytest.raises(InputError, match="forecast weight of 0"):
            train_many([FRAMES, FRAMES], WINDOW, members)

    @pytest.mark.parametrize(
        "changes",
        [{"latent_dim": 3}, {"context": 5}, {"segments": 3}, {"clip_norm": 1}, {"decoder": "conv"}, {"burn_in": 2}],
    )
    def test_members_of_different_shape_are_refused(self, changes):
        with pytest.raises(InputError, match="members differ"):
            train_many([FRAMES, FRAMES], WINDOW, [BASE, replace(BASE, **changes)])

    def test_different_numbers_of_features_are_refused(self):
        with pytest.raises(InputError, match="members differ"):
            train_many([FRAMES, FRAMES[:, :4]], WINDOW, [BASE, BASE])

    @pytest.mark.parametrize(("clips", "members"), [(0, 0), (1, 2), (2, 1)])
    def test_one_of_each_per_member(self, clips, members):
        with pytest.raises(InputError, match=f"{clips} recordings and {members} settings"):
            train_many([FRAMES] * clips, WINDOW, [BASE] * members)


class TestRepeating:
    def test_same_seed_same_bytes(self, base_fit):
        again = train(FRAMES.copy(), WINDOW, BASE)
        assert same_bytes(again.model, base_fit.model)
        assert all((again.history[term] == base_fit.history[term]).all() for term in TERMS)

    def test_another_seed_gives_another_model(self, base_fit):
        assert greatest_difference(train(FRAMES, WINDOW, replace(BASE, seed=6)).model, base_fit.model) > 0.1

    def test_padding_does_not_matter(self, base_fit, monkeypatch):
        monkeypatch.setattr(training, "_LEAST_PADDED", 128)
        assert greatest_difference(train(FRAMES, WINDOW, BASE).model, base_fit.model) < 1e-4

    def test_frames_are_not_changed(self):
        frames = FRAMES.copy()
        train(frames, WINDOW, replace(BASE, steps=1))
        np.testing.assert_array_equal(frames, FRAMES)


class TestCallback:
    def test_after_every_chunk(self):
        seen = []
        s = replace(BASE, steps=2 * CHUNK + 20)
        fit = train(FRAMES, WINDOW, s, callback=seen.append)
        assert [(p.step, p.steps) for p in seen] == [(CHUNK, s.steps), (2 * CHUNK, s.steps), (s.steps, s.steps)]
        for p, rows in zip(seen, (slice(0, CHUNK), slice(CHUNK, 2 * CHUNK), slice(2 * CHUNK, None)), strict=True):
            assert tuple(p.losses) == TERMS
            for term in TERMS:
                assert p.losses[term].shape == (1,)
                assert p.losses[term][0] == pytest.approx(fit.history[term][rows].mean(), rel=1e-5)
        assert same_bytes(seen[-1].model(), fit.model)
        assert greatest_difference(seen[0].model(), fit.model) > 1e-3

    def test_of_many_members(self):
        seen = []
        members = [replace(BASE, steps=10), replace(BASE, seed=1, steps=10)]
        fits = train_many([FRAMES, FRAMES], WINDOW, members, callback=seen.append)
        assert seen[-1].losses["reconstruction"].shape == (2,)
        assert all(same_bytes(seen[-1].model(i), fits[i].model) for i in (0, 1))

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
    def test_what_it_raises_ends_the_run(self, stop, base_fit):
        seen = []

        def callback(progress):
            seen.append(progress.step)
            raise stop("enough")

        with pytest.raises(stop, match="enough"):
            train(FRAMES, WINDOW, replace(BASE, steps=500), callback=callback)
        assert seen == [CHUNK]
        assert same_bytes(train(FRAMES, WINDOW, BASE).model, base_fit.model)


class TestDivergence:
    WILD = replace(BASE, decoder_units=(64,) * 20, learning_rate=10.0, schedule="constant", warmup_steps=0)

    def test_is_named_with_a_remedy(self):
        with pytest.raises(TrainingError, match=r"diverged at step \d+: .*learning_rate \(now 10\).*clip_norm to 1"):
            train(FRAMES, WINDOW, replace(self.WILD, forecast_weight=0))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_first_bad_step_and_member_are_named(self, bad):
        chunk = np.ones((3, CHUNK, 4))
        chunk[1, 7, 2], chunk[0, 30, 0], chunk[1, 9, 0] = bad, bad, np.nan
        members = [SimpleNamespace(settings=replace(BASE, learning_rate=r)) for r in (1, 2, 3)]
        with pytest.raises(TrainingError, match=r"step 158 \(member 1\).*learning_rate \(now 2\)"):
            training._check_sane(chunk, losses.TERMS, 150, members)
        training._check_sane(np.ones((3, CHUNK, 4)), losses.TERMS, 0, members)

    def test_a_loss_beyond_all_sense_is_divergence_too(self):
        with pytest.raises(TrainingError, match="reconstruction loss is"):
            train(FRAMES, WINDOW, replace(BASE, learning_rate=10.0, schedule="constant", forecast_weight=0, steps=2000))


class TestBadInput:
    def test_too_short_for_the_forecast_loss(self):
        with pytest.raises(InputError, match=r"too short: 7 frames hold 4 windows of 4 frames.* context \+ 1 = 5"):
            train(FRAMES[:7], WINDOW, BASE)

    @pytest.mark.parametrize("forecast_weight", [0, 1e-3])
    @pytest.mark.parametrize("frames", [0, 1, 3])
    def test_less_than_a_window(self, frames, forecast_weight):
        with pytest.raises(InputError, match=f"too short: {frames} frames"):
            train(FRAMES[:frames], WINDOW, replace(BASE, forecast_weight=forecast_weight))

    def test_one_window_is_enough_without_forecasts(self):
        short = replace(BASE, forecast_weight=0, curvature_weight=0, off_center_weight=0, steps=2)
        fit = train(FRAMES[:4], WINDOW, short)
        assert np.isfinite(fit.history["reconstruction"]).all()

    @pytest.mark.parametrize("value", [0.0, 0.5])
    def test_frames_that_never_change(self, value):
        with pytest.raises(InputError, match="nothing to learn"):
            train(np.full((70, 5), value, np.float32), WINDOW, BASE)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_nan_and_infinite_frames(self, bad):
        frames = FRAMES.copy()
        frames[33, 2] = bad
        with pytest.raises(InputError, match="NaN or infinite"):
            train(frames, WINDOW, BASE)

    @pytest.mark.parametrize("shape", [(70,), (7, 10, 5)])
    def test_wrong_axes(self, shape):
        with pytest.raises(InputError, match=r"\(frames, features\) are needed"):
            train(np.zeros(shape, np.float32), WINDOW, BASE)


class TestBudget:
    def test_article_trains_for_seven_epochs(self):
        s = settings("article", channels=(4,), decoder_units=(6, 4, 4), predictor_units=2)
        frames = FRAMES[np.arange(130) % 70][:, :3]
        fit = train(frames, 22, s)
        windows = 130 - 22 + 1
        assert len(fit.history["reconstruction"]) == math.ceil(7 * (windows - 45) / 8) == 56
        assert set(fit.history) == {"reconstruction", "forecast"}

    @pytest.mark.parametrize(
        ("preset", "window", "decoded"), [("default", 22, 128), ("default", 88, 32), ("article", 22, 8)]
    )
    def test_windows_decoded_in_a_step(self, preset, window, decoded):
        member = _plan.Member(np.random.default_rng(0).random((300, 3)).astype(np.float32), window, settings(preset))
        assert member.decoded * member.settings.segments == decoded

    def test_sampling(self):
        """Each start once before any comes twice; decoded windows spread over the whole segment."""
        member = _plan.Member(FRAMES, WINDOW, replace(BASE, decoded=6, predictor_dropout=0.25))
        sampler = _plan.Sampler(member, _plan.common_spec([member]))
        plans = [sampler.next_chunk() for _ in range(20)]
        starts = np.concatenate([plan["starts"].ravel() for plan in plans])
        count = 70 - WINDOW + 1 - 5 + 1
        rounds = starts[: len(starts) // count * count].reshape(-1, count)
        np.testing.assert_array_equal(np.sort(rounds, axis=1), np.tile(np.arange(count), (len(rounds), 1)))
        assert (rounds[0] != rounds[1]).any()
        picks = np.concatenate([plan["picks"].reshape(-1, 3) for plan in plans])
        assert set(picks.ravel()) == set(range(5))
        assert (np.diff(picks, axis=1) >= 0).all()
        np.testing.assert_allclose(np.bincount(picks.ravel()) / picks.size, 0.2, atol=0.02)
        keep = np.concatenate([plan["keep"].ravel() for plan in plans])
        assert set(np.unique(keep)) == {0, np.float32(1 / 0.75)}
        assert keep.mean() == pytest.approx(1, abs=0.03)
