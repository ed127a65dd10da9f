/**
 * The 16550A UART with its 16-byte FIFOs, as a PC's COM port.
 *
 * A byte is transmitted the moment it is written: LSR always shows the transmitter empty, and the THRE interrupt
 * is raised again at once. Received bytes arrive at the programmed rate and none is lost: receiver.ts.
 * Leaves out parity and framing errors and breaks (a byte stream has none) and DMA mode signalling.
 * Source: TI PC16550D data sheet, "Registers"; PC wiring: OUT2 gates the interrupt.
 */
import type { Clock, Console, InterruptLine } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { OutputBuffer } from '../output-buffer.js';
import { boolean, byte, integer, parseState, record } from '../state-schema.js';
import { characterTime } from './character-time.js';
import { loopedModemLines, modemStatusAfter } from './modem.js';
import { Receiver, receiverShape } from './receiver.js';
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
} from './registers.js';

/** 115200 baud: the chip leaves it open, and a guest that does not program it has no reason to wait for its input. */
const RESET_DIVISOR = 1;
/** The host end is always connected and ready. */
const HOST_MODEM_LINES = MSR_BITS.CTS | MSR_BITS.DSR | MSR_BITS.DCD;

const stateShape = record({
  interruptEnable: integer(0, 0x0f),
  lineControl: byte,
  modemControl: integer(0, 0x1f),
  modemStatus: byte,
  scratch: byte,
  divisor: integer(0, 0xffff),
  thrEmptyPending: boolean,
  receiver: receiverShape,
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
  readonly #output: OutputBuffer;
  readonly #line: InterruptLine;
  readonly #receiver: Receiver;
  #interruptEnable = 0;
  #lineControl = 0;
  #modemControl = 0;
  #modemStatus: number = HOST_MODEM_LINES;
  #scratch = 0;
  #divisor = RESET_DIVISOR;
  #thrEmptyPending = false;

  constructor(options: UartOptions) {
    this.name = options.name;
    this.portRegions = [{ base: options.base, length: 8, maxWidth: 1 }] as const;
    this.#output = new OutputBuffer(options.console);
    this.#line = options.line;
    this.#receiver = new Receiver({
      clock: options.clock,
      console: options.console,
      characterTime: (count) => characterTime(count, this.#lineControl, this.#divisor),
      changed: () => this.#updateLine(),
    });
    this.reset();
    this.#receiver.connect();
  }

  reset(): void {
    this.flush();
    this.#interruptEnable = 0;
    this.#lineControl = 0;
    this.#modemControl = 0;
    this.#modemStatus = HOST_MODEM_LINES;
    this.#scratch = 0;
    this.#divisor = RESET_DIVISOR;
    this.#thrEmptyPending = false;
    this.#receiver.reset();
  }

  readPort(_region: number, offset: number, _width: AccessWidth): number {
    switch (offset) {
      case RBR_THR_DLL:
        return this.#dlab ? this.#divisor & 0xff : this.#receiver.read();
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
      lineControl: this.#lineControl,
      modemControl: this.#modemControl,
      modemStatus: this.#modemStatus,
      scratch: this.#scratch,
      divisor: this.#divisor,
      thrEmptyPending: this.#thrEmptyPending,
      receiver: this.#receiver.save(),
    };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    this.flush();
    this.#interruptEnable = saved.interruptEnable;
    this.#lineControl = saved.lineControl;
    this.#modemControl = saved.modemControl;
    this.#modemStatus = saved.modemStatus;
    this.#scratch = saved.scratch;
    this.#divisor = saved.divisor;
    this.#thrEmptyPending = saved.thrEmptyPending;
    this.#receiver.restore(saved.receiver, this.#loopback);
  }

  get #dlab(): boolean {
    return (this.#lineControl & LCR_BITS.DLAB) !== 0;
  }

  get #loopback(): boolean {
    return (this.#modemControl & MCR_BITS.LOOP) !== 0;
  }

  // Transmitter

  #transmit(value: number): void {
    // The line must fall and rise again, or an edge-triggered controller would miss the next THRE.
    this.#thrEmptyPending = false;
    this.#updateLine();
    if (this.#loopback) this.#receiver.receiveLooped(value & this.#wordMask);
    else this.#output.push(value);
    this.#thrEmptyPending = true;
    this.#updateLine();
  }

  get #wordMask(): number {
    return 0xff >> (3 - (this.#lineControl & LCR_BITS.WORD_LENGTH));
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
    const changed = enabled !== this.#receiver.fifoEnabled;
    if (changed || (enabled && value & FCR.XMIT_RESET)) this.#thrEmptyPending = true;
    const receiverReset = enabled && (value & FCR.RCVR_RESET) !== 0;
    this.#receiver.programFifos(enabled, enabled ? (value >> 6) & 3 : 0, receiverReset);
  }

  #writeModemControl(value: number): void {
    this.#modemControl = value & 0x1f;
    const lines = this.#loopback ? loopedModemLines(this.#modemControl) : HOST_MODEM_LINES;
    this.#modemStatus = modemStatusAfter(this.#modemStatus, lines);
    this.#updateLine();
    this.#receiver.setLooped(this.#loopback);
  }

  #readLineStatus(): number {
    const { dataReady, overrun } = this.#receiver;
    if (overrun) this.#receiver.clearOverrun();
    return LSR_BITS.THRE | LSR_BITS.TEMT | (dataReady ? LSR_BITS.DR : 0) | (overrun ? LSR_BITS.OE : 0);
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
    if (enable & IER.ELSI && this.#receiver.overrun) return IIR.LINE_STATUS;
    if (enable & IER.ERBFI) {
      if (this.#receiver.triggered) return IIR.DATA_AVAILABLE;
      if (this.#receiver.timeoutPending) return IIR.CHARACTER_TIMEOUT;
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
    return identification | (this.#receiver.fifoEnabled ? IIR.FIFOS_ENABLED : 0);
  }

  #updateLine(): void {
    // Loopback forces the modem outputs inactive, OUT2 among them.
    const gate = (this.#modemControl & (MCR_BITS.OUT2 | MCR_BITS.LOOP)) === MCR_BITS.OUT2;
    this.#line.set(gate && this.#identification() !== IIR.NONE);
  }
}
