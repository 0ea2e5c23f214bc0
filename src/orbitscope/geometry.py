"""Numbers that describe the shape of a trajectory."""

import numpy as np


def turning_cosine(points: np.ndarray) -> np.ndarray:
    """Cosine of the angle between consecutive displacements of ``(points, latent_dim)``: 1 straight on, -1 back.

    Returns ``(points - 2,)``; NaN where a displacement is zero.
    """
    steps = np.diff(np.asarray(points, np.float64), axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.sum(steps[1:] * steps[:-1], axis=1) / (lengths[1:] * lengths[:-1])
    return np.clip(cosine, -1, 1)


def turning_angle(points: np.ndarray) -> np.ndarray:
    """Angle between consecutive displacements of ``(points, latent_dim)``, in degrees, ``(points - 2,)``."""
    return np.degrees(np.arccos(turning_cosine(points)))


def mean_turning_angle(points: np.ndarray) -> float:
    """Mean turning angle in degrees; 0 for a straight line, 90 for a random walk; NaN for fewer than 3 points."""
    angles = turning_angle(points)
    angles = angles[np.isfinite(angles)]
    return float(angles.mean()) if len(angles) else float("nan")


def rms_radius(points: np.ndarray) -> float:
    """Root mean square distance of ``(points, latent_dim)`` from their mean."""
    return float(np.sqrt(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=1))))
