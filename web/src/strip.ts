/** Time under the picture: a backdrop of the recording, the window that is heard at its true width, and the place to seek. */
import { h } from "./dom";
import { clockTime, spokenTime, timeStep } from "./format";
import type { Theme } from "./data";
import type { Transport } from "./transport";

/** What lies behind the time line: the spectrogram of a sound, or later the frames of a video, the curves of a series. */
export interface Backdrop {
  readonly label: string;
  /** Draw the stretch from startS to endS into a box of that size, in CSS pixels. */
  draw(context: CanvasRenderingContext2D, width: number, height: number, startS: number, endS: number, theme: Theme, dark: boolean): void;
}

const AXIS = 18; // pixels for the time axis

export class TimeStrip {
  readonly element: HTMLElement;
  private readonly base = h("canvas", { "aria-hidden": "true" });
  private readonly over = h("canvas", { "aria-hidden": "true", class: "over" });
  private readonly slider: HTMLElement;
  private pressed: { fromS: number; looping: boolean } | null = null;
  private theme: Theme | null = null;
  private dark = true;

  constructor(
    private readonly transport: Transport,
    private readonly backdrop: Backdrop | null,
    private readonly windowsS: readonly number[],
    private readonly seekTo: (timeS: number) => void,
  ) {
    this.slider = h(
      "div",
      {
        class: "slider",
        role: "slider",
        tabindex: 0,
        "aria-label": "Position in the recording",
        "aria-valuemin": transport.startS.toFixed(2),
        "aria-valuemax": transport.endS.toFixed(2),
      },
      this.base,
      this.over,
    );
    this.element = h("section", { class: "strip", "aria-label": backdrop?.label ?? "Time" }, this.slider);
    this.slider.addEventListener("pointerdown", (event) => this.press(event));
    this.slider.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"] as const) this.slider.addEventListener(name, () => (this.pressed = null));
  }

  setTheme(theme: Theme, dark: boolean): void {
    this.theme = theme;
    this.dark = dark;
    this.resize();
  }

  /** Draw what does not change with time. */
  resize(): void {
    const [width, height] = this.fit(this.base);
    this.fit(this.over);
    const context = this.base.getContext("2d");
    if (!context || !this.theme || width < 10) return;
    const { startS, endS } = this.transport;
    const { data } = this.theme;
    const deep = height - AXIS;
    context.clearRect(0, 0, width, height);
    this.backdrop?.draw(context, width, deep, startS, endS, this.theme, this.dark);
    context.fillStyle = context.strokeStyle = css(data.soft);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "bottom";
    context.lineWidth = 1;
    const step = timeStep(endS - startS, width / 70);
    for (let t = Math.ceil(startS / step - 1e-9) * step; t <= endS; t += step) {
      const x = this.xOf(t, width);
      context.fillRect(Math.round(x), deep, 1, 4);
      const text = clockTime(t, step < 1 ? 1 : 0);
      const half = context.measureText(text).width / 2;
      context.fillText(text, Math.min(Math.max(x - half, 1), width - 2 * half - 1), height);
    }
  }

  paint(timeS: number): void {
    const context = this.over.getContext("2d");
    if (!context || !this.theme) return;
    const width = this.over.clientWidth;
    const deep = this.over.clientHeight - AXIS;
    const { data } = this.theme;
    context.clearRect(0, 0, width, deep + AXIS);
    const { loop } = this.transport;
    if (loop) {
      context.fillStyle = css(data.ink, 0.14);
      context.fillRect(this.xOf(loop.startS, width), 0, this.xOf(loop.endS, width) - this.xOf(loop.startS, width), deep);
      context.fillStyle = css(data.ink, 0.8);
      for (const at of [loop.startS, loop.endS]) context.fillRect(Math.round(this.xOf(at, width)) - 1, 0, 2, deep);
    }
    for (const windowS of this.windowsS) {
      const left = this.xOf(timeS - windowS / 2, width);
      const wide = Math.max(1, this.xOf(timeS + windowS / 2, width) - left);
      context.fillStyle = css(data.head, this.dark ? 0.2 : 0.12);
      context.fillRect(left, 0, wide, deep);
      context.strokeStyle = css(data.head, 0.55);
      context.strokeRect(Math.round(left) + 0.5, 0.5, Math.max(1, Math.round(wide) - 1), deep - 1);
    }
    context.fillStyle = css(data.head);
    context.fillRect(Math.round(this.xOf(timeS, width)) - 1, 0, 2, deep + 3);
    this.slider.setAttribute("aria-valuenow", timeS.toFixed(2));
    this.slider.setAttribute("aria-valuetext", `${spokenTime(timeS)} of ${spokenTime(this.transport.endS)}`);
  }

  private xOf(timeS: number, width: number): number {
    const { startS, endS } = this.transport;
    return ((timeS - startS) / Math.max(endS - startS, 1e-9)) * width;
  }

  private timeOf(event: PointerEvent): number {
    const box = this.slider.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return this.transport.startS + share * (this.transport.endS - this.transport.startS);
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.slider.setPointerCapture(event.pointerId);
    this.pressed = { fromS: this.timeOf(event), looping: event.shiftKey };
    if (!event.shiftKey) this.seekTo(this.pressed.fromS);
  }

  private drag(event: PointerEvent): void {
    if (!this.pressed) return;
    const timeS = this.timeOf(event);
    const { fromS, looping } = this.pressed;
    if (looping) this.transport.setLoop({ startS: Math.min(fromS, timeS), endS: Math.max(fromS, timeS) });
    else this.seekTo(timeS);
  }

  private fit(canvas: HTMLCanvasElement): [number, number] {
    const { clientWidth: width, clientHeight: height } = this.slider;
    const ratio = Math.min(devicePixelRatio, 2);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.getContext("2d")?.setTransform(ratio, 0, 0, ratio, 0, 0);
    return [width, height];
  }
}

export function css(color: readonly number[], alpha = 1): string {
  return `rgba(${color[0]}, ${color[1]}, ${color[2]}, ${alpha})`;
}
