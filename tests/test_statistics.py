"""Paired comparisons: known p-values, chance under the null, intervals that cover."""

import numpy as np
import pytest
from scipy import stats

from orbitscope._statistics import compare


def test_six_songs_that_all_agree_have_the_smallest_p_value():
    found = compare(np.arange(1, 7, dtype=float)[:, None])
    (effect,) = found.effects
    assert effect.p == 2 / 2**6
    assert effect.estimate == 3.5
    assert found.test == "exact sign-flip test over 6 songs"


def test_one_horizon_equals_scipys_permutation_test():
    values = np.random.default_rng(0).normal(0.4, 1, size=(9, 1))

    def statistic(x, axis):
        return stats.ttest_1samp(x, 0, axis=axis).statistic

    theirs = stats.permutation_test(
        (values[:, 0],), statistic, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert compare(values).effects[0].p == pytest.approx(theirs.pvalue, abs=1e-12)


def test_seeds_are_averaged_where_songs_are_units():
    values = np.random.default_rng(1).normal(1, 1, size=(7, 5))
    assert compare(values).effects[0].p == compare(values.mean(axis=1, keepdims=True)).effects[0].p


def test_few_songs_are_tested_by_pairs_and_it_says_so():
    found = compare(np.random.default_rng(2).normal(3, 1, size=(2, 5)))
    assert found.test == "exact sign-flip test over 10 pairs of song and seed"
    assert found.effects[0].p == 2 / 2**10


def test_over_horizons_a_p_value_is_never_smaller_than_alone():
    values = np.random.default_rng(3).normal(0.5, 1, size=(8, 4, 6))
    together = compare(values)
    for k, effect in enumerate(together.effects):
        assert effect.p >= compare(values[..., k]).effects[0].p
    assert "max-T over 6 horizons" in together.test


def test_horizons_that_are_copies_cost_nothing():
    values = np.random.default_rng(4).normal(0.6, 1, size=(8, 1))
    copies = np.repeat(values[..., None], 5, axis=2)
    assert compare(copies).effects[3].p == compare(values).effects[0].p


def test_nothing_is_found_in_noise_more_often_than_said():
    rng = np.random.default_rng(5)
    found = [min(e.p for e in compare(rng.normal(size=(8, 2, 5))).effects) < 0.05 for _ in range(300)]
    assert np.mean(found) < 0.085  # 0.05 and three standard errors


def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(6)
    inside = []
    for _ in range(150):
        (effect,) = compare(rng.normal(2, 1, size=(1, 12)) + 0).effects
        inside.append(effect.low <= 2 <= effect.high)
    assert 0.85 < np.mean(inside) < 1  # a percentile interval of 12 values is a little narrow


def test_missing_pairs_are_left_out():
    values = np.random.default_rng(7).normal(1, 1, size=(7, 3, 2))
    with_gaps = np.concatenate([values, np.full((7, 1, 2), np.nan)], axis=1)
    with_gaps = np.concatenate([with_gaps, np.full((1, 4, 2), np.nan)])
    assert compare(with_gaps).effects == compare(values).effects


@pytest.mark.parametrize("values", [np.full((3, 2), np.nan), np.array([[1.0]])])
def test_too_little_to_test_is_not_significant(values):
    found = compare(values)
    assert found.effects[0].p == 1
    assert "too few" in found.test


def test_a_single_pair_is_its_own_effect_at_every_horizon():
    found = compare(np.array([[[1.0, 5.0]]]))
    assert [effect.estimate for effect in found.effects] == [1, 5]
    assert all(np.isnan([effect.low, effect.high]).all() for effect in found.effects)
    assert np.isnan(compare(np.full((3, 2, 2), np.nan)).effects[1].estimate)


def test_a_constant_difference_and_no_difference():
    assert compare(np.full((8, 1), 0.3)).effects[0].p == 2 / 2**8
    assert compare(np.zeros((8, 1))).effects[0].p == 1
