/** The colour scale: a bar with its ends, its name and its unit. */
import type { Coloring, Theme } from "./data";
import { h } from "./dom";
import { clockTime, shortNumber } from "./format";

export class Legend {
  readonly element = h("div", { class: "legend", role: "img" });
  private readonly bar = h("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  private readonly low = h("span");
  private readonly high = h("span");
  private readonly name = h("span", { class: "name" });

  constructor() {
    this.element.append(this.name, h("div", { class: "scale" }, this.low, this.bar, this.high));
  }

  show({ data }: Coloring, theme: Theme): void {
    const context = this.bar.getContext("2d")!;
    const pixels = context.createImageData(256, 1);
    const map = data.cyclic ? theme.cyclicMap : theme.map;
    for (let i = 0; i < 256; i++) pixels.data.set([map[3 * i], map[3 * i + 1], map[3 * i + 2], 255], 4 * i);
    context.putImageData(pixels, 0, 0);
    const shown = (value: number) => (data.name === "time" ? clockTime(value, 0) : shortNumber(value));
    this.low.textContent = shown(data.low);
    this.high.textContent = shown(data.high);
    this.name.textContent = data.name === "time" ? data.label : `${data.label}, ${data.unit}`;
    this.element.setAttribute("aria-label", `Colour is ${data.label}, from ${shown(data.low)} to ${shown(data.high)} ${data.unit}`);
  }
}
