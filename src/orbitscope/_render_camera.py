"""The eye of a film: where the path is seen from, and how it is made to fill the part of the picture it has."""

from dataclasses import dataclass

import numpy as np

from ._look import LOOK
from ._pathplot import broadest_azimuth
from ._scene import Scene

_FILL = 0.9  # of the half of the stage that the path may take
_CLOSER = 1.7  # how much larger than the unit ball would allow it may be shown at most
_BULK, _ROOM = (1, 99), 1.2  # percentiles of the path, and what of it may lie how much farther out than these
_STEP_DEG = 3.0  # between the sides that it is measured from


@dataclass(frozen=True)
class Stage:
    """The part of the picture that the path has, in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Camera:
    """Where from, and how large.

    Attributes
    ----------
    flat : bool
        Whether the plane is faced head-on and without perspective: x to the right, y up.
    azimuth_deg, turn_deg_per_s, elevation_deg : float
        At the beginning of the film, how fast it turns, and how high it stands.
    distance : float
        From the middle of the unit ball.
    focal : float
        Pixels of a unit of length at a unit of distance; where it is flat, pixels of a unit of length.
    x, y : float
        Where the middle of the unit ball comes to in the picture.
    pixels : float
        That a unit of length takes at most, where the path may come nearest to the eye.
    """

    flat: bool
    azimuth_deg: float
    turn_deg_per_s: float
    elevation_deg: float
    distance: float
    focal: float
    x: float
    y: float
    pixels: float

    def at(self, time_s: float) -> np.ndarray:
        """What :func:`_render_path.seen` wants to know ``time_s`` after the beginning, ``(14,)`` float32."""
        axes = _axes(self.azimuth_deg + self.turn_deg_per_s * time_s, self.elevation_deg, self.flat)
        return np.float32([*axes.ravel(), self.focal, self.distance, self.x, self.y, self.flat])


def camera_of(
    scene: Scene,
    stage: Stage,
    *,
    duration_s: float,
    azimuth_deg: float | None,
    elevation_deg: float | None,
    turn_deg_per_s: float | None,
) -> Camera:
    """The camera of a film: where nothing is asked for, it begins at the broadest side and turns as the look has it."""
    flat = scene.projection.flat
    azimuth = float(broadest_azimuth(scene.shown)) if azimuth_deg is None else azimuth_deg
    elevation = LOOK.elevation_deg if elevation_deg is None else elevation_deg
    turn = 0.0 if flat else LOOK.turn_deg_per_s if turn_deg_per_s is None else turn_deg_per_s
    distance = _distance(stage)
    around = np.arange(0, min(360.0, abs(turn) * duration_s) + _STEP_DEG, _STEP_DEG) * np.sign(turn or 1.0)
    low, high = _extent(scene.shown, azimuth + around[: 1 if flat or not turn else None], elevation, distance, flat)
    middle = (low + high) / 2
    if not flat:
        middle[0] = 0.0  # it turns about its axis
    reach = np.maximum(high - middle, middle - low)
    focal = _FILL * float(np.min(np.array([stage.width, stage.height]) / 2 / np.maximum(reach, 1e-6)))
    if not flat:
        focal = min(focal, _CLOSER * stage.height / 2 / np.tan(np.radians(LOOK.field_of_view_deg / 2)))
    else:
        focal = min(focal, _FILL * stage.width / 2)
    x = stage.left + stage.width / 2 - focal * middle[0]
    y = stage.top + stage.height / 2 + focal * middle[1]
    nearest = distance - float(np.linalg.norm(scene.shown, axis=1).max())
    pixels = focal if flat else focal / max(nearest, 0.5)
    return Camera(flat, azimuth, turn, elevation, distance, focal, float(x), float(y), pixels)


def _distance(stage: Stage) -> float:
    """Where the stage is narrower than high, farther, so that the ball takes of the width what it takes of a height."""
    aspect = min(1.0, stage.width / stage.height)
    return float(np.sqrt(1 + (LOOK.distance**2 - 1) / aspect**2))


def _extent(points: np.ndarray, azimuths: np.ndarray, elevation: float, distance: float, flat: bool) -> np.ndarray:
    """The least and greatest x and y at focal length 1 from all the sides, ``(2, 2)``.

    Of a path that runs out far for a moment, as in the silence at an end, 98 % and some room count.
    """
    some = points[:: max(1, len(points) // 5_000)]
    found = []
    for azimuth in azimuths:
        right, up, towards = _axes(azimuth, elevation, flat)
        seen = np.stack([some @ right, some @ up], axis=1)
        if not flat:
            seen /= (distance - some @ towards)[:, None]
        low, high = np.percentile(seen, _BULK, axis=0)
        room = _ROOM * (high - low) / 2
        found += [
            np.maximum(seen.min(axis=0), (low + high) / 2 - room),
            np.minimum(seen.max(axis=0), (low + high) / 2 + room),
        ]
    return np.stack([np.min(found, axis=0), np.max(found, axis=0)])


def _axes(azimuth_deg: float, elevation_deg: float, flat: bool) -> np.ndarray:
    """Rows: to the right, up, towards the eye."""
    if flat:
        return np.eye(3)
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    towards = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    right = [-np.sin(azimuth), np.cos(azimuth), 0.0]
    return np.array([right, np.cross(towards, right), towards])
