"""See the shape of music: a recording becomes a trajectory through a small learned space.

Enter at any level::

    orbit = orbitscope.run("song.mp3")                     # file to orbit folder: the main job
    recording = orbitscope.load("song.mp3")                # file to sound
    frames = orbitscope.spectrogram(recording)             # sound to frames
    embedder = orbitscope.Embedder(latent_dim=3, window_s=0.5)
    trajectory = embedder.fit_transform(frames)            # frames to points
    forecaster = orbitscope.KNNForecaster().fit(trajectory)
    orbitscope.divergence(trajectory, forecaster).scaled   # how fast forecasts leave the true path

Names are imported when first used, so that importing the package takes milliseconds.
"""

from importlib import import_module
from importlib.metadata import version

_HOME = {
    "AnalogForecaster": "forecast",
    "AudioSource": "types",
    "DelayPCA": "comparators",
    "Divergence": "evaluation",
    "Embedder": "embedder",
    "Embedding": "embedding",
    "Forecast": "types",
    "Forecaster": "forecast",
    "Frames": "types",
    "InputError": "errors",
    "JointForecaster": "forecast",
    "KNNForecaster": "forecast",
    "LSTMForecaster": "forecast",
    "LinearForecaster": "forecast",
    "MLPForecaster": "forecast",
    "MeanForecaster": "forecast",
    "MediaError": "errors",
    "Orbit": "types",
    "OrbitscopeError": "errors",
    "OrbitscopeWarning": "errors",
    "PersistenceForecaster": "forecast",
    "Recording": "types",
    "ReservoirForecaster": "forecast",
    "SMapForecaster": "forecast",
    "Settings": "config",
    "Source": "types",
    "StoreError": "errors",
    "TICA": "comparators",
    "TrainingError": "errors",
    "Trajectory": "types",
    "displacement_metrics": "evaluation",
    "divergence": "evaluation",
    "load": "media",
    "read_forecasts": "store",
    "read_orbit": "store",
    "read_study": "study",
    "reference_space": "scoreboard",
    "run": "pipeline",
    "run_study": "study",
    "score": "scoreboard",
    "settings": "config",
    "spectrogram": "features",
    "stream": "media",
    "train_many": "training",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name == "__version__":
        return version("orbitscope")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
