"""One training run of Keras or of ours on a WAV file, as the process that against_keras.py times from outside.

    python benchmarks/contestant.py keras WAV [--epochs 7] [--seed 0]
    python benchmarks/contestant.py ours WAV [--steps STEPS] [--watched] [--seed 0]

Both read the sound, turn it into the article's spectrogram, train, embed and evaluate, and print a line of JSON.
"""

import argparse
import json
import time

import numpy as np


def keras(clip: str, seed: int, epochs: int) -> dict:
    """The published model; evaluated after each epoch, with the time that takes beside."""
    import keras_model

    frames = keras_model.article_spectrogram(keras_model.load_mono(clip))
    evaluating = []

    def on_epoch(epoch, *networks):
        begun = time.perf_counter()
        found = keras_model.evaluate(frames, *networks)
        evaluating.append(time.perf_counter() - begun)
        return {name: value for name, value in found.items() if name != "trajectory"}

    result = keras_model.train(frames, seed=seed, epochs=epochs, on_epoch=on_epoch)
    curve = [{"seconds": entry["seconds"], "step": entry["epoch"]} | entry["evaluation"] for entry in result.history]
    # The first epoch also traces the graph, which is left out as our compilation is: it counts as the others' median.
    later = np.diff([entry["seconds"] for entry in curve])
    training = float(later.sum() + np.median(later)) if len(later) else result.train_seconds
    tracing = result.train_seconds - training
    times = {"training": training, "compiling": tracing, "extra": sum(evaluating[:-1])}
    return times | {"curve": curve, "frames": digest(frames)}


def ours(clip: str, seed: int, steps: int | None, watched: bool) -> dict:
    """Our model; evaluated at the end, and, if it is watched, after every chunk of steps with the clock stopped."""
    import orbitscope
    from orbitscope import inference
    from orbitscope.embedding import fit
    from orbitscope.geometry import mean_turning_angle

    frames = orbitscope.spectrogram(orbitscope.load(clip), "article")
    settings = orbitscope.settings(steps=steps, seed=seed)
    curve, clock = [], {"resumed": None}

    def watch(progress):
        paused = time.perf_counter()
        model = progress.model()
        points = inference.encode(model.encoder, frames.values)
        loss = inference.forecast_loss(model.predictor, points, settings.context)
        since = paused - clock["resumed"] if clock["resumed"] else None
        found = inference.reconstruction_report(model, frames.values, points)
        curve.append({"step": progress.step, "since": since, "forecast_loss": loss} | shared_names(found))
        clock["resumed"] = time.perf_counter()

    embedding, trained = fit(frames, settings, callback=watch if watched else None)
    trajectory = embedding.transform(frames)
    found = embedding.evaluate(frames, trajectory)
    if watched:
        # The first chunk is not seen from here: it is what the others leave of the time of training.
        curve[0]["since"] = trained.seconds - sum(entry["since"] for entry in curve[1:])
        for entry, seconds in zip(curve, np.cumsum([entry.pop("since") for entry in curve]), strict=True):
            entry["seconds"] = float(seconds)
    end = shared_names(found) | {"forecast_loss": found["forecast_loss"]}
    end["turning_degrees"] = mean_turning_angle(trajectory.points)
    times = {"training": trained.seconds, "compiling": trained.compile_seconds, "steps": settings.steps}
    return times | {"curve": curve, "end": end, "frames": digest(frames.values)}


def shared_names(report: dict) -> dict:
    return {"bce": report["bce"], "share": report["reconstruction_share"], "floor": report["bce_floor"]}


def digest(frames: np.ndarray) -> list[float]:
    """Enough to tell that two processes saw the same spectrogram."""
    return [*map(float, frames.shape), float(frames.sum(dtype=np.float64)), float(frames[:, 10].std(dtype=np.float64))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train one model; print a line of JSON.")
    parser.add_argument("who", choices=("keras", "ours"))
    parser.add_argument("wav")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=7, help="of Keras")
    parser.add_argument("--steps", type=int, help="of ours; the default settings' own if not given")
    parser.add_argument("--watched", action="store_true", help="evaluate ours after every chunk of steps")
    options = parser.parse_args()
    if options.who == "keras":
        found = keras(options.wav, options.seed, options.epochs)
    else:
        found = ours(options.wav, options.seed, options.steps, options.watched)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
