/**
 * The 16550A UART with its 16-byte FIFOs, as a PC's COM port.
 *
 * A byte is transmitted the moment it is written: LSR always shows the transmitter empty, and the THRE interrupt
 * is raised again at once. Received bytes enter as fast as the guest takes them: the FIFO holds 16 and the backend
 * keeps the rest, so no byte is lost. The baud rate therefore only sets the character timeout.
 * Leaves out parity and framing errors and breaks (a byte stream has none) and DMA mode signalling.
 * Source: TI PC16550D data sheet, "Registers"; PC wiring: OUT2 gates the interrupt.
 */
import type { Clock, Console, InterruptLine, Timer } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { OutputBuffer } from '../output-buffer.js';
import { boolean, byte, integer, list, nanoseconds, nullable, parseState, record } from '../state-schema.js';
import { loopedModemLines, modemStatusAfter } from './modem.js';
import {
  FCR,
  IER,
  IER_DLM,
  IIR,
  IIR_FCR,
  LCR,
  LCR_BITS,
  LSR,
  LSR_BITS,
  MCR,
  MCR_BITS,
  MSR,
  MSR_BITS,
  RBR_THR_DLL,
  SCR,
  TRIGGER_LEVELS,
} from './registers.js';

const FIFO_SIZE = 16;
/** The 1.8432 MHz crystal of a PC, divided by 16: bits per second at divisor 1. */
const BASE_BAUD = 115_200;
/** 9600 baud, what firmware leaves. */
const RESET_DIVISOR = 12;
/** The host end is always connected and ready. */
const HOST_MODEM_LINES = MSR_BITS.CTS | MSR_BITS.DSR | MSR_BITS.DCD;

const stateShape = record({
  interruptEnable: integer(0, 0x0f),
  fifoEnabled: boolean,
  triggerIndex: integer(0, 3),
  lineControl: byte,
  modemControl: integer(0, 0x1f),
  modemStatus: byte,
  scratch: byte,
  divisor: integer(0, 0xffff),
  overrun: boolean,
  thrEmptyPending: boolean,
  timeoutPending: boolean,
  /** Nanoseconds until the character timeout, or null when it is not running. */
  timeoutIn: nullable(nanoseconds),
  received: list(byte, 0, FIFO_SIZE),
});

export interface UartOptions {
  readonly name: string;
  readonly base: number;
  readonly clock: Clock;
  readonly console: Console;
  readonly line: InterruptLine;
}

export class Uart16550 implements PortDevice {
  readonly name: string;
  readonly portRegions;
  readonly #clock: Clock;
  readonly #output: OutputBuffer;
  readonly #line: InterruptLine;
  #interruptEnable = 0;
  #fifoEnabled = false;
  #triggerIndex = 0;
  #lineControl = 0;
  #modemControl = 0;
  #modemStatus: number = HOST_MODEM_LINES;
  #scratch = 0;
  #divisor = RESET_DIVISOR;
  #overrun = false;
  #thrEmptyPending = false;
  #timeoutPending = false;
  #timer: Timer | undefined;
  #timeoutDeadline = 0;
  #received: number[] = [];
  /** The receiver refused bytes, so the backend waits for `ready`. */
  #refused = false;

  constructor(options: UartOptions) {
    this.name = options.name;
    this.portRegions = [{ base: options.base, length: 8, maxWidth: 1 }] as const;
    this.#clock = options.clock;
    this.#output = new OutputBuffer(options.console);
    this.#line = options.line;
    this.reset();
    options.console.connect((bytes) => this.#receiveFromHost(bytes));
  }

  reset(): void {
    this.flush();
    this.#interruptEnable = 0;
    this.#fifoEnabled = false;
    this.#triggerIndex = 0;
    this.#lineControl = 0;
    this.#modemControl = 0;
    this.#modemStatus = HOST_MODEM_LINES;
    this.#scratch = 0;
    this.#divisor = RESET_DIVISOR;
    this.#overrun = false;
    this.#thrEmptyPending = false;
    this.#clearReceiver();
    this.#updateLine();
    this.#askForMore();
  }

  readPort(_region: number, offset: number, _width: AccessWidth): number {
    switch (offset) {
      case RBR_THR_DLL:
        return this.#dlab ? this.#divisor & 0xff : this.#readReceiver();
      case IER_DLM:
        return this.#dlab ? this.#divisor >> 8 : this.#interruptEnable;
      case IIR_FCR:
        return this.#readInterruptIdentification();
      case LCR:
        return this.#lineControl;
      case MCR:
        return this.#modemControl;
      case LSR:
        return this.#readLineStatus();
      case MSR:
        return this.#readModemStatus();
      case SCR:
        return this.#scratch;
      default:
        return 0xff;
    }
  }

  writePort(_region: number, offset: number, _width: AccessWidth, wide: number): void {
    const value = wide & 0xff;
    switch (offset) {
      case RBR_THR_DLL:
        if (this.#dlab) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#transmit(value);
        return;
      case IER_DLM:
        if (this.#dlab) this.#divisor = (this.#divisor & 0x00ff) | (value << 8);
        else this.#writeInterruptEnable(value);
        return;
      case IIR_FCR:
        this.#writeFifoControl(value);
        return;
      case LCR:
        this.#lineControl = value;
        return;
      case MCR:
        this.#writeModemControl(value);
        return;
      case SCR:
        this.#scratch = value;
        return;
      // LSR and MSR are for factory tests only; writes are ignored.
    }
  }

  flush(): void {
    this.#output.flush();
  }

  save(): DeviceState {
    this.flush();
    return {
      interruptEnable: this.#interruptEnable,
      fifoEnabled: this.#fifoEnabled,
      triggerIndex: this.#triggerIndex,
      lineControl: this.#lineControl,
      modemControl: this.#modemControl,
      modemStatus: this.#modemStatus,
      scratch: this.#scratch,
      divisor: this.#divisor,
      overrun: this.#overrun,
      thrEmptyPending: this.#thrEmptyPending,
      timeoutPending: this.#timeoutPending,
      timeoutIn: this.#timer ? Math.max(0, this.#timeoutDeadline - this.#clock.now()) : null,
      received: [...this.#received],
    };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    this.flush();
    this.#interruptEnable = saved.interruptEnable;
    this.#fifoEnabled = saved.fifoEnabled;
    this.#triggerIndex = saved.triggerIndex;
    this.#lineControl = saved.lineControl;
    this.#modemControl = saved.modemControl;
    this.#modemStatus = saved.modemStatus;
    this.#scratch = saved.scratch;
    this.#divisor = saved.divisor;
    this.#overrun = saved.overrun;
    this.#thrEmptyPending = saved.thrEmptyPending;
    this.#timeoutPending = saved.timeoutPending;
    this.#received = saved.received;
    this.#stopTimeout();
    if (saved.timeoutIn !== null) this.#startTimeout(saved.timeoutIn);
    this.#updateLine();
    // What the backend holds back was refused by another life of this device: ask for it.
    this.#refused = true;
    this.#askForMore();
  }

  get #dlab(): boolean {
    return (this.#lineControl & LCR_BITS.DLAB) !== 0;
  }

  get #loopback(): boolean {
    return (this.#modemControl & MCR_BITS.LOOP) !== 0;
  }

  get #capacity(): number {
    return this.#fifoEnabled ? FIFO_SIZE : 1;
  }

  // Receiver

  #receiveFromHost(bytes: Uint8Array): number {
    // In loopback the receiver is disconnected from its pin: the host's bytes wait.
    const room = this.#loopback ? 0 : this.#capacity - this.#received.length;
    const taken = Math.max(0, Math.min(room, bytes.length));
    for (let index = 0; index < taken; index++) this.#received.push(bytes[index] ?? 0);
    this.#refused = taken < bytes.length;
    if (taken > 0) this.#afterReceive();
    return taken;
  }

  /** Bytes came in: restarts the character timeout and raises what is due. */
  #afterReceive(): void {
    if (this.#fifoEnabled) this.#startTimeout(this.#characterTimeout());
    this.#updateLine();
  }

  #readReceiver(): number {
    const value = this.#received.shift() ?? 0;
    this.#timeoutPending = false;
    this.#stopTimeout();
    if (this.#fifoEnabled && this.#received.length > 0) this.#startTimeout(this.#characterTimeout());
    this.#updateLine();
    this.#askForMore();
    return value;
  }

  #askForMore(): void {
    if (!this.#refused || this.#loopback || this.#received.length >= this.#capacity) return;
    this.#refused = false;
    this.#output.console.ready();
  }

  #clearReceiver(): void {
    this.#received = [];
    this.#timeoutPending = false;
    this.#stopTimeout();
  }

  /** Four character times ("FIFO Interrupt Mode Operation"). */
  #characterTimeout(): number {
    const wordLength = 5 + (this.#lineControl & LCR_BITS.WORD_LENGTH);
    const parity = this.#lineControl & LCR_BITS.PEN ? 1 : 0;
    const stop = this.#lineControl & LCR_BITS.STB ? 2 : 1;
    const divisor = this.#divisor === 0 ? 0x10000 : this.#divisor;
    return Math.ceil((4 * (1 + wordLength + parity + stop) * divisor * 1e9) / BASE_BAUD);
  }

  #startTimeout(delay: number): void {
    this.#stopTimeout();
    this.#timeoutDeadline = this.#clock.now() + delay;
    this.#timer = this.#clock.schedule(this.#timeoutDeadline, () => {
      this.#timer = undefined;
      this.#timeoutPending = true;
      this.#updateLine();
    });
  }

  #stopTimeout(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  // Transmitter

  #transmit(value: number): void {
    // The line must fall and rise again, or an edge-triggered controller would miss the next THRE.
    this.#thrEmptyPending = false;
    this.#updateLine();
    if (this.#loopback) this.#receiveLooped(value);
    else this.#output.push(value);
    this.#thrEmptyPending = true;
    this.#updateLine();
  }

  #receiveLooped(value: number): void {
    const word = value & (0xff >> (3 - (this.#lineControl & LCR_BITS.WORD_LENGTH)));
    if (this.#received.length < this.#capacity) {
      this.#received.push(word);
    } else {
      this.#overrun = true;
      // Without FIFOs the new character replaces the unread one; with them it is lost in the shift register.
      if (!this.#fifoEnabled) this.#received[0] = word;
    }
    this.#afterReceive();
  }

  // Control and status

  #writeInterruptEnable(value: number): void {
    const before = this.#interruptEnable;
    this.#interruptEnable = value & 0x0f;
    if (value & ~before & IER.ETBEI) this.#thrEmptyPending = true;
    this.#updateLine();
  }

  #writeFifoControl(value: number): void {
    const enabled = (value & FCR.ENABLE) !== 0;
    // The other bits are only programmed while FCR0 is written as 1; a change of FCR0 empties both FIFOs.
    const changed = enabled !== this.#fifoEnabled;
    this.#fifoEnabled = enabled;
    this.#triggerIndex = enabled ? (value >> 6) & 3 : 0;
    if (changed || (enabled && value & FCR.RCVR_RESET)) {
      this.#clearReceiver();
      this.#overrun = false;
    }
    if (changed || (enabled && value & FCR.XMIT_RESET)) this.#thrEmptyPending = true;
    this.#updateLine();
    this.#askForMore();
  }

  #writeModemControl(value: number): void {
    this.#modemControl = value & 0x1f;
    const lines = this.#loopback ? loopedModemLines(this.#modemControl) : HOST_MODEM_LINES;
    this.#modemStatus = modemStatusAfter(this.#modemStatus, lines);
    this.#updateLine();
    this.#askForMore();
  }

  #readLineStatus(): number {
    const status =
      LSR_BITS.THRE |
      LSR_BITS.TEMT |
      (this.#received.length > 0 ? LSR_BITS.DR : 0) |
      (this.#overrun ? LSR_BITS.OE : 0);
    if (this.#overrun) {
      this.#overrun = false;
      this.#updateLine();
    }
    return status;
  }

  #readModemStatus(): number {
    const status = this.#modemStatus;
    this.#modemStatus = status & 0xf0;
    this.#updateLine();
    return status;
  }

  // Interrupts: the highest of the enabled causes ("Interrupt Identification Register")

  #identification(): number {
    const enable = this.#interruptEnable;
    if (enable & IER.ELSI && this.#overrun) return IIR.LINE_STATUS;
    if (enable & IER.ERBFI) {
      const level = this.#fifoEnabled ? (TRIGGER_LEVELS[this.#triggerIndex] ?? 1) : 1;
      if (this.#received.length >= level) return IIR.DATA_AVAILABLE;
      if (this.#timeoutPending) return IIR.CHARACTER_TIMEOUT;
    }
    if (enable & IER.ETBEI && this.#thrEmptyPending) return IIR.THR_EMPTY;
    if (enable & IER.EDSSI && this.#modemStatus & 0x0f) return IIR.MODEM_STATUS;
    return IIR.NONE;
  }

  #readInterruptIdentification(): number {
    const identification = this.#identification();
    if (identification === IIR.THR_EMPTY) {
      this.#thrEmptyPending = false;
      this.#updateLine();
    }
    return identification | (this.#fifoEnabled ? IIR.FIFOS_ENABLED : 0);
  }

  #updateLine(): void {
    // Loopback forces the modem outputs inactive, OUT2 among them.
    const gate = (this.#modemControl & (MCR_BITS.OUT2 | MCR_BITS.LOOP)) === MCR_BITS.OUT2;
    this.#line.set(gate && this.#identification() !== IIR.NONE);
  }
}
