/**
 * One 8259A interrupt controller: eight request inputs, priorities, and the command words.
 *
 * PicPair wires two of them as a PC does. Level or edge is chosen by the input with the chipset's ELCR, so ICW1's
 * LTIM is ignored, as is the MCS-80 mode. In edge mode a request that falls before it is acknowledged is gone,
 * as the data sheet says, and an acknowledge then answers IR7.
 * Source: Intel 8259A data sheet (231468), "Programming the 8259A" and "Interrupt Sequence".
 */
import { boolean, byte, integer, oneOf, record, type Shaped } from '../state-schema.js';

const ICW1_SELECT = 0x10;
const ICW1_IC4 = 0x01;
const ICW1_SNGL = 0x02;
const ICW4_AEOI = 0x02;
const ICW4_SFNM = 0x10;
const OCW3_SELECT = 0x08;
const OCW3_POLL = 0x04;
const POLL_PENDING = 0x80;
/** What an acknowledge finds when no request is there. */
const SPURIOUS = 7;

export const picShape = record({
  /** Edge requests not yet acknowledged. */
  latched: byte,
  /** Levels of IR0–IR7. */
  lines: byte,
  inService: byte,
  mask: byte,
  /** Inputs that are level-triggered (ELCR). */
  levelTriggered: byte,
  vectorBase: byte,
  /** The next ICW that port 1 takes: 2, 3 or 4; 0 when initialised. */
  nextIcw: oneOf(0, 2, 3, 4),
  icw1: byte,
  autoEoi: boolean,
  rotateOnAutoEoi: boolean,
  specialFullyNested: boolean,
  specialMask: boolean,
  readInService: boolean,
  poll: boolean,
  lowestPriority: integer(0, 7),
});

export type PicState = Shaped<typeof picShape>;

/** As a PC's firmware leaves it: initialised, with everything masked. */
function initialPicState(vectorBase: number): PicState {
  return {
    latched: 0,
    lines: 0,
    inService: 0,
    mask: 0xff,
    levelTriggered: 0,
    vectorBase,
    nextIcw: 0,
    icw1: 0,
    autoEoi: false,
    rotateOnAutoEoi: false,
    specialFullyNested: false,
    specialMask: false,
    readInService: false,
    poll: false,
    lowestPriority: 7,
  };
}

export class Pic8259 {
  state: PicState;

  /** `slaveInputs`: the inputs a slave is wired to, which SFNM treats specially; 0 for a slave. */
  constructor(
    readonly initialVectorBase: number,
    readonly slaveInputs: number,
  ) {
    this.state = initialPicState(initialVectorBase);
  }

  /** The power-on state; the lines keep their levels, as they belong to the devices. */
  reset(): void {
    this.state = { ...initialPicState(this.initialVectorBase), lines: this.state.lines };
  }

  /** The level of one input, 0–7. */
  setLine(input: number, asserted: boolean): void {
    const bit = 1 << input;
    const { state } = this;
    if (((state.lines & bit) !== 0) === asserted) return;
    state.lines ^= bit;
    if (asserted) state.latched |= bit & ~state.levelTriggered;
    else state.latched &= ~bit;
  }

  /** The INT output. */
  get output(): boolean {
    return this.#highest() >= 0;
  }

  /** One INTA sequence: the acknowledged input, or 7 with nothing in service when the request has gone. */
  acknowledge(): number {
    const input = this.#highest();
    if (input < 0) return SPURIOUS;
    this.#begin(input);
    return input;
  }

  vector(input: number): number {
    return this.state.vectorBase | input;
  }

  /** ELCR: which inputs are level-triggered. */
  setLevelTriggered(mask: number): void {
    this.state.levelTriggered = mask;
    // A level input has no latch; one that becomes edge-triggered waits for the next edge.
    this.state.latched &= ~mask;
  }

  /** A0 = 0: IRR or ISR, or the poll word. */
  readCommand(): number {
    if (this.state.poll) return this.#pollWord();
    return this.state.readInService ? this.state.inService : this.#requests();
  }

  /** A0 = 1: IMR, or the poll word. */
  readData(): number {
    return this.state.poll ? this.#pollWord() : this.state.mask;
  }

  /** A0 = 0: ICW1, OCW2 or OCW3. */
  writeCommand(value: number): void {
    if (value & ICW1_SELECT) this.#initialise(value);
    else if (value & OCW3_SELECT) this.#operationControl3(value);
    else this.#operationControl2(value);
  }

  /** A0 = 1: ICW2–ICW4 in the initialisation sequence, else OCW1. */
  writeData(value: number): void {
    const { state } = this;
    switch (state.nextIcw) {
      case 2:
        state.vectorBase = value & 0xf8;
        state.nextIcw = state.icw1 & ICW1_SNGL ? (state.icw1 & ICW1_IC4 ? 4 : 0) : 3;
        return;
      case 3: // which inputs have slaves, or the slave's identity: the wiring decides
        state.nextIcw = state.icw1 & ICW1_IC4 ? 4 : 0;
        return;
      case 4:
        state.autoEoi = (value & ICW4_AEOI) !== 0;
        state.specialFullyNested = (value & ICW4_SFNM) !== 0;
        state.nextIcw = 0;
        return;
      default:
        state.mask = value;
    }
  }

  #initialise(icw1: number): void {
    const { lines, levelTriggered, vectorBase } = this.state;
    this.state = {
      ...initialPicState(vectorBase),
      lines,
      levelTriggered,
      mask: 0,
      icw1,
      nextIcw: 2,
    };
  }

  #operationControl2(value: number): void {
    const { state } = this;
    const level = value & 7;
    switch (value >> 5) {
      case 0: // rotate in automatic EOI mode (clear)
        state.rotateOnAutoEoi = false;
        return;
      case 1: // non-specific EOI
      case 5: // rotate on non-specific EOI
        this.#endHighest(value >> 5 === 5);
        return;
      case 3: // specific EOI
        state.inService &= ~(1 << level);
        return;
      case 4: // rotate in automatic EOI mode (set)
        state.rotateOnAutoEoi = true;
        return;
      case 6: // set priority
        state.lowestPriority = level;
        return;
      case 7: // rotate on specific EOI
        state.inService &= ~(1 << level);
        state.lowestPriority = level;
        return;
    }
  }

  #operationControl3(value: number): void {
    const { state } = this;
    state.poll = (value & OCW3_POLL) !== 0;
    if (value & 0x02) state.readInService = (value & 0x01) !== 0;
    if (value & 0x40) state.specialMask = (value & 0x20) !== 0;
  }

  #endHighest(rotate: boolean): void {
    const { state } = this;
    // In special mask mode a masked level in service is out of a non-specific EOI's sight.
    const input = this.#first(state.specialMask ? state.inService & ~state.mask : state.inService);
    if (input < 0) return;
    state.inService &= ~(1 << input);
    if (rotate) state.lowestPriority = input;
  }

  #pollWord(): number {
    this.state.poll = false;
    const input = this.#highest();
    if (input < 0) return 0;
    this.#begin(input);
    return POLL_PENDING | input;
  }

  /** The request is taken: into service, or straight out of it in automatic EOI mode. */
  #begin(input: number): void {
    const { state } = this;
    const bit = 1 << input;
    state.latched &= ~bit;
    if (!state.autoEoi) state.inService |= bit;
    else if (state.rotateOnAutoEoi) state.lowestPriority = input;
  }

  #requests(): number {
    return this.state.latched | (this.state.lines & this.state.levelTriggered);
  }

  /** The request to be served now, or −1. */
  #highest(): number {
    const { state } = this;
    if (state.nextIcw !== 0) return -1;
    const candidate = this.#first(this.#requests() & ~state.mask);
    if (candidate < 0) return -1;
    let blocking = state.inService;
    if (state.specialMask) blocking &= ~state.mask;
    if (state.specialFullyNested) blocking &= ~(this.slaveInputs & (1 << candidate));
    const blocker = this.#first(blocking);
    if (blocker < 0) return candidate;
    return this.#rank(candidate) < this.#rank(blocker) ? candidate : -1;
  }

  /** 0 for the highest priority, 7 for the lowest. */
  #rank(input: number): number {
    return (input - this.state.lowestPriority - 1) & 7;
  }

  /** The input of the highest priority in a set, or −1 if it is empty. */
  #first(inputs: number): number {
    if (inputs === 0) return -1;
    for (let rank = 0; rank < 8; rank++) {
      const input = (this.state.lowestPriority + 1 + rank) & 7;
      if (inputs & (1 << input)) return input;
    }
    return -1;
  }
}
