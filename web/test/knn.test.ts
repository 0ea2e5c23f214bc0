/** "Forecast from here" against a plain twin, and against orbitscope.KNNForecaster on the same walk. */
import { describe, expect, it } from "vitest";
import { errors, KNN, libraryPoints } from "../src/knn";
import { walk } from "./made";

const DIMS = 3;

function forecast(points: Float32Array, start: number, steps: number, neighbors: number, window: number, dims = DIMS) {
  const knn = new KNN(points, dims, start, steps, neighbors, window);
  while (!knn.done) knn.step();
  return knn.forecast;
}

/** The definition, written down without a thought for speed. */
function twin(points: Float32Array, start: number, steps: number, neighbors: number, window: number, dims = DIMS): number[][] {
  const path = Array.from({ length: points.length / dims }, (_, i) => Array.from(points.slice(i * dims, (i + 1) * dims)));
  const gap = window + steps;
  const stretches = [path.slice(0, Math.max(0, start - gap)), path.slice(start + gap + 1)];
  const known = stretches.flatMap((stretch) => stretch.slice(0, -1).map((from, i) => ({ from, step: from.map((x, d) => stretch[i + 1][d] - x) })));
  const made = [path[start]];
  for (let k = 0; k < steps; k++) {
    const here = made[k];
    const ranked = known.map((one) => ({ ...one, away: Math.hypot(...one.from.map((x, d) => x - here[d])) }));
    const near = ranked.sort((one, other) => one.away - other.away).slice(0, neighbors);
    const same = near.filter((one) => one.away === 0);
    const used = same.length ? same.map((one) => ({ ...one, away: 1 })) : near;
    const total = used.reduce((sum, one) => sum + 1 / one.away, 0);
    made.push(here.map((x, d) => x + used.reduce((sum, one) => sum + one.step[d] / one.away / total, 0)));
  }
  return made;
}

describe("a forecast", () => {
  for (const [length, start, steps, neighbors, window] of [
    [400, 200, 40, 5, 10],
    [400, 0, 30, 1, 22],
    [400, 399, 30, 7, 22],
    [150, 20, 40, 20, 5],
    [150, 140, 3, 100, 1],
  ]) {
    it(`of ${neighbors} neighbours, ${steps} steps from point ${start} of ${length}, is that of the twin`, () => {
      const points = walk(length, DIMS);
      const { points: made, made: count } = forecast(points, start, steps, neighbors, window);
      expect(count).toBe(steps);
      const expected = twin(points, start, steps, neighbors, window).flat();
      expect(made.length).toBe(expected.length);
      expected.forEach((value, i) => expect(made[i]).toBeCloseTo(value, 9));
    });
  }

  it("works in 1 and in 12 dimensions", () => {
    for (const dims of [1, 12]) {
      const points = walk(300, dims, 5);
      const expected = twin(points, 150, 10, 5, 4, dims).flat();
      forecast(points, 150, 10, 5, 4, dims).points.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 9));
    }
  });

  it("is that of orbitscope.KNNForecaster in pipeline.forecast_orbit, leak-free", () => {
    const points = walk(400, DIMS);
    expect([points[0], points[1197], points[1199]]).toEqual([1.09375, 0.34375, -46.53125]);
    // from 4 s and 0.6 s of that walk as an orbit with hop_s 0.02 and window_s 0.2; steps 1, 6 and 12
    const known = {
      200: { neighbors: 5, after: [[-9.407714085591643, -21.348386732964855, -18.80098952353822], [-7.931403297151002, -18.450399324202447, -20.09619129641311], [-7.425338428598847, -18.092813984583795, -22.771746115254484]], error: 0.4261778602961621 },
      30: { neighbors: 3, after: [[4.0315963806080095, 0.07642403074620935, 1.05833599627899], [3.5121308850504014, -2.5157800613927113, 2.0841513312143922], [4.807581798168384, -1.4100576213256328, 2.0243812047005756]], error: 0.3281808884143538 },
    };
    for (const [start, { neighbors, after, error }] of Object.entries(known)) {
      const made = forecast(points, Number(start), 12, neighbors, 10);
      [1, 6, 12].forEach((step, at) => after[at].forEach((value, d) => expect(made.points[step * DIMS + d]).toBeCloseTo(value, 8)));
      expect(errors(made, points, DIMS, 17.56844559360792)[12]).toBeCloseTo(error, 9);
    }
  });

  it("is exact where the path repeats itself: points at distance 0 have all the weight", () => {
    const points = new Float32Array(600);
    for (let i = 0; i < 300; i++) points.set([i % 20, (i % 20) ** 2], 2 * i);
    const { points: made } = forecast(points, 150, 40, 5, 8, 2);
    for (let k = 0; k <= 40; k++) expect(Array.from(made.slice(2 * k, 2 * k + 2))).toEqual(Array.from(points.slice(2 * (150 + k), 2 * (150 + k) + 2)));
  });

  it("knows nothing of what lies within a window and its own length", () => {
    const [start, steps, window] = [200, 12, 10];
    const points = walk(400, DIMS);
    const changed = points.slice();
    for (let i = start - window - steps; i <= start + window + steps; i++) {
      if (i !== start) for (let d = 0; d < DIMS; d++) changed[i * DIMS + d] = 1e6 + i;
    }
    expect(forecast(changed, start, steps, 5, window).points).toEqual(forecast(points, start, steps, 5, window).points);
    // and all else counts: the ends of both stretches are the nearest points where they are moved there
    for (const i of [start - window - steps - 2, start + window + steps + 1]) {
      const near = points.slice();
      near.set(points.slice(start * DIMS, (start + 1) * DIMS), i * DIMS);
      const step = [0, 1, 2].map((d) => near[(i + 1) * DIMS + d] - near[i * DIMS + d]);
      const made = forecast(near, start, steps, 5, window).points;
      step.forEach((value, d) => expect(made[DIMS + d] - made[d]).toBeCloseTo(value, 9));
    }
  });

  it("leaves the path as it is", () => {
    const points = walk(200, DIMS);
    forecast(points, 100, 10, 5, 5);
    expect(points).toEqual(walk(200, DIMS));
  });
});

describe("what is left to learn from", () => {
  it("are the stretches [:start - gap] and [start + gap + 1:], without their last points", () => {
    const length = 40;
    const all = Array.from({ length }, (_, i) => i);
    for (const gap of [0, 1, 7, 25, 60]) {
      for (let start = 0; start < length; start++) {
        const before = all.slice(0, Math.max(0, start - gap)).slice(0, -1);
        const after = all.slice(start + gap + 1).slice(0, -1);
        expect([...libraryPoints(length, start, gap)]).toEqual([...before, ...after]);
      }
    }
  });

  it("is too little where fewer points than neighbours are left, and said so", () => {
    const points = walk(60, DIMS);
    expect(() => new KNN(points, DIMS, 30, 20, 1, 10)).toThrow("0 points are left to learn from, and 1 neighbours are asked for");
    expect(() => new KNN(points, DIMS, 30, 10, 26, 10)).toThrow("17 points are left to learn from, and 26 neighbours are asked for");
    expect(forecast(points, 30, 10, 17, 10).made).toBe(10);
  });
});

describe("the error", () => {
  it("is the distance over the radius, as far as the path goes, and 0 at the start", () => {
    const points = new Float32Array(Array.from({ length: 30 }, (_, i) => [i, 0]).flat());
    const knn = new KNN(points, 2, 25, 8, 1, 1);
    expect(errors(knn.forecast, points, 2, 4)).toEqual([0]);
    while (!knn.done) knn.step();
    // all move by 1 a step as the path does, so there is no error; the path ends 4 points on
    expect(errors(knn.forecast, points, 2, 4)).toEqual([0, 0, 0, 0, 0]);
    const moved = points.map((value, i) => (i === 2 * 27 + 1 ? 3 : value));
    expect(errors(knn.forecast, moved, 2, 4)).toEqual([0, 0, 0.75, 0, 0]);
    expect(errors(knn.forecast, moved, 2, 0)[2]).toBe(3);
  });
});
