"""Embeddings trained all at once are those trained one by one."""

from dataclasses import replace

import numpy as np
import pytest

from orbitscope.config import Settings
from orbitscope.embedding import Embedding, fit, fit_many
from orbitscope.errors import InputError
from orbitscope.types import Frames, Source

HOP_S = 0.05
BASE = Settings(
    latent_dim=2, window_s=0.2, channels=(4,), decoder_units=(8,), predictor_units=3, context=4, burn_in=1, segments=2,
    decoded=4, steps=30, seed=5,
)  # fmt: skip


def frames(count, seed=0, **options):
    values = np.random.default_rng(seed).random((count, 5), dtype=np.float32)
    return Frames(values, HOP_S, start_s=1.5, kind="mel", **{"source": Source(name=f"{seed}.wav"), **options})


@pytest.fixture(scope="module")
def both():
    songs = [frames(70), frames(40, 1), frames(700, 2)]
    members = [BASE, replace(BASE, seed=6, steps=12), replace(BASE, forecast_weight=0.2, learning_rate=3e-3)]
    return songs, members, fit_many(songs, members), [fit(f, s) for f, s in zip(songs, members, strict=True)]


def test_equals_one_by_one(both):
    songs, _, together, alone = both
    for song, (embedding, trained), (twin, twin_trained) in zip(songs, together, alone, strict=True):
        np.testing.assert_allclose(embedding.transform(song).points, twin.transform(song).points, atol=0.01)
        assert set(trained.history) == set(twin_trained.history)
        for term, losses in twin_trained.history.items():
            np.testing.assert_allclose(trained.history[term], losses, atol=0.02)
    first, second = (one.transform(songs[0]).points for one, _ in together[:2])
    assert np.abs(first - second).max() > 0.1


def test_each_knows_its_own_frames_and_settings(both):
    songs, members, together, alone = both
    for song, member, (embedding, trained), (twin, _) in zip(songs, members, together, alone, strict=True):
        assert embedding.settings == member and embedding.window == twin.window == 4
        assert (embedding.hop_s, embedding.kind, embedding.features) == (HOP_S, "mel", 5)
        assert trained.history["reconstruction"].shape == (member.steps,)
        path = embedding.transform(song)
        assert path.source == song.source and path.times_s[0] == pytest.approx(1.5 + 1.5 * HOP_S)
        assert len(path) == len(song) - 3


def test_they_go_to_files_and_back(both, tmp_path):
    songs, _, together, _ = both
    for song, (embedding, _) in zip(songs, together, strict=True):
        embedding.save(tmp_path / "m.safetensors")
        again = Embedding.load(tmp_path / "m.safetensors").transform(song).points
        np.testing.assert_array_equal(again, embedding.transform(song).points)


def test_windows_that_differ_are_refused():
    with pytest.raises(InputError, match="one kind, hop and window.*window of 4; .*window of 6"):
        fit_many([frames(70), frames(70)], [BASE, replace(BASE, window_s=0.3)])
    with pytest.raises(InputError, match="hop of 0.025 s, window of 8; .*hop of 0.05 s, window of 4"):
        fit_many([frames(70), replace(frames(70), hop_s=0.025)], [BASE, BASE])


def test_what_one_program_cannot_hold_is_refused():
    with pytest.raises(InputError, match="one kind.*array.*mel"):
        fit_many([frames(70), replace(frames(70), kind="array")], [BASE, BASE])
    with pytest.raises(InputError, match="2 recordings and 1 settings"):
        fit_many([frames(70), frames(70)], [BASE])
    with pytest.raises(InputError, match="0 recordings"):
        fit_many([], [])
    with pytest.raises(InputError, match="members differ"):
        fit_many([frames(70), frames(70)], [BASE, replace(BASE, latent_dim=3)])
    with pytest.raises(InputError, match="too short"):
        fit_many([frames(70), frames(5)], [BASE, BASE])


def test_a_callback_hears_of_all():
    seen = []
    fit_many([frames(70), frames(40, 1)], [BASE, BASE], callback=seen.append)
    assert seen[-1].step == seen[-1].steps == BASE.steps
    assert seen[-1].losses["reconstruction"].shape == (2,)
