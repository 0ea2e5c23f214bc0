"""What the page is told: the only place where its data is described. ``web/src/schema.ts`` is made from here.

Arrays are little-endian, base64, row by row. Times are in seconds of the source file.
"""

from dataclasses import dataclass, fields
from types import UnionType
from typing import Literal, get_args, get_origin, get_type_hints

from .._look import Look

SCHEMA = 1


@dataclass(frozen=True)
class Numbers:
    """Numbers: their type, their shape, and their bytes as base64."""

    dtype: Literal["f32", "u8", "u32"]
    shape: list[int]
    data: str


@dataclass(frozen=True)
class ColoringData:
    """A number for each point: 0 at low to 255 at high."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    cyclic: bool
    scaled: Numbers


@dataclass(frozen=True)
class ForecastData:
    """points (steps + 1, latent_dim), the initial point first; start is its index."""

    name: str
    knows: str
    start: int
    points: Numbers


@dataclass(frozen=True)
class OrbitData:
    """A trajectory. Point i is shown at (points[i] @ axes + i * drift - offset) / radius: nearly all in the unit ball.

    drawn: the points to draw lines between, where not all; no other point is further than drawn_error, in radii of
    that ball, from them.
    """

    name: str
    note: str
    points: Numbers
    hop_s: float
    window_s: float
    start_s: float
    rms_radius: float
    axes: Numbers
    drift: list[float]
    offset: list[float]
    radius: float
    axis_names: list[str]
    drawn: Numbers | None
    drawn_error: float
    azimuth_deg: float
    colorings: list[ColoringData]
    forecasts: list[ForecastData]


@dataclass(frozen=True)
class TickData:
    """A mark on the strip's vertical axis: its label, and its height from 0 (bottom) to 1."""

    label: str
    at: float


@dataclass(frozen=True)
class SpectrogramData:
    """An image (base64 of a grey PNG or WebP, low frequencies in its last row) from start_s to end_s."""

    kind: Literal["spectrogram"]
    mime: str
    image: str
    start_s: float
    end_s: float
    ticks: list[TickData]
    level: Numbers
    level_low_db: float
    level_high_db: float


@dataclass(frozen=True)
class SoundData:
    """The file lies in an element of its own, as base64; its first sample is heard at start_s."""

    mime: str
    start_s: float
    duration_s: float


@dataclass(frozen=True)
class ThemeData:
    """Colours as [red, green, blue] from 0 to 255; maps from low to high, (256, 3)."""

    ground: list[int]
    ground_edge: list[int]
    ink: list[int]
    soft: list[int]
    head: list[int]
    map: Numbers
    cyclic_map: Numbers


@dataclass(frozen=True)
class PlayerData:
    """All of one page."""

    schema: Literal[1]
    title: str
    artist: str
    made_by: str
    start_s: float
    end_s: float
    sound: SoundData | None
    strip: SpectrogramData | None
    orbits: list[OrbitData]
    dark: ThemeData
    light: ThemeData
    look: Look


_WORDS = {str: "string", float: "number", int: "number", bool: "boolean", type(None): "null"}
_ALL = (
    Numbers, ColoringData, ForecastData, OrbitData, TickData, SpectrogramData, SoundData, ThemeData, Look,
    PlayerData,
)  # fmt: skip


def typescript() -> str:
    """The text of ``web/src/schema.ts``."""
    parts = ["// Made from src/orbitscope/player/_schema.py by `npm run schema`; not to be edited."]
    for one in _ALL:
        hints = get_type_hints(one)
        doc = " ".join((one.__doc__ or "").split())
        lines = [f"  readonly {field.name}: {_type(hints[field.name])};" for field in fields(one)]
        parts.append(f"/** {doc} */\nexport interface {one.__name__} {{\n" + "\n".join(lines) + "\n}")
    return "\n\n".join(parts) + "\n"


def _type(hint) -> str:
    if hint in _WORDS:
        return _WORDS[hint]
    if get_origin(hint) is Literal:
        return " | ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in get_args(hint))
    if get_origin(hint) is list:
        return f"readonly {_type(get_args(hint)[0])}[]"
    if isinstance(hint, UnionType):
        return " | ".join(_type(one) for one in get_args(hint))
    return hint.__name__
