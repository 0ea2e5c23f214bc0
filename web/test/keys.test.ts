/** The keyboard: commands run, and what a field or a button needs for itself is left to it. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { listen } from "../src/keys";
import { event, FakeDocument, FakeElement } from "./page";

const play = vi.fn();
const loop = vi.fn();
const help = vi.fn();
const close = vi.fn();

beforeEach(() => {
  vi.clearAllMocks();
  vi.stubGlobal("document", new FakeDocument());
  listen([
    { keys: [" ", "k"], shown: "space", does: "play", run: play },
    { keys: ["l"], shown: "L", does: "loop", run: loop },
    { keys: ["?", "h"], shown: "?", does: "help", run: help },
    { keys: ["Escape"], shown: "Esc", does: "close", run: close },
  ]);
});
afterEach(() => vi.unstubAllGlobals());

/** Press a key on an element; whether the page took it, so that the browser does nothing more with it. */
function press(key: string, { on = "BODY", type = "", ...held }: { on?: string; type?: string; ctrlKey?: boolean; metaKey?: boolean; altKey?: boolean; shiftKey?: boolean } = {}): boolean {
  const target = Object.assign(new FakeElement(on), { type });
  const pressed = event("keydown", { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
  Object.defineProperty(pressed, "target", { value: target });
  document.dispatchEvent(pressed);
  return pressed.defaultPrevented;
}

describe("a key", () => {
  it.each([
    [" ", play],
    ["k", play],
    ["K", play],
    ["l", loop],
    ["L", loop],
    ["?", help],
    ["Escape", close],
  ])("'%s' runs its command, once, and nothing else", (key, run) => {
    expect(press(key)).toBe(true);
    expect([play, loop, help, close].map((one) => one.mock.calls.length)).toEqual([play, loop, help, close].map((one) => Number(one === run)));
  });

  it("without a command is left to the browser", () => {
    for (const key of ["x", "Tab", "F5", "PageDown", "escape", "Dead", "ß"]) expect(press(key)).toBe(false);
    for (const run of [play, loop, help, close]) expect(run).not.toHaveBeenCalled();
  });

  it("with control, alt or command is left to the browser, with shift it is not", () => {
    for (const held of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }]) expect(press("l", held)).toBe(false);
    expect(loop).not.toHaveBeenCalled();
    expect(press("L", { shiftKey: true })).toBe(true);
  });
});

describe("in a field", () => {
  it.each([["INPUT", "number"], ["INPUT", "range"], ["SELECT", ""], ["TEXTAREA", ""]])("%s %s all keys but Escape are its own", (on, type) => {
    for (const key of [" ", "k", "l", "?"]) expect(press(key, { on, type })).toBe(false);
    for (const run of [play, loop, help]) expect(run).not.toHaveBeenCalled();
    expect(press("Escape", { on, type })).toBe(true);
    expect(close).toHaveBeenCalledOnce();
  });
});

describe("on what space or enter presses", () => {
  it.each([["BUTTON", "button"], ["SUMMARY", ""], ["INPUT", "checkbox"]])("%s %s these are left to it, letters are not", (on, type) => {
    expect(press(" ", { on, type })).toBe(false);
    expect(press("Enter", { on, type })).toBe(false);
    expect(play).not.toHaveBeenCalled();
    expect(press("l", { on, type })).toBe(true);
    expect(loop).toHaveBeenCalledOnce();
  });

  it("a slider that is none of these leaves space to the page", () => {
    expect(press(" ", { on: "DIV" })).toBe(true);
    expect(play).toHaveBeenCalledOnce();
  });
});
