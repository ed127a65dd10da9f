/**
 * The guest's half: a bare CPU with page tables that put the same pages at the same addresses as in the native process,
 * ring 3 with Linux's selectors, and handlers that turn an exception into the words of an output record.
 * Leaves out interrupts and devices. Tables and handlers are in the upper half of the address space, where ring 3 may
 * not go, so that low addresses are unmapped as in a process.
 */
import type { Bus } from '../../src/cpu/bus.js';
import { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';
import { Cr0, Cr4, Efer, Segment } from '../../src/cpu/state.js';
import { cpuModel, DEFAULT_CPU_MODEL } from '../../src/cpu/system/cpu-model.js';
import type { Interpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { Assembler } from './assembler.js';
import {
  ARENA_SIZE,
  ARENAS,
  DESCRIPTOR_SIZE,
  FS_BASE,
  GS_BASE,
  NUMBER_SELECTOR,
  PAGE,
  SELECTOR,
  TRAMPOLINE,
  VARIABLE,
  VARIABLES,
  WINDOW,
  WINDOW_PAGES,
} from './layout.js';
import type { Trampoline } from './trampoline.js';

/** Physical addresses. */
const PML4 = 0x1000;
const [LOW_POINTERS, LOW_DIRECTORY, TRAMPOLINE_TABLE, WINDOW_TABLE] = [0x2000, 0x3000, 0x4000, 0x5000];
const [HIGH_POINTERS, HIGH_DIRECTORY] = [0x6000, 0x7000];
const [GDT, IDT, TSS, HANDLERS, STACK_TOP] = [0x10000, 0x11000, 0x12000, 0x13000, 0x18000];
const TRAMPOLINE_FRAMES = 0x400000;
const WINDOW_FRAMES = 0x410000;
const ARENA_FRAMES = [0x2000000, 0x4000000] as const;
const RAM_SIZE = 0x6000000;
/** Linear address of physical 0, for ring 0 alone. */
const HIGH = 0xffff800000000000n;

/** Ends the trampoline; ring 3 may use its gate, as in Linux, where it is a system call and so is never tested. */
const DONE_VECTOR = 0x80;
const DONE_CODE = TRAMPOLINE + PAGE - 16;
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17, 21]);
const PAGE_FAULT = 14;

/** Page-table entry bits. */
const Entry = { present: 1n, writable: 2n, user: 4n, large: 0x80n, noExecute: 1n << 63n };

const NO_BUS: Bus = {
  readPort: (_port, width) => 2 ** (8 * width) - 1,
  writePort: () => {},
  readMemory: (_address, width) => 2 ** (8 * width) - 1,
  writeMemory: () => {},
};

/** Linux's segment that tells a program which processor it runs on, by its limit. */
function processorSegment(number: number): bigint {
  return 0x0040f50000000000n | BigInt(number & 0xffff) | (BigInt((number >> 16) & 15) << 48n);
}

/** More than any round takes. */
const MOST_INSTRUCTIONS = 2_000_000_000;

export class Guest {
  readonly cpu: Cpu;

  constructor(
    interpreter: Interpreter,
    readonly trampoline: Trampoline,
  ) {
    this.cpu = new Cpu({
      interpreter,
      ramSize: RAM_SIZE,
      bus: NO_BUS,
      interrupts: { pending: () => false, acknowledge: () => 0 },
    });
    this.#pages();
    this.#tables();
    this.#handlers();
    this.cpu.memory.write(TRAMPOLINE_FRAMES, trampoline.bytes);
    this.cpu.memory.write(TRAMPOLINE_FRAMES + DONE_CODE - TRAMPOLINE, Uint8Array.of(0xcd, DONE_VECTOR));
    this.#variable(VARIABLE.done, DONE_CODE);
    this.#variable(VARIABLE.cleanFlags, 0x202);
  }

  /** A live view of an arena's bytes. Code must be written by `writeArena`. */
  arena(number: 0 | 1): Uint8Array {
    return this.cpu.memory.bytes(ARENA_FRAMES[number], ARENA_SIZE)!;
  }
  /** Writes so that code decoded before is forgotten. */
  writeArena(number: 0 | 1, offset: number, bytes: Uint8Array): void {
    this.cpu.memory.write(ARENA_FRAMES[number] + offset, bytes);
  }
  /** The window's pages, holes included. */
  window(): Uint8Array {
    return this.cpu.memory.bytes(WINDOW_FRAMES, WINDOW_PAGES.length * PAGE)!;
  }

  /** Makes ring 3 see this number, which is 0 else. */
  setProcessorNumber(number: number): void {
    this.#put(GDT + (NUMBER_SELECTOR & ~7), processorSegment(number));
  }

  /** Runs the trampoline over an arena's first `count` descriptors. Throws if it does not come to its end. */
  run(arena: 0 | 1, count: number): void {
    this.#fillWindow();
    this.#variable(VARIABLE.descriptor, ARENAS[arena]);
    this.#variable(VARIABLE.descriptorsLeft, count);
    this.#variable(VARIABLE.fault, 0);
    this.#enter();
    const exit = this.cpu.run(MOST_INSTRUCTIONS);
    const at = this.cpu.memory.read(TRAMPOLINE_FRAMES + VARIABLE.descriptor - TRAMPOLINE, 4)!;
    const ended = this.cpu.memory.read(TRAMPOLINE_FRAMES + VARIABLE.descriptorsLeft - TRAMPOLINE, 4) === 0;
    if (exit.kind !== 'halt' || !ended) {
      const variant = (at - ARENAS[arena]) / DESCRIPTOR_SIZE;
      const rip = this.cpu.rip.toString(16);
      throw new Error(`the guest ended by ${exit.kind} at ${rip} in variant ${variant} of its round`);
    }
  }

  #variable(address: number, value: number): void {
    this.#put(TRAMPOLINE_FRAMES + address - TRAMPOLINE, BigInt(value));
  }

  #put(address: number, value: bigint): void {
    this.cpu.memory.store(address, 4, Number(value & 0xffffffffn));
    this.cpu.memory.store(address + 4, 4, Number((value >> 32n) & 0xffffffffn));
  }

  /** The same bytes as fill_window of harness.c. */
  #fillWindow(): void {
    for (let page = 0; page < WINDOW_PAGES.length; page++) {
      if (WINDOW_PAGES[page] === '-') continue;
      const words = new Uint32Array(PAGE / 4);
      for (let n = 0; n < words.length; n++) words[n] = Math.imul(page * 1024 + n, 0x9e3779b1);
      this.cpu.memory.write(WINDOW_FRAMES + page * PAGE, new Uint8Array(words.buffer));
    }
  }

  #pages(): void {
    const table = Entry.present | Entry.writable | Entry.user;
    this.#put(PML4, BigInt(LOW_POINTERS) | table);
    this.#put(LOW_POINTERS, BigInt(LOW_DIRECTORY) | table);
    const directory = (address: number): number => LOW_DIRECTORY + Math.floor(address / 0x200000) * 8;
    this.#put(directory(TRAMPOLINE), BigInt(TRAMPOLINE_TABLE) | table);
    this.#put(directory(WINDOW), BigInt(WINDOW_TABLE) | table);
    const page = (linear: number): number => ((linear / PAGE) % 512) * 8;
    this.#put(TRAMPOLINE_TABLE + page(TRAMPOLINE), BigInt(TRAMPOLINE_FRAMES) | Entry.present | Entry.user);
    this.#put(TRAMPOLINE_TABLE + page(VARIABLES), BigInt(TRAMPOLINE_FRAMES + VARIABLES - TRAMPOLINE) | table);
    [...WINDOW_PAGES].forEach((kind, n) => {
      const access = Entry.present | Entry.user | Entry.noExecute | (kind === 'w' ? Entry.writable : 0n);
      const linear = WINDOW + n * PAGE;
      if (kind !== '-') this.#put(WINDOW_TABLE + page(linear), BigInt(WINDOW_FRAMES + n * PAGE) | access);
    });
    ARENAS.forEach((arena, n) => {
      for (let at = 0; at < ARENA_SIZE; at += 0x200000) {
        this.#put(directory(arena + at), BigInt(ARENA_FRAMES[n as 0 | 1] + at) | table | Entry.large);
      }
    });
    this.#put(PML4 + 256 * 8, BigInt(HIGH_POINTERS) | Entry.present | Entry.writable);
    this.#put(HIGH_POINTERS, BigInt(HIGH_DIRECTORY) | Entry.present | Entry.writable);
    this.#put(HIGH_DIRECTORY, Entry.present | Entry.writable | Entry.large);
  }

  /** What Linux's ring 3 can see of its descriptor table; a task-state segment; every gate for ring 0 but four. */
  #tables(): void {
    const entries: readonly (readonly [number, bigint])[] = [
      [0x08, 0x00cf9b000000ffffn],
      [0x10, 0x00af9b000000ffffn],
      [0x18, 0x00cf93000000ffffn],
      [SELECTOR.code32 & ~7, 0x00cffb000000ffffn],
      [SELECTOR.data & ~7, 0x00cff3000000ffffn],
      [SELECTOR.code64 & ~7, 0x00affb000000ffffn],
      [NUMBER_SELECTOR & ~7, processorSegment(0)],
    ];
    for (const [selector, descriptor] of entries) this.#put(GDT + selector, descriptor);
    this.#put(TSS + 4, HIGH + BigInt(STACK_TOP));
    this.cpu.memory.store(TSS + 102, 2, 0xffff);
    for (let vector = 0; vector < 256; vector++) {
      const target = HIGH + BigInt(HANDLERS + vector * 16);
      const level = vector === 3 || vector === 4 || vector === DONE_VECTOR ? 3n : 0n;
      const low = (target & 0xffffn) | (0x10n << 16n) | ((0x8en | (level << 5n)) << 40n);
      this.#put(IDT + vector * 16, low | (((target >> 16n) & 0xffffn) << 48n));
      this.#put(IDT + vector * 16 + 8, target >> 32n);
    }
  }

  #handlers(): void {
    const common = HANDLERS + 256 * 16;
    for (let vector = 0; vector < 256; vector++) {
      const a = new Assembler(HANDLERS + vector * 16);
      if (vector === DONE_VECTOR) a.bytes(0xf4);
      if (!WITH_ERROR_CODE.has(vector)) a.bytes(0x6a, 0);
      a.bytes(0x68);
      a.immediate32(vector);
      a.jump(common);
      this.cpu.memory.write(a.origin, a.finished());
    }
    const [rax, rsp] = [0, 4];
    const saved = { vector: 8, errorCode: 16, rip: 24, cs: 32, flags: 40, ss: 56 } as const;
    const a = new Assembler(common);
    a.push(rax);
    a.bytes(0x31, 0xc0); // xor eax,eax
    a.store(VARIABLE.fault + 16, rax);
    a.loadBased(rax, rsp, saved.errorCode);
    a.store(VARIABLE.fault + 8, rax);
    a.loadBased(rax, rsp, saved.rip);
    a.store(VARIABLE.fault + 24, rax);
    a.loadBased(rax, rsp, saved.flags);
    a.store(VARIABLE.fault + 32, rax);
    a.bytes(0x25); // and eax,…: TF and RF
    a.immediate32(~0x10100);
    a.storeBased(rsp, saved.flags, rax);
    a.loadBased(rax, rsp, saved.vector);
    a.bytes(0x83, 0xc0, 0x01); // add eax,1
    a.store(VARIABLE.fault, rax);
    a.bytes(0x83, 0xf8, PAGE_FAULT + 1); // cmp eax,…
    const notPageFault = a.jumpNotZero();
    a.bytes(0x0f, 0x20, 0xd0); // mov rax,cr2
    a.store(VARIABLE.fault + 16, rax);
    // Linux hides from programs whether a page is present above theirs, which end a page before the lower half does.
    a.bytes(0x48, 0x05); // add rax,…
    a.immediate32(PAGE);
    a.bytes(0x48, 0xd1, 0xd8); // rcr rax,1
    a.bytes(0x48, 0xc1, 0xe8, 46); // shr rax,46
    const own = a.jumpZero();
    a.bytes(0x80, 0x0c, 0x25); // or byte […],1
    a.immediate32(VARIABLE.fault + 8);
    a.bytes(0x01);
    a.land(own);
    a.land(notPageFault);
    a.storeImmediateBased(rsp, saved.rip, this.trampoline.finish);
    a.storeImmediateBased(rsp, saved.cs, SELECTOR.code64);
    a.storeImmediateBased(rsp, saved.ss, SELECTOR.data);
    a.pop(rax);
    a.bytes(0x48, 0x83, 0xc4, 0x10, 0x48, 0xcf); // add rsp,16; iretq
    this.cpu.memory.write(a.origin, a.finished());
  }

  /** Ring 3 at the trampoline's first instruction. */
  #enter(): void {
    const { cpu } = this;
    const view = cpu.state;
    const xsave = cpuModel(DEFAULT_CPU_MODEL).cr4 & Cr4.osxsave;
    view.set64(state.cr0, BigInt((Cr0.pe | Cr0.mp | Cr0.et | Cr0.ne | Cr0.wp | Cr0.am | Cr0.pg) >>> 0));
    view.set64(state.cr4, BigInt(Cr4.pae | Cr4.osfxsr | Cr4.osxmmexcpt | Cr4.umip | Cr4.fsgsbase | xsave));
    if (xsave) view.set64(state.xcr0, 7n);
    view.set64(state.cr3, BigInt(PML4));
    view.set64(state.efer, BigInt(Efer.lma | Efer.lme | Efer.sce | Efer.nxe));
    view.set64(state.gdtrBase, HIGH + BigInt(GDT));
    view.set32(state.gdtrLimit, 0x7f);
    view.set64(state.idtrBase, HIGH + BigInt(IDT));
    view.set32(state.idtrLimit, 0xfff);
    const segment = (n: number, selector: number, access: number, base = 0n, limit = 0xffffffff): void => {
      view.set32(state.segmentSelector, selector, n);
      view.set64(state.segmentBase, base, n);
      view.set32(state.segmentLimit, limit, n);
      view.set32(state.segmentAccess, access, n);
    };
    segment(Segment.cs, SELECTOR.code64, 0xa0fb);
    for (const n of [Segment.ss, Segment.ds, Segment.es]) segment(n, SELECTOR.data, 0xc0f3);
    segment(Segment.fs, 0, 0x100f3, BigInt(FS_BASE));
    segment(Segment.gs, 0, 0x100f3, BigInt(GS_BASE));
    segment(Segment.ldtr, 0, 0x10082);
    segment(Segment.tr, 0x40, 0x8b, HIGH + BigInt(TSS), 0x67);
    view.clear(state.xmm);
    view.set32(state.cpl, 3);
    view.set32(state.systemFlags, 0x202);
    view.set64(state.rip, BigInt(TRAMPOLINE));
    cpu.synchronise();
  }
}
