"""Embeddings of whatever origin as one point for every window of a reference."""

import math
from pathlib import Path

import numpy as np

from ._scoreboard_reference import Reference
from ._text import plain
from .errors import InputError
from .types import Trajectory


def read_embedding(path: str | Path) -> np.ndarray:
    """Read an embedding that another program wrote: an ``.npy`` file of floats ``(points, latent_dim)``.

    Nothing in the file is run. An array claims no times: see :func:`score` for the rows it must have.

    Raises
    ------
    InputError
        No such file, a damaged one, pickled objects, or anything but a 2-D array of finite floats.
    """
    remedy = "write a 2-D array of floats, (points, latent_dim), with numpy.save"
    try:
        # Mapped first, so that a header which claims more than the file holds costs no memory.
        points = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{plain(path)}: there is no such file; check the name") from None
    except Exception as error:  # numpy's parser raises a dozen kinds
        raise InputError(
            f"{plain(path)}: it is no .npy file that can be read ({plain(error, 120)}); {remedy}"
        ) from None
    if not isinstance(points, np.ndarray):
        raise InputError(f"{plain(path)}: it holds several arrays; {remedy}")
    return _points(plain(path), np.array(points), remedy)


def _points(name: str, points: np.ndarray, remedy: str) -> np.ndarray:
    """``points``, which must be finite floats ``(points, latent_dim)``."""
    if points.ndim != 2 or not points.size or points.dtype.kind != "f":
        raise InputError(f"{name}: it is {points.dtype} of shape {points.shape}; {remedy}")
    broken = np.count_nonzero(~np.isfinite(points).all(axis=1))
    if broken:
        raise InputError(f"{name}: {broken} of {len(points)} points hold NaN or infinite values; repair them")
    return points


def aligned(name: str, given: Trajectory | np.ndarray, to: Reference) -> np.ndarray:
    """A point for every window of the reference, ``(windows, latent_dim)`` float64."""
    is_trajectory = isinstance(given, Trajectory)
    name = f"embedding {plain(name)!r}"
    points = np.asarray(given.points if is_trajectory else given)
    points = _points(name, points, "floats (points, latent_dim) are needed").astype(np.float64)
    if is_trajectory:
        return points[_nearest(name, given, to)]
    if len(points) != len(to.y):
        per_frame = len(points) == len(to.y) + to.window - 1
        remedy = "it looks like one row for each frame: embed windows" if per_frame else "embed the same frames"
        raise InputError(
            f"{name} has {len(points)} rows; {len(to.y)} are needed, one for each window of {to.window} frames:"
            f" {remedy}, or give a Trajectory, which knows its times"
        )
    return points


def _nearest(name: str, given: Trajectory, to: Reference) -> np.ndarray:
    """For every window of the reference the point whose window's centre is nearest in time; of two, the earlier."""
    if given.source.sha256 and to.source.sha256 and given.source.sha256 != to.source.sha256:
        raise InputError(f"{name} is of another recording than the reference; embed {plain(to.source.name)}")
    if given.window_s > (to.longest_window + 0.5) * to.hop_s:
        frames = math.ceil(given.window_s / to.hop_s - 0.5)
        raise InputError(
            f"{name} has windows of {given.window_s:.2f} s; the reference allows {to.longest_window * to.hop_s:.2f} s:"
            f" make it with longest_window={frames}"
        )
    times_s, own_s = to.times_s, given.times_s
    margin_s = to.longest_window * to.hop_s / 2 + given.hop_s
    if own_s[0] > times_s[0] + margin_s or own_s[-1] < times_s[-1] - margin_s:
        raise InputError(
            f"{name} goes from {own_s[0]:.2f} to {own_s[-1]:.2f} s, the reference from {times_s[0]:.2f} to"
            f" {times_s[-1]:.2f} s; embed the same stretch"
        )
    nearest = np.rint((times_s - given.start_s) / given.hop_s - 1e-6).astype(int)
    return np.clip(nearest, 0, len(given) - 1)
