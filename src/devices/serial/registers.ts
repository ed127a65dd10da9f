/**
 * Register offsets and bits of the 16550 UART, named as in TI's PC16550D data sheet, "Registers".
 */

/** Offset 0: RBR when read, THR when written, DLL while LCR.DLAB is set. */
export const RBR_THR_DLL = 0;
/** Offset 1: IER, or DLM while LCR.DLAB is set. */
export const IER_DLM = 1;
/** Offset 2: IIR when read, FCR when written. */
export const IIR_FCR = 2;
export const LCR = 3;
export const MCR = 4;
export const LSR = 5;
export const MSR = 6;
export const SCR = 7;

export const IER = { ERBFI: 0x01, ETBEI: 0x02, ELSI: 0x04, EDSSI: 0x08 } as const;

/** Interrupt identification, in falling priority. */
export const IIR = {
  LINE_STATUS: 0x06,
  DATA_AVAILABLE: 0x04,
  CHARACTER_TIMEOUT: 0x0c,
  THR_EMPTY: 0x02,
  MODEM_STATUS: 0x00,
  NONE: 0x01,
  FIFOS_ENABLED: 0xc0,
} as const;

export const FCR = { ENABLE: 0x01, RCVR_RESET: 0x02, XMIT_RESET: 0x04 } as const;
/** Bytes in the receiver FIFO that raise an interrupt, by FCR bits 6–7. */
export const TRIGGER_LEVELS = [1, 4, 8, 14] as const;

export const LCR_BITS = { WORD_LENGTH: 0x03, STB: 0x04, PEN: 0x08, DLAB: 0x80 } as const;
export const MCR_BITS = { DTR: 0x01, RTS: 0x02, OUT1: 0x04, OUT2: 0x08, LOOP: 0x10 } as const;
export const LSR_BITS = { DR: 0x01, OE: 0x02, THRE: 0x20, TEMT: 0x40 } as const;
export const MSR_BITS = {
  DCTS: 0x01,
  DDSR: 0x02,
  TERI: 0x04,
  DDCD: 0x08,
  CTS: 0x10,
  DSR: 0x20,
  RI: 0x40,
  DCD: 0x80,
} as const;
