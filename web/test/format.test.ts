import { describe, expect, it } from "vitest";
import { clockTime, shortNumber, spokenTime, timeStep } from "../src/format";

describe("times", () => {
  it.each([
    [0, 1, "0:00.0"],
    [62.46, 1, "1:02.5"],
    [59.94, 1, "0:59.9"],
    [59.96, 1, "1:00.0"],
    [59.5, 0, "1:00"],
    [9.4, 0, "0:09"],
    [-3, 1, "0:00.0"],
    [599.99, 1, "10:00.0"],
    [3599.6, 0, "60:00"],
    [36000, 0, "600:00"],
    [1.005, 2, "0:01.00"],
    [61.5, 3, "1:01.500"],
  ])("of %d s with %d digits are %s", (seconds, digits, shown) => expect(clockTime(seconds, digits)).toBe(shown));

  it("never show 60 seconds", () => {
    const shown = Array.from({ length: 15_000 }, (_, i) => [0, 1, 2].map((digits) => Number(clockTime(0.0137 * i, digits).split(":")[1])));
    expect(Math.max(...shown.flat())).toBe(59.99);
  });

  it.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [59.6, "1 min 0 s"],
    [185, "3 min 5 s"],
    [-1, "0 s"],
  ])("of %d s are read as %s", (seconds, said) => expect(spokenTime(seconds)).toBe(said));
});

describe("numbers", () => {
  it.each([
    [0, "0"],
    [0.000123, "0.00012"],
    [0.5, "0.50"],
    [1.26, "1.3"],
    [12.34, "12.3"],
    [-45.67, "-45.7"],
    [123.4, "123"],
    [11025, "11025"],
  ])("%d is shown as %s", (value, shown) => expect(shortNumber(value)).toBe(shown));

  it("are shown within 5 % of what they are, the sign kept", () => {
    for (let value = 0.0011; value < 20_000; value *= 1.37) {
      for (const signed of [value, -value]) expect(Number(shortNumber(signed)) / signed).toBeCloseTo(1, 1);
    }
  });
});

describe("steps of the time axis", () => {
  it.each([
    [240, 10, 30],
    [2, 10, 0.2],
    [0.5, 5, 0.1],
    [3600, 20, 300],
    [3600, 4, 900],
    [40_000, 3, 7200],
  ])("over %d s in at most %d are of %d s", (span, most, step) => expect(timeStep(span, most)).toBe(step));

  it("are as fine as may be", () => {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
    for (let span = 0.3; span < 7000; span *= 1.19) {
      const step = timeStep(span, 8);
      expect(span / step).toBeLessThanOrEqual(8);
      for (const finer of steps.filter((one) => one < step)) expect(span / finer).toBeGreaterThan(8);
    }
  });
});
