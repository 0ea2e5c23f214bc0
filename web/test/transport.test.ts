/** Playing, with an audio element that is none: its time runs by the test's own clock. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Transport } from "../src/transport";

const FRAME_MS = 1000 / 60;
let nowMs = 0;

beforeEach(() => {
  nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
});
afterEach(() => vi.restoreAllMocks());

/** What a transport needs of an audio element. */
class FakeAudio extends EventTarget {
  paused = true;
  seeking = false;
  readyState = 4;
  preservesPitch = false;
  refusal: string | null = null;
  private atS = 0;
  private sinceMs = 0;
  private speed = 1;

  constructor(readonly duration = 100) {
    super();
  }
  get currentTime(): number {
    const timeS = this.atS + (this.paused ? 0 : (this.speed * (nowMs - this.sinceMs)) / 1000);
    return Math.min(timeS, this.duration);
  }
  set currentTime(timeS: number) {
    this.keep(Math.min(Math.max(timeS, 0), this.duration));
    this.dispatchEvent(new Event("seeking"));
    this.dispatchEvent(new Event("seeked"));
  }
  get playbackRate(): number {
    return this.speed;
  }
  set playbackRate(rate: number) {
    this.keep(this.currentTime);
    this.speed = rate;
    this.dispatchEvent(new Event("ratechange"));
  }
  get ended(): boolean {
    return this.currentTime >= this.duration;
  }
  async play(): Promise<void> {
    if (this.refusal) {
      if (this.refusal === "NotSupportedError") this.dispatchEvent(new Event("error"));
      throw Object.assign(new Error(this.refusal), { name: this.refusal });
    }
    this.keep(this.ended ? 0 : this.currentTime); // as the standard has it, an ended element begins anew
    this.paused = false;
    this.dispatchEvent(new Event("play"));
  }
  pause(): void {
    this.keep(this.currentTime);
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }
  /** A browser tells of the end when it comes, which may be before the next frame. */
  noticeEnd(): void {
    if (this.paused || !this.ended) return;
    this.pause();
    this.dispatchEvent(new Event("ended"));
  }
  private keep(timeS: number): void {
    this.atS = timeS;
    this.sinceMs = nowMs;
  }
}

function made({ audio = new FakeAudio() as FakeAudio | null, offsetS = 0, startS = 0, endS = 100 } = {}) {
  const transport = new Transport(audio as unknown as HTMLAudioElement | null, offsetS, startS, endS);
  return { audio: audio!, transport };
}

/** Frame after frame until a moment; what was shown at each. */
function frames(transport: Transport, untilMs: number, audio?: FakeAudio): number[] {
  const shown = [];
  while (nowMs < untilMs - 1e-6) {
    nowMs = Math.min(nowMs + FRAME_MS, untilMs);
    audio?.noticeEnd();
    shown.push(transport.time(nowMs));
  }
  return shown;
}

const silent = { audio: null };

describe("with sound", () => {
  it("time is that of the sound, from where it begins in the source file", async () => {
    const { transport } = made({ offsetS: 30, startS: 30, endS: 130 });
    expect(transport.time(nowMs)).toBe(30);
    expect(transport.playing).toBe(false);
    await transport.play();
    expect(transport.playing).toBe(true);
    frames(transport, 4000);
    expect(transport.time(nowMs)).toBeCloseTo(34, 3);
    transport.pause();
    nowMs += 5000;
    expect(transport.time(nowMs)).toBeCloseTo(34, 9);
    expect(transport.playing).toBe(false);
  });

  it("keeps the pitch at other speeds", () => expect(made().audio.preservesPitch).toBe(true));

  it("a seek is shown at once, and kept within the recording", async () => {
    const { transport, audio } = made({ offsetS: 30, startS: 30, endS: 130 });
    await transport.play();
    frames(transport, 1000);
    for (const [askedS, shownS] of [[77.5, 77.5], [77.45, 77.45], [0, 30], [1e9, 130], [30, 30]]) {
      transport.seek(askedS);
      expect(transport.time(nowMs)).toBeCloseTo(shownS, 9);
      expect(audio.currentTime).toBeCloseTo(shownS - 30, 9);
    }
  });

  it("asks for one seek at a time, and for the last that was wanted", () => {
    const { transport, audio } = made();
    const asked: number[] = [];
    Object.defineProperty(audio, "currentTime", { get: () => asked.at(-1) ?? 0, set: (timeS: number) => void asked.push(timeS) });
    transport.seek(transport.startS + 2);
    audio.seeking = true;
    for (const onS of [3, 4, 5]) transport.seek(transport.startS + onS);
    expect(asked).toEqual([2]);
    expect(transport.time(nowMs)).toBe(transport.startS + 5); // but it is shown at once
    audio.seeking = false;
    audio.dispatchEvent(new Event("seeked"));
    expect(asked).toEqual([2, 5]);
  });

  it("stands while the sound seeks or has no data", async () => {
    const { transport, audio } = made();
    await transport.play();
    frames(transport, 2000);
    audio.readyState = 1;
    const standing = audio.currentTime;
    Object.defineProperty(audio, "currentTime", { value: standing, configurable: true });
    for (const shown of frames(transport, 3000)) expect(shown).toBe(standing);
  });

  it("ends at the end, and begins anew", async () => {
    const { transport, audio } = made({ audio: new FakeAudio(3.02), endS: 3 });
    await transport.play();
    const shown = frames(transport, 4000, audio);
    expect(Math.max(...shown)).toBe(3);
    expect(transport.playing).toBe(false);
    await transport.toggle();
    expect(transport.playing).toBe(true);
    frames(transport, 4500);
    expect(transport.time(nowMs)).toBeCloseTo(0.5, 2);
  });

  it("keeps its speed within 0.25 and 2", () => {
    const { transport, audio } = made();
    for (const [asked, kept] of [[0.5, 0.5], [0, 0.25], [-1, 0.25], [16, 2], [1.25, 1.25]]) {
      transport.rate = asked;
      expect([transport.rate, audio.playbackRate]).toEqual([kept, kept]);
    }
  });

  it("runs at its speed, and changes it where it is", async () => {
    const { transport } = made();
    await transport.play();
    frames(transport, 2000);
    transport.rate = 2;
    frames(transport, 4000);
    expect(transport.time(nowMs)).toBeCloseTo(6, 2);
    transport.rate = 0.25;
    frames(transport, 8000);
    expect(transport.time(nowMs)).toBeCloseTo(7, 2);
  });

  it("is behind by the listener's delay while it plays, by more at more speed", async () => {
    const { transport } = made();
    await transport.play();
    transport.delayS = 0.2;
    frames(transport, 3000);
    expect(transport.time(nowMs)).toBeCloseTo(2.8, 3);
    transport.rate = 2;
    frames(transport, 5000);
    expect(transport.time(nowMs)).toBeCloseTo(3 + 4 - 0.4, 2);
    transport.pause();
    expect(transport.time(nowMs)).toBeCloseTo(7, 3);
  });

  it("tells its listeners of every change", async () => {
    const { transport } = made();
    const heard = vi.fn();
    transport.onChange(heard);
    const changes: (() => unknown)[] = [() => transport.play(), () => transport.pause(), () => transport.seek(3), () => (transport.rate = 2), () => transport.setLoop({ startS: 1, endS: 2 })];
    for (const change of changes) {
      heard.mockClear();
      await change();
      expect(heard).toHaveBeenCalled();
    }
  });

  it("is not lost where the browser forbids to play without a click", async () => {
    const { transport, audio } = made();
    audio.refusal = "NotAllowedError";
    await transport.play();
    expect([transport.playing, transport.sounding, transport.soundFailed]).toEqual([false, true, false]);
    audio.refusal = null;
    await transport.play();
    expect(transport.playing).toBe(true);
  });
});

describe("a loop", () => {
  for (const [kind, options] of [["sound", {}], ["silence", silent]] as const) {
    it(`of ${kind} goes back to its start at its end, again and again`, async () => {
      const { transport } = made(options);
      transport.setLoop({ startS: 2, endS: 3.5 });
      transport.seek(2);
      await transport.play();
      const shown = frames(transport, 9000);
      expect(Math.min(...shown)).toBeGreaterThanOrEqual(2);
      expect(Math.max(...shown)).toBeLessThan(3.5);
      expect(shown.filter((timeS, i) => i && timeS < shown[i - 1] - 1).length).toBe(5);
      transport.setLoop(null);
      frames(transport, 12_000);
      expect(transport.time(nowMs)).toBeGreaterThan(4);
    });

    it(`of ${kind} up to the very end goes on too`, async () => {
      const { transport, audio } = made({ ...options, ...(kind === "sound" ? { audio: new FakeAudio(5) } : {}), endS: 5 });
      transport.setLoop({ startS: 4, endS: 5 });
      transport.seek(4.5);
      await transport.play();
      frames(transport, 900, audio ?? undefined);
      expect(transport.playing).toBe(true);
      expect(transport.time(nowMs)).toBeGreaterThan(4.2);
      expect(transport.time(nowMs)).toBeLessThan(4.6);
    });
  }

  it("is none if it is shorter than 50 ms or runs backwards", () => {
    const { transport } = made();
    for (const loop of [{ startS: 1, endS: 1.04 }, { startS: 2, endS: 1 }]) {
      transport.setLoop(loop);
      expect(transport.loop).toBe(null);
    }
  });

  it("leaves alone who seeks while nothing plays", () => {
    const { transport } = made();
    transport.setLoop({ startS: 2, endS: 3 });
    transport.seek(50);
    expect(transport.time(nowMs)).toBe(50);
  });

  it("is the way back from where the listener's delay hides its end", async () => {
    const { transport, audio } = made({ audio: new FakeAudio(5), endS: 5 });
    transport.delayS = 0.5;
    transport.setLoop({ startS: 4, endS: 5 });
    transport.seek(4.8);
    await transport.play();
    frames(transport, 600, audio);
    expect(transport.playing).toBe(true);
    expect(audio.currentTime).toBeCloseTo(4.4, 1);
  });
});

describe("without sound", () => {
  it("time runs, stands and jumps by a clock of its own", async () => {
    const { transport } = made({ ...silent, startS: 10, endS: 20 });
    expect([transport.sounding, transport.soundFailed, transport.time(nowMs)]).toEqual([false, false, 10]);
    await transport.toggle();
    frames(transport, 2000);
    expect(transport.time(nowMs)).toBeCloseTo(12, 9);
    transport.rate = 0.5;
    frames(transport, 4000);
    expect(transport.time(nowMs)).toBeCloseTo(13, 9);
    await transport.toggle();
    nowMs += 1000;
    expect(transport.time(nowMs)).toBeCloseTo(13, 9);
    transport.seek(-5);
    expect(transport.time(nowMs)).toBe(10);
  });

  it("stops at the end, and begins anew", async () => {
    const { transport } = made({ ...silent, endS: 2 });
    await transport.play();
    expect(Math.max(...frames(transport, 3000))).toBe(2);
    expect(transport.playing).toBe(false);
    await transport.play();
    frames(transport, 4000);
    expect(transport.time(nowMs)).toBeCloseTo(1, 9);
  });
});

describe("a sound that the browser cannot play", () => {
  it("is given up at the press of play, and the picture plays without it", async () => {
    const { transport, audio } = made();
    audio.refusal = "NotSupportedError";
    transport.seek(7);
    await transport.play();
    expect([transport.soundFailed, transport.sounding, transport.playing]).toEqual([true, false, true]);
    frames(transport, 2000);
    expect(transport.time(nowMs)).toBeCloseTo(9, 2);
  });

  it("midway leaves the picture where it is, playing", async () => {
    const { transport, audio } = made();
    await transport.play();
    frames(transport, 3000);
    audio.dispatchEvent(new Event("error"));
    expect([transport.soundFailed, transport.playing]).toEqual([true, true]);
    frames(transport, 4000);
    expect(transport.time(nowMs)).toBeCloseTo(4, 2);
    transport.pause();
    expect(transport.playing).toBe(false);
  });

  it("before anything was played leaves a picture that stands where it was", () => {
    const { transport, audio } = made();
    transport.seek(6);
    audio.dispatchEvent(new Event("error"));
    expect([transport.playing, transport.time(nowMs)]).toEqual([false, 6]);
  });
});
