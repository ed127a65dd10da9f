/**
 * The interrupt controller of a PC: two 8259As, the slave's output on the master's IR2, and the ELCR ports.
 *
 * It is the CPU's interrupt source: `pending` is INTR, `acknowledge` the two INTA cycles.
 * Leaves out the APICs. Source: Intel 8259A data sheet (231468); Intel 82371SB (PIIX3), ELCR1 and ELCR2.
 */
import type { InterruptLine } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { integer, parseState, record } from '../state-schema.js';
import { Pic8259, picShape } from './pic-8259.js';

const CASCADE_INPUT = 2;
/** The timer, the keyboard and the cascade are always edge-triggered. */
const MASTER_ELCR = 0xf8;
/** The RTC and the coprocessor are always edge-triggered. */
const SLAVE_ELCR = 0xde;
const REGION_MASTER = 0;
const REGION_SLAVE = 1;

const stateShape = record({
  master: picShape,
  slave: picShape,
  elcr: integer(0, MASTER_ELCR | (SLAVE_ELCR << 8)),
});

export class PicPair implements PortDevice {
  readonly name = 'pic';
  readonly portRegions = [
    { base: 0x20, length: 2, maxWidth: 1 },
    { base: 0xa0, length: 2, maxWidth: 1 },
    { base: 0x4d0, length: 2, maxWidth: 1 },
  ] as const;
  /** Called with INTR when it changes; set by the machine. */
  onChange: ((asserted: boolean) => void) | undefined;
  readonly #master = new Pic8259(0x08, 1 << CASCADE_INPUT);
  readonly #slave = new Pic8259(0x70, 0);
  #elcr = 0;
  #intr = false;
  /** Asserted sources of each IRQ; sources that share one are wired together by OR. */
  readonly #sources = new Uint16Array(16);

  /** An input, `irq` 0–15 but 2. Every call gives a source of its own. Throws RangeError. */
  line(irq: number): InterruptLine {
    if (!Number.isInteger(irq) || irq < 0 || irq > 15 || irq === CASCADE_INPUT) {
      throw new RangeError(`there is no interrupt line ${irq}`);
    }
    let driven = false;
    return {
      set: (asserted) => {
        if (asserted === driven) return;
        driven = asserted;
        const count = (this.#sources[irq] ?? 0) + (asserted ? 1 : -1);
        this.#sources[irq] = count;
        (irq < 8 ? this.#master : this.#slave).setLine(irq & 7, count > 0);
        this.#update();
      },
    };
  }

  /** The level of an input, masked or not. */
  isAsserted(irq: number): boolean {
    return (this.#sources[irq] ?? 0) > 0;
  }

  /** INTR: an interrupt waits for the CPU. */
  pending(): boolean {
    return this.#intr;
  }

  /** The INTA cycles: the vector, 0–255. IRQ7's or IRQ15's when the request has gone. */
  acknowledge(): number {
    const input = this.#master.acknowledge();
    let vector = this.#master.vector(input);
    // A spurious IR7 of the master is never IR2, so only a true cascade asks the slave.
    if (input === CASCADE_INPUT) {
      vector = this.#slave.vector(this.#slave.acknowledge());
      this.#pulseCascade();
    }
    this.#update();
    return vector;
  }

  reset(): void {
    this.#elcr = 0;
    this.#master.reset();
    this.#slave.reset();
    this.#update();
  }

  readPort(region: number, offset: number, _width: AccessWidth): number {
    if (region > REGION_SLAVE) return offset === 0 ? this.#elcr & 0xff : this.#elcr >> 8;
    const chip = region === REGION_MASTER ? this.#master : this.#slave;
    const value = offset === 0 ? chip.readCommand() : chip.readData();
    this.#update(); // a poll is an acknowledge
    return value;
  }

  writePort(region: number, offset: number, _width: AccessWidth, wide: number): void {
    const value = wide & 0xff;
    if (region > REGION_SLAVE) {
      this.#writeElcr(offset, value);
    } else {
      const chip = region === REGION_MASTER ? this.#master : this.#slave;
      if (offset === 0) chip.writeCommand(value);
      else chip.writeData(value);
    }
    this.#update();
  }

  save(): DeviceState {
    return { master: { ...this.#master.state }, slave: { ...this.#slave.state }, elcr: this.#elcr };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    this.#master.state = saved.master;
    this.#slave.state = saved.slave;
    this.#elcr = saved.elcr & (MASTER_ELCR | (SLAVE_ELCR << 8));
    this.#master.state.levelTriggered = this.#elcr & 0xff;
    this.#slave.state.levelTriggered = this.#elcr >> 8;
    this.#update();
  }

  #writeElcr(offset: number, value: number): void {
    if (offset === 0) {
      this.#elcr = (this.#elcr & 0xff00) | (value & MASTER_ELCR);
      this.#master.setLevelTriggered(this.#elcr & 0xff);
    } else {
      this.#elcr = (this.#elcr & 0x00ff) | ((value & SLAVE_ELCR) << 8);
      this.#slave.setLevelTriggered(this.#elcr >> 8);
    }
  }

  /** The slave's output drops at INTA and rises again if more waits: the master must see the edge. */
  #pulseCascade(): void {
    this.#master.setLine(CASCADE_INPUT, false);
  }

  #update(): void {
    this.#master.setLine(CASCADE_INPUT, this.#slave.output);
    const intr = this.#master.output;
    if (intr === this.#intr) return;
    this.#intr = intr;
    this.onChange?.(intr);
  }
}
