/** Playing: the sound if there is one, or a silent clock; times are seconds of the source file. */
import { MediaClock, SilentClock } from "./clock";

export const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2] as const;

export interface Loop {
  readonly startS: number;
  readonly endS: number;
}

type Listener = () => void;

export class Transport {
  readonly startS: number;
  readonly endS: number;
  loop: Loop | null = null;
  /** Seconds that the listener hears later than the browser knows, as through a wireless speaker. */
  delayS = 0;
  private readonly audio: HTMLAudioElement | null;
  private readonly offsetS: number;
  private readonly media = new MediaClock();
  private readonly silent = new SilentClock();
  private readonly listeners: Listener[] = [];
  private silentlyPlaying = false;
  private chosenRate = 1;
  private failed = false;
  /** Where to go once the browser is done with the seek before; one at a time, for some get stuck otherwise. */
  private nextS: number | null = null;

  constructor(audio: HTMLAudioElement | null, offsetS: number, startS: number, endS: number) {
    this.audio = audio;
    this.offsetS = offsetS;
    this.startS = startS;
    this.endS = endS;
    this.silent.set(startS, 0, 0);
    if (audio) {
      audio.preservesPitch = true;
      for (const name of ["play", "pause", "ended", "seeked", "ratechange"]) audio.addEventListener(name, () => this.changed());
      audio.addEventListener("timeupdate", () => this.time(performance.now())); // keeps the loop where nothing is drawn
      audio.addEventListener("seeking", () => this.media.reset());
      audio.addEventListener("seeked", () => {
        const nextS = this.nextS;
        this.nextS = null;
        if (nextS !== null) this.seek(nextS);
      });
      audio.addEventListener("ended", () => {
        if (this.loop) void this.playFrom(this.loop.startS); // it ended before its last moment was drawn
      });
      audio.addEventListener("error", () => this.fail());
    }
  }

  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** Whether there is a sound that this browser can play. */
  get sounding(): boolean {
    return this.audio !== null && !this.failed;
  }

  get soundFailed(): boolean {
    return this.failed;
  }

  get playing(): boolean {
    return this.sounding ? !this.audio!.paused && !this.audio!.ended : this.silentlyPlaying;
  }

  get rate(): number {
    return this.chosenRate;
  }

  set rate(rate: number) {
    const now = performance.now();
    const timeS = this.silent.at(now);
    this.chosenRate = Math.min(Math.max(rate, RATES[0]), RATES[RATES.length - 1]);
    if (this.sounding) this.audio!.playbackRate = this.chosenRate;
    else this.silent.set(timeS, now, this.silentlyPlaying ? this.chosenRate : 0);
    this.changed();
  }

  /** The moment that is heard now; keeps to the loop and to the end. */
  time(nowMs: number): number {
    if (this.nextS !== null) return this.nextS;
    let timeS: number;
    if (this.sounding) {
      const running = this.playing && this.audio!.readyState >= 2 && !this.audio!.seeking;
      timeS = this.offsetS + this.media.at(this.audio!.currentTime, nowMs, running ? this.chosenRate : 0);
      if (running) timeS -= this.delayS * this.chosenRate;
    } else {
      timeS = this.silent.at(nowMs);
    }
    const { loop } = this;
    if (loop && this.playing && timeS >= loop.endS) {
      this.seek(loop.startS);
      timeS = loop.startS;
    } else if (!this.sounding && this.silentlyPlaying && timeS >= this.endS) {
      this.silentlyPlaying = false;
      this.silent.set(this.endS, nowMs, 0);
      this.changed();
    }
    return Math.min(Math.max(timeS, this.startS), this.endS);
  }

  async toggle(): Promise<void> {
    if (this.playing) this.pause();
    else await this.play();
  }

  async play(): Promise<void> {
    const now = performance.now();
    if (this.time(now) >= this.endS - 0.01) this.seek(this.loop?.startS ?? this.startS);
    if (this.sounding) {
      try {
        await this.audio!.play();
      } catch (error) {
        if ((error as DOMException).name !== "NotSupportedError") return this.changed();
        this.fail();
      }
    }
    if (!this.sounding) {
      this.silentlyPlaying = true;
      this.silent.set(this.silent.at(now), now, this.chosenRate);
      this.changed();
    }
  }

  private async playFrom(timeS: number): Promise<void> {
    this.seek(timeS);
    await this.play();
  }

  /** The sound cannot be played: go on without it from here. */
  private fail(): void {
    if (this.failed) return;
    const now = performance.now();
    const timeS = this.time(now);
    this.silentlyPlaying = this.playing;
    this.nextS = null;
    this.failed = true;
    this.silent.set(timeS, now, this.silentlyPlaying ? this.chosenRate : 0);
    this.changed();
  }

  pause(): void {
    if (this.sounding) {
      this.audio!.pause();
    } else {
      const now = performance.now();
      this.silent.set(this.silent.at(now), now, 0);
      this.silentlyPlaying = false;
      this.changed();
    }
  }

  seek(timeS: number): void {
    const within = Math.min(Math.max(timeS, this.startS), this.endS);
    if (this.sounding) {
      if (this.audio!.seeking) this.nextS = within;
      else this.audio!.currentTime = Math.max(0, within - this.offsetS);
      this.media.reset();
    } else {
      this.silent.set(within, performance.now(), this.silentlyPlaying ? this.chosenRate : 0);
    }
    this.changed();
  }

  setLoop(loop: Loop | null): void {
    this.loop = loop && loop.endS - loop.startS > 0.05 ? loop : null;
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
