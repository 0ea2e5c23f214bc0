/** The help overlay: what the page is, and what each key does. */
import { h, icon } from "./dom";
import type { Command } from "./keys";

export function helpDialog(commands: readonly Command[], madeBy: string): HTMLDialogElement {
  const close = h("button", { type: "button", class: "icon close", "aria-label": "Close" }, "×");
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": "Help" },
    close,
    h("h2", {}, icon("help"), "How to use this page"),
    h("p", {}, "The bright point is the sound you hear now: it stands for the window marked in the strip below. What the music repeats, the path runs through again."),
    h("p", {}, "Drag to turn, wheel or pinch to zoom, right button or two fingers to move. Click or drag in the strip to seek."),
    h("dl", {}, ...commands.flatMap((one) => [h("dt", {}, h("kbd", {}, one.shown)), h("dd", {}, one.does)])),
    h("p", { class: "made" }, `Made by ${madeBy}`),
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return dialog;
}
