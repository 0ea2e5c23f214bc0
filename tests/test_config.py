"""Every option's range, the presets, and the number of frames in a window."""

import json
import math
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from orbitscope.config import PRESET_FEATURES, PRESETS, Settings, check_window, settings, window_frames
from orbitscope.errors import InputError
from orbitscope.features import HOP_S

WHOLE = {  # name: lowest, highest
    "latent_dim": (1, 64),
    "context": (2, 10_000),
    "predictor_units": (1, 4096),
    "steps": (1, 10_000_000),
    "segments": (1, 4096),
    "decoded": (1, 1_000_000),
    "warmup_steps": (0, 10_000_000),
    "seed": (0, 2**32 - 1),
    "burn_in": (0, 44),
}
NUMBERS = {  # name: lowest, whether it is allowed, highest
    "window_s": (0, False, 1e300),
    "predictor_dropout": (0, True, 0.95),
    "reconstruction_weight": (0, True, 1e6),
    "forecast_weight": (0, True, 1e6),
    "off_center_weight": (0, True, 1e6),
    "curvature_weight": (0, True, 1e6),
    "forecast_ramp": (0, True, 1),
    "epochs": (0, False, 1e6),
    "learning_rate": (0, False, 10),
    "clip_norm": (0, True, 1e6),
}
CHOICES = {"activation": ("relu", "silu"), "decoder": ("mlp", "conv"), "schedule": ("cosine", "constant")}
UNITS = ("channels", "decoder_units")


def test_every_option_is_tried_here():
    assert {f.name for f in fields(Settings)} == {*WHOLE, *NUMBERS, *CHOICES, *UNITS, "predictor_velocity"}


def extremes(name):
    """``context`` at its least only goes with a ``burn_in`` below it."""
    return {"burn_in": 0} if name == "context" else {}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers(name):
    low, high = WHOLE[name]
    for good in (low, high, np.int64(low)):
        value = getattr(Settings(**{name: good}, **extremes(name)), name)
        assert value == good and type(value) is int
    for bad in (low - 1, high + 1, low + 0.5, float(high), "7", True, [low], math.nan, np.array([low])):
        with pytest.raises(InputError, match=rf"^{name} is .*{low} to "):
            Settings(**{name: bad}, **extremes(name))


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name):
    low, low_allowed, high = NUMBERS[name]
    for good in (high, high / 3, np.float32(0.5), *([low] if low_allowed else [])):
        value = getattr(Settings(**{name: good}), name)
        assert value == good and type(value) is float
    above = 10 * high if high < 1e300 else math.inf
    bad = [low - 0.1, above, math.nan, math.inf, -math.inf, "1", "x", True, [0.5], 1j, 10**400]
    for value in bad + ([] if low_allowed else [low]):
        with pytest.raises(InputError, match=f"^{name} is .*{'from' if low_allowed else 'above'} 0"):
            Settings(**{name: value})


@pytest.mark.parametrize("name", CHOICES)
def test_choices(name):
    for good in CHOICES[name]:
        assert getattr(Settings(**{name: good}), name) == good
    for bad in ("tanh", "", None, 1, [CHOICES[name][0]], CHOICES[name][0].upper()):
        with pytest.raises(InputError, match=f"^{name} is .*{CHOICES[name][0]}, {CHOICES[name][1]}"):
            Settings(**{name: bad})


@pytest.mark.parametrize("name", UNITS)
def test_sizes_of_layers(name):
    assert getattr(Settings(**{name: (3,)}), name) == (3,)
    assert getattr(Settings(**{name: [3, 4]}), name) == (3, 4)
    for bad in ((), (0,), (3, -1), (2.0,), ("a",), "ab", 5, (True,), (3, None), {3: 4}, {3}):
        with pytest.raises(InputError, match=f"^{name} is .*positive whole numbers"):
            Settings(**{name: bad})


@pytest.mark.parametrize("bad", ["yes", 1, None, 0.0])
def test_predictor_velocity_is_yes_or_no(bad):
    with pytest.raises(InputError, match="^predictor_velocity is .*True or False"):
        Settings(predictor_velocity=bad)


def test_optional_numbers_may_be_none():
    none = Settings(steps=None, decoded=None)
    assert none.steps is none.decoded is None


@pytest.mark.parametrize("name", sorted({*WHOLE, *NUMBERS} - {"steps", "decoded"}))
def test_the_others_may_not(name):
    with pytest.raises(InputError, match=f"^{name} is None"):
        Settings(**{name: None})


def test_burn_in_lies_inside_the_context():
    assert Settings(context=20, burn_in=19).burn_in == 19
    with pytest.raises(InputError, match="burn_in is 20"):
        Settings(context=20, burn_in=20)


def test_burn_in_follows_a_short_context_unless_it_is_given():
    assert settings(context=10).burn_in == 9
    assert settings(context=60).burn_in == settings().burn_in == 15
    assert settings(context=10, burn_in=3).burn_in == 3
    assert settings("article", context=10).burn_in == 9
    assert settings("article").burn_in == 44
    with pytest.raises(InputError, match="^burn_in is 12"):
        settings(context=10, burn_in=12)
    with pytest.raises(InputError, match="^context is 1;"):
        settings(context=1)


def test_all_weights_zero_is_nothing_to_learn():
    zero = dict.fromkeys([n for n in NUMBERS if n.endswith("_weight")], 0)
    assert len(zero) == 4
    with pytest.raises(InputError, match="weight"):
        Settings(**zero)
    for name in zero:
        Settings(**{**zero, name: 1e-9})


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().seed = 5


@pytest.mark.parametrize("make", [settings, lambda **o: Settings.from_dict(o)])
def test_an_unknown_option_is_named(make):
    with pytest.raises(InputError, match="'latent_dims'.*latent_dim"):
        make(latent_dims=3)


class TestPresets:
    def test_default(self):
        assert settings() == settings("default") == Settings()

    def test_article_has_the_published_setting(self):
        article = settings("article")
        published = {
            "latent_dim": 3,
            "window_s": 0.5,
            "channels": (32, 64, 128),
            "activation": "relu",
            "decoder": "conv",
            "decoder_units": (192, 128, 128),
            "predictor_units": 16,
            "predictor_dropout": 0.1,
            "context": 45,
            "reconstruction_weight": 1,
            "forecast_weight": 1e-3,
            "off_center_weight": 0,
            "curvature_weight": 0,
            "steps": None,
            "epochs": 7,
            "segments": 8,
            "learning_rate": 1e-3,
        }
        assert {name: getattr(article, name) for name in published} == published

    @pytest.mark.parametrize("preset", PRESETS)
    def test_overrides(self, preset):
        assert settings(preset, seed=9, latent_dim=None).seed == 9
        assert settings(preset, latent_dim=None) == settings(preset)

    def test_epochs_take_the_place_of_steps(self):
        assert settings(epochs=2).steps is None
        assert settings(epochs=2, steps=10).steps == 10

    @pytest.mark.parametrize("bad", ["artikel", "", None, 3, ["default"]])
    def test_unknown(self, bad):
        with pytest.raises(InputError, match=r"preset .* default, article"):
            settings(bad)

    def test_each_has_its_features(self):
        assert set(PRESET_FEATURES) == set(PRESETS)

    @pytest.mark.parametrize("preset", PRESETS)
    def test_through_json_and_back(self, preset):
        wrote = settings(preset, seed=4, window_s=1 / 3)
        read = Settings.from_dict(json.loads(json.dumps(wrote.to_dict())))
        assert read == wrote
        assert hash(read) == hash(wrote)


class TestWindow:
    @pytest.mark.parametrize(("window_s", "frames"), [(0.5, 22), (2.0, 88), (0.1, 6), (10.0, 432), (1.0, 44)])
    def test_at_the_hop_of_sound(self, window_s, frames):
        assert HOP_S == 1024 / 44100
        assert window_frames(window_s, HOP_S) == frames
        assert (frames - 2) * HOP_S < window_s <= frames * HOP_S

    @pytest.mark.parametrize(
        ("window_s", "hop_s", "frames"), [(1, 1, 1), (3, 1, 3), (0.3, 0.1, 3), (0.7, 0.1, 7), (2.5, 1, 4), (0.01, 1, 2)]
    )
    def test_whole_multiples_are_kept_and_others_are_covered(self, window_s, hop_s, frames):
        assert window_frames(window_s, hop_s) == frames

    def test_range(self):
        check_window(0.1)
        check_window(10.0)
        for bad in (0.099, 10.01, math.nan, math.inf, -1):
            with pytest.raises(InputError, match=r"window is .*0\.1 to 10 s"):
                check_window(bad)
