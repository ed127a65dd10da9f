/**
 * The local APIC of the one processor as software reaches it: its registers in memory (xAPIC) or as MSRs (x2APIC), and
 * IA32_APIC_BASE, which says which. Every interrupt comes to the processor through it, those of the 8259s by LINT0, as on
 * a PC's virtual wire.
 *
 * Leaves out other processors, to whom messages vanish, SMIs, arbitration and remote reads of old, CMCI, and inputs for
 * LINT1, thermal and performance interrupts: nothing here raises those.
 * Source: SDM vol. 3, 11.4 "Local APIC" and 11.12 "Extended XAPIC (x2APIC)".
 */
import { type AccessWidth, type DeviceState, DeviceStateError, type MmioDevice } from '../device.js';
import type { InterruptBus, InterruptMessage } from '../interrupt/interrupt-message.js';
import { integer, parseState, record } from '../state-schema.js';
import { addressOf, INITIAL_BASE, isBase, mayChange, modeOf } from './apic-base.js';
import { ApicCore, type ApicCoreOptions, apicCoreShape } from './apic-core.js';
import { Register, x2apicAccess, x2apicReserved } from './registers.js';

const MSR_BASE = 0x1b;
const MSR_TSC_DEADLINE = 0x6e0;
const MSR_X2APIC = 0x800;
const PAGE = 4096;

export interface LocalApicOptions extends ApicCoreOptions {
  /** As CPUID tells. */
  readonly physicalAddressBits: number;
  /** The registers' page is at `address` and no longer at `before`; undefined is nowhere. */
  readonly onMove: (address: number | undefined, before: number | undefined) => void;
}

const word = integer(0, 0xffffffff);
const stateShape = record({ baseHigh: word, baseLow: word, core: apicCoreShape });

export class LocalApic implements MmioDevice, InterruptBus {
  readonly name = 'local-apic';
  readonly #options: LocalApicOptions;
  readonly #core: ApicCore;
  #base = INITIAL_BASE;

  constructor(options: LocalApicOptions) {
    this.#options = options;
    this.#core = new ApicCore(options);
    this.#core.leaveAsFirmware();
  }

  get mmioRegions(): readonly { readonly base: number; readonly length: number }[] {
    return this.address === undefined ? [] : [{ base: this.address, length: PAGE }];
  }

  /** Physical address of the registers' page, undefined unless in xAPIC mode. */
  get address(): number | undefined {
    return modeOf(this.#base) === 'xapic' ? addressOf(this.#base) : undefined;
  }

  /** Where in the registers' page a physical address lies, undefined if outside. */
  offsetOf(physical: number): number | undefined {
    const { address } = this;
    if (address === undefined || physical < address || physical >= address + PAGE) return undefined;
    return physical - address;
  }

  /** Whether CPUID shows a local APIC. */
  get enabled(): boolean {
    return modeOf(this.#base) !== 'disabled';
  }

  reset(): void {
    this.#core.initialise();
    this.#core.leaveAsFirmware();
    this.#setBase(INITIAL_BASE);
  }

  /** An interrupt waits for the processor. */
  pending(): boolean {
    return this.#core.pending;
  }

  /** The processor takes an interrupt: its vector, 0–255. */
  acknowledge(): number {
    return this.#core.acknowledge();
  }

  /** Whether the 8259s' output is an NMI. */
  get raisesNmi(): boolean {
    return this.#core.raisesNmi;
  }

  /** The 8259s' output has changed. */
  externalChanged(): void {
    this.#core.update();
  }

  /** CR8 was written: 0–15. */
  setTaskPriorityClass(priorityClass: number): void {
    this.#core.setTaskPriorityClass(priorityClass);
  }

  /** The processor's time-stamp counter was set. */
  timeStampChanged(): void {
    this.#core.timer.timeStampChanged();
  }

  send(message: InterruptMessage): boolean {
    return this.#core.send(message);
  }

  readMmio(_region: number, offset: number, width: AccessWidth): number {
    const lane = offset & 15;
    if (lane + width > 4) return 0;
    const value = this.#readMapped((offset >> 4) & 0xff) >>> (8 * lane);
    return width === 4 ? value : value & (width === 2 ? 0xffff : 0xff);
  }

  /** Anything but a whole register is undefined, and ignored. */
  writeMmio(_region: number, offset: number, width: AccessWidth, value: number): void {
    if (width !== 4 || (offset & 15) !== 0) return;
    const register = (offset >> 4) & 0xff;
    if (this.#isMapped(register)) this.#core.write(register, value >>> 0);
    else this.#core.reportIllegalRegister();
  }

  /** RDMSR of IA32_APIC_BASE, IA32_TSC_DEADLINE or an x2APIC register; undefined is #GP. */
  readMsr(address: number): bigint | undefined {
    if (address === MSR_BASE) return this.#base;
    if (address === MSR_TSC_DEADLINE) return this.#core.timer.deadline;
    const register = address - MSR_X2APIC;
    if (modeOf(this.#base) !== 'x2apic' || !x2apicAccess(register)?.read) return undefined;
    const low = BigInt(this.#core.read(register));
    if (register !== Register.command) return low;
    return (BigInt(this.#core.read(Register.commandHigh)) << 32n) | low;
  }

  /** WRMSR; false is #GP. */
  writeMsr(address: number, value: bigint): boolean {
    if (address === MSR_BASE) return this.#writeBase(value);
    if (address === MSR_TSC_DEADLINE) {
      this.#core.timer.deadline = value;
      return true;
    }
    const register = address - MSR_X2APIC;
    if (modeOf(this.#base) !== 'x2apic' || !x2apicAccess(register)?.write) return false;
    const low = Number(value & 0xffffffffn);
    const high = Number(value >> 32n);
    if (low & x2apicReserved(register)) return false;
    if (high !== 0 && register !== Register.command) return false;
    if (register === Register.command) this.#core.write(Register.commandHigh, high);
    this.#core.write(register, low);
    return true;
  }

  save(): DeviceState {
    const baseHigh = Number(this.#base >> 32n);
    return { baseHigh, baseLow: Number(this.#base & 0xffffffffn), core: this.#core.save() };
  }

  restore(state: DeviceState): void {
    const saved = parseState(stateShape, state, this.name);
    const base = (BigInt(saved.baseHigh) << 32n) | BigInt(saved.baseLow);
    if (!isBase(base, this.#options.physicalAddressBits))
      throw new DeviceStateError(this.name, 'state.baseLow', 'a value of IA32_APIC_BASE');
    this.#core.restore(saved.core);
    this.#setBase(base);
  }

  #writeBase(value: bigint): boolean {
    if (!isBase(value, this.#options.physicalAddressBits)) return false;
    const from = modeOf(this.#base);
    const to = modeOf(value);
    if (!mayChange(from, to)) return false;
    // What the registers held is lost, so that whoever enables it again finds them as after power-on.
    if (to === 'disabled' && from !== 'disabled') this.#core.initialise();
    this.#setBase(value);
    return true;
  }

  #setBase(base: bigint): void {
    const before = this.address;
    this.#base = base;
    this.#core.mode = modeOf(base);
    if (this.address !== before) this.#options.onMove(this.address, before);
    this.#core.update();
  }

  /** Whether memory-mapped software may touch a register. */
  #isMapped(register: number): boolean {
    if (register === Register.selfIpi) return false;
    if (register === Register.destinationFormat || register === Register.commandHigh) return true;
    return x2apicAccess(register) !== undefined;
  }

  #readMapped(register: number): number {
    if (this.#isMapped(register)) return this.#core.read(register);
    this.#core.reportIllegalRegister();
    return 0;
  }
}
