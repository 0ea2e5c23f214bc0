/** The page's data, decoded: typed arrays instead of base64, paths already projected to where they are shown. */
import type { ColoringData, ForecastData, Look, Numbers, OrbitData, PlayerData, ThemeData } from "./schema";

export const SCHEMA = 1;

export interface Coloring {
  readonly data: ColoringData;
  /** 0 to 1, one a point. */
  readonly scaled: Float32Array;
}

export interface Forecast {
  readonly data: ForecastData;
  readonly points: Float32Array;
  /** Shown, (steps + 1, 3). */
  readonly shown: Float32Array;
  readonly steps: number;
}

export interface Orbit {
  readonly data: OrbitData;
  readonly dims: number;
  readonly length: number;
  /** (length, dims) */
  readonly points: Float32Array;
  /** Shown within the unit ball, (length, 3). */
  readonly shown: Float32Array;
  /** Indices of the points that lines are drawn between. */
  readonly drawn: Uint32Array;
  readonly flat: boolean;
  readonly colorings: readonly Coloring[];
  readonly forecasts: readonly Forecast[];
}

export interface Theme {
  readonly data: ThemeData;
  readonly map: Uint8Array;
  readonly cyclicMap: Uint8Array;
}

export interface Player {
  readonly data: PlayerData;
  readonly orbits: readonly Orbit[];
  readonly dark: Theme;
  readonly light: Theme;
  readonly look: Look;
}

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function arrayOf(numbers: Numbers): Float32Array | Uint8Array | Uint32Array {
  const { buffer } = bytesOf(numbers.data);
  const made =
    numbers.dtype === "f32" ? new Float32Array(buffer) : numbers.dtype === "u32" ? new Uint32Array(buffer) : new Uint8Array(buffer);
  const count = numbers.shape.reduce((product, size) => product * size, 1);
  if (made.length !== count) throw new Error(`${made.length} numbers where ${count} are announced`);
  return made;
}

export function decode(data: PlayerData): Player {
  if (data.schema !== SCHEMA) throw new Error(`data of version ${data.schema}; this page reads ${SCHEMA}`);
  return {
    data,
    orbits: data.orbits.map(orbitOf),
    dark: themeOf(data.dark),
    light: themeOf(data.light),
    look: data.look,
  };
}

/** Where points of latent space are shown; `first` is the place of the first of them in the path. */
export function project(data: OrbitData, points: Float32Array, first = 0): Float32Array {
  const dims = data.points.shape[1];
  const axes = arrayOf(data.axes);
  const count = points.length / dims;
  const shown = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    for (let axis = 0; axis < 3; axis++) {
      let sum = (first + i) * data.drift[axis] - data.offset[axis];
      for (let d = 0; d < dims; d++) sum += points[i * dims + d] * axes[d * 3 + axis];
      shown[3 * i + axis] = sum / data.radius;
    }
  }
  return shown;
}

function orbitOf(data: OrbitData): Orbit {
  const points = arrayOf(data.points) as Float32Array;
  const [length, dims] = data.points.shape;
  return {
    data,
    dims,
    length,
    points,
    shown: project(data, points),
    drawn: data.drawn ? (arrayOf(data.drawn) as Uint32Array) : Uint32Array.from({ length }, (_, i) => i),
    flat: data.axis_names.length < 3,
    colorings: data.colorings.map((one) => ({ data: one, scaled: Float32Array.from(arrayOf(one.scaled), (v) => v / 255) })),
    forecasts: data.forecasts.map((one) => {
      const ahead = arrayOf(one.points) as Float32Array;
      return { data: one, points: ahead, shown: project(data, ahead, one.start), steps: one.points.shape[0] - 1 };
    }),
  };
}

function themeOf(data: ThemeData): Theme {
  return { data, map: arrayOf(data.map) as Uint8Array, cyclicMap: arrayOf(data.cyclic_map) as Uint8Array };
}

/** The place in the path of a moment, with a fraction, kept within it. */
export function indexAt(orbit: Orbit, timeS: number): number {
  const index = (timeS - orbit.data.start_s) / orbit.data.hop_s;
  return Math.min(Math.max(index, 0), orbit.length - 1);
}

/**
 * Shown place of a fractional index, on a smooth line through the points: between two of them a cubic, with one velocity at
 * each, the mean of the displacements before and after it, no longer than the shorter of them. A point at rest stays at
 * rest, and a jump does not swing over.
 */
export function placeAt(shown: Float32Array, index: number): [number, number, number] {
  const last = shown.length / 3 - 1;
  const i = Math.min(Math.floor(index), last);
  const t = index - i;
  if (t <= 0) return [shown[3 * i], shown[3 * i + 1], shown[3 * i + 2]];
  const [from, to] = [velocityAt(shown, i, last), velocityAt(shown, i + 1, last)];
  const [a, b, c, d] = [(1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2, t * t * (3 - 2 * t), t * t * (t - 1)];
  const place = (axis: number) => a * shown[3 * i + axis] + b * from[axis] + c * shown[3 * i + 3 + axis] + d * to[axis];
  return [place(0), place(1), place(2)];
}

function velocityAt(shown: Float32Array, i: number, last: number): [number, number, number] {
  const step = (j: number): [number, number, number] => [
    shown[3 * j + 3] - shown[3 * j],
    shown[3 * j + 4] - shown[3 * j + 1],
    shown[3 * j + 5] - shown[3 * j + 2],
  ];
  if (i === 0) return step(0);
  if (i === last) return step(last - 1);
  const [before, after] = [step(i - 1), step(i)];
  const mean = before.map((value, axis) => (value + after[axis]) / 2) as [number, number, number];
  const most = Math.min(Math.hypot(...before), Math.hypot(...after));
  const scale = most / Math.max(Math.hypot(...mean), most, 1e-30);
  return mean.map((value) => value * scale) as [number, number, number];
}

/** Places to draw straight lines between, and the index in the path that each stands for. */
export interface Curve {
  readonly places: Float32Array;
  readonly indices: Float32Array;
}

const MOST_LINES = 30_000;
const FINEST = 6; // lines between two points

/** The curve through the points of a path, fine enough to look smooth; through the points drawn alone if not all are. */
export function curveThrough(shown: Float32Array, drawn: Uint32Array): Curve {
  const all = drawn.length === shown.length / 3;
  const fine = all ? Math.min(Math.max(Math.floor(MOST_LINES / drawn.length), 1), FINEST) : 1;
  const count = Math.max(0, drawn.length - 1) * fine + 1;
  const places = new Float32Array(3 * count);
  const indices = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    indices[i] = all ? i / fine : drawn[i];
    places.set(placeAt(shown, indices[i]), 3 * i);
  }
  return { places, indices };
}

export function valueAt(values: Float32Array, index: number, cyclic: boolean): number {
  const i = Math.min(Math.floor(index), values.length - 1);
  const j = Math.min(i + 1, values.length - 1);
  let step = values[j] - values[i];
  if (cyclic) step -= Math.round(step);
  const value = values[i] + (index - i) * step;
  return cyclic ? value - Math.floor(value) : value;
}
