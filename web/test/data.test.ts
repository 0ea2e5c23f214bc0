/** The page's data: what is decoded is what was written, and what lies between points. */
import { describe, expect, it } from "vitest";
import { arrayOf, bytesOf, curveThrough, decode, indexAt, placeAt, project, SCHEMA, valueAt } from "../src/data";
import type { PlayerData } from "../src/schema";
import { forecastData, numbers, orbitData, playerData, walk } from "./made";

describe("base64", () => {
  it("of known texts is their bytes (RFC 4648, section 10)", () => {
    const known = { "": "", "Zg==": "f", "Zm8=": "fo", "Zm9v": "foo", "Zm9vYmFy": "foobar" };
    for (const [coded, text] of Object.entries(known)) expect(String.fromCharCode(...bytesOf(coded))).toBe(text);
  });

  it("of all bytes comes back", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(bytesOf(numbers(bytes).data)).toEqual(bytes);
  });

  it("is little-endian numbers, as Python's struct packs them", () => {
    // base64(struct.pack("<3f", 1.0, -0.1, 1e-40)), ("<2I", 1, 4294967295)
    expect(arrayOf({ dtype: "f32", shape: [3], data: "AACAP83MzL3CFgEA" })).toEqual(Float32Array.of(1, -0.1, 1e-40));
    expect(arrayOf({ dtype: "u32", shape: [2], data: "AQAAAP////8=" })).toEqual(Uint32Array.of(1, 4294967295));
    expect(arrayOf({ dtype: "u8", shape: [1, 4], data: "AQAAAA==" })).toEqual(Uint8Array.of(1, 0, 0, 0));
  });

  it("of too few or too many numbers is refused", () => {
    expect(() => arrayOf({ dtype: "u8", shape: [2, 3], data: "AQAAAA==" })).toThrow("4 numbers where 6 are announced");
    expect(() => arrayOf({ dtype: "u32", shape: [0], data: "AQAAAA==" })).toThrow("1 numbers where 0");
    expect(() => arrayOf({ dtype: "f32", shape: [1], data: "AQAA" })).toThrow();
  });
});

describe("decoding", () => {
  it("gives paths, colours and forecasts in their places", () => {
    const points = walk(50, 3);
    const scaled = { name: "time", label: "time", unit: "s", low: 0, high: 1, cyclic: false, scaled: numbers(Uint8Array.of(0, 51, 255)) };
    const ahead = walk(8, 3, 7);
    const { orbits } = decode(playerData([orbitData(points, 3, { colorings: [scaled], forecasts: [forecastData(ahead, 3, 20)] }), orbitData(walk(9, 2), 2)]));
    expect(orbits.map(({ dims, length, flat }) => ({ dims, length, flat }))).toEqual([
      { dims: 3, length: 50, flat: false },
      { dims: 2, length: 9, flat: true },
    ]);
    expect(orbits[0].points).toEqual(points);
    expect(orbits[0].shown).toEqual(points);
    expect(Array.from(orbits[0].drawn)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    [0, 0.2, 1].forEach((value, i) => expect(orbits[0].colorings[0].scaled[i]).toBeCloseTo(value, 6));
    expect(orbits[0].forecasts[0]).toMatchObject({ steps: 7, points: ahead, shown: ahead });
  });

  it("takes the points to draw from the page where not all are drawn", () => {
    const { orbits } = decode(playerData([orbitData(walk(50, 3), 3, { drawn: numbers(Uint32Array.of(0, 7, 49)) })]));
    expect(orbits[0].drawn).toEqual(Uint32Array.of(0, 7, 49));
  });

  it("refuses another version", () => {
    const later = { ...playerData([]), schema: SCHEMA + 1 } as unknown as PlayerData;
    expect(() => decode(later)).toThrow(`data of version ${SCHEMA + 1}; this page reads ${SCHEMA}`);
  });
});

describe("where points are shown", () => {
  it("is (points @ axes + i * drift - offset) / radius", () => {
    for (const dims of [1, 2, 3, 12]) {
      const points = walk(40, dims, dims);
      const axes = walk(dims, 3, 11);
      const data = orbitData(points, dims, { axes: numbers(axes, [dims, 3]), drift: [0.5, 0, -0.25], offset: [1, 2, 3], radius: 4 });
      const shown = project(data, points, 5);
      expect(shown.length).toBe(120);
      for (let i = 0; i < 40; i++) {
        for (let axis = 0; axis < 3; axis++) {
          const along = Array.from({ length: dims }, (_, d) => points[i * dims + d] * axes[3 * d + axis]).reduce((a, b) => a + b, 0);
          expect(shown[3 * i + axis]).toBeCloseTo((along + (5 + i) * data.drift[axis] - data.offset[axis]) / 4, 4);
        }
      }
    }
  });

  it("of a forecast begins on the path, over time too", () => {
    const points = walk(40, 1);
    const data = orbitData(points, 1, { drift: [0, 0.5, 0], radius: 3, forecasts: [forecastData(points.slice(12, 20), 1, 12)] });
    const orbit = decode(playerData([data])).orbits[0];
    expect(orbit.forecasts[0].shown).toEqual(orbit.shown.slice(36, 60));
  });
});

describe("the place in the path of a moment", () => {
  const orbit = decode(playerData([orbitData(walk(101, 3), 3)])).orbits[0]; // from 1.25 s to 3.75 s

  it.each([
    [1.25, 0],
    [1.2625, 0.5],
    [2.5, 50],
    [3.75, 100],
    [0, 0],
    [-1e9, 0],
    [3.76, 100],
    [1e9, 100],
  ])("%d s is %d", (timeS, index) => expect(indexAt(orbit, timeS)).toBeCloseTo(index, 9));
});

describe("the curve between points", () => {
  const shown = walk(60, 3);
  const point = (i: number) => Array.from(shown.slice(3 * i, 3 * i + 3));

  it("passes through the points exactly", () => {
    for (let i = 0; i < 60; i++) expect(placeAt(shown, i)).toEqual(point(i));
  });

  it("is continuous, with its direction, at every point", () => {
    const eps = 1e-6;
    for (let i = 1; i < 59; i++) {
      const [before, at, after] = [placeAt(shown, i - eps), placeAt(shown, i), placeAt(shown, i + eps)];
      for (let axis = 0; axis < 3; axis++) {
        expect(Math.abs(before[axis] - at[axis])).toBeLessThan(1e-4);
        expect(Math.abs((at[axis] - before[axis]) / eps - (after[axis] - at[axis]) / eps)).toBeLessThan(1e-3);
      }
      // the velocity at a point: the mean of the steps before and after it, no longer than the shorter of them
      const steps = [i, i + 1].map((j) => point(j).map((value, axis) => value - point(j - 1)[axis]));
      const mean = [0, 1, 2].map((axis) => (steps[0][axis] + steps[1][axis]) / 2);
      const most = Math.min(...steps.map((step) => Math.hypot(...step)));
      const share = Math.min(1, most / Math.hypot(...mean));
      mean.forEach((value, axis) => expect((after[axis] - before[axis]) / (2 * eps)).toBeCloseTo(value * share, 4));
    }
  });

  it("of a line is the line", () => {
    const made = Float32Array.from({ length: 36 }, (_, i) => [Math.floor(i / 3), 2 * Math.floor(i / 3) - 3, 7][i % 3]);
    for (let index = 0; index <= 11; index += 0.125) {
      [index, 2 * index - 3, 7].forEach((value, axis) => expect(placeAt(made, index)[axis]).toBeCloseTo(value, 9));
    }
  });

  it("stays at rest with the path, and does not swing over at a jump", () => {
    const jump = new Float32Array(24).map((_, i) => (i >= 12 ? 1 : 0)); // four points at 0, four at 1
    for (let index = 0; index <= 7; index += 0.05) {
      const [x] = placeAt(jump, index);
      expect(x).toBeGreaterThanOrEqual(-1e-12);
      expect(x).toBeLessThanOrEqual(1 + 1e-12);
      if (index <= 3) expect(x).toBeCloseTo(0, 12);
      if (index >= 4) expect(x).toBeCloseTo(1, 12);
    }
  });

  it("ends at the ends", () => {
    expect(placeAt(shown, 59)).toEqual(point(59));
    expect(placeAt(shown.slice(0, 3), 0)).toEqual(point(0));
    expect(placeAt(shown, 58.999999)[0]).toBeCloseTo(point(59)[0], 4);
  });
});

describe("the lines that are drawn", () => {
  const every = (length: number) => Uint32Array.from({ length }, (_, i) => i);

  it("go through all points, with five more between two of a short path", () => {
    const shown = walk(80, 3);
    const { places, indices } = curveThrough(shown, every(80));
    expect(indices.length).toBe(79 * 6 + 1);
    for (let i = 0; i < 80; i++) {
      expect(indices[6 * i]).toBe(i);
      expect(places.slice(18 * i, 18 * i + 3)).toEqual(shown.slice(3 * i, 3 * i + 3));
    }
    for (let k = 0; k < indices.length; k++) {
      expect(indices[k]).toBeCloseTo(k / 6, 5);
      placeAt(shown, k / 6).forEach((value, axis) => expect(places[3 * k + axis]).toBeCloseTo(value, 3));
    }
  });

  it("are no more than the points themselves or 60,000, as many between any two points", () => {
    for (const length of [2, 3000, 15_000, 20_000, 50_000, 70_000]) {
      const { indices } = curveThrough(new Float32Array(3 * length), every(length));
      const fine = (indices.length - 1) / (length - 1);
      expect(Number.isInteger(fine)).toBe(true);
      expect(indices.length).toBeLessThanOrEqual(Math.max(60_000, length));
      expect([indices[fine], indices[indices.length - 1]]).toEqual([1, length - 1]);
    }
  });

  it("go through the points that are to be drawn alone, straight", () => {
    const shown = walk(200_000, 1).reduce((all, x, i) => all.fill(x, 3 * i, 3 * i + 3), new Float32Array(600_000));
    const drawn = Uint32Array.of(0, 3, 4, 100_001, 199_999);
    const { places, indices } = curveThrough(shown, drawn);
    expect(Array.from(indices)).toEqual(Array.from(drawn));
    drawn.forEach((i, k) => expect(places.slice(3 * k, 3 * k + 3)).toEqual(shown.slice(3 * i, 3 * i + 3)));
  });

  it("are none of a single point", () => {
    const { places, indices } = curveThrough(Float32Array.of(1, 2, 3), every(1));
    expect([Array.from(places), Array.from(indices)]).toEqual([[1, 2, 3], [0]]);
  });
});

describe("values between points", () => {
  const values = Float32Array.of(0.25, 0.75, 0.5);

  it("lie on the line between them, and stay at the end", () => {
    expect([0, 0.5, 1, 1.5, 2, 2.5, 7].map((index) => valueAt(values, index, false))).toEqual([0.25, 0.5, 0.75, 0.625, 0.5, 0.5, 0.5]);
  });

  it("of an angle go the shorter way round", () => {
    const angles = Float32Array.of(0.875, 0.125, 0.875);
    const found = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.75].map((index) => valueAt(angles, index, true));
    expect(found).toEqual([0.875, 0.9375, 0, 0.0625, 0.125, 0.0625, 0.9375]);
    expect([0, 0.5, 1].map((index) => valueAt(angles, index, false))).toEqual([0.875, 0.5, 0.125]);
  });

  it("of an angle stay in [0, 1) and close to the angle", () => {
    const turns = Float32Array.from({ length: 500 }, (_, i) => Math.round(255 * ((i * 0.13) % 1)) / 255);
    for (let index = 0; index < 499; index += 0.21) {
      const value = valueAt(turns, index, true);
      expect(value >= 0 && value < 1).toBe(true);
      const off = value - index * 0.13;
      expect(Math.abs(off - Math.round(off))).toBeLessThan(1 / 255);
    }
  });
});
