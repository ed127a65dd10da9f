/**
 * The UART's modem lines: what MSR shows for a set of input lines.
 *
 * Source: TI PC16550D data sheet, "Modem Control Register" and "Modem Status Register".
 */
import { MCR_BITS, MSR_BITS } from './registers.js';

/** MCR's outputs as MSR's inputs while looped. */
export function loopedModemLines(control: number): number {
  return (
    (control & MCR_BITS.RTS ? MSR_BITS.CTS : 0) |
    (control & MCR_BITS.DTR ? MSR_BITS.DSR : 0) |
    (control & MCR_BITS.OUT1 ? MSR_BITS.RI : 0) |
    (control & MCR_BITS.OUT2 ? MSR_BITS.DCD : 0)
  );
}

/** MSR once its input lines are `lines`: the delta bits gather until read; TERI only sees RI's trailing edge. */
export function modemStatusAfter(status: number, lines: number): number {
  const changed = (status ^ lines) & 0xf0;
  const teri = changed & status & MSR_BITS.RI ? MSR_BITS.TERI : 0;
  const deltas = ((changed >> 4) & (MSR_BITS.DCTS | MSR_BITS.DDSR | MSR_BITS.DDCD)) | teri;
  return lines | (status & 0x0f) | deltas;
}
