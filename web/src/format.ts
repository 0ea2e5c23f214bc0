/** Numbers as people read them. */

/** Minutes and seconds: 1:02.5, or 1:02 with digits = 0. */
export function clockTime(seconds: number, digits = 1): string {
  const factor = 10 ** digits;
  const rounded = Math.round(Math.max(0, seconds) * factor) / factor;
  const minutes = Math.floor(rounded / 60);
  return `${minutes}:${(rounded - 60 * minutes).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
}

export function spokenTime(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

export function shortNumber(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toPrecision(2);
}

/** Steps of a time axis, no more than `most` of them. */
export function timeStep(span: number, most: number): number {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  return steps.find((step) => span / step <= most) ?? 7200;
}
