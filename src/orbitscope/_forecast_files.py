"""Forecasts that are kept in an orbit folder, a file each; :mod:`orbitscope.store` hands them on."""

import io
import math
import re
from pathlib import Path

import numpy as np

from ._atomic import replace, writing
from ._untrusted import need, opened
from .types import Forecast

FORECASTS = "forecasts"
_AGAIN = "remove it, and make it anew with orbitscope forecast"


def write_forecast(path: str | Path, forecast: Forecast) -> Path:
    """Keep a forecast in the orbit folder ``path``; give its file.

    It takes the place of one from the same moment by the same forecaster with the same ``knows``. Raises StoreError
    where the file cannot be written.
    """
    folder = Path(path) / FORECASTS
    with writing(folder):
        folder.mkdir(exist_ok=True)
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", f"{forecast.forecaster}-{forecast.knows}")
    file = folder / f"{name}-{forecast.start_s:.2f}s.npz"
    content = io.BytesIO()
    np.savez(content, **vars(forecast))
    replace(file, content.getbuffer())
    return file


def read_forecasts(path: str | Path) -> list[Forecast]:
    """The forecasts kept in an orbit folder, by the names of their files; StoreError names a damaged one."""
    found = []
    for file in sorted((Path(path) / FORECASTS).glob("*.npz")):
        with opened(file, _AGAIN) as arrays:
            one = Forecast(
                points=arrays["points"],
                start=int(arrays["start"]),
                start_s=float(arrays["start_s"]),
                hop_s=float(arrays["hop_s"]),
                forecaster=str(arrays["forecaster"]),
                knows=str(arrays["knows"]),
            )
        points = one.points
        need(points.ndim == 2 and points.size > 0, file, f"points have the shape {points.shape}", _AGAIN)
        need(points.dtype.kind == "f" and np.isfinite(points).all(), file, "points are not finite numbers", _AGAIN)
        need(
            one.start >= 0 and math.isfinite(one.start_s) and 0 < one.hop_s < math.inf,
            file,
            "its times are none",
            _AGAIN,
        )
        found.append(one)
    return found
