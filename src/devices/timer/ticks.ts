/**
 * Exact conversion between the clock's nanoseconds and the ticks of an oscillator.
 *
 * Products are kept below 2^53 by converting whole seconds and the rest apart, so no error ever gathers.
 */
const SECOND = 1_000_000_000;

/** The PIT's input: a third of the colour burst of NTSC, rounded as everyone does. */
export const PIT_FREQUENCY = 1_193_182;
/** The ACPI PM timer's: three times that. */
export const PM_TIMER_FREQUENCY = 3_579_545;
/** A watch crystal. */
export const RTC_FREQUENCY = 32_768;

/** Whole ticks of `frequency` (hertz, below 8 MHz) that have passed after `nanoseconds`. */
export function ticksAt(nanoseconds: number, frequency: number): number {
  const seconds = Math.floor(nanoseconds / SECOND);
  const rest = nanoseconds - seconds * SECOND;
  return seconds * frequency + Math.floor((rest * frequency) / SECOND);
}

/** The first nanosecond at which `ticksAt` gives `ticks`. */
export function timeOfTick(ticks: number, frequency: number): number {
  const seconds = Math.floor(ticks / frequency);
  const rest = ticks - seconds * frequency;
  return seconds * SECOND + Math.ceil((rest * SECOND) / frequency);
}
