"""The published evaluation of forecasts, rebuilt as a baseline: the divergence script, and the latent nets in Keras.

It imports nothing of Orbitscope. Trajectories are ``(points, latent_dim)``.
"""

import os
import time

import numpy as np
from sklearn.neighbors import NearestNeighbors

BATCH, LEARNING_RATE = 4, 1e-3
EPOCHS = {"mlp": 8, "lstm": 10}
CONTEXT = {"mlp": 1, "lstm": 20}


def scaled(points: np.ndarray) -> np.ndarray:
    """Every axis from 0 to 1."""
    points = np.asarray(points, np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - low) / (high - low)


def knn_divergence(points: np.ndarray, neighbors: int, steps: int, every: int, context: int) -> np.ndarray:
    """Distances from the true path ``(initial conditions, steps + 1)``, by one scikit-learn query a step.

    The search holds the whole trajectory; of K + 1 points the nearest is dropped; weights are 1/distance, normalised.
    """
    z = scaled(points)
    displacements = np.diff(z, axis=0)
    search = NearestNeighbors(n_neighbors=neighbors + 1).fit(z[:-1])
    errors = []
    for start in range(context - 1, len(z) - steps, every):
        at, row = z[start], [0.0]
        for k in range(1, steps + 1):
            distances, found = search.kneighbors(at[None])
            weights = 1 / distances[0, 1:]
            at = at + (weights / weights.sum()) @ displacements[found[0, 1:]]
            row.append(np.linalg.norm(at - z[start + k]))
        errors.append(row)
    return np.array(errors)


def examples(points: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Contexts ``(n, context, latent_dim)`` and the displacements after them, of a scaled trajectory."""
    last = np.arange(context - 1, len(points) - 1)
    return points[last[:, None] + np.arange(1 - context, 1)], points[last + 1] - points[last]


def fit_net(net: str, points: np.ndarray, seed: int) -> dict:
    """Fit the published latent MLP or LSTM to a scaled trajectory; seconds, and the loss with dropout off."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    dim = points.shape[1]
    contexts, targets = examples(points.astype(np.float32), CONTEXT[net])
    x = inputs = keras.Input((CONTEXT[net], dim))
    if net == "mlp":
        x = layers.Flatten()(x)
        for _ in range(2):
            x = layers.Dropout(0.05)(layers.Dense(12, activation="relu")(x))
    else:
        x = layers.LSTM(32)(x)
    model = keras.Model(inputs, layers.Dense(dim, activation="tanh")(x))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "mse", jit_compile=False)
    ends = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    model.fit(contexts, targets, batch_size=BATCH, epochs=EPOCHS[net], verbose=0, callbacks=[clock])
    epochs = np.diff(ends)
    predicted = model.predict(contexts, batch_size=1024, verbose=0)
    # The first epoch also traces the graph; without that it counts as the others' median.
    return {
        "training": float(epochs[1:].sum() + np.median(epochs[1:])),
        "with compiling": float(epochs.sum()),
        "mse": float(np.mean((predicted - targets) ** 2)),
    }
