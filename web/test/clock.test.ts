/** Media time made smooth: fed by a browser that tells the time in steps, seen on a screen of 60 frames a second. */
import { describe, expect, it } from "vitest";
import { JUMP_S, MediaClock, SilentClock } from "../src/clock";

const FRAME_MS = 1000 / 60;

/** What a browser says that knows the time only every `stepS`, `lateS` after the beginning. */
const inSteps = (stepS: number) => (trueS: number) => Math.floor(trueS / stepS + 1e-9) * stepS;

/** Frames of a screen: what the clock shows at each, beside the truth. */
function watched(reading: (trueS: number) => number, seconds: number, { rate = 1, frameMs = FRAME_MS, fromS = 0, clock = new MediaClock() } = {}) {
  const frames = [];
  for (let nowMs = 0; nowMs <= 1000 * seconds; nowMs += frameMs) {
    const trueS = fromS + (rate * nowMs) / 1000;
    frames.push({ nowMs, trueS, shownS: clock.at(reading(trueS), nowMs, rate) });
  }
  return frames;
}

describe("readings that come in steps", () => {
  for (const stepS of [0.02, 0.04]) {
    for (const frameMs of [FRAME_MS, 1000 / 144, 1000 / 59.94]) {
      it(`of ${1000 * stepS} ms at ${(1000 / frameMs).toFixed(0)} Hz come within 5 ms of the true time`, () => {
        const settled = watched(inSteps(stepS), 8, { frameMs }).filter(({ nowMs }) => nowMs > 2000);
        expect(settled.length).toBeGreaterThan(300);
        for (const { shownS, trueS } of settled) expect(Math.abs(shownS - trueS)).toBeLessThan(0.005);
      });
    }
  }

  it("are shown as steps of about one frame, never backwards", () => {
    const frames = watched(inSteps(0.04), 8);
    for (let i = 1; i < frames.length; i++) {
      const step = frames[i].shownS - frames[i - 1].shownS;
      expect(step).toBeGreaterThanOrEqual(0);
      if (frames[i].nowMs > 2000) expect(Math.abs(step - FRAME_MS / 1000)).toBeLessThan(0.004);
    }
  });

  it("are right at other speeds, and after the speed has changed", () => {
    for (const rate of [0.25, 0.5, 2]) {
      const settled = watched(inSteps(0.04), 12, { rate }).filter(({ nowMs }) => nowMs > 5000);
      for (const { shownS, trueS } of settled) expect(Math.abs(shownS - trueS)).toBeLessThan(0.005 * Math.max(1, rate));
    }
    const clock = new MediaClock();
    const tell = inSteps(0.04);
    let trueS = 0;
    for (let frame = 0; frame < 900; frame++) {
      const rate = frame < 300 ? 1 : frame < 600 ? 2 : 0.5;
      if (frame) trueS += (rate * FRAME_MS) / 1000;
      const shownS = clock.at(tell(trueS), frame * FRAME_MS, rate);
      if (frame % 300 > 150) expect(Math.abs(shownS - trueS)).toBeLessThan(0.005 * Math.max(1, rate));
    }
  });
});

describe("readings that are true at every frame", () => {
  it("are shown as they are", () => {
    for (const { shownS, trueS } of watched((trueS) => trueS, 3)) expect(shownS).toBeCloseTo(trueS, 9);
  });

  it("lose their jitter of 3 ms", () => {
    const jittered = (trueS: number) => trueS + 0.003 * Math.sin(997 * trueS);
    const frames = watched(jittered, 5).filter(({ nowMs }) => nowMs > 1000);
    for (const { shownS, trueS } of frames) expect(Math.abs(shownS - trueS)).toBeLessThan(0.005);
  });

  it("are caught up with where the sound began late", () => {
    const late = (trueS: number) => Math.max(0, trueS - 0.09);
    const frames = watched(late, 3).filter(({ nowMs }) => nowMs > 1200);
    for (const { shownS, trueS } of frames) expect(Math.abs(shownS - (trueS - 0.09))).toBeLessThan(0.005);
  });
});

describe("jumps", () => {
  for (const toS of [50, 0.5]) {
    it(`from 10 s to ${toS} s are taken over at once`, () => {
      const clock = new MediaClock();
      for (let frame = 0; frame < 60; frame++) clock.at(9 + frame / 60, (1000 * frame) / 60, 1);
      expect(clock.at(toS, 1000, 1)).toBe(toS);
      expect(clock.at(toS + 1 / 60, 1000 + FRAME_MS, 1)).toBeCloseTo(toS + 1 / 60, 6);
    });
  }

  it("shorter than the threshold are taken over at once after a reset", () => {
    const clock = new MediaClock();
    watched((trueS) => trueS, 1, { clock });
    clock.reset();
    const backS = 1 - JUMP_S / 2;
    expect(clock.at(backS, 1000 + FRAME_MS, 1)).toBe(backS);
  });
});

describe("a clock that stands", () => {
  it("shows what it is told, and goes on once the sound does", () => {
    const clock = new MediaClock();
    watched(inSteps(0.04), 2, { clock });
    expect(clock.at(1.96, 2100, 0)).toBe(1.96);
    for (const [nowMs, rate] of [[60_000, 0], [60_010, 1], [60_090, 1]]) expect(clock.at(1.96, nowMs, rate)).toBe(1.96);
    expect(clock.at(1.98, 60_110, 1)).toBe(1.98);
    expect(clock.at(1.98, 60_120, 1)).toBeCloseTo(1.99, 9);
  });

  it("is not put off by a screen's clock that goes backwards", () => {
    const clock = new MediaClock();
    clock.at(1, 1000, 1);
    expect(clock.at(1, 990, 1)).toBe(1);
  });
});

describe("the silent clock", () => {
  it("runs at its rate from where it was set, and stands before that", () => {
    const clock = new SilentClock();
    clock.set(3, 1000, 0.5);
    expect(clock.at(3000)).toBeCloseTo(4, 12);
    expect(clock.at(0)).toBe(3);
    clock.set(4, 3000, 0);
    expect(clock.at(1e9)).toBe(4);
  });
});
