/** The page: puts its parts together and lets them follow one clock. */
import { indexAt, type Player } from "./data";
import { h, iconButton, setIcon } from "./dom";
import { Forecasts } from "./forecasts";
import { clockTime } from "./format";
import { helpDialog } from "./help";
import { type Command, listen } from "./keys";
import { Legend } from "./legend";
import type { Painter, Picture } from "./painter";
import { settingsPanel } from "./settings";
import { type Backdrop, css, TimeStrip } from "./strip";
import { RATES, type Transport } from "./transport";

const ARROW_S = 1;
const LONG_ARROW_S = 5;

export class App {
  private readonly strip: TimeStrip;
  private readonly forecasts: Forecasts;
  private readonly legend = new Legend();
  private readonly clock = h("span", { class: "clock" });
  private readonly playButton: HTMLButtonElement;
  private readonly loopButton: HTMLButtonElement;
  private readonly rate: HTMLSelectElement;
  private readonly color: HTMLSelectElement;
  private readonly tail = h("input", { type: "range", min: 0, max: 10, step: 0.1, "aria-label": "Length of the tail in seconds" });
  private readonly turning = h("input", { type: "checkbox" });
  private readonly settings: HTMLElement;
  private readonly help: HTMLDialogElement;
  private readonly said = h("p", { class: "toast", role: "status", "aria-live": "polite" });
  private loopStartS: number | null = null;
  private overview = true;
  private dirty = true;
  private steady = false;
  private dark = true;
  /** The moment that was drawn last, when by the screen's clock, and how many pictures were. */
  drawnS = 0;
  drawnAtMs = 0;
  paints = 0;
  /** Milliseconds from the opening of the page to its first picture. */
  firstPictureMs = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly player: Player,
    private readonly painter: Painter,
    readonly transport: Transport,
    backdrop: Backdrop | null,
    notice: string,
  ) {
    const { data, orbits } = player;
    const windows = [...new Set(orbits.map((orbit) => orbit.data.window_s))];
    this.strip = new TimeStrip(transport, backdrop, windows, (timeS) => this.seek(timeS));
    this.forecasts = new Forecasts(player, () => this.drawnS, () => this.showForecasts());
    this.playButton = iconButton("play", "Play", "space", () => void this.toggle());
    this.playButton.classList.add("play");
    this.loopButton = iconButton("loop", "Loop: set its start", "L", () => this.stepLoop());
    this.rate = h("select", { "aria-label": "Speed", title: "Speed (↑ ↓)" }, ...RATES.map((r) => h("option", { value: r, selected: r === 1 }, `${r} ×`)));
    this.rate.addEventListener("change", () => (this.transport.rate = Number(this.rate.value)));
    this.color = h("select", { "aria-label": "Colour by", title: "Colour by (C)" });
    for (const { data: one } of orbits[0].colorings) this.color.append(h("option", { value: one.name }, one.name));
    this.color.addEventListener("change", () => this.showColoring());
    for (const list of [this.rate, this.color]) list.addEventListener("change", () => list.blur());
    this.tail.value = String(player.look.tail_s);
    this.tail.addEventListener("input", () => (this.dirty = true));
    this.turning.checked = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.turning.addEventListener("change", () => this.turn());
    this.settings = settingsPanel(this.tail, this.turning, transport, () => (this.dirty = true));
    const commands = this.commands();
    this.help = helpDialog(commands, data.made_by);
    listen(commands);
    this.build(notice);
    transport.onChange(() => this.showTransport());
    new ResizeObserver(() => this.resize()).observe(painter.canvas);
    this.setDark(!matchMedia("(prefers-color-scheme: light)").matches);
    painter.resetView();
    this.showColoring();
    this.turn();
    this.showForecasts();
    this.showTransport();
    requestAnimationFrame(() => this.frame());
  }

  private frame(): void {
    const nowMs = performance.now(); // when the sound is asked, not when the frame was due
    const timeS = this.transport.time(nowMs);
    const growing = this.forecasts.advance();
    if (growing || this.dirty || timeS !== this.drawnS || this.transport.playing || this.painter.moving()) {
      this.dirty = false;
      this.drawnS = timeS;
      this.drawnAtMs = nowMs;
      this.paints += 1;
      this.painter.paint(this.picture(), nowMs);
      this.strip.paint(timeS);
      this.firstPictureMs ||= performance.now();
      this.steady = true;
      const shown = `${clockTime(timeS)} / ${clockTime(this.transport.endS)}`;
      if (this.clock.textContent !== shown) this.clock.textContent = shown;
    } else {
      this.steady = false;
    }
    requestAnimationFrame(() => this.frame());
  }

  private picture(): Picture {
    const heads = this.player.orbits.map((orbit) => indexAt(orbit, this.drawnS));
    const all = this.overview || !this.transport.playing;
    return {
      heads,
      overview: this.overview,
      tailS: Number(this.tail.value),
      steady: this.steady,
      grown: (i, forecast) => this.forecasts.grown(i, forecast, heads[i], all),
    };
  }

  private async toggle(): Promise<void> {
    this.overview = false;
    await this.transport.toggle();
    if (this.transport.soundFailed) this.say("This browser cannot play the sound (AAC), only the picture. On Linux, Firefox needs FFmpeg's libavcodec for it.");
  }

  private seek(timeS: number): void {
    this.overview = false;
    this.dirty = true;
    this.transport.seek(timeS);
  }

  /** The moment that is heard, which a seek since the last picture may have changed. */
  private now(): number {
    return this.transport.time(performance.now());
  }

  /** L: the start, then the end, then no loop. */
  private stepLoop(): void {
    const { transport } = this;
    if (transport.loop) {
      transport.setLoop(null);
      this.say("Loop off");
    } else if (this.loopStartS === null) {
      this.loopStartS = this.now();
      this.say(`Loop from ${clockTime(this.now())}: press L again at its end`);
    } else {
      const [startS, endS] = [this.loopStartS, this.now()].sort((a, b) => a - b);
      transport.setLoop({ startS, endS });
      this.loopStartS = null;
      this.say(transport.loop ? `Loop ${clockTime(startS)} to ${clockTime(endS)}` : "Too short to loop");
    }
    this.showTransport();
  }

  private setDark(dark: boolean): void {
    this.dark = dark;
    const theme = dark ? this.player.dark : this.player.light;
    const { data } = theme;
    const style = document.documentElement.style;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    style.setProperty("--ground", css(data.ground));
    style.setProperty("--edge", css(data.ground_edge));
    style.setProperty("--ink", css(data.ink));
    style.setProperty("--soft", css(data.soft));
    style.setProperty("--veil", css(data.ground, 0.82));
    style.setProperty("--line", css(data.ink, 0.16));
    this.painter.setTheme(dark);
    this.strip.setTheme(theme, dark);
    this.showColoring();
  }

  private showColoring(): void {
    const colorings = this.player.orbits[0].colorings;
    const chosen = colorings.find((one) => one.data.name === this.color.value) ?? colorings[0];
    this.painter.setColoring(chosen.data.name);
    this.legend.show(chosen, this.dark ? this.player.dark : this.player.light);
    this.dirty = true;
  }

  private showForecasts(): void {
    this.player.orbits.forEach((_, i) => this.painter.setForecasts(i, this.forecasts.of(i)));
    this.dirty = true;
  }

  private showTransport(): void {
    const { playing, loop, rate } = this.transport;
    setIcon(this.playButton, playing ? "pause" : "play", playing ? "Pause" : "Play", "space");
    const words = loop ? "Loop off" : this.loopStartS === null ? "Loop: set its start" : "Loop: set its end";
    setIcon(this.loopButton, "loop", words, "L");
    this.loopButton.classList.toggle("on", loop !== null || this.loopStartS !== null);
    this.loopButton.setAttribute("aria-pressed", String(loop !== null));
    const near = RATES.reduce((best, one) => (Math.abs(one - rate) < Math.abs(best - rate) ? one : best));
    this.rate.value = String(near);
    this.dirty = true;
  }

  private turn(): void {
    this.painter.setTurning(this.turning.checked ? this.player.look.turn_deg_per_s : 0);
    this.dirty = true;
  }

  private faster(by: number): void {
    const at = RATES.findIndex((rate) => rate >= this.transport.rate - 1e-6);
    this.transport.rate = RATES[Math.min(Math.max(at + by, 0), RATES.length - 1)];
    this.say(`Speed ${this.transport.rate} ×`);
  }

  private async snapshot(): Promise<void> {
    const blob = await this.painter.snapshot(this.picture(), performance.now());
    if (!blob) return;
    const link = h("a", { href: URL.createObjectURL(blob), download: `${fileName(this.player.data.title)}-${this.drawnS.toFixed(1)}s.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    this.say("Picture saved");
  }

  private async fullscreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen?.().catch(() => this.say("Fullscreen is not allowed here"));
  }

  private say(text: string): void {
    this.said.textContent = text;
    this.said.classList.add("shown");
    clearTimeout(this.sayTimer);
    this.sayTimer = window.setTimeout(() => this.said.classList.remove("shown"), 3500);
  }
  private sayTimer = 0;

  private resize(): void {
    this.painter.resize();
    this.strip.resize();
    this.dirty = true;
  }

  private open(panel: HTMLElement, button: HTMLButtonElement): void {
    const opened = panel.hidden;
    for (const one of this.root.querySelectorAll<HTMLElement>(".panel")) one.hidden = true;
    for (const one of this.root.querySelectorAll("[aria-expanded]")) one.setAttribute("aria-expanded", "false");
    panel.hidden = !opened;
    button.setAttribute("aria-expanded", String(opened));
  }

  private commands(): Command[] {
    const jump = (sign: number) => (event: KeyboardEvent) => this.seek(this.now() + sign * (event.shiftKey ? LONG_ARROW_S : ARROW_S));
    const point = (sign: number) => () => this.seek(this.now() + sign * this.player.orbits[0].data.hop_s);
    return [
      { keys: [" ", "k"], shown: "space", does: "play or pause", run: () => void this.toggle() },
      { repeats: true, keys: ["ArrowLeft"], shown: "←", does: "1 s back; 5 s with shift", run: jump(-1) },
      { repeats: true, keys: ["ArrowRight"], shown: "→", does: "1 s on; 5 s with shift", run: jump(1) },
      { repeats: true, keys: [","], shown: ",", does: "one point back", run: point(-1) },
      { repeats: true, keys: ["."], shown: ".", does: "one point on", run: point(1) },
      { keys: ["Home"], shown: "Home", does: "to the beginning", run: () => this.seek(this.transport.startS) },
      { keys: ["End"], shown: "End", does: "to the end", run: () => this.seek(this.transport.endS) },
      { keys: ["ArrowUp"], shown: "↑", does: "faster", run: () => this.faster(1) },
      { keys: ["ArrowDown"], shown: "↓", does: "slower", run: () => this.faster(-1) },
      { keys: ["l"], shown: "L", does: "loop: its start, its end, off (or shift and drag on the strip)", run: () => this.stepLoop() },
      { keys: ["p"], shown: "P", does: "forecast from here", run: () => this.forecastHere() },
      { keys: ["c"], shown: "C", does: "next colour", run: () => this.nextColor() },
      { keys: ["t"], shown: "T", does: "slow turn on or off", run: () => this.turning.click() },
      { keys: ["r"], shown: "R", does: "reset the view", run: () => this.resetView() },
      { keys: ["d"], shown: "D", does: "dark or light", run: () => this.setDark(!this.dark) },
      { keys: ["s"], shown: "S", does: "save the picture as PNG", run: () => void this.snapshot() },
      { keys: ["f"], shown: "F", does: "fullscreen", run: () => void this.fullscreen() },
      { keys: ["?", "h"], shown: "?", does: "this help", run: () => this.toggleHelp() },
      { keys: ["Escape"], shown: "Esc", does: "close what is open", run: () => this.closeAll() },
    ];
  }

  private forecastHere(): void {
    this.overview = false;
    if (this.forecasts.panel.hidden) this.open(this.forecasts.panel, this.root.querySelector<HTMLButtonElement>(".forecast-button")!);
    this.forecasts.start();
  }

  private nextColor(): void {
    this.color.selectedIndex = (this.color.selectedIndex + 1) % this.color.options.length;
    this.showColoring();
    this.say(`Colour: ${this.color.value}`);
  }

  private resetView(): void {
    this.painter.resetView();
    this.dirty = true;
  }

  private toggleHelp(): void {
    if (this.help.open) this.help.close();
    else this.help.showModal();
  }

  private closeAll(): void {
    this.help.close();
    for (const panel of this.root.querySelectorAll<HTMLElement>(".panel")) panel.hidden = true;
    for (const one of this.root.querySelectorAll("[aria-expanded]")) one.setAttribute("aria-expanded", "false");
  }

  private build(notice: string): void {
    const { data, orbits } = this.player;
    const settings = iconButton("settings", "Settings", "", () => this.open(this.settings, settings));
    const forecast = iconButton("branch", "Forecasts", "P: from here", () => this.open(this.forecasts.panel, forecast));
    forecast.classList.add("forecast-button");
    for (const button of [settings, forecast]) button.setAttribute("aria-expanded", "false");
    const notes = [data.artist, ...(orbits.length === 1 ? [orbits[0].data.note] : [])].filter((text) => text);
    const names = h("div", { class: `names n${orbits.length}` });
    if (orbits.length > 1) {
      for (const { data: one } of orbits) names.append(h("span", {}, [one.name, one.note].filter((text) => text).join(" · ")));
    }
    this.root.replaceChildren(
      h(
        "header",
        {},
        h("div", { class: "title" }, h("h1", {}, data.title), h("p", {}, notes.join(" · "))),
        h(
          "div",
          { class: "tools" },
          iconButton("reset", "Reset the view", "R", () => this.resetView()),
          iconButton("theme", "Dark or light", "D", () => this.setDark(!this.dark)),
          iconButton("camera", "Save the picture", "S", () => void this.snapshot()),
          iconButton("full", "Fullscreen", "F", () => void this.fullscreen()),
          iconButton("help", "Help", "?", () => this.toggleHelp()),
        ),
      ),
      h("div", { class: "stage" }, this.painter.canvas, names, this.legend.element, this.forecasts.panel, this.settings, this.said),
      h(
        "footer",
        {},
        this.strip.element,
        h(
          "div",
          { class: "controls", role: "group", "aria-label": "Playing" },
          this.playButton,
          this.clock,
          this.rate,
          this.loopButton,
          h("span", { class: "space" }),
          h("label", { class: "by" }, h("span", {}, "Colour"), this.color),
          forecast,
          settings,
        ),
      ),
      this.help,
    );
    const text = `Path of ${data.title} through latent space, ${orbits.map((orbit) => `${orbit.length} points in ${orbit.dims} dimensions`).join("; ")}`;
    this.painter.canvas.setAttribute("role", "img");
    this.painter.canvas.setAttribute("aria-label", text);
    if (notice) this.root.querySelector(".stage")!.prepend(h("p", { class: "notice", role: "status" }, notice));
  }
}

function fileName(title: string): string {
  return title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "orbit";
}
