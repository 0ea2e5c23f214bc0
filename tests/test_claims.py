"""Claims put to numbers that were made so that each holds, fails or stays open."""

import warnings

import numpy as np
import pytest

from orbitscope.claims import HORIZONS, STATEMENTS, Table, judge

PROTOCOLS = ("article", "leak-free", "held-out")
FORECASTERS = ("KNN", "MLP", "LSTM", "MLP (article)", "LSTM (article)")


def study(error, *, turning=None, speed=None, songs=7, seeds=3, noise=0.01, dims=(3, 12), windows=(0.5, 2.0)):
    """Cells whose errors are ``error(model, dims, window_s, forecaster, k)`` and a little noise."""
    rng = np.random.default_rng(0)
    turning = turning or (lambda model, dims, window_s: 30.0)
    speed = speed or (lambda window_s: 1.0)
    cells = []
    for song in range(songs):
        level = rng.uniform(0.5, 2)
        for model in ("R", "R-F"):
            for d in dims:
                for w in windows:
                    runs = []
                    for seed in range(seeds):

                        def series(forecaster, model=model, d=d, w=w, level=level):
                            values = [error(model, d, w, forecaster, k) for k in range(31)]
                            return [level * v * np.exp(noise * rng.normal()) for v in values]

                        found = {}
                        for name in FORECASTERS:
                            values = series(name)
                            found[name] = {"mean": values, "scaled": values}
                        one = found["KNN"]["mean"]
                        scores = {form: {str(k): one[k] for k in HORIZONS} for form in ("state", "displacement")}
                        shape = {
                            "turning_angle_deg": turning(model, d, w) + rng.normal(),
                            "speed_per_radius": speed(w) * np.exp(0.05 * rng.normal()),
                        }
                        runs.append(
                            {
                                "seed": seed,
                                "shape": shape,
                                "divergence": dict.fromkeys(PROTOCOLS, found),
                                "scores": {"in sample": scores, "held out": scores},
                            }
                        )
                    cells.append({"song": f"song {song}", "model": model, "dims": d, "window_s": w, "runs": runs})
    return cells


def flat(model, dims, window_s, forecaster, k):
    return 1.0 + k


def crossing(model, dims, window_s, forecaster, k):
    """As the article says: the conditioned model gains early and loses late, more so in 12 dimensions."""
    swing = {3: 0.1, 12: 0.3}[dims] if model == "R-F" else 0.0
    return (1.0 + k) * np.exp(swing * (k - 6) / 24) * (1.0 if forecaster == "KNN" else 1.4)


def outcomes(cells, songs=()):
    return {claim.number: claim.outcome for claim in judge(cells, songs)}


def test_everything_the_article_says_is_found_where_it_is_true():
    cells = study(
        crossing,
        turning=lambda model, dims, window_s: 40 - 10 * (model == "R-F") - 8 * (window_s == 2),
        speed=lambda window_s: 2 if window_s == 0.5 else 1,
    )
    found = outcomes(cells)
    assert {found[n] for n in (1, 2, 3, 4, 5)} == {"holds"}
    assert found[6] == "not measured"


def test_the_reverse_of_everything_fails():
    def reverse(model, dims, window_s, forecaster, k):
        swing = {3: 0.1, 12: 0.3}[dims] if model == "R" else 0.0
        return (1.0 + k) * np.exp(swing * (k - 6) / 24) * (1.4 if forecaster == "KNN" else 1.0)

    cells = study(
        reverse,
        turning=lambda model, dims, window_s: 40 + 10 * (model == "R-F") + 8 * (window_s == 2),
        speed=lambda window_s: 1 if window_s == 0.5 else 2,
    )
    found = outcomes(cells)
    assert {found[n] for n in (1, 2, 3, 4, 5)} == {"does not hold"}


def test_nothing_is_decided_by_noise():
    found = outcomes(study(flat, noise=0.2, songs=6))
    assert all(found[n] != "holds" and found[n] != "does not hold" for n in (1, 2, 3, 4, 5))


def test_a_model_that_is_better_throughout_does_not_bear_out_the_second_claim():
    cells = study(lambda model, *rest: flat(model, *rest) * (0.7 if model == "R-F" else 1))
    assert outcomes(cells)[2] == "does not hold"


def test_effects_of_ratios_are_percentages():
    cells = study(lambda model, *rest: flat(model, *rest) * (0.8 if model == "R-F" else 1), noise=1e-6)
    (finding,) = [f for f in judge(cells)[1].findings if f.setting == "3-D, 0.5 s: article's protocol"]
    assert list(finding.effects) == [str(k) for k in HORIZONS]
    for effect in finding.effects.values():
        assert effect.estimate == pytest.approx(-20, abs=1e-3)
        assert effect.low <= effect.estimate <= effect.high


def test_loops_are_compared_over_songs():
    songs = [{"song": str(i), "pulse_clarity": 0.1 * i, "loop_strength": 0.05 * i, "loop_p": 0.05} for i in range(1, 9)]
    assert outcomes([], songs)[6] == "holds"
    against = [song | {"loop_strength": 1 - song["loop_strength"]} for song in songs]
    assert outcomes([], against)[6] == "does not hold"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert outcomes([], [song | {"loop_strength": 0.0} for song in songs])[6] == "undecided"
    assert outcomes([], songs[:4])[6] == "not measured"
    assert outcomes([], [song | {"loop_strength": None} for song in songs])[6] == "not measured"


def test_missing_cells_leave_claims_open_or_unmeasured():
    assert set(outcomes([]).values()) == {"not measured"}
    only_r = [cell for cell in study(flat) if cell["model"] == "R"]
    found = outcomes(only_r)
    assert found[1] == found[2] == "not measured"
    three = study(crossing, dims=(3,), windows=(0.5,))
    assert outcomes(three)[3] == outcomes(three)[4] == "not measured"
    assert outcomes(three)[2] == "holds"


def test_a_table_keeps_songs_and_seeds_apart():
    cells = study(flat, songs=2, seeds=3)
    table = Table(cells)
    values = table.values("R", 12, 2.0, lambda run: [run["seed"], run["seed"] + 0.5])
    np.testing.assert_array_equal(values, np.tile([[0, 0.5], [1, 1.5], [2, 2.5]], (2, 1, 1)))
    assert np.isnan(table.values("R", 5, 2.0, lambda run: 1)).all()


def test_findings_go_to_json_and_every_claim_is_stated():
    claims = judge(study(flat, songs=6))
    assert [claim.number for claim in claims] == list(STATEMENTS)
    for claim in claims:
        written = claim.to_dict()
        assert written["statement"] == STATEMENTS[claim.number]
        for finding in written["findings"]:
            assert set(finding["effects"].popitem()[1]) == {"estimate", "low", "high", "p"}
