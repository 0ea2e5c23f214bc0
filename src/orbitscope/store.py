"""Orbits on disk: a folder ``NAME.orbit`` that is whole or not there, and is read without running anything in it.

    orbit.json          what was done, to what, with which versions, and what came of it (strict JSON, UTF-8)
    model.safetensors   the trained nets
    trajectory.npz      points, hop_s, window_s, start_s, and each loss term as history/<term> (plain arrays, no pickle)
    sound.m4a           the stretch that was embedded, as AAC, for the player and the film
    forecasts/*.npz     forecasts from moments of it, added later

and beside them figures and whatever else the run wrote. :func:`new_orbit` lends a hidden folder to write into and
gives it its final name at the end. Files are untrusted when read: any fault is a StoreError that names the file.
"""

import io
import json
import math
import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata as packages
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from ._atomic import new_folder, replace, store_error, write
from ._forecast_files import FORECASTS, read_forecasts, write_forecast
from ._json import to_bytes
from ._untrusted import RUN_AGAIN, need, need_file, opened, parse_json, reading
from .types import Orbit, Source, Trajectory

__all__ = [
    "FORECASTS", "MANIFEST", "MODEL", "PLAYER", "SCHEMA_VERSION", "SOUND", "TRAJECTORY", "VIDEO", "is_orbit",
    "new_orbit", "read_forecasts", "read_manifest", "read_orbit", "read_weights", "versions", "write_forecast",
    "write_orbit", "write_weights",
]  # fmt: skip

SCHEMA_VERSION = 1
MANIFEST, MODEL, TRAJECTORY = "orbit.json", "model.safetensors", "trajectory.npz"
SOUND, PLAYER, VIDEO = "sound.m4a", "player.html", "video.mp4"

_FORMAT = "orbitscope"
_WEIGHTS_KEY = "orbitscope"
_HISTORY = "history/"
_PACKAGES = ("orbitscope", "numpy", "jax", "equinox", "optax", "av", "librosa", "safetensors")
_MANIFEST_TYPES = {
    "created": str,
    "settings": dict,
    "features": str,
    "source": dict,
    "versions": dict,
    "metrics": dict,
    "notices": list,
    "extra": dict,
}


def new_orbit(path: str | Path, *, overwrite: bool = True) -> AbstractContextManager[Path]:
    """Lend a folder to write an orbit into; at the end of the block it becomes ``path``, at an error it vanishes.

    The folder is a hidden sibling of ``path``, of this process alone. An older orbit at ``path`` stays until the new
    one is whole and on the disk, and comes back if the exchange fails. What a killed process left is cleared away.

    Parameters
    ----------
    path : str or Path
        The ``NAME.orbit`` folder to make; folders above it are made too.
    overwrite : bool
        Whether an older orbit at ``path`` may be replaced. Anything that is not an orbit never is.

    Yields
    ------
    Path
        The folder to fill; :data:`MANIFEST`, :data:`MODEL` and :data:`TRAJECTORY` must be in it at the end.

    Raises
    ------
    StoreError
        ``path`` is taken, cannot be written, or the disk is full.
    """
    return new_folder(path, is_ours=is_orbit, required=(MANIFEST, MODEL, TRAJECTORY), overwrite=overwrite)


def write_orbit(
    folder: str | Path,
    *,
    trajectory: Trajectory,
    features: str,
    settings: dict,
    metrics: dict[str, float] | None = None,
    history: dict[str, np.ndarray] | None = None,
    notices: Sequence[str] = (),
    extra: dict | None = None,
) -> None:
    """Write the manifest and the trajectory of an orbit into ``folder``, which :func:`new_orbit` lent.

    Parameters
    ----------
    folder : str or Path
    trajectory : Trajectory
        Its source is written to the manifest.
    features : str
        Kind of the frames, such as ``"mel"``.
    settings : dict
        Every option of the run, resolved; must survive JSON (tuples come back as lists).
    metrics : dict of str to float
        A value that is not finite is written as null and read back as nan.
    history : dict of str to np.ndarray [shape=(steps,)]
    notices : sequence of str
        What a user was told during the run.
    extra : dict
        Anything else worth keeping that JSON can hold.

    Raises
    ------
    StoreError
        A file cannot be written, or the trajectory or the history has a wrong shape or values that are not finite.
    """
    folder = Path(folder)
    history = {term: np.asarray(losses) for term, losses in (history or {}).items()}
    arrays = {name: np.asarray(getattr(trajectory, name)) for name in ("points", "hop_s", "window_s", "start_s")}
    _check_arrays(arrays, history, folder / TRAJECTORY)
    content = io.BytesIO()
    np.savez(content, **arrays, **{_HISTORY + term: losses for term, losses in history.items()})
    manifest = {
        "format": _FORMAT,
        "schema": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings,
        "features": features,
        "seed": settings.get("seed"),
        "source": asdict(trajectory.source),
        "versions": versions(),
        "metrics": {name: float(value) for name, value in (metrics or {}).items()},
        "notices": list(notices),
        "extra": extra or {},
    }
    write(folder / TRAJECTORY, content.getbuffer())
    write(folder / MANIFEST, to_bytes(manifest, indent=2) + b"\n")


def read_orbit(path: str | Path) -> Orbit:
    """Read an orbit folder. The weights in it are read apart, by :func:`read_weights`.

    Texts of the manifest are what the file says, untrusted.

    Raises
    ------
    StoreError
        The folder is missing, no orbit, incomplete, damaged, or of a schema that this version does not read.
    """
    path = Path(path)
    if not path.exists():
        raise store_error(path, "there is no such orbit folder", "check the name")
    if not path.is_dir() or not (path / MANIFEST).exists():
        raise store_error(
            path, f"it is not an orbit folder: no {MANIFEST} in it", "give a NAME.orbit that orbitscope made"
        )
    manifest = read_manifest(path)
    arrays = _read_arrays(path / TRAJECTORY)
    need_file(path / MODEL)
    trajectory = Trajectory(
        points=arrays["points"],
        **{name: float(arrays[name]) for name in ("hop_s", "window_s", "start_s")},
        source=Source(**{name: manifest["source"][name] for name in Source.__dataclass_fields__}),
    )
    return Orbit(
        path=path,
        trajectory=trajectory,
        settings=manifest["settings"],
        metrics={name: math.nan if value is None else value for name, value in manifest["metrics"].items()},
        history={k.removeprefix(_HISTORY): v for k, v in arrays.items() if k.startswith(_HISTORY)},
        manifest=manifest,
    )


def is_orbit(path: str | Path) -> bool:
    """Whether ``path`` is a folder that Orbitscope made, of whatever schema, whole or not."""
    try:
        manifest = json.loads((Path(path) / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == _FORMAT


def write_weights(path: str | Path, arrays: dict[str, np.ndarray], metadata: dict) -> None:
    """Write named arrays and what is to be known about them as one safetensors file, whole or not at all.

    The same input gives the same bytes. An existing file is replaced.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    replace(path, safetensors.numpy.save(arrays, metadata={_WEIGHTS_KEY: to_bytes(metadata).decode()}))


def read_weights(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """Read the arrays and the metadata that :func:`write_weights` wrote.

    Raises
    ------
    StoreError
        The file is missing, damaged, or not one of ours.
    """
    path = Path(path)
    need_file(path)
    with reading(path), safetensors.safe_open(path, framework="numpy") as file:
        text = (file.metadata() or {}).get(_WEIGHTS_KEY)
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if text is None:
        raise store_error(path, "it was not written by Orbitscope", "give a model that orbitscope made")
    return arrays, parse_json(text, path)


# Writing


def versions():
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(packages.PackageNotFoundError):
            versions[name] = packages.version(name)
    return versions


# Reading


def read_manifest(path: str | Path) -> dict:
    """The checked content of ``orbit.json`` in an orbit folder; errors as :func:`read_orbit`."""
    file = Path(path) / MANIFEST
    need_file(file)
    with reading(file):
        content = file.read_bytes()
    manifest = parse_json(content, file)
    if manifest.get("format") != _FORMAT:
        raise store_error(file, "it is not the manifest of an orbit", "give a NAME.orbit that orbitscope made")
    _check_schema(manifest.get("schema"), file)
    for name, kind in _MANIFEST_TYPES.items():
        need(isinstance(manifest.get(name), kind), file, f"{name!r} is missing or no {kind.__name__}")
    for name in Source.__dataclass_fields__:
        need(isinstance(manifest["source"].get(name), str), file, f"the {name!r} of its source is missing or no text")
    for name, value in manifest["metrics"].items():
        need(value is None or type(value) in (int, float), file, f"the metric {name!r} is no number")
    return manifest


def _check_schema(schema, file):
    need(type(schema) is int, file, "'schema' is missing or no whole number")
    if schema > SCHEMA_VERSION:
        reason = f"made by a newer Orbitscope (schema {schema}, this one reads up to {SCHEMA_VERSION})"
        raise store_error(file, reason, "upgrade with pip install --upgrade orbitscope")
    if schema < SCHEMA_VERSION:
        reason = f"made by an older Orbitscope (schema {schema}, this one reads {SCHEMA_VERSION})"
        raise store_error(file, reason, RUN_AGAIN)


def _read_arrays(file):
    need_file(file)
    with opened(file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name in ("points", "hop_s", "window_s", "start_s"):
        need(name in arrays, file, f"the array {name!r} is missing")
    _check_arrays(arrays, {k: v for k, v in arrays.items() if k.startswith(_HISTORY)}, file)
    return arrays


def _check_arrays(arrays, history, file):
    points = arrays["points"]
    need(points.ndim == 2 and points.size > 0, file, f"points have the shape {points.shape}, not (points, latent_dim)")
    for name in ("hop_s", "window_s", "start_s"):
        value = arrays[name]
        is_number = value.shape == () and value.dtype.kind in "fiu" and np.isfinite(value)
        need(is_number and (value > 0 or name == "start_s"), file, f"{name} is no time in seconds")
    need(points.dtype.kind == "f" and np.isfinite(points).all(), file, "points are not finite numbers")
    for term, losses in history.items():
        need(losses.ndim == 1 and losses.dtype.kind in "fiu", file, f"{term!r} is not one number a step")
