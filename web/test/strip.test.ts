/** The strip: where a moment is drawn, which moment a place is, and how wide the window is. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Theme } from "../src/data";
import { TimeStrip } from "../src/strip";
import { Transport } from "../src/transport";
import { event, FakeDocument, FakeElement } from "./page";

const WIDTH = 800;
const AXIS = 18;
const colors = { ground: [0, 0, 0], soft: [1, 1, 1], ink: [2, 2, 2], head: [3, 3, 3] };
const theme = { data: colors } as unknown as Theme;
const sought: number[] = [];

beforeEach(() => {
  sought.length = 0;
  vi.stubGlobal("document", new FakeDocument());
  vi.stubGlobal("devicePixelRatio", 3);
});
afterEach(() => vi.unstubAllGlobals());

/** A strip of 800 pixels for 40 s from 20 s on, with a window of 0.5 s: 20 pixels a second. */
function made({ startS = 20, endS = 60, windowsS = [0.5] } = {}) {
  const transport = new Transport(null, 0, startS, endS);
  const backdrop = { label: "Sound", draw: vi.fn() };
  const strip = new TimeStrip(transport, backdrop, windowsS, (timeS) => sought.push(timeS));
  const slider = (strip.element as unknown as FakeElement).children[0] as FakeElement;
  const [base, over] = slider.children as FakeElement[];
  for (const one of [slider, base, over]) Object.assign(one, { clientWidth: WIDTH, clientHeight: 100 });
  strip.setTheme(theme, true);
  const point = (name: string, clientX: number, fields = {}) => slider.dispatchEvent(event(name, { clientX, button: 0, shiftKey: false, pointerId: 1, ...fields }));
  return { transport, backdrop, strip, slider, base, over, point };
}

describe("a place on the strip", () => {
  it.each([
    [100, 20],
    [500, 40],
    [900, 60],
    [501, 40.05],
    [-50, 20],
    [2000, 60],
  ])("at %d pixels of the page is %d s", (clientX, timeS) => {
    const { point } = made();
    point("pointerdown", clientX);
    expect(sought).toHaveLength(1);
    expect(sought[0]).toBeCloseTo(timeS, 9);
  });

  it("is where the moment that it stands for is drawn", () => {
    const { point, strip, over } = made({ startS: 3.2, endS: 217.9 });
    for (const clientX of [130, 333, 777]) {
      point("pointerdown", clientX);
      strip.paint(sought.at(-1)!);
      expect(over.filled.at(-1)).toEqual([clientX - 100 - 1, 0, 2, 100 - AXIS + 3]);
    }
  });

  it("is followed while the button is down, and only then", () => {
    const { point } = made();
    point("pointermove", 300);
    point("pointerdown", 200);
    point("pointermove", 300);
    point("pointerup", 300);
    point("pointermove", 400);
    expect(sought).toEqual([25, 30]);
  });

  it("is nothing to other buttons", () => {
    const { point } = made();
    point("pointerdown", 300, { button: 2 });
    expect(sought).toEqual([]);
  });
});

describe("the window", () => {
  it("is drawn at its true width about the moment that is heard", () => {
    const { strip, over } = made({ windowsS: [0.5, 2] });
    strip.paint(40);
    expect(over.filled.slice(0, 2)).toEqual([[395, 0, 10, 82], [380, 0, 40, 82]]);
  });

  it("is never thinner than a pixel", () => {
    const { strip, over } = made({ endS: 3620 });
    strip.paint(1820);
    expect(over.filled[0][2]).toBe(1);
  });

  it("is told to a screen reader", () => {
    const { strip, slider } = made();
    strip.paint(41.234);
    expect(slider.attributes).toMatchObject({ role: "slider", "aria-valuemin": "20.00", "aria-valuemax": "60.00", "aria-valuenow": "41.23", "aria-valuetext": "41 s of 1 min 0 s" });
  });
});

describe("a loop", () => {
  it("is drawn out with shift, either way round, and seeks nothing", () => {
    const { point, transport, strip, over } = made();
    for (const [from, to] of [[300, 500], [500, 300]]) {
      transport.setLoop(null);
      point("pointerdown", from, { shiftKey: true });
      point("pointermove", to, { shiftKey: true });
      point("pointerup", to);
      expect(transport.loop).toEqual({ startS: 30, endS: 40 });
    }
    expect(sought).toEqual([]);
    strip.paint(20);
    expect(over.filled.slice(0, 3)).toEqual([[200, 0, 200, 82], [199, 0, 2, 82], [399, 0, 2, 82]]);
  });
});

describe("the time axis", () => {
  it("has its marks at whole steps of the source file's time", () => {
    const { base, backdrop } = made();
    expect(base.written.map(({ text }) => text)).toEqual(["0:20", "0:25", "0:30", "0:35", "0:40", "0:45", "0:50", "0:55", "1:00"]);
    expect(base.filled.map(([left]) => left)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800]);
    expect(Math.min(...base.written.map(({ x }) => x))).toBe(1);
    expect(Math.max(...base.written.map(({ x }) => x))).toBe(WIDTH - 20 - 1);
    expect(backdrop.draw).toHaveBeenLastCalledWith(expect.anything(), WIDTH, 100 - AXIS, 20, 60, theme, true);
  });

  it("of a recording that begins between two marks begins with the next", () => {
    const { base } = made({ startS: 3.2, endS: 43.2 });
    expect(base.written[0]).toEqual({ text: "0:05", x: (1.8 / 40) * WIDTH - 10 });
  });

  it("of a moment has no marks and no errors", () => {
    const { base, point, strip } = made({ startS: 5, endS: 5 });
    point("pointerdown", 400);
    strip.paint(5);
    expect(sought).toEqual([5]);
    expect(base.written.length).toBeLessThan(3);
  });
});
