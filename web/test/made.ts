/** What the tests share: paths and page data made by rule. */
import type { ForecastData, Numbers, OrbitData, PlayerData, ThemeData } from "../src/schema";

/** A walk of steps that are multiples of 1/64 in [-2, 2): exact in 32 bits, and the same in every language. */
export function walk(length: number, dims: number, seed = 1): Float32Array {
  const points = new Float32Array(length * dims);
  let state = seed;
  for (let i = 0; i < points.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    points[i] = (i < dims ? 0 : points[i - dims]) + (((state >> 16) % 256) - 128) / 64;
  }
  return points;
}

export function numbers(values: Float32Array | Uint8Array | Uint32Array, shape = [values.length]): Numbers {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const data = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return { dtype: values instanceof Float32Array ? "f32" : values instanceof Uint32Array ? "u32" : "u8", shape, data };
}

export function orbitData(points: Float32Array, dims: number, changes: Partial<OrbitData> = {}): OrbitData {
  const axes = new Float32Array(dims * 3);
  for (let d = 0; d < Math.min(dims, 3); d++) axes[3 * d + d] = 1;
  return {
    name: "walk",
    note: "",
    points: numbers(points, [points.length / dims, dims]),
    hop_s: 0.025,
    window_s: 0.5,
    start_s: 1.25,
    rms_radius: 2,
    axes: numbers(axes, [dims, 3]),
    drift: [0, 0, 0],
    offset: [0, 0, 0],
    radius: 1,
    axis_names: ["a", "b", "c"].slice(0, dims),
    drawn: null,
    drawn_error: 0,
    azimuth_deg: 0,
    colorings: [],
    forecasts: [],
    ...changes,
  };
}

export function forecastData(points: Float32Array, dims: number, start: number): ForecastData {
  return { name: "KNN", knows: "past", start, points: numbers(points, [points.length / dims, dims]) };
}

const map = numbers(new Uint8Array(768), [256, 3]);
const theme: ThemeData = { ground: [1, 2, 3], ground_edge: [0, 0, 0], ink: [9, 9, 9], soft: [5, 5, 5], head: [7, 7, 7], map, cyclic_map: map };

export function playerData(orbits: OrbitData[], changes: Partial<PlayerData> = {}): PlayerData {
  return {
    schema: 1,
    title: "Song",
    artist: "",
    made_by: "tests",
    start_s: 0,
    end_s: 10,
    sound: null,
    strip: null,
    orbits,
    dark: theme,
    light: theme,
    look: {
      field_of_view_deg: 30, distance: 4, elevation_deg: 20, turn_deg_per_s: 4, line: 2, line_ahead: 0.6, ahead: 0.3, behind: 0.9,
      far_width: 0.5, far_strength: 0.5, tail_s: 2, tail_width: 2, head: 7, halo: 30, halo_strength: 0.7, branch: 2,
    },
    ...changes,
  };
}
