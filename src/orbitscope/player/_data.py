"""From scenes to what the page is told of them."""

import base64
import io
from importlib.metadata import version

import numpy as np

from .._look import LOOK, THEMES, color_table
from .._pathplot import broadest_azimuth
from .._scene import Coloring, Scene, Strip, decimated
from .._text import plain
from ._schema import (
    SCHEMA,
    ColoringData,
    ForecastData,
    Numbers,
    OrbitData,
    PlayerData,
    SoundData,
    SpectrogramData,
    ThemeData,
    TickData,
)

MOST_DRAWN = 50_000  # points; a longer path is drawn with fewer
_MOST_COLUMNS = 4096  # of the spectrogram's image: more than a screen has
_QUIETEST_DB = 60.0  # below the loudest frame: the foot of the loudness line
_FURTHEST = 1e30
_TICKS_HZ = (100, 300, 1000, 3000, 10_000)
_DTYPES = {np.dtype("float32"): "f32", np.dtype("uint8"): "u8", np.dtype("uint32"): "u32"}


def player_data(scenes: list[Scene]) -> PlayerData:
    """One page's data: of all scenes their paths, of :func:`longest_heard` its sound and its strip."""
    first = scenes[0]
    heard = longest_heard(scenes)
    start_s = min(scene.sound_start_s for scene in scenes)
    end_s = max(scene.sound_start_s + scene.duration_s for scene in scenes)
    return PlayerData(
        schema=SCHEMA,
        title=plain(first.title, 200),
        artist=plain(first.artist, 200),
        made_by=f"Orbitscope {version('orbitscope')}",
        start_s=start_s,
        end_s=end_s,
        sound=heard and SoundData("audio/mp4", heard.sound_start_s, heard.duration_s),
        strip=_strip(heard.strip, heard.sound_start_s) if heard and heard.strip else None,
        orbits=[_orbit(scene) for scene in scenes],
        **{name: _theme(name) for name in THEMES},
        look=LOOK,
    )


def longest_heard(scenes: list[Scene]) -> Scene | None:
    """The scene whose sound is played: orbits of one recording may be of stretches of it."""
    return max((scene for scene in scenes if scene.sound), key=lambda scene: scene.duration_s, default=None)


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _numbers(values: np.ndarray) -> Numbers:
    values = np.ascontiguousarray(values)
    content = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return Numbers(_DTYPES[values.dtype], list(values.shape), base64_of(content))


def _single(points: np.ndarray) -> np.ndarray:
    """In 32 bits, and finite there too."""
    return np.clip(points, -_FURTHEST, _FURTHEST).astype(np.float32)


def _orbit(scene: Scene) -> OrbitData:
    path, projection = scene.trajectory, scene.projection
    points = np.asarray(path.points, np.float64)
    kept, error = decimated(scene.shown, MOST_DRAWN)
    return OrbitData(
        name=plain(scene.name, 80),
        note=projection.note,
        points=_numbers(_single(points)),
        hop_s=path.hop_s,
        window_s=path.window_s,
        start_s=path.start_s,
        rms_radius=scene.rms_radius,
        axes=_numbers(projection.axes.astype(np.float32)),
        drift=projection.drift.tolist(),
        offset=projection.offset.tolist(),
        radius=projection.radius,
        axis_names=[plain(name, 40) for name in projection.names],
        drawn=None if len(kept) == len(points) else _numbers(kept),
        drawn_error=error,
        azimuth_deg=0.0 if projection.flat else float(broadest_azimuth(scene.shown)),
        colorings=[_coloring(one) for one in scene.colorings],
        forecasts=[
            ForecastData(plain(one.forecaster, 40), plain(one.knows, 40), one.start, _numbers(_single(one.points)))
            for one in scene.forecasts
            if one.points.shape[1] == points.shape[1] and one.start < len(points)
        ],
    )


def _coloring(one: Coloring) -> ColoringData:
    scaled = np.round(255 * one.scaled).astype(np.uint8)
    return ColoringData(one.name, one.label, one.unit, one.low, one.high, one.cyclic, _numbers(scaled))


def _strip(strip: Strip, start_s: float) -> SpectrogramData:
    from PIL import Image

    spectrum = strip.spectrum
    group = -(-len(spectrum) // _MOST_COLUMNS)
    picture = _grouped(spectrum.values, group)
    image = io.BytesIO()
    Image.fromarray(np.round(255 * picture.T[::-1]).astype(np.uint8)).save(image, "WEBP", quality=80, method=4)
    level = _grouped(strip.level_db, group)
    high = float(level.max())
    level = np.clip((level - high) / _QUIETEST_DB + 1, 0, 1)
    first_s = start_s + spectrum.start_s - spectrum.hop_s / 2
    places = (np.arange(len(spectrum.frequencies_hz)) + 0.5) / len(spectrum.frequencies_hz)
    low_hz, high_hz = spectrum.frequencies_hz[[0, -1]]
    return SpectrogramData(
        kind="spectrogram",
        mime="image/webp",
        image=base64_of(image.getvalue()),
        start_s=float(first_s),
        end_s=float(first_s + len(picture) * group * spectrum.hop_s),
        ticks=[
            TickData(
                f"{hz:g} Hz" if hz < 1000 else f"{hz / 1000:g} kHz",
                float(np.interp(hz, spectrum.frequencies_hz, places)),
            )
            for hz in _TICKS_HZ
            if low_hz < hz < high_hz
        ],
        level=_numbers(np.round(255 * level).astype(np.uint8)),
        level_low_db=high - _QUIETEST_DB,
        level_high_db=high,
    )


def _grouped(values: np.ndarray, size: int) -> np.ndarray:
    """Means of ``size`` rows at a time; the last row is repeated to fill the last group."""
    if size == 1:
        return values
    values = np.concatenate([values, np.repeat(values[-1:], -len(values) % size, axis=0)])
    return values.reshape(-1, size, *values.shape[1:]).mean(axis=1)


def _theme(name: str) -> ThemeData:
    chosen = THEMES[name]
    return ThemeData(
        *(list(getattr(chosen, part)) for part in ("ground", "ground_edge", "ink", "soft", "head")),
        map=_numbers(color_table(name)),
        cyclic_map=_numbers(color_table(name, True)),
    )
