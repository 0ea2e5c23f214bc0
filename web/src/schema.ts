// Made from src/orbitscope/player/_schema.py by `npm run schema`; not to be edited.

/** Numbers: their type, their shape, and their bytes as base64. */
export interface Numbers {
  readonly dtype: "f32" | "u8" | "u32";
  readonly shape: readonly number[];
  readonly data: string;
}

/** A number for each point: 0 at low to 255 at high. */
export interface ColoringData {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly low: number;
  readonly high: number;
  readonly cyclic: boolean;
  readonly scaled: Numbers;
}

/** points (steps + 1, latent_dim), the initial point first; start is its index. */
export interface ForecastData {
  readonly name: string;
  readonly knows: string;
  readonly start: number;
  readonly points: Numbers;
}

/** A trajectory. Point i is shown at (points[i] @ axes + i * drift - offset) / radius: nearly all in the unit ball. drawn: the points to draw lines between, where not all; no other point is further than drawn_error, in radii of that ball, from them. */
export interface OrbitData {
  readonly name: string;
  readonly note: string;
  readonly points: Numbers;
  readonly hop_s: number;
  readonly window_s: number;
  readonly start_s: number;
  readonly rms_radius: number;
  readonly axes: Numbers;
  readonly drift: readonly number[];
  readonly offset: readonly number[];
  readonly radius: number;
  readonly axis_names: readonly string[];
  readonly drawn: Numbers | null;
  readonly drawn_error: number;
  readonly azimuth_deg: number;
  readonly colorings: readonly ColoringData[];
  readonly forecasts: readonly ForecastData[];
}

/** A mark on the strip's vertical axis: its label, and its height from 0 (bottom) to 1. */
export interface TickData {
  readonly label: string;
  readonly at: number;
}

/** An image (base64 of a grey PNG or WebP, low frequencies in its last row) from start_s to end_s. */
export interface SpectrogramData {
  readonly kind: "spectrogram";
  readonly mime: string;
  readonly image: string;
  readonly start_s: number;
  readonly end_s: number;
  readonly ticks: readonly TickData[];
  readonly level: Numbers;
  readonly level_low_db: number;
  readonly level_high_db: number;
}

/** The file lies in an element of its own, as base64; its first sample is heard at start_s. */
export interface SoundData {
  readonly mime: string;
  readonly start_s: number;
  readonly duration_s: number;
}

/** Colours as [red, green, blue] from 0 to 255; maps from low to high, (256, 3). */
export interface ThemeData {
  readonly ground: readonly number[];
  readonly ground_edge: readonly number[];
  readonly ink: readonly number[];
  readonly soft: readonly number[];
  readonly head: readonly number[];
  readonly map: Numbers;
  readonly cyclic_map: Numbers;
}

/** Numbers that both painters share. */
export interface Look {
  readonly field_of_view_deg: number;
  readonly distance: number;
  readonly elevation_deg: number;
  readonly turn_deg_per_s: number;
  readonly line: number;
  readonly line_ahead: number;
  readonly ahead: number;
  readonly behind: number;
  readonly far_width: number;
  readonly far_strength: number;
  readonly tail_s: number;
  readonly tail_width: number;
  readonly head: number;
  readonly halo: number;
  readonly halo_strength: number;
  readonly branch: number;
}

/** All of one page. */
export interface PlayerData {
  readonly schema: 1;
  readonly title: string;
  readonly artist: string;
  readonly made_by: string;
  readonly start_s: number;
  readonly end_s: number;
  readonly sound: SoundData | null;
  readonly strip: SpectrogramData | null;
  readonly orbits: readonly OrbitData[];
  readonly dark: ThemeData;
  readonly light: ThemeData;
  readonly look: Look;
}
