/**
 * A small machine with real descriptor tables, a TSS and page tables, for tests of what only privileged code sees.
 * Long mode with 4-level paging, protected mode without paging, or real mode. Every vector's handler is a HLT, and the
 * outcome tells which one was reached and what was saved.
 * Memory map: 0x1000 IDT, 0x2000 GDT, 0x3000 TSS, 0x4000 LDT, 0x6000 handlers, stacks end at 0x8000 (ring 0 from
 * outside), 0x9000 (IST1), 0xa000 (IST2) and 0x18000 (ring 0), 0x10000 ring-0 code, 0x20000 ring-3 code, 0x30000 end of
 * the ring-3 stack, 0x100000 page tables.
 */
import type { Bus, InterruptSource } from '../../src/cpu/bus.js';
import { Cpu } from '../../src/cpu/cpu.js';
import type { Exit } from '../../src/cpu/exit.js';
import * as state from '../../src/cpu/state.js';
import { Access, Cr0, Cr4, Efer, Segment } from '../../src/cpu/state.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { flagsOf, setFlags } from './run-code.js';

export type WorldMode = 'long' | 'protected' | 'real';

export const IDT = 0x1000;
export const GDT = 0x2000;
export const TSS = 0x3000;
export const LDT = 0x4000;
export const HANDLERS = 0x6000;
export const RING_0_ENTRY_STACK = 0x8000;
export const IST1 = 0x9000;
export const IST2 = 0xa000;
export const KERNEL_STACK = 0x18000;
export const KERNEL_CODE = 0x10000;
export const USER_CODE = 0x20000;
export const USER_STACK = 0x30000;
export const PML4 = 0x100000;
/** The table that maps the first 2 MiB by pages of 4 KiB. */
export const PAGE_TABLE = 0x103000;

/** Selectors, RPL 0. The TSS, LDT and call gate take two entries each. */
export const Selector = {
  kernelCode: 0x08,
  kernelData: 0x10,
  userCode32: 0x18,
  userData: 0x20,
  userCode64: 0x28,
  kernelCode32: 0x30,
  kernelCode16: 0x38,
  tss: 0x40,
  ldt: 0x50,
  gate: 0x60,
  absentData: 0x70,
  readOnlyData: 0x78,
  conformingCode: 0x80,
  smallData: 0x88,
  executeOnlyCode: 0x90,
  absentCode: 0x98,
  longAndBigCode: 0xa0,
  expandDownData: 0xa8,
  /** The first past the table's end. */
  beyond: 0xb0,
} as const;

/** Ends ring-3 code: its gate has DPL 3. */
const DONE_VECTOR = 0x40;
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);

export interface Trial {
  /** Hexadecimal. HLT is appended, or for ring 3 INT 0x40. */
  readonly code: string;
  readonly ring?: 0 | 3;
  /** By encoding number. */
  readonly registers?: Readonly<Record<number, bigint>>;
  readonly flags?: bigint;
  /** Run in this code segment and at this RIP, rather than the ring's own. */
  readonly selector?: number;
  readonly limit?: number;
}

export interface Frame {
  readonly rip: bigint;
  readonly cs: number;
  readonly flags: bigint;
  /** Long mode always saves them; protected mode only from an outer level. */
  readonly rsp: bigint;
  readonly ss: number;
}

export interface TrialOutcome {
  readonly exit: Exit;
  /** The code ran to its end. */
  readonly done: boolean;
  /** Of the handler that was reached. */
  readonly vector: number | undefined;
  readonly errorCode: number | undefined;
  readonly frame: Frame;
  readonly registers: readonly bigint[];
  readonly flags: bigint;
  readonly cr2: bigint;
}

export function descriptor(base: number, limit: number, access: number): bigint {
  const b = BigInt(base);
  const l = BigInt(limit);
  return (
    (l & 0xffffn) |
    ((b & 0xffffffn) << 16n) |
    (BigInt(access & 0xf0ff) << 40n) |
    (((l >> 16n) & 15n) << 48n) |
    ((b >> 24n) << 56n)
  );
}

export class SystemWorld {
  readonly cpu: Cpu;
  /** Instructions that were run and have no meaning. */
  readonly unimplemented: string[] = [];
  /** What was written to ports. A byte read from one is its number. */
  readonly written: { port: number; width: number; value: number }[] = [];
  interruptVector: number | undefined;
  /** Asserted one after the other once `interruptVector` was acknowledged. */
  readonly laterInterrupts: number[] = [];
  /** Told of each write to a port. */
  onPort: ((port: number, value: number) => void) | undefined;
  /** Told of each write to memory that is a device's. */
  onDeviceMemory: ((address: number, value: number) => void) | undefined;

  static async create(mode: WorldMode): Promise<SystemWorld> {
    return new SystemWorld(mode, await loadInterpreter());
  }

  private constructor(
    readonly mode: WorldMode,
    interpreter: Awaited<ReturnType<typeof loadInterpreter>>,
  ) {
    const bus: Bus = {
      readPort: (port, width) => ((port & 0xff) * 0x01010101) % 2 ** (8 * width),
      writePort: (port, width, value) => {
        this.written.push({ port, width, value });
        if (port === 0x80) this.raise(value & 0xff);
        this.onPort?.(port, value);
      },
      readMemory: (_address, width) => 2 ** (8 * width) - 1,
      writeMemory: (address, _width, value) => this.onDeviceMemory?.(address, value),
    };
    const interrupts: InterruptSource = {
      pending: () => this.interruptVector !== undefined,
      acknowledge: () => {
        const vector = this.interruptVector ?? 0xff;
        this.interruptVector = this.laterInterrupts.shift();
        return vector;
      },
    };
    this.cpu = new Cpu({
      interpreter,
      ramSize: 4 << 20,
      bus,
      interrupts,
      onUnimplemented: ({ mnemonic }) => this.unimplemented.push(mnemonic),
    });
    this.#tables();
    this.setUp();
  }

  /** Asserts INTR. Guests do it by a byte to port 0x80. */
  raise(vector: number): void {
    this.interruptVector = vector;
    this.cpu.interruptRaised();
  }

  get wordSize(): 2 | 4 | 8 {
    return this.mode === 'long' ? 8 : this.mode === 'protected' ? 4 : 2;
  }

  put64(address: number, value: bigint): void {
    this.cpu.memory.store(address, 4, Number(value & 0xffffffffn));
    this.cpu.memory.store(address + 4, 4, Number((value >> 32n) & 0xffffffffn));
  }
  get64(address: number): bigint {
    const low = this.cpu.memory.read(address, 4) ?? 0;
    const high = this.cpu.memory.read(address + 4, 4) ?? 0;
    return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  }
  /** A word of the stack as wide as the mode's frames. */
  word(address: number): bigint {
    return this.get64(address) & ((1n << BigInt(8 * this.wordSize)) - 1n);
  }

  setDescriptor(selector: number, value: bigint, high = 0n): void {
    this.put64(GDT + selector, value);
    if (high) this.put64(GDT + selector + 8, high);
  }

  setGate(
    vector: number,
    gate: {
      type?: number;
      level?: number;
      selector?: number;
      target?: bigint;
      ist?: number;
      present?: boolean;
    },
  ): void {
    const { type = 14, level = 0, selector = Selector.kernelCode, ist = 0, present = true } = gate;
    const target = gate.target ?? BigInt(HANDLERS + vector * 16);
    const access = BigInt(type | (level << 5) | (present ? 0x80 : 0));
    const low =
      (target & 0xffffn) |
      (BigInt(selector) << 16n) |
      (BigInt(ist) << 32n) |
      (access << 40n) |
      (((target >> 16n) & 0xffffn) << 48n);
    if (this.mode === 'long') {
      this.put64(IDT + vector * 16, low);
      this.put64(IDT + vector * 16 + 8, target >> 32n);
    } else this.put64(IDT + vector * 8, low);
  }

  setPage(linear: number, flags: bigint): void {
    this.put64(PAGE_TABLE + (linear >> 12) * 8, BigInt(linear & ~0xfff) | flags);
  }

  /** Resets the processor, which a HLT keeps from running on, to freshly entered ring 0. Memory stays. */
  setUp(): void {
    const view = this.cpu.state;
    this.cpu.reset();
    if (this.mode === 'real') {
      view.set32(state.idtrLimit, 0x3ff);
      this.#real(Segment.cs, 0x1000);
      for (const n of [Segment.ds, Segment.es, Segment.ss, Segment.fs, Segment.gs]) this.#real(n, 0);
      view.set64(state.cr0, BigInt(Cr0.et));
      return;
    }
    view.set64(state.idtrBase, BigInt(IDT));
    view.set32(state.idtrLimit, this.mode === 'long' ? 0xfff : 0x7ff);
    view.set64(state.gdtrBase, BigInt(GDT));
    view.set32(state.gdtrLimit, Selector.beyond - 1);
    view.set64(
      state.cr0,
      BigInt((Cr0.pe | Cr0.et | Cr0.ne | Cr0.wp | (this.mode === 'long' ? Cr0.pg : 0)) >>> 0),
    );
    view.set64(state.cr4, BigInt(Cr4.pae | Cr4.osfxsr | Cr4.osxmmexcpt));
    view.set64(state.cr3, BigInt(PML4));
    view.set64(state.efer, this.mode === 'long' ? BigInt(Efer.lma | Efer.lme | Efer.sce | Efer.nxe) : 0n);
    this.load(Segment.tr, Selector.tss);
    this.load(Segment.ldtr, Selector.ldt);
  }

  run(trial: Trial): TrialOutcome {
    const { ring = 0, flags = 2n } = trial;
    const view = this.cpu.state;
    const start = ring === 3 ? USER_CODE : KERNEL_CODE;
    const bytes = (trial.code.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16));
    const ending = ring === 3 ? [0xcd, DONE_VECTOR] : [0xf4];
    this.cpu.memory.write(start, Uint8Array.from([...bytes, ...ending]));
    if (this.mode !== 'real') this.#enterRing(ring, trial.selector);
    for (let n = 0; n < 16; n++) view.set64(state.gpr, trial.registers?.[n] ?? 0n, n);
    const stack = ring === 3 ? USER_STACK : this.mode === 'real' ? RING_0_ENTRY_STACK : KERNEL_STACK;
    view.set64(state.gpr, trial.registers?.[4] ?? BigInt(stack), 4);
    setFlags(this.cpu, flags);
    view.set64(state.rip, BigInt(this.mode === 'real' ? 0 : start));
    this.cpu.synchronise();
    const exit = this.cpu.run(trial.limit ?? 10_000);
    return this.#outcome(exit, start + bytes.length + 1);
  }

  #outcome(exit: Exit, end: number): TrialOutcome {
    const view = this.cpu.state;
    const registers = Array.from({ length: 16 }, (_, n) => view.get64(state.gpr, n));
    const at = Number(this.cpu.rip) - 1 - HANDLERS;
    const linear = Number(this.cpu.rip + view.get64(state.segmentBase, Segment.cs));
    const handled = exit.kind === 'halt' && at >= 0 && at < 0x1000 && at % 16 === 0;
    const vector = handled ? at / 16 : undefined;
    let top =
      Number(registers[4]) + (this.mode === 'real' ? Number(view.get64(state.segmentBase, Segment.ss)) : 0);
    const pop = (): bigint => {
      const value = this.word(top);
      top += this.wordSize;
      return value;
    };
    const hasCode = this.mode !== 'real' && vector !== undefined && WITH_ERROR_CODE.has(vector);
    const errorCode = hasCode ? Number(pop()) : undefined;
    const frame = { rip: pop(), cs: Number(pop()), flags: pop(), rsp: pop(), ss: Number(pop()) };
    return {
      exit,
      done: vector === DONE_VECTOR || (exit.kind === 'halt' && linear === end),
      vector: vector === DONE_VECTOR ? undefined : vector,
      errorCode,
      frame,
      registers,
      flags: flagsOf(this.cpu),
      cr2: view.get64(state.cr2),
    };
  }

  #tables(): void {
    const { memory } = this.cpu;
    const long = this.mode === 'long';
    const code = 0x9b;
    const data = 0x93;
    const native = long ? 0xa000 : 0xc000;
    const ring3 = 3 << 5;
    const flat = (access: number): bigint => descriptor(0, 0xfffff, access);
    const S = Selector;
    const entries: readonly (readonly [number, bigint])[] = [
      [S.kernelCode, flat(code | native)],
      [S.kernelData, flat(data | 0xc000)],
      [S.userCode32, flat(code | ring3 | 0xc000)],
      [S.userData, flat(data | ring3 | 0xc000)],
      [S.userCode64, flat(code | ring3 | native)],
      [S.kernelCode32, flat(code | 0xc000)],
      [S.kernelCode16, descriptor(0, 0xfffff, code | 0x8000)],
      [S.tss, descriptor(TSS, 0x200, 0x8b)],
      [S.ldt, descriptor(LDT, 0x1f, 0x82)],
      [S.absentData, flat((data & ~0x80) | 0xc000)],
      [S.readOnlyData, flat(0x91 | 0xc000)],
      [S.conformingCode, flat(code | 4 | native)],
      [S.smallData, descriptor(0, 0xffff, data)],
      [S.executeOnlyCode, flat(0x99 | 0xc000)],
      [S.absentCode, flat((code & ~0x80) | native)],
      [S.longAndBigCode, flat(code | 0xe000)],
      [S.expandDownData, descriptor(0, 0xfff, data | 4 | 0x4000)],
    ];
    for (const [selector, value] of entries) this.setDescriptor(selector, value);
    for (let vector = 0; vector < 256; vector++) {
      memory.store(HANDLERS + vector * 16, 1, 0xf4);
      if (this.mode === 'real') memory.store(vector * 4, 4, HANDLERS + vector * 16);
      else this.setGate(vector, { level: vector === DONE_VECTOR ? 3 : 0 });
    }
    if (this.mode === 'real') return;
    if (long) {
      this.put64(TSS + 4, BigInt(RING_0_ENTRY_STACK));
      this.put64(TSS + 0x24, BigInt(IST1));
      this.put64(TSS + 0x2c, BigInt(IST2));
    } else {
      memory.store(TSS + 4, 4, RING_0_ENTRY_STACK);
      memory.store(TSS + 8, 4, S.kernelData);
    }
    memory.store(TSS + 102, 2, 0xffff);
    this.put64(PML4, BigInt(PML4 + 0x1000) | 7n);
    this.put64(PML4 + 0x1000, BigInt(PML4 + 0x2000) | 7n);
    this.put64(PML4 + 0x2000, BigInt(PAGE_TABLE) | 7n);
    this.put64(PML4 + 0x2008, 0x200000n | 0x83n);
    for (let page = 0; page < 512; page++) {
      const user = page >= 0x20 && page < 0x40 ? 4n : 0n;
      this.setPage(page << 12, 3n | user);
    }
  }

  #real(segment: number, selector: number): void {
    const view = this.cpu.state;
    view.set32(state.segmentSelector, selector, segment);
    view.set64(state.segmentBase, BigInt(selector * 16), segment);
    view.set32(state.segmentLimit, 0xffff, segment);
    view.set32(state.segmentAccess, 0x93, segment);
  }

  #enterRing(ring: 0 | 3, selector?: number): void {
    const data = ring === 3 ? Selector.userData | 3 : Selector.kernelData;
    const native = this.mode === 'long' ? Selector.userCode64 : Selector.userCode32;
    this.load(Segment.cs, selector ?? (ring === 3 ? native | 3 : Selector.kernelCode));
    for (const n of [Segment.ds, Segment.es, Segment.ss]) this.load(n, data);
    this.cpu.state.set32(state.cpl, ring);
  }

  /** Loads a segment register from the GDT without any checks. */
  load(segment: number, selector: number): void {
    const view = this.cpu.state;
    const value = this.get64(GDT + (selector & ~7));
    const raw = Number((value & 0xffffn) | ((value >> 32n) & 0xf0000n));
    const access = Number((value >> 40n) & 0xf0ffn);
    view.set32(state.segmentSelector, selector, segment);
    view.set64(state.segmentBase, ((value >> 16n) & 0xffffffn) | ((value >> 56n) << 24n), segment);
    view.set32(state.segmentLimit, access & Access.granularity ? raw * 4096 + 4095 : raw, segment);
    view.set32(state.segmentAccess, access, segment);
  }
}
