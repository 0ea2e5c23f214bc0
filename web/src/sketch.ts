/** Without WebGL: the same paths as a still picture in the plane, and the point that is heard. */
import { type Forecast, placeAt, type Player, type Theme } from "./data";
import type { Painter, Picture } from "./painter";
import { css } from "./strip";

const RADIANS = Math.PI / 180;
const SHADES = 64;

export class Sketch implements Painter {
  private theme: Theme;
  private coloring = "time";
  private still: HTMLCanvasElement | null = null;
  private changed = true;

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly player: Player,
  ) {
    this.theme = player.dark;
  }

  setTheme(dark: boolean): void {
    this.theme = dark ? this.player.dark : this.player.light;
    this.forget();
  }

  setColoring(name: string): void {
    this.coloring = name;
    this.forget();
  }

  setForecasts(_orbit: number, _forecasts: readonly Forecast[]): void {}
  setTurning(_degPerS: number): void {}
  resetView(): void {}

  resize(): void {
    const ratio = Math.min(devicePixelRatio, 2);
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.forget();
  }

  moving(): boolean {
    return this.changed;
  }

  paint(picture: Picture, _nowMs: number): void {
    const context = this.canvas.getContext("2d");
    if (!context || !this.canvas.width) return;
    this.changed = false;
    this.still ??= this.drawStill();
    context.drawImage(this.still, 0, 0);
    if (picture.overview) return;
    this.player.orbits.forEach((orbit, i) => {
      const [x, y] = this.onScreen(i, placeAt(orbit.shown, picture.heads[i]));
      const unit = this.canvas.height / 1000;
      context.fillStyle = css(this.theme.data.head, 0.25);
      disc(context, x, y, 16 * unit);
      context.fillStyle = css(this.theme.data.head);
      disc(context, x, y, this.player.look.head * unit);
    });
  }

  snapshot(picture: Picture, nowMs: number): Promise<Blob | null> {
    this.paint(picture, nowMs);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  axes(): [number, number, number][] {
    return [];
  }

  private forget(): void {
    this.still = null;
    this.changed = true;
  }

  private drawStill(): HTMLCanvasElement {
    const still = document.createElement("canvas");
    const { width, height } = this.canvas;
    still.width = width;
    still.height = height;
    const context = still.getContext("2d")!;
    const { data } = this.theme;
    const ground = context.createRadialGradient(width / 2, height / 2, 0, width / 2, height / 2, 0.85 * Math.max(width, height));
    ground.addColorStop(0, css(data.ground));
    ground.addColorStop(1, css(data.ground_edge));
    context.fillStyle = ground;
    context.fillRect(0, 0, width, height);
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = Math.max(1, (this.player.look.line * height) / 1000);
    this.player.orbits.forEach((orbit, i) => {
      const coloring = orbit.colorings.find((one) => one.data.name === this.coloring) ?? orbit.colorings[0];
      const map = coloring.data.cyclic ? this.theme.cyclicMap : this.theme.map;
      for (let at = 0; at < orbit.drawn.length - 1; ) {
        const shade = Math.round(coloring.scaled[orbit.drawn[at]] * SHADES);
        const color = 3 * Math.round((shade / SHADES) * 255);
        context.strokeStyle = css([map[color], map[color + 1], map[color + 2]], 0.8);
        context.beginPath();
        context.moveTo(...this.onScreen(i, placeAt(orbit.shown, orbit.drawn[at])));
        do {
          at += 1;
          context.lineTo(...this.onScreen(i, placeAt(orbit.shown, orbit.drawn[at])));
        } while (at < orbit.drawn.length - 1 && Math.round(coloring.scaled[orbit.drawn[at]] * SHADES) === shade);
        context.stroke();
      }
    });
    return still;
  }

  private onScreen(i: number, [x, y, z]: [number, number, number]): [number, number] {
    const { orbits, look } = this.player;
    const width = this.canvas.width / orbits.length;
    const half = (Math.min(width, this.canvas.height) / 2) * 0.9;
    let [across, up] = [x, y];
    if (!orbits[i].flat) {
      const azimuth = orbits[0].data.azimuth_deg * RADIANS;
      const elevation = look.elevation_deg * RADIANS;
      across = -x * Math.sin(azimuth) + y * Math.cos(azimuth);
      const towards = x * Math.cos(azimuth) + y * Math.sin(azimuth);
      up = z * Math.cos(elevation) - towards * Math.sin(elevation);
    }
    return [(i + 0.5) * width + across * half, this.canvas.height / 2 - up * half];
  }
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
