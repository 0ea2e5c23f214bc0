"""What the tests share: one cache of compiled programs, a song made of known parts, a small trained embedder,
and the command."""

import os
from pathlib import Path

# Set before anything compiles, and inherited by the processes that tests start: a second run of the tests is quick.
os.environ.setdefault(
    "ORBITSCOPE_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "orbitscope-jax")
)

import numpy as np
import pytest

from orbitscope.types import Recording, Source

SMALL_NETS = {
    "channels": (6, 8),
    "decoder_units": (12,),
    "predictor_units": 3,
    "segments": 4,
    "decoded": 16,
    "burn_in": 2,
}


def looped_song(seconds=10.0, rate_hz=44100, loop_s=2.0, start_s=0.0, name="song.wav", seed=0):
    """Four chords with a click on each beat, over and over, with a little noise; stereo, ``(2, samples)``."""
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    beat = np.floor(times_s / (loop_s / 4)).astype(int) % 4
    since_beat_s = times_s % (loop_s / 4)
    sound = np.zeros_like(times_s)
    for chord, root_hz in enumerate((220.0, 174.6, 261.6, 196.0)):
        tones = sum(np.sin(2 * np.pi * root_hz * ratio * times_s) for ratio in (1, 1.25, 1.5, 4))
        sound += (beat == chord) * tones * np.exp(-4 * since_beat_s) / 8
    noise = np.random.default_rng(seed).normal(size=len(times_s))
    sound += 0.2 * noise * np.exp(-200 * since_beat_s) + 1e-4 * noise
    samples = np.stack([sound, 0.5 * sound]).astype(np.float32)
    return Recording(samples, rate_hz, start_s, Source(name=name))


@pytest.fixture(scope="session")
def song():
    """Ten seconds of :func:`looped_song`, from 1.5 s on in its file."""
    return looped_song(start_s=1.5)


@pytest.fixture(scope="session")
def small_embedder(song):
    """An embedder with all terms, fitted for a moment on ``song``; not to be changed."""
    from orbitscope.embedder import Embedder

    embedder = Embedder(latent_dim=2, window_s=0.25, context=6, steps=60, options=SMALL_NETS, random_state=3)
    return embedder.fit(song)


@pytest.fixture
def called(capsys):
    """Call the command in this process: the exit status, stdout and stderr."""
    from orbitscope import cli

    def call(*arguments):
        status = cli.main([str(a) for a in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call
