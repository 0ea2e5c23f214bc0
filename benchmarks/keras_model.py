"""The published half-second model, rebuilt in Keras as a baseline.

One model is trained for each song: a convolutional autoencoder of spectrogram windows, and an LSTM that predicts the
next displacement of its latent trajectory. It runs in an environment of its own (``pip install tensorflow-cpu soundfile
scipy numpy``) and imports nothing of Orbitscope:

    python benchmarks/keras_model.py SONG... [--dims 3] [--alpha 0.001] [--epochs 7] [--seed 0] [--json OUT]

Axes: frames ``(frames, bins)`` in [0, 1], windows ``(windows, 22, bins)``, trajectories ``(windows, latent_dim)``.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf
from keras import layers

SAMPLE_RATE, FRAME_LENGTH, BINS = 44_100, 1_024, 94
WINDOW, CONTEXT = 22, 45
BATCH, LEARNING_RATE = 8, 1e-3
EPSILON = 1e-7

OnEpoch = Callable[..., dict | None]


@dataclass
class Result:
    """A trained model, with one history entry an epoch; times in seconds, evaluation left out."""

    encoder: keras.Model
    decoder: keras.Model
    predictor: keras.Model
    steps_per_epoch: int
    history: list[dict] = field(default_factory=list)
    train_seconds: float = 0.0


def load_mono(path: str | Path) -> np.ndarray:
    """Mean of a recording's channels, resampled to 44,100 Hz, float32 [shape=(samples,)]."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    common = gcd(rate, SAMPLE_RATE)
    return scipy.signal.resample_poly(samples.mean(axis=1), SAMPLE_RATE // common, rate // common)


def article_spectrogram(mono_samples: np.ndarray) -> np.ndarray:
    """Linear magnitudes of 0 to 4,000 Hz, min-max scaled to [0, 1], float32 [shape=(frames, 94)]."""
    options = {"window": ("tukey", 0.4), "nperseg": FRAME_LENGTH, "noverlap": 0}
    _, _, magnitude = scipy.signal.spectrogram(mono_samples, mode="magnitude", scaling="spectrum", **options)
    frames = magnitude[:BINS].T
    low, high = frames.min(), frames.max()
    return ((frames - low) / (high - low)).astype(np.float32)


def window_view(frames: np.ndarray) -> np.ndarray:
    """Every window of 22 frames, moved by one frame, as a view [shape=(windows, 22, bins)]."""
    return np.lib.stride_tricks.sliding_window_view(frames, WINDOW, axis=0).transpose(0, 2, 1)


def build_encoder(latent_dim: int) -> keras.Model:
    x = inputs = keras.Input((WINDOW, BINS))
    for channels in (32, 64, 128):
        x = layers.Conv1D(channels, 3, padding="same", activation="relu", kernel_initializer="random_normal")(x)
        x = layers.MaxPooling1D(2)(x)
    z = layers.Dense(latent_dim, kernel_initializer="random_normal")(layers.Flatten()(x))
    return keras.Model(inputs, z, name="encoder")


def build_decoder(latent_dim: int) -> keras.Model:
    inputs = keras.Input((latent_dim,))
    x = layers.Dense(192, activation="relu", kernel_initializer="random_normal")(inputs)
    x = layers.Reshape((3, 64))(x)
    for _ in range(2):
        x = layers.UpSampling1D(2)(x)
        x = layers.Conv1D(128, 3, padding="same", activation="relu", kernel_initializer="random_normal")(x)
        x = layers.BatchNormalization()(x)
    x = layers.UpSampling1D(2)(x)
    x = layers.Conv1D(BINS, 1, activation="sigmoid", kernel_initializer="random_normal")(x)
    return keras.Model(inputs, layers.Cropping1D(1)(x), name="decoder")


def build_predictor(latent_dim: int) -> keras.Model:
    inputs = keras.Input((CONTEXT, latent_dim))
    state = layers.LSTM(16, dropout=0.1, kernel_initializer="random_normal")(inputs)
    return keras.Model(inputs, layers.Dense(latent_dim, kernel_initializer="random_normal")(state), name="predictor")


class EachWindow(layers.Layer):
    """Applies a network to every window of a stack, by folding the stack into the batch.

    This is what ``TimeDistributed`` did in Keras 2; that of Keras 3 loops over the stack and is three times slower.
    """

    def __init__(self, network: keras.Model):
        super().__init__()
        self.network = network

    def call(self, stacks):
        points = self.network(keras.ops.reshape(stacks, (-1, *stacks.shape[2:])))
        return keras.ops.reshape(points, (-1, stacks.shape[1], points.shape[-1]))


class LossLayer(layers.Layer):
    """Adds beta · BCE(x, x̂) − alpha · cos(v, v̂) to the model's loss and passes v̂ on."""

    def __init__(self, alpha: float, beta: float):
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self.bce = keras.metrics.Mean(name="bce")
        self.negative_cosine = keras.metrics.Mean(name="negative_cosine")

    def call(self, x, x_hat, v, v_hat):
        bce = keras.ops.mean(keras.losses.binary_crossentropy(x, x_hat))
        negative_cosine = keras.ops.mean(keras.losses.cosine_similarity(v, v_hat))
        self.bce.update_state(bce)
        self.negative_cosine.update_state(negative_cosine)
        self.add_loss(self.beta * bce + self.alpha * negative_cosine)
        return v_hat


def build_trainer(encoder: keras.Model, decoder: keras.Model, predictor: keras.Model, alpha: float, beta: float):
    """The model that is fitted: both stacks through the shared encoder, 8 · (45 + 2) windows a step."""
    past = keras.Input((CONTEXT, WINDOW, BINS))
    pair = keras.Input((2, WINDOW, BINS))
    embed = EachWindow(encoder)
    z_past, z_pair = embed(past), embed(pair)
    v = z_pair[:, 1] - z_pair[:, 0]
    output = LossLayer(alpha, beta)(pair[:, 0], decoder(z_pair[:, 0]), v, predictor(z_past))
    return keras.Model([past, pair], output)


def training_batches(frames: np.ndarray, seed: int) -> tuple[tf.data.Dataset, int]:
    """Shuffled batches of (x_{t−44} … x_t) and (x_t, x_{t+1}), and how many of them make an epoch."""
    n_windows = len(frames) - WINDOW + 1
    steps = (n_windows - CONTEXT - 1) // BATCH
    if steps < 1:
        raise ValueError(f"{n_windows} windows are too few: a batch needs {CONTEXT + 1 + BATCH}")
    source = tf.constant(frames)
    past = np.arange(1 - CONTEXT, 1)[:, None] + np.arange(WINDOW)
    pair = np.arange(2)[:, None] + np.arange(WINDOW)

    def stacks(t):
        start = t[:, None, None]
        return ((tf.gather(source, start + past), tf.gather(source, start + pair)),)

    last_windows = tf.data.Dataset.range(CONTEXT - 1, n_windows - 1).shuffle(n_windows, seed=seed)
    batches = last_windows.batch(BATCH, drop_remainder=True).take(steps)
    return batches.map(stacks).prefetch(2), steps


class EpochClock(keras.callbacks.Callback):
    """Writes an entry into the history at each epoch's end, its clock stopped while `on_epoch` runs."""

    def __init__(self, result: Result, on_epoch: OnEpoch | None):
        super().__init__()
        self.result, self.on_epoch = result, on_epoch

    def on_train_begin(self, logs=None):
        self.origin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        paused = time.perf_counter()
        result = self.result
        result.train_seconds = paused - self.origin
        entry = {"epoch": epoch + 1, "seconds": result.train_seconds} | {k: float(v) for k, v in (logs or {}).items()}
        if self.on_epoch:
            entry["evaluation"] = self.on_epoch(epoch + 1, result.encoder, result.decoder, result.predictor)
        result.history.append(entry)
        self.origin += time.perf_counter() - paused


def train(
    frames: np.ndarray,
    *,
    latent_dim: int = 3,
    alpha: float = 0.001,
    beta: float = 1.0,
    epochs: int = 7,
    seed: int = 0,
    on_epoch: OnEpoch | None = None,
) -> Result:
    """Fit a new model to one song; `on_epoch(epoch, encoder, decoder, predictor)` may return an evaluation.

    The clock runs from the first step, so that the first epoch includes the compilation of the graph.
    """
    keras.utils.set_random_seed(seed)
    networks = build_encoder(latent_dim), build_decoder(latent_dim), build_predictor(latent_dim)
    trainer = build_trainer(*networks, alpha, beta)
    trainer.compile(keras.optimizers.Adam(LEARNING_RATE), jit_compile=False)
    batches, steps = training_batches(frames, seed)
    result = Result(*networks, steps_per_epoch=steps)
    trainer.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[EpochClock(result, on_epoch)])
    return result


def cross_entropy(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean binary cross-entropy over all windows and bins, in nats."""
    p = np.clip(x_hat, EPSILON, 1 - EPSILON)
    return float(-np.mean(x * np.log(p) + (1 - x) * np.log1p(-p), dtype=np.float64))


def mean_cosine(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Mean cosine, and mean angle in degrees, between rows; a pair with a zero vector has no angle and is left out."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    moving = norms > 0
    cosine = np.clip(np.sum(a * b, axis=1)[moving] / norms[moving], -1, 1)
    return float(cosine.mean()), float(np.degrees(np.arccos(cosine)).mean())


def evaluate(frames: np.ndarray, encoder: keras.Model, decoder: keras.Model, predictor: keras.Model) -> dict:
    """Quality over all windows of a clip, in inference mode, and the trajectory [shape=(windows, latent_dim)].

    `share` is how far the reconstruction has come from the mean window (0) to the entropy floor (1).
    """
    x = window_view(frames)
    z = encoder.predict(x, batch_size=256, verbose=0)
    x_hat = decoder.predict(z, batch_size=256, verbose=0)
    mean_window = x.mean(axis=0, dtype=np.float64)
    bce, mean_bce, floor = cross_entropy(x, x_hat), cross_entropy(x, mean_window), cross_entropy(x, x)
    trajectory = z.astype(np.float64)
    v = np.diff(trajectory, axis=0)
    contexts = np.lib.stride_tricks.sliding_window_view(z[:-1], CONTEXT, axis=0).transpose(0, 2, 1)
    v_hat = predictor.predict(contexts, batch_size=256, verbose=0).astype(np.float64)
    turning_cosine, turning_degrees = mean_cosine(v[:-1], v[1:])
    return {
        "bce": bce,
        "mean_bce": mean_bce,
        "floor": floor,
        "share": (mean_bce - bce) / (mean_bce - floor),
        "r2": float(1 - np.square(x - x_hat).sum(dtype=np.float64) / np.square(x - mean_window).sum()),
        "forecast_loss": 1 - mean_cosine(v[CONTEXT - 1 :], v_hat)[0],
        "turning_cosine": turning_cosine,
        "turning_degrees": turning_degrees,
        "trajectory": trajectory,
    }


def benchmark(song: str, dims: int, alpha: float, epochs: int, seed: int) -> dict:
    """Train on a whole song and evaluate on it after each epoch, as one flat record for JSON."""
    frames = article_spectrogram(load_mono(song))

    def on_epoch(epoch, *networks):
        return {name: value for name, value in evaluate(frames, *networks).items() if name != "trajectory"}

    result = train(frames, latent_dim=dims, alpha=alpha, epochs=epochs, seed=seed, on_epoch=on_epoch)
    seconds = [0.0] + [entry["seconds"] for entry in result.history]
    settings = {"song": Path(song).stem, "dims": dims, "alpha": alpha, "epochs": epochs, "seed": seed}
    return settings | {
        "windows": len(frames) - WINDOW + 1,
        "steps_per_epoch": result.steps_per_epoch,
        **result.history[-1]["evaluation"],
        "train_seconds": result.train_seconds,
        "ms_per_step": 1000 * float(np.median(np.diff(seconds))) / result.steps_per_epoch,
        "cpu_seconds": time.process_time(),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "history": result.history,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the published model in Keras; print one JSON line a song.")
    parser.add_argument("songs", nargs="+", metavar="SONG")
    parser.add_argument("--dims", type=int, default=3)
    parser.add_argument("--alpha", type=float, default=0.001)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="OUT", help="also append the lines to this file")
    options = parser.parse_args()
    for song in options.songs:
        line = json.dumps(benchmark(song, options.dims, options.alpha, options.epochs, options.seed))
        print(line, flush=True)
        if options.json:
            with options.json.open("a") as out:
                out.write(line + "\n")


if __name__ == "__main__":
    main()
