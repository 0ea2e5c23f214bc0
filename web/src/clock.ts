/**
 * Media time made smooth. A browser's `currentTime` is the moment that is heard, output latency included, but some tell
 * it in steps of up to 40 ms. A reading is true at the moment it changes and stale after; between changes time runs with
 * the screen's own clock, and what a change says of it is taken over softly. A jump is taken over at once.
 */
export const JUMP_S = 0.12;
// What a change says is taken over in these times. The screen sees a change up to a frame late, and never early: so what
// says that the sound is further on is believed sooner than what says that it is not so far.
const SETTLING_S = { on: 0.04, back: 1.0 };

export class MediaClock {
  private reading = Number.NaN;
  private moving = false;
  private timeS = 0;
  private nowMs = 0;

  /** Tell the time: what the media says, at a moment of the screen's clock, and how fast it runs (0: it stands). */
  at(readingS: number, nowMs: number, rate: number): number {
    const elapsedS = Math.max(0, nowMs - this.nowMs) / 1000;
    const changed = readingS !== this.reading;
    const first = Number.isNaN(this.reading);
    const expectedS = this.timeS + elapsedS * rate;
    const error = readingS - expectedS;
    if (first || rate === 0 || !this.moving || Math.abs(error) > JUMP_S + 0.05 * rate) {
      this.timeS = readingS;
      this.moving = !first && rate !== 0 && changed; // a sound that was just started stands for a while
    } else {
      const softness = changed ? 1 - Math.exp(-elapsedS / (error > 0 ? SETTLING_S.on : SETTLING_S.back)) : 0;
      this.timeS = Math.max(expectedS + softness * error, this.timeS); // never backwards without a jump
    }
    this.reading = readingS;
    this.nowMs = nowMs;
    return this.timeS;
  }

  /** Forget the past: the next reading is taken as it is. */
  reset(): void {
    this.reading = Number.NaN;
    this.moving = false;
  }
}

/** Time of its own, for a recording without sound. */
export class SilentClock {
  private timeS = 0;
  private sinceMs = 0;
  private rate = 0;

  at(nowMs: number): number {
    return this.timeS + (this.rate * Math.max(0, nowMs - this.sinceMs)) / 1000;
  }

  set(timeS: number, nowMs: number, rate: number): void {
    this.timeS = timeS;
    this.sinceMs = nowMs;
    this.rate = rate;
  }
}
