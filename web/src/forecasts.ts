/** Forecasts in the page: those kept in the orbit, and "forecast from here", with their error as they grow. */
import { type Forecast, indexAt, type Orbit, type Player, project } from "./data";
import { h, svg } from "./dom";
import { shortNumber } from "./format";
import { errors, KNN } from "./knn";

const BUDGET_MS = 7; // of a frame, for computing
const STEPS_A_FRAME = 2; // of a forecast that grows on the screen
const LINGER_S = 3; // that a stored forecast stays once the sound has passed its end
const CHART = { width: 260, height: 84 };

/** A forecast of one orbit: computed a little each frame, then grown on the screen. */
interface Growing {
  readonly orbit: Orbit;
  readonly knn: KNN;
  forecast: Forecast | null;
  grown: number;
}

export class Forecasts {
  readonly panel: HTMLElement;
  private readonly neighbors = numberInput("Neighbours K", 5, 1, 100);
  private readonly steps = numberInput("Steps", 200, 1, 5000);
  private readonly said = h("p", { class: "said", role: "status" });
  private readonly chart = svg("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", class: "chart" });
  private readonly hidden = new Set<Forecast>();
  private growing: (Growing | null)[];

  constructor(
    private readonly player: Player,
    private readonly moment: () => number,
    private readonly changed: () => void,
  ) {
    this.growing = player.orbits.map(() => null);
    const make = h("button", { type: "button", class: "strong", click: () => this.start() }, "Forecast from here");
    const clear = h("button", { type: "button", click: () => this.clear() }, "Clear");
    const stored = player.orbits.flatMap((orbit) =>
      orbit.forecasts.map((forecast) => {
        const at = orbit.data.start_s + forecast.data.start * orbit.data.hop_s;
        const box = h("input", { type: "checkbox", checked: true });
        box.addEventListener("change", () => {
          if (box.checked) this.hidden.delete(forecast);
          else this.hidden.add(forecast);
          this.changed();
        });
        const where = player.orbits.length > 1 ? `${orbit.data.name}: ` : "";
        return h("label", { class: "check" }, box, `${where}${forecast.data.name} from ${at.toFixed(1)} s, ${forecast.steps} steps`);
      }),
    );
    this.panel = h(
      "section",
      { class: "panel forecasts", "aria-label": "Forecasts", hidden: true },
      h("h2", {}, "Forecast"),
      h("p", {}, "Nearest neighbours go on from the point in view. What lies within a window and the forecast's length of it is not known to them."),
      h("div", { class: "row" }, this.steps.label, this.neighbors.label),
      h("div", { class: "row" }, make, clear),
      this.chart,
      this.said,
      ...(stored.length ? [h("h2", {}, "Kept in the orbit"), ...stored] : []),
    );
    this.drawChart();
  }

  /** Those of an orbit that are to be drawn. */
  of(i: number): Forecast[] {
    const own = this.growing[i]?.forecast;
    return [...this.player.orbits[i].forecasts.filter((one) => !this.hidden.has(one)), ...(own ? [own] : [])];
  }

  /** How many steps of a forecast are to be seen. */
  grown(i: number, forecast: Forecast, head: number, all: boolean): number {
    const own = this.growing[i];
    if (own?.forecast === forecast) return own.grown;
    if (all) return forecast.steps;
    const gone = head - forecast.data.start;
    const lingering = LINGER_S / this.player.orbits[i].data.hop_s;
    return gone > forecast.steps + lingering ? 0 : Math.min(Math.max(gone, 0), forecast.steps);
  }

  start(): void {
    const steps = this.steps.value();
    const neighbors = this.neighbors.value();
    this.growing = this.player.orbits.map(() => null);
    try {
      this.growing = this.player.orbits.map((orbit) => {
        const start = Math.round(indexAt(orbit, this.moment()));
        const window = Math.max(1, Math.round(orbit.data.window_s / orbit.data.hop_s));
        return { orbit, knn: new KNN(orbit.points, orbit.dims, start, steps, neighbors, window), forecast: null, grown: 0 };
      });
      this.said.textContent = "computing …";
    } catch (error) {
      this.said.textContent = `No forecast: ${(error as Error).message}.`;
    }
    this.changed();
  }

  clear(): void {
    this.growing = this.player.orbits.map(() => null);
    this.said.textContent = "";
    this.drawChart();
    this.changed();
  }

  /** Do a frame's share of the work; true if something is to be painted. */
  advance(): boolean {
    let busy = false;
    const until = performance.now() + BUDGET_MS;
    this.growing.forEach((one) => {
      if (!one) return;
      while (!one.knn.done && performance.now() < until) one.knn.step();
      if (one.knn.done && !one.forecast) {
        one.forecast = forecastOf(one);
        this.changed();
      }
      if (one.forecast && one.grown < one.forecast.steps) {
        one.grown = Math.min(one.grown + STEPS_A_FRAME, one.forecast.steps);
        busy = true;
      }
      busy ||= !one.knn.done;
    });
    if (busy) this.drawChart();
    return busy;
  }

  /** The error of each step so far over the RMS radius of the path, first orbit. */
  errors(): number[] {
    const one = this.growing.find((some) => some?.forecast);
    if (!one) return [];
    const { orbit } = one;
    return errors(one.knn.forecast, orbit.points, orbit.dims, orbit.data.rms_radius).slice(0, Math.floor(one.grown) + 1);
  }

  private drawChart(): void {
    const found = this.errors();
    const { width, height } = CHART;
    const steps = this.growing.find((one) => one?.forecast)?.forecast?.steps ?? 1;
    const most = Math.max(1, ...found);
    this.chart.toggleAttribute("hidden", found.length === 0);
    if (!found.length) return;
    const x = (k: number) => 4 + ((width - 8) * k) / steps;
    const y = (value: number) => height - 16 - ((height - 26) * value) / most;
    const hopS = this.player.orbits[0].data.hop_s;
    const last = found[found.length - 1];
    const words = `after ${((found.length - 1) * hopS).toFixed(1)} s the error is ${shortNumber(last)} RMS radii`;
    this.chart.setAttribute("aria-label", `Error against the true path: ${words}`);
    const text = (content: string, at: Record<string, string | number>) => {
      const element = svg("text", at);
      element.textContent = content;
      return element;
    };
    this.chart.replaceChildren(
      svg("line", { x1: 4, x2: width - 4, y1: y(0), y2: y(0), class: "axis" }),
      svg("line", { x1: 4, x2: width - 4, y1: y(1), y2: y(1), class: "guide" }),
      text("1 RMS radius", { x: width - 4, y: y(1) - 3, "text-anchor": "end" }),
      text(`${(steps * hopS).toFixed(1)} s`, { x: width - 4, y: height - 3, "text-anchor": "end" }),
      text("0", { x: 4, y: height - 3 }),
      svg("polyline", { points: found.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }),
    );
    this.said.textContent = `Error: ${words}.`;
  }
}

function forecastOf({ orbit, knn }: Growing): Forecast {
  const { start, points, steps } = knn.forecast;
  const ahead = Float32Array.from(points);
  const shape = [steps + 1, orbit.dims];
  return {
    data: { name: "from here", knows: "leak-free", start, points: { dtype: "f32", shape, data: "" } },
    points: ahead,
    shown: project(orbit.data, ahead, start),
    steps,
  };
}

function numberInput(name: string, initial: number, low: number, high: number) {
  const input = h("input", { type: "number", min: low, max: high, step: 1, value: initial, inputmode: "numeric" });
  const value = () => {
    const whole = Math.round(Number(input.value));
    const kept = Number.isFinite(whole) && input.value !== "" ? Math.min(Math.max(whole, low), high) : initial;
    input.value = String(kept);
    return kept;
  };
  return { label: h("label", {}, name, input), value };
}
