/** Exact conversion between the clock's nanoseconds and the ticks of an oscillator. */
const SECOND = 1_000_000_000n;

/** The PIT's input: a third of the colour burst of NTSC, rounded as everyone does. Hertz. */
export const PIT_FREQUENCY = 1_193_182n;
/** The ACPI PM timer's: three times that. */
export const PM_TIMER_FREQUENCY = 3_579_545n;
/** A watch crystal. */
export const RTC_FREQUENCY = 32_768n;

/** Whole ticks that have passed after `nanoseconds`. */
export function ticksAt(nanoseconds: bigint, frequency: bigint): bigint {
  return (nanoseconds * frequency) / SECOND;
}

/** The first nanosecond at which `ticksAt` gives `ticks`. */
export function timeOfTick(ticks: bigint, frequency: bigint): bigint {
  return (ticks * SECOND + frequency - 1n) / frequency;
}
