/**
 * How long characters take on the serial line.
 *
 * Source: TI PC16550D data sheet, "Line Control Register" (word length, stop bits, parity), "Programmable Baud
 * Generator".
 */
import { LCR_BITS } from './registers.js';

/** The 1.8432 MHz crystal of a PC, divided by 16: bits per second at divisor 1. */
const BASE_BAUD = 115_200;

/**
 * Nanoseconds that `count` characters take, rounded up: start bit, word, parity and stop bits.
 *
 * @param divisor of the baud generator; 0 divides by 65,536
 */
export function characterTime(count: number, lineControl: number, divisor: number): number {
  const wordLength = 5 + (lineControl & LCR_BITS.WORD_LENGTH);
  const parity = lineControl & LCR_BITS.PEN ? 1 : 0;
  const stop = lineControl & LCR_BITS.STB ? (wordLength === 5 ? 1.5 : 2) : 1;
  return Math.ceil((count * (1 + wordLength + parity + stop) * (divisor || 0x10000) * 1e9) / BASE_BAUD);
}

/** No character takes longer: 8 bits with parity and 2 stop bits at the largest divisor. */
export const LONGEST_CHARACTER = characterTime(1, 0xff, 0);
