/** What draws orbits: on the graphics card (stage.ts), or without one (sketch.ts). */
import type { Forecast } from "./data";

export interface Picture {
  /** Of each orbit, the fractional index of the point that is heard. */
  readonly heads: readonly number[];
  /** Before anything was played: the whole path, no point. */
  readonly overview: boolean;
  readonly tailS: number;
  /** Whether the picture before was painted in the screen frame before. */
  readonly steady: boolean;
  /** How many steps of a forecast of orbit `i` are to be seen, with a fraction; 0 hides it. */
  grown(i: number, forecast: Forecast): number;
}

export interface Painter {
  readonly canvas: HTMLCanvasElement;
  setTheme(dark: boolean): void;
  setColoring(name: string): void;
  setForecasts(orbit: number, forecasts: readonly Forecast[]): void;
  setTurning(degPerS: number): void;
  resetView(): void;
  resize(): void;
  /** Whether the picture would differ if it were painted again with the same heads. */
  moving(): boolean;
  paint(picture: Picture, nowMs: number): void;
  snapshot(picture: Picture, nowMs: number): Promise<Blob | null>;
  axes(): [number, number, number][];
}
