/** The settings: what is changed seldom. */
import { h } from "./dom";
import type { Transport } from "./transport";

const SHORTEST_MS = -500;
const LONGEST_MS = 1000;

/** A panel with the tail's length and the turning, which are the page's own, and the delay of the listener's speakers. */
export function settingsPanel(tail: HTMLElement, turning: HTMLElement, transport: Transport, changed: () => void): HTMLElement {
  const delay = h("input", { type: "number", min: SHORTEST_MS, max: LONGEST_MS, step: 10, value: 0, inputmode: "numeric" });
  delay.addEventListener("change", () => {
    const kept = Math.min(Math.max(Number(delay.value) || 0, SHORTEST_MS), LONGEST_MS);
    delay.value = String(kept);
    transport.delayS = kept / 1000;
    changed();
  });
  return h(
    "section",
    { class: "panel", "aria-label": "Settings", hidden: true },
    h("h2", {}, "Picture"),
    h("label", { class: "row" }, "Tail", tail),
    h("label", { class: "check" }, turning, "Turn slowly"),
    h("h2", {}, "Sound"),
    h("label", { class: "row" }, "Delay of your speakers, ms", delay),
    h("p", {}, "The browser knows the delay of its own output. Wireless speakers may add some: raise this until point and sound agree."),
  );
}
