/**
 * A world of fuzz/tiers: memory with tables, handlers and random code, and what a processor begins with. Everything
 * follows from the random numbers given. Handlers of exceptions go on in the next slot of the code; those of interrupts
 * go on where they came from, or likewise.
 */
import type { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';
import { Access, Cr0, Cr4, Efer, Flag, Segment } from '../../src/cpu/state.js';
import { writeSegment } from '../../src/cpu/system/reset.js';
import type { Random } from '../random.js';
import * as at from './layout.js';
import { bytes64, ProgramWriter, randomAddress } from './program.js';

const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);
const KERNEL_CODE = 8;
const GDT_ENTRIES = [
  0n,
  0x00af9b000000ffffn,
  0x00cf93000000ffffn,
  0x00cff3000000ffffn,
  0x00affb000000ffffn,
  0x0000890000000067n | (BigInt(at.TSS) << 16n),
  0n,
];

function hex(text: string): number[] {
  return (text.match(/[0-9a-f]{2}/g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

/** An absolute address as a 32-bit displacement. */
function word(value: number): string {
  return bytes64(BigInt(value))
    .slice(0, 4)
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(' ');
}

/** PUSH RAX, RCX; the next slot's address into the frame, of whose flags TF and NT go; POP both; IRETQ. */
const SKIP = hex(`50 51 48 8b 44 24 10  8d 88 80 00 00 00  81 e1 80 7f 00 00  48 03 0c 25 ${word(at.HOME)}
  48 89 4c 24 10  81 64 24 20 ff be ff ff  59 58 48 cf`);
const DROP_CODE = hex('48 83 c4 08');
const COUNT = hex(`48 ff 04 25 ${word(at.COUNTER)} 48 cf`);

/** What a run begins with, for either processor. */
export interface Start {
  readonly registers: readonly bigint[];
  readonly vectors: readonly number[];
  readonly rip: bigint;
  readonly flags: number;
  readonly mxcsr: number;
  readonly carry: bigint;
  readonly sign: bigint;
  readonly zero: bigint;
}

export class World {
  readonly image = new Uint8Array(at.RAM);
  readonly user: boolean;
  readonly #words = new DataView(this.image.buffer);
  readonly #cr0: bigint;
  readonly #cr4: bigint;
  readonly #fs: bigint;
  readonly #usual: bigint;
  readonly #writer: ProgramWriter;

  constructor(private readonly random: Random) {
    this.user = random.oneIn(2);
    this.#usual = this.user || random.oneIn(2) ? 7n : 3n;
    const some = random.oneIn(16) ? Cr0.ts | Cr0.em : 0;
    const more = (random.oneIn(4) ? Cr0.wp : 0) | (random.oneIn(4) ? Cr0.am : 0) | (random.next() & some);
    this.#cr0 = BigInt((Cr0.pe | Cr0.et | Cr0.ne | Cr0.pg | more) >>> 0);
    const guards = this.#usual === 3n ? random.next() & (Cr4.smep | Cr4.smap) : 0;
    const vectors = random.oneIn(16) ? 0 : Cr4.osfxsr | Cr4.osxsave;
    this.#cr4 = BigInt(Cr4.pae | Cr4.osxmmexcpt | vectors | guards | (random.next() & Cr4.pge));
    this.#fs = randomAddress(random);
    this.#writer = new ProgramWriter(random, !this.user);
    this.#writeTables();
    this.image.set(this.#writer.code(), at.CODE);
    for (let n = at.DATA; n < at.DATA + at.DATA_BYTES; n += 8) this.#put(n, this.#value());
  }

  /** Another slot's code, and where it goes. */
  slot(): { readonly address: number; readonly bytes: Uint8Array } {
    const slot = this.random.below(at.SLOTS);
    return { address: at.CODE + slot * at.SLOT_BYTES, bytes: this.#writer.slot(slot) };
  }

  /** Memory and all state. */
  load(cpu: Cpu): void {
    cpu.reset();
    cpu.memory.write(0, this.image.subarray(0, 0xa0000));
    cpu.memory.write(0xc0000, this.image.subarray(0xc0000));
    const view = cpu.state;
    view.set64(state.gdtrBase, BigInt(at.GDT));
    view.set32(state.gdtrLimit, GDT_ENTRIES.length * 8 - 1);
    view.set64(state.idtrBase, BigInt(at.IDT));
    view.set32(state.idtrLimit, 0xfff);
    view.set64(state.xcr0, 7n);
    writeSegment(view, Segment.tr, { selector: 0x28, base: BigInt(at.TSS), limit: 0x67, access: 0x8b });
    writeSegment(view, Segment.ldtr, { selector: 0, base: 0n, limit: 0, access: Access.null });
  }

  start(): Start {
    const { random } = this;
    const flags = random.next() & random.next() & (Flag.df | Flag.ac | Flag.id | Flag.nt);
    return {
      registers: Array.from({ length: 16 }, (_, n) =>
        n === 4 && !random.oneIn(8) ? BigInt(at.STACK + random.below(512) * 8) : this.#value(),
      ),
      vectors: Array.from({ length: 64 }, () => random.next()),
      rip: random.pick(at.CODE_BASES) + BigInt(random.below(at.SLOTS) * at.SLOT_BYTES),
      flags: 2 | flags | (random.oneIn(6) ? 0 : Flag.if) | (random.oneIn(100) ? Flag.tf : 0),
      mxcsr: random.oneIn(3) ? random.next() & 0xffff : 0x1f80,
      carry: random.next64(),
      sign: random.next64(),
      zero: BigInt(random.below(2)),
    };
  }

  /** What every world needs to go on, as it was at first: the system's structures, and the tables. */
  repair(cpu: Cpu): void {
    for (const [from, to] of [
      [at.IDT, at.SYSTEM_END],
      [at.TABLES, at.TABLES_END],
    ] as const) {
      cpu.memory.write(from, this.image.subarray(from, to));
    }
  }

  /** Gives a processor other registers, and its mode again. */
  enter(cpu: Cpu, start: Start): void {
    const view = cpu.state;
    start.registers.forEach((value, n) => {
      view.set64(state.gpr, value, n);
    });
    const parts = { ...state.mxcsr, address: state.xmm.address, count: 128 };
    start.vectors.forEach((value, n) => {
      view.set32(parts, value, (n >> 2) * 8 + (n & 3));
    });
    view.set64(state.rip, start.rip);
    view.set64(state.flagCarry, start.carry);
    view.set64(state.flagSign, start.sign);
    view.set64(state.flagZero, start.zero);
    view.set32(state.systemFlags, start.flags);
    view.set32(state.mxcsr, start.mxcsr);
    view.set64(state.cr0, this.#cr0);
    view.set64(state.cr3, BigInt(at.TABLES));
    view.set64(state.cr4, this.#cr4);
    view.set64(state.efer, BigInt(Efer.lma | Efer.lme | Efer.nxe));
    view.set32(state.cpl, this.user ? 3 : 0);
    const level = this.user ? 3 : 0;
    const flat = { base: 0n, limit: 0xffffffff };
    writeSegment(view, Segment.cs, {
      ...flat,
      selector: this.user ? 0x23 : KERNEL_CODE,
      access: 0xa09b | (level << 5),
    });
    for (const n of [Segment.ss, Segment.ds, Segment.es, Segment.fs, Segment.gs]) {
      const base = n === Segment.fs ? this.#fs : n === Segment.gs ? -this.#fs : 0n;
      const selector = this.user ? 0x1b : 0x10;
      writeSegment(view, n, { ...flat, base, selector, access: 0xc093 | (level << 5) });
    }
    const home = start.rip - (start.rip & 0x7fffn);
    cpu.memory.write(at.HOME, Uint8Array.from(bytes64(home)));
    cpu.synchronise();
  }

  #value(): bigint {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        return BigInt(random.below(32));
      case 1:
        return random.pick([
          -1n,
          1n << 63n,
          1n << 31n,
          0x7fffffffn,
          0x3ff0000000000000n,
          0x7ff8000000000000n,
        ]);
      case 2:
        return random.next64();
      default:
        return randomAddress(random);
    }
  }

  #put(address: number, value: bigint): void {
    this.#words.setBigUint64(address, BigInt.asUintN(64, value), true);
  }

  #writeTables(): void {
    const { random, image } = this;
    for (const [n, entry] of GDT_ENTRIES.entries()) this.#put(at.GDT + n * 8, entry);
    this.#put(at.TSS + 4, BigInt(at.EXCEPTION_STACK));
    this.#put(at.TSS + 0x24, BigInt(at.EXCEPTION_STACK));
    this.#put(at.TSS + 0x2c, BigInt(at.INTERRUPT_STACK));
    image.set(SKIP, at.HANDLERS);
    image.set([...DROP_CODE, ...SKIP], at.HANDLERS + 0x100);
    image.set(COUNT, at.HANDLERS + 0x200);
    for (let vector = 0; vector < 256; vector++) {
      const skips = vector < 32 || vector % 4 === 0;
      const handler = at.HANDLERS + (WITH_ERROR_CODE.has(vector) ? 0x100 : skips ? 0 : 0x200);
      const level = random.oneIn(4) ? 0x60n : 0n;
      const stack = vector < 32 ? 1n : 2n;
      const access = ((0x8en | level) << 40n) | (stack << 32n) | (BigInt(KERNEL_CODE) << 16n);
      this.#put(at.IDT + vector * 16, BigInt(handler & 0xffff) | access);
    }
    this.#writePageTables();
  }

  #writePageTables(): void {
    const table = (n: number): bigint => BigInt(at.TABLES + n * 0x1000);
    this.#put(at.TABLES, table(1) | 7n);
    this.#put(at.TABLES + 255 * 8, table(4) | 7n);
    this.#put(at.TABLES + 511 * 8, table(4) | 7n);
    this.#put(at.TABLES + 0x1000, table(2) | 7n);
    this.#put(at.TABLES + 0x2000, table(3) | 7n);
    for (const n of [510, 511]) this.#put(at.TABLES + 0x4000 + n * 8, table(5) | 7n);
    for (const n of [0, 511]) this.#put(at.TABLES + 0x5000 + n * 8, table(6) | 7n);
    for (let page = 1; page < 512; page++) {
      this.#put(at.LOW_TABLE + page * 8, this.#entry(page));
      this.#put(at.HIGH_TABLE + page * 8, this.#entry(page));
    }
  }

  #entry(page: number): bigint {
    const { random } = this;
    const marks = random.oneIn(2) ? 0x60n : 0n;
    const again = page - (at.CODE_AGAIN >> 12);
    const frame = again >= 0 ? again + (at.CODE >> 12) : page;
    const isCode = frame >= at.CODE >> 12 && frame < (at.CODE + at.CODE_BYTES) >> 12;
    const physical = BigInt(frame) << 12n;
    if (isCode) return physical | this.#usual | marks;
    if (page < at.SYSTEM_END >> 12) return physical | 0x63n;
    if (page >= at.TABLES >> 12 && page < at.TABLES_END >> 12) return 0n;
    const tables = page - (at.TABLES_SEEN >> 12);
    if (tables >= 0 && tables < (at.TABLES_END - at.TABLES) >> 12) {
      return BigInt(at.TABLES + tables * 0x1000) | 0x63n;
    }
    const none = 1n << 63n;
    switch (random.below(24)) {
      case 0:
        return 0n;
      case 1:
        return physical | 0x61n | none;
      case 2:
        return physical | 5n | none;
      case 3:
        return physical | 3n | none;
      case 4:
        return BigInt(at.CODE + random.below(8) * 0x1000) | this.#usual | none;
      case 5:
        return BigInt(at.DATA + random.below(at.DATA_BYTES >> 12) * 0x1000) | this.#usual | none;
      case 6:
        return 0xa0000n | this.#usual | none;
      case 7:
        return physical | this.#usual;
      default:
        return physical | this.#usual | marks | none;
    }
  }
}
