/**
 * "Forecast from here": nearest neighbours in latent space, step by step, as orbitscope.KNNForecaster with distance
 * weights. What lies within window + steps of the initial point is not known to it ("leak-free").
 */
export interface KNNForecast {
  readonly start: number;
  /** (steps + 1, dims), as far as it has been made. */
  readonly points: Float64Array;
  made: number;
  readonly steps: number;
}

export class KNN {
  private readonly candidates: Uint32Array;
  private readonly current: Float64Array;
  readonly forecast: KNNForecast;

  constructor(
    private readonly points: Float32Array,
    private readonly dims: number,
    start: number,
    steps: number,
    private readonly neighbors: number,
    window: number,
  ) {
    this.candidates = Uint32Array.from(libraryPoints(points.length / dims, start, window + steps));
    if (this.candidates.length < neighbors) {
      throw new Error(
        `${this.candidates.length} points are left to learn from, and ${neighbors} neighbours are asked for: choose fewer steps or neighbours`,
      );
    }
    this.current = Float64Array.from(points.subarray(start * dims, (start + 1) * dims));
    const ahead = new Float64Array((steps + 1) * dims);
    ahead.set(this.current);
    this.forecast = { start, points: ahead, made: 0, steps };
  }

  get done(): boolean {
    return this.forecast.made >= this.forecast.steps;
  }

  /** One step on. */
  step(): void {
    const { points, dims, neighbors, candidates, current } = this;
    const near = new Float64Array(neighbors).fill(Number.POSITIVE_INFINITY);
    const found = new Uint32Array(neighbors);
    for (const candidate of candidates) {
      let squared = 0;
      for (let d = 0; d < dims; d++) squared += (points[candidate * dims + d] - current[d]) ** 2;
      if (squared >= near[neighbors - 1]) continue;
      let place = neighbors - 1;
      for (; place > 0 && near[place - 1] > squared; place--) {
        near[place] = near[place - 1];
        found[place] = found[place - 1];
      }
      near[place] = squared;
      found[place] = candidate;
    }
    const weights = weightsOf(near);
    for (let d = 0; d < dims; d++) {
      let moved = 0;
      for (let k = 0; k < neighbors; k++) {
        moved += weights[k] * (points[(found[k] + 1) * dims + d] - points[found[k] * dims + d]);
      }
      current[d] += moved;
    }
    this.forecast.made += 1;
    this.forecast.points.set(current, this.forecast.made * dims);
  }
}

/** Points with a next one, in the stretches before and after what is not known. */
export function* libraryPoints(length: number, start: number, gap: number): Generator<number> {
  for (let i = 0; i < Math.max(0, start - gap) - 1; i++) yield i;
  for (let i = start + gap + 1; i < length - 1; i++) yield i;
}

/** 1 / distance, normalised; points at distance 0, if any, share all the weight. */
function weightsOf(squared: Float64Array): Float64Array {
  const least = Math.sqrt(squared[0]);
  const weights = squared.map((value) => (least === 0 ? Number(value === 0) : least / Math.sqrt(value)));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

/** Distance of each step from the true path, over its RMS radius; as far as both go. */
export function errors(forecast: KNNForecast, points: Float32Array, dims: number, radius: number): number[] {
  const last = Math.min(forecast.made, points.length / dims - 1 - forecast.start);
  return Array.from({ length: last + 1 }, (_, k) => {
    let squared = 0;
    for (let d = 0; d < dims; d++) squared += (forecast.points[k * dims + d] - points[(forecast.start + k) * dims + d]) ** 2;
    return Math.sqrt(squared) / (radius || 1);
  });
}
