/**
 * Random machines for the attack: memory full of noise with descriptor tables, page tables, a TSS and code in it, of which
 * most entries are such as a kernel would make and the rest anything; and a processor in some mode with random
 * registers. Everything follows from the random numbers given.
 * Memory map: 0 real-mode vectors, 0x1000 GDT, 0x2000 LDT, 0x3000 IDT, 0x4000 TSS, 0x10000 page tables, 0x20000 code.
 */
import type { Cpu } from '../../src/cpu/cpu.js';
import { DECODE_OK, decode } from '../../src/cpu/decode/decoder.js';
import { type CodeSize, DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import * as state from '../../src/cpu/state.js';
import { Access, Cr0, Cr4, Efer, Flag, Segment } from '../../src/cpu/state.js';
import type { CpuModel } from '../../src/cpu/system/cpu-model.js';
import { writeSegment } from '../../src/cpu/system/reset.js';
import type { Random } from '../random.js';
import { randomBytes, randomEncoding } from '../templates.js';

export const RAM = 2 << 20;
const GDT = 0x1000;
const LDT = 0x2000;
const IDT = 0x3000;
const TSS = 0x4000;
const TABLES = 0x10000;
const CODE = 0x20000;
const CODE_BYTES = 0x4000;
/** Where instructions begin, and exceptions go. */
const CODE_STARTS = CODE_BYTES - 64;
/** A straight line in the code, longer than one that is decoded at a time. Always here, so that breakpoints gather on it. */
const LINE = CODE + 0x2200;
const LINE_BYTES = 320;
/** One byte each, and none leaves the line. */
const LINE_INSTRUCTIONS = [0x90, 0x91, 0x92, 0x93, 0x96, 0x98, 0x99, 0x9f, 0xf5, 0xf8, 0xf9, 0xfc];
/** A limit of the code segment just behind the line's page. */
const CLOSE_LIMIT = 0x2fff;

export const MODES = [
  'real',
  'virtual-8086',
  'protected 16',
  'protected 32',
  'compatibility 16',
  'compatibility 32',
  '64-bit',
] as const;
export type Mode = (typeof MODES)[number];

const CODE_SIZES: Readonly<Record<Mode, CodeSize>> = {
  real: 16,
  'virtual-8086': 16,
  'protected 16': 16,
  'protected 32': 32,
  'compatibility 16': 16,
  'compatibility 32': 32,
  '64-bit': 64,
};

/** Numbers on whose neighbours something depends. */
const EDGES = [
  ...[0n, 1n, 0x7fn, 0xffn, 0x1000n, 0x7fffn, 0xffffn, 0x10000n, 0x7fffffffn, 0xffffffffn, 0x100000000n],
  ...[BigInt(CODE), BigInt(TABLES), BigInt(GDT), BigInt(TSS), 0x9fff8n, 0xbfffcn, BigInt(RAM), 0xfee00000n],
  ...[0x7fffffffffffn, 0x800000000000n, 0xffff7fffffffffffn, 0xffff800000000000n, -8n, -1n],
];

function randomRegister(random: Random): bigint {
  switch (random.below(8)) {
    case 0:
      return random.next64();
    case 1:
      return random.pick(EDGES) + BigInt(random.below(32)) - 16n;
    case 2:
      return BigInt(random.next());
    case 3:
      return BigInt(random.below(256));
    default:
      return BigInt(random.below(RAM));
  }
}

/** Noise to begin each machine's memory with. */
export function noise(random: Random): Uint8Array {
  const bytes = new Uint8Array(RAM);
  const words = new Uint32Array(bytes.buffer);
  // Half of it is 0, so that what is read there is not always nonsense.
  for (let n = 0; n < words.length; n++) words[n] = random.oneIn(2) ? random.next() : 0;
  return bytes;
}

function descriptor(base: number, limit: number, access: number): bigint {
  const [b, l] = [BigInt(base >>> 0), BigInt(limit)];
  const low = (l & 0xffffn) | ((b & 0xffffffn) << 16n);
  return low | (BigInt(access & 0xf0ff) << 40n) | ((l >> 16n) << 48n) | ((b >> 24n) << 56n);
}

function randomDescriptor(random: Random): bigint {
  const level = random.below(4) << 5;
  const big = random.pick([0x8000, 0xc000, 0xa000, 0x4000, 0]);
  switch (random.below(8)) {
    case 0:
      return random.next64();
    case 1:
      return descriptor(TSS, random.pick([0x67, 0x2b, 0xfff, 10]), 0x80 | level | random.pick([1, 3, 9, 11]));
    case 2:
      return gate(random, random.pick([4, 5, 6, 7, 12, 14, 15]));
    case 3:
      return descriptor(LDT, 0xff, 0x82 | level);
    case 4:
    case 5:
      return descriptor(0, 0xfffff, 0x9b | level | big);
    default:
      return descriptor(random.oneIn(4) ? random.next() : 0, 0xfffff, 0x90 | random.below(16) | level | big);
  }
}

function gate(random: Random, type: number): bigint {
  const target = BigInt(CODE + random.below(CODE_STARTS));
  const access = BigInt(0x80 | (random.below(4) << 5) | type);
  const selector = BigInt(8 * (1 + random.below(40)));
  const stack = random.oneIn(4) ? BigInt(random.below(8)) : 0n;
  return (target & 0xffffn) | (selector << 16n) | (stack << 32n) | (access << 40n) | ((target >> 16n) << 48n);
}

/** Selectors of flat segments that are always there: code of 64, 32 and 16 bits and data, for each level. */
function flatSelector(kind: 0 | 1 | 2 | 3, level: number): number {
  return 0x40 * (level + 1) + kind * 8 + level;
}

export class HostileWorld {
  readonly mode: Mode;
  readonly level: number;
  readonly #words: DataView;
  /** Of ordinary pages: present, writable, and as a rule the user's. */
  readonly #pageFlags: number;

  constructor(
    readonly cpu: Cpu,
    private readonly model: CpuModel,
    private readonly random: Random,
    background: Uint8Array,
  ) {
    this.mode = random.pick(MODES);
    this.level = this.mode === 'real' ? 0 : this.mode === 'virtual-8086' || random.oneIn(2) ? 3 : 0;
    if (this.level === 0 && this.mode !== 'real' && random.oneIn(8)) this.level = 1 + random.below(2);
    this.#pageFlags = this.level === 0 && random.oneIn(2) ? 3 : 7;
    const image = background.slice();
    this.#words = new DataView(image.buffer);
    this.#writeTables();
    this.#writePageTables();
    this.#writeCode(image);
    // Not the video window, which is no RAM.
    cpu.memory.write(0, image.subarray(0, 0xa0000));
    cpu.memory.write(0xc0000, image.subarray(0xc0000));
    cpu.reset();
    this.#writeState();
  }

  /** Registers as at the beginning of a shot; the rest of the state is as it was made. */
  load(): void {
    const { cpu, random } = this;
    const view = cpu.state;
    for (let n = 0; n < 16; n++) view.set64(state.gpr, randomRegister(random), n);
    const wide = this.mode === '64-bit' || this.mode.startsWith('compatibility');
    if (!random.oneIn(8)) view.set64(state.gpr, BigInt(0x60000 + random.below(0x8000) * 8), 4);
    if (!wide) for (let n = 0; n < 16; n++) view.setHigh(state.gpr, 0, n);
    if (!wide) for (let n = 8; n < 16; n++) view.setLow(state.gpr, 0, n);
    view.set64(state.flagCarry, random.next64());
    view.set64(state.flagSign, random.next64());
    view.set64(state.flagZero, BigInt(random.below(2)));
    view.set64(state.rip, this.#start());
    for (let n = 0; n < state.xmm.count; n++) {
      if (random.oneIn(4)) this.#vector(n);
    }
    if (random.oneIn(16)) this.#writeBreakpoints();
  }

  /** Where in the code to begin, as this mode's RIP. */
  #start(): bigint {
    const at = this.random.oneIn(8) ? LINE - CODE : this.random.below(CODE_STARTS);
    const base = Number(this.cpu.state.get64(state.segmentBase, Segment.cs) & 0xffffffffn);
    return BigInt((CODE + at - base) >>> 0);
  }

  #vector(n: number): void {
    const { cpu, random } = this;
    const special = [
      0, 0x3f800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x80000000, 1, 0x7ff00000, 0xffffffff,
    ];
    const word = { ...state.mxcsr, address: state.at(state.xmm, n), stride: 4, count: 8 };
    for (let part = 0; part < 8; part++) {
      cpu.state.set32(word, random.oneIn(2) ? random.next() : random.pick(special), part);
    }
  }

  #put64(address: number, value: bigint): void {
    this.#words.setBigUint64(address, BigInt.asUintN(64, value), true);
  }

  #writeTables(): void {
    const { random } = this;
    for (let n = 0; n < 64; n++) {
      this.#put64(GDT + n * 8, randomDescriptor(random));
      this.#put64(LDT + n * 8, randomDescriptor(random));
    }
    for (let level = 0; level < 4; level++) {
      const access = 0x90 | (level << 5);
      this.#put64(GDT + (flatSelector(0, level) & ~7), descriptor(0, 0xfffff, access | 0xa00b));
      this.#put64(GDT + (flatSelector(1, level) & ~7), descriptor(0, 0xfffff, access | 0xc00b));
      this.#put64(GDT + (flatSelector(2, level) & ~7), descriptor(CODE, 0xffff, access | 0x000b));
      this.#put64(GDT + (flatSelector(3, level) & ~7), descriptor(0, 0xfffff, access | 0xc003));
    }
    const long = this.#isLong();
    for (let vector = 0; vector < 256; vector++) {
      this.#words.setUint32(vector * 4, (0x2000 << 16) | random.below(CODE_STARTS), true);
      const at = IDT + vector * (long ? 16 : 8);
      this.#put64(at, this.#interruptGate());
      if (long) this.#put64(at + 8, random.oneIn(50) ? random.next64() : 0n);
    }
    // Stack pointers of either layout of the TSS, and in a 32-bit one their selectors.
    for (let at = 4; at < 0x60; at += 8) {
      this.#put64(TSS + at, BigInt(0x60000 + random.below(0x1000) * 8) | (long ? 0n : 0x58n << 32n));
    }
    this.#words.setUint16(TSS + 102, random.pick([0x68, 0x2000, 0xffff]), true);
  }

  #interruptGate(): bigint {
    const { random } = this;
    if (random.oneIn(16)) return random.oneIn(2) ? random.next64() : gate(random, random.below(16));
    const kind = this.#isLong() ? 0 : random.oneIn(4) ? 2 : 1;
    const selector = BigInt(flatSelector(kind, 0));
    const target = BigInt(random.below(CODE_STARTS) + (kind === 2 ? 0 : CODE));
    const access = 0x8en | (random.oneIn(2) ? 0x60n : 0n) | BigInt(random.below(2));
    const low = (target & 0xffffn) | (selector << 16n) | (access << 40n);
    return low | ((target >> 16n) << 48n);
  }

  #isLong(): boolean {
    return this.mode === '64-bit' || this.mode.startsWith('compatibility');
  }

  /** 4-level, PAE and 32-bit tables that map RAM to itself, with some entries spoilt; a few pages of the rest are wild. */
  #writePageTables(): void {
    const { random } = this;
    const table = (n: number): bigint => BigInt(TABLES + n * 0x1000);
    for (let n = 0; n < 512; n++) {
      const spoilt = random.oneIn(48);
      this.#put64(TABLES + 0x3000 + n * 8, spoilt ? this.#wildEntry() : BigInt((n << 12) | this.#pageFlags));
      if (n > 0 && n < 8)
        for (let t = 0; t < 3; t++) this.#put64(TABLES + t * 0x1000 + n * 8, this.#wildEntry());
    }
    for (let t = 0; t < 3; t++) this.#put64(TABLES + t * 0x1000, table(t + 1) | 7n);
    this.#put64(TABLES + 511 * 8, table(1) | 7n);
    this.#put64(TABLES + 0x4000, table(2) | 1n);
    for (let n = 1; n < 4; n++) this.#put64(TABLES + 0x4000 + n * 8, random.oneIn(2) ? table(2) | 1n : 0n);
    for (let n = 0; n < 1024; n++) {
      const wild = Number(this.#wildEntry() & 0xffffffffn);
      const page = random.oneIn(48) ? wild : (n << 12) | this.#pageFlags;
      this.#words.setUint32(TABLES + 0x6000 + n * 4, page, true);
      this.#words.setUint32(TABLES + 0x5000 + n * 4, n === 0 ? Number(table(6)) | 7 : n < 8 ? wild : 0, true);
    }
  }

  #wildEntry(): bigint {
    const { random } = this;
    const flags = BigInt(random.below(0x200) | (random.oneIn(4) ? 0 : 1));
    const noExecute = random.oneIn(4) ? 1n << 63n : 0n;
    if (random.oneIn(4)) return random.next64();
    const frame = random.oneIn(4) ? random.next64() & 0xfffffff000n : BigInt(random.below(RAM >> 12) << 12);
    return frame | flags | noExecute;
  }

  /** Instructions one after the other, with something else here and there. */
  #writeCode(image: Uint8Array): void {
    const { random } = this;
    const size = CODE_SIZES[this.mode];
    const instruction = new DecodedInstruction();
    for (let at = CODE; at < CODE + CODE_BYTES; ) {
      const bytes = random.oneIn(5)
        ? randomBytes(random, random.oneIn(2))
        : randomEncoding(random, size === 64);
      image.set(bytes, at);
      const valid = decode(image, at, at + bytes.length, size, instruction) === DECODE_OK;
      at += valid ? instruction.length : 1 + random.below(3);
    }
    if (random.oneIn(2)) {
      for (let n = 0; n < LINE_BYTES; n++) image[LINE + n] = random.pick(LINE_INSTRUCTIONS);
    }
  }

  #writeState(): void {
    const { cpu, random, mode, level } = this;
    const view = cpu.state;
    const long = this.#isLong();
    const protectedMode = mode !== 'real';
    const paging = long || (protectedMode && random.oneIn(2));
    const pae = long || (paging && random.oneIn(2));
    const some = (bits: number): number => random.next() & random.next() & bits;
    const cr0 = some(Cr0.mp | Cr0.em | Cr0.ts | Cr0.ne | Cr0.wp | Cr0.am) | Cr0.et;
    view.set64(state.cr0, BigInt((cr0 | (protectedMode ? Cr0.pe : 0) | (paging ? Cr0.pg : 0)) >>> 0));
    // What keeps the supervisor from user pages would mostly keep the handlers from running.
    const guards = this.#pageFlags === 7 && !random.oneIn(4) ? Cr4.smep | Cr4.smap : 0;
    const optional = this.model.cr4 & ~(guards | Cr4.pae | Cr4.pcide | Cr4.osfxsr | Cr4.osxsave);
    const pcid = long && random.oneIn(2) ? this.model.cr4 & Cr4.pcide : 0;
    const vectors = random.oneIn(8) ? 0 : this.model.cr4 & (Cr4.osfxsr | Cr4.osxsave);
    view.set64(state.cr4, BigInt((some(optional) | vectors | pcid | (pae ? Cr4.pae : 0)) >>> 0));
    const root = long ? 0 : pae ? 0x4000 : 0x5000;
    view.set64(state.cr3, BigInt(TABLES + root));
    view.set64(
      state.efer,
      BigInt((long ? Efer.lme | Efer.lma : 0) | random.pick([0, Efer.nxe]) | random.pick([0, Efer.sce])),
    );
    view.set64(state.gdtrBase, BigInt(GDT));
    view.set32(state.gdtrLimit, 0x3ff);
    view.set64(state.idtrBase, BigInt(protectedMode ? IDT : 0));
    view.set32(state.idtrLimit, protectedMode && !long ? 0x7ff : 0xfff);
    const wide = long || !random.oneIn(8);
    writeSegment(view, Segment.tr, {
      selector: 8,
      base: BigInt(TSS),
      limit: 0xfff,
      access: wide ? 0x8b : 0x83,
    });
    writeSegment(view, Segment.ldtr, { selector: 16, base: BigInt(LDT), limit: 0x1ff, access: 0x82 });
    view.set32(state.cpl, level);
    this.#writeSegments();
    this.#writeFlags();
    for (const field of [state.msrLstar, state.msrCstar, state.msrSysenterEip]) {
      view.set64(field, BigInt(CODE + random.below(CODE_STARTS)));
    }
    view.set64(state.msrStar, BigInt(random.next()) << 32n);
    view.set64(state.msrSysenterCs, BigInt(random.pick([0, 0x48, random.below(0x10000)])));
    view.set32(state.mxcsr, random.oneIn(2) ? 0x1f80 : random.next() & 0xffff);
  }

  /** Of every kind, on code and on what is among it. */
  #writeBreakpoints(): void {
    const { cpu, random } = this;
    const place = (): number =>
      random.oneIn(4) ? CODE + random.below(CODE_STARTS) : LINE + random.below(LINE_BYTES);
    for (let n = 0; n < 4; n++) cpu.state.set64(state.dr, BigInt(place()), n);
    const enabled = random.byte();
    const kinds = random.oneIn(2) ? 0 : random.next() & 0xffff0000;
    cpu.state.set64(state.dr, BigInt((kinds | 0x400 | enabled) >>> 0), 7);
  }

  #writeFlags(): void {
    const { cpu, random, mode } = this;
    const free = Flag.tf | Flag.if | Flag.df | Flag.iopl | Flag.nt | Flag.ac | Flag.id;
    const flags = random.next() & random.next() & free;
    const step = random.oneIn(8) ? flags : flags & ~Flag.tf;
    cpu.state.set32(state.systemFlags, 2 | step | (mode === 'virtual-8086' ? Flag.vm : 0));
  }

  #writeSegments(): void {
    const { cpu, random, mode, level } = this;
    const view = cpu.state;
    const data = [Segment.es, Segment.ss, Segment.ds, Segment.fs, Segment.gs];
    if (mode === 'real' || mode === 'virtual-8086') {
      const access = 0x93 | (mode === 'real' ? 0 : 0x60);
      for (const segment of [...data, Segment.cs]) {
        const selector = segment === Segment.cs ? CODE >> 4 : random.below(0x10000);
        // In real mode also a limit from before.
        const limit = mode === 'real' && random.oneIn(2) ? random.pick([CLOSE_LIMIT, 0xffffffff]) : 0xffff;
        writeSegment(view, segment, { selector, base: BigInt(selector) << 4n, limit, access });
      }
      return;
    }
    const size = CODE_SIZES[mode];
    const kind = size === 64 ? 0 : size === 32 ? 1 : 2;
    const access = 0x9b | (level << 5) | (size === 64 ? 0xa000 : size === 32 ? 0xc000 : 0);
    const flat = { base: 0n, limit: 0xffffffff };
    const small = { base: BigInt(CODE), limit: 0xffff };
    const close = size === 64 || !random.oneIn(4) ? {} : { limit: (size === 16 ? 0 : CODE) + CLOSE_LIMIT };
    writeSegment(view, Segment.cs, {
      selector: flatSelector(kind, level),
      ...(size === 16 ? small : flat),
      ...close,
      access,
    });
    for (const segment of data) {
      const usual = { selector: flatSelector(3, level), ...flat, access: 0xc093 | (level << 5) };
      const odd = {
        selector: random.below(0x200),
        base: BigInt(random.below(RAM)),
        limit: random.pick([0xffff, 0xfff, 0xffffffff, random.next()]),
        access: random.pick([0x91, 0x93, 0x95, 0x97, 0x4097, Access.null]) | (level << 5),
      };
      writeSegment(view, segment, segment === Segment.ss || !random.oneIn(4) ? usual : odd);
    }
  }
}
