/** The strip's backdrop for sound: its spectrogram in the theme's colours, and how loud it was. */
import { arrayOf, bytesOf, type Theme } from "./data";
import type { SpectrogramData } from "./schema";
import { type Backdrop, css } from "./strip";

export class Spectrogram implements Backdrop {
  readonly label = "Spectrogram and loudness";
  private readonly level: Uint8Array;
  private colored: { dark: boolean; canvas: HTMLCanvasElement } | null = null;

  private constructor(
    private readonly data: SpectrogramData,
    private readonly grey: ImageData,
  ) {
    this.level = arrayOf(data.level) as Uint8Array;
  }

  static async load(data: SpectrogramData): Promise<Spectrogram> {
    const image = await createImageBitmap(new Blob([bytesOf(data.image)], { type: data.mime }));
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(image, 0, 0);
    return new Spectrogram(data, context.getImageData(0, 0, image.width, image.height));
  }

  draw(context: CanvasRenderingContext2D, width: number, height: number, startS: number, endS: number, theme: Theme, dark: boolean): void {
    const { data } = this;
    const perS = width / (endS - startS);
    const left = (data.start_s - startS) * perS;
    const wide = (data.end_s - data.start_s) * perS;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.inColor(theme, dark), left, 0, wide, height);
    context.strokeStyle = css(theme.data.ink, 0.6);
    context.lineWidth = 1;
    context.lineJoin = "round";
    context.beginPath();
    const stride = Math.max(1, Math.floor(this.level.length / (2 * wide)));
    for (let i = 0; i < this.level.length; i += stride) {
      const x = left + ((i + stride / 2) / this.level.length) * wide;
      const most = this.level.subarray(i, i + stride).reduce((a, b) => Math.max(a, b), 0);
      context.lineTo(x, height - 2 - (most / 255) * 0.4 * height);
    }
    context.stroke();
    context.font = "10px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const tick of data.ticks) {
      const y = Math.round(height * (1 - tick.at));
      if (y < 7 || y > height - 7) continue;
      context.fillStyle = css(theme.data.ground, 0.55);
      context.fillRect(3, y - 7, context.measureText(tick.label).width + 6, 14);
      context.fillStyle = css(theme.data.ink, 0.8);
      context.fillText(tick.label, 6, y + 0.5);
    }
  }

  private inColor(theme: Theme, dark: boolean): HTMLCanvasElement {
    if (this.colored?.dark === dark) return this.colored.canvas;
    const { width, height, data: from } = this.grey;
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d")!;
    const made = context.createImageData(width, height);
    const { ground } = theme.data;
    for (let i = 0; i < from.length; i += 4) {
      const value = from[i];
      // from the ground through the lower part of the map: the path above stays the brightest thing on the page
      const color = 3 * Math.round(dark ? 0.85 * value : 0.9 * value);
      const strength = Math.min(1, value / 110) * 0.9;
      for (let c = 0; c < 3; c++) made.data[i + c] = ground[c] + (theme.map[color + c] - ground[c]) * strength;
      made.data[i + 3] = 255;
    }
    context.putImageData(made, 0, 0);
    this.colored = { dark, canvas };
    return canvas;
  }
}
