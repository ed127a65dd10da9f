/**
 * What holds of the processor's own memory between two runs, whatever the guest did: the fields of its state are such
 * as an x86 can have, what is derived from them follows, the translation caches lead into RAM only, and nothing lies
 * where nothing belongs. Each check answers what is wrong.
 */
import type { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';
import { Access, Cr0, Cr4, Efer, Flag, Segment } from '../../src/cpu/state.js';
import type { CpuModel } from '../../src/cpu/system/cpu-model.js';
import { EFER_SUPPORTED } from '../../src/cpu/system/features.js';
import {
  CODE_MASK_BASE,
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
  PAGE_KIND_BASE,
  RAM_BASE,
  RECORDS_BASE,
  RECORDS_END,
  STATE_END,
  STATIC_RECORDS,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_SIZE,
} from '../../src/memory/layout.js';

/** What `updateMode` computes from the rest. */
const DERIVED_32 = [state.codeSize, state.tlbBase, state.vectorFault, state.fpuFault, state.mxcsrSlow];
const DERIVED_64 = [state.ripMask, state.stackMask, state.modeKey, state.jumpCacheBase];
const EMPTY = 0xffffffffffffffffn;
const RESERVED_FLAGS = ~(
  Flag.tf |
  Flag.if |
  Flag.df |
  Flag.iopl |
  Flag.nt |
  Flag.rf |
  Flag.vm |
  Flag.ac |
  Flag.vif |
  Flag.vip |
  Flag.id |
  2
);

export class Invariants {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #kinds: Uint8Array;

  /** @param cpu just made: what must not change is remembered */
  constructor(
    private readonly cpu: Cpu,
    private readonly model: CpuModel,
  ) {
    const { buffer } = cpu.memory.bytes(0, 1) as Uint8Array<ArrayBuffer>;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#kinds = this.#bytes.slice(PAGE_KIND_BASE, PAGE_KIND_BASE + (1 << 20));
  }

  /** The state's bytes, to go back to. */
  get stateBytes(): Uint8Array {
    return this.#bytes.subarray(state.stateFields[0]?.address, state.stateEnd);
  }

  /** What costs little: after each run. */
  *cheap(): Generator<string> {
    const view = this.cpu.state;
    const cr0 = view.low(state.cr0);
    const cr4 = view.low(state.cr4);
    const efer = view.low(state.efer);
    const flags = view.get32(state.systemFlags);
    const level = view.get32(state.cpl);
    if (view.get64(state.zeroRegister) !== 0n) yield 'the zero register is not 0';
    if (view.high(state.cr0) !== 0 || !(cr0 & Cr0.et)) yield `CR0 is ${cr0.toString(16)}`;
    if (cr0 & Cr0.pg && !(cr0 & Cr0.pe)) yield 'paging without protection';
    if (cr4 & ~this.model.cr4 || view.high(state.cr4)) yield `CR4 is ${cr4.toString(16)}`;
    if (efer & ~(EFER_SUPPORTED | Efer.lma)) yield `EFER is ${efer.toString(16)}`;
    const active = (efer & Efer.lme) !== 0 && (cr0 & Cr0.pg) !== 0;
    if (active !== ((efer & Efer.lma) !== 0)) yield 'EFER.LMA does not follow from LME and PG';
    if (active && !(cr4 & Cr4.pae)) yield 'long mode without PAE';
    if ((flags & 2) === 0 || flags & RESERVED_FLAGS) yield `RFLAGS are ${flags.toString(16)}`;
    if (level > 3) yield `CPL is ${level}`;
    if (!(cr0 & Cr0.pe) && level !== 0) yield 'real mode with a CPL';
    if (flags & Flag.vm && (level !== 3 || active)) yield 'virtual-8086 mode without ring 3';
    if (view.get32(state.mxcsr) & ~0xffff) yield `MXCSR is ${view.get32(state.mxcsr).toString(16)}`;
    if (view.get64(state.rip) & ~view.get64(state.ripMask))
      yield `RIP is ${view.get64(state.rip).toString(16)}`;
    if (view.get32(state.pending) !== 0) yield `an exception is pending: ${view.get32(state.pending)}`;
    yield* this.#derived();
  }

  *#derived(): Generator<string> {
    const { cpu } = this;
    const read = (): (bigint | number)[] => [
      ...DERIVED_32.map((field) => cpu.state.get32(field)),
      ...DERIVED_64.map((field) => cpu.state.get64(field)),
    ];
    const before = read();
    cpu.synchronise();
    const names = [...DERIVED_32, ...DERIVED_64].map((field) => field.name);
    const after = read();
    for (const [n, name] of names.entries()) {
      if (before[n] !== after[n]) yield `${name} was ${before[n]}, and follows to be ${after[n]}`;
    }
    const long = (cpu.state.get32(state.segmentAccess, Segment.cs) & Access.long) !== 0;
    const active = (cpu.state.low(state.efer) & Efer.lma) !== 0;
    if ((cpu.state.get32(state.codeSize) === 64) !== (long && active))
      yield 'the code size is not that of CS';
  }

  /** Before what `cheap` flushes: where the translation caches lead. */
  *caches(): Generator<string> {
    const view = this.#view;
    for (let n = 0; n < 2 * TLB_ENTRIES; n++) {
      const entry = TLB_BASE + n * TLB_ENTRY_SIZE;
      const read = view.getBigUint64(entry, true);
      const write = view.getBigUint64(entry + 8, true);
      if (write !== EMPTY && write !== read) yield `TLB entry ${n} can be written and not read`;
      if (read === EMPTY) continue;
      const host = (Number(read & 0xfffff000n) + view.getInt32(entry + 16, true)) >>> 0;
      if (host < RAM_BASE || host + 4096 > this.#bytes.length) yield `TLB entry ${n} leads to ${host}`;
    }
    for (let n = 0; n < JUMP_CACHE_ENTRIES; n++) {
      const entry = JUMP_CACHE_BASE + n * 16;
      if (view.getBigUint64(entry, true) === EMPTY) continue;
      const record = view.getUint32(entry + 8, true);
      if (record < RECORDS_BASE || record >= RECORDS_END) yield `jump ${n} leads to ${record}`;
    }
  }

  /** What costs much: now and then. */
  *dear(): Generator<string> {
    const bytes = this.#bytes;
    const isBlank = (from: number, to: number, value: number): boolean =>
      bytes.subarray(from, to).every((byte) => byte === value);
    const first = state.stateFields[0]?.address ?? 0;
    if (!isBlank(0, first, 0)) yield 'something was written below the state';
    if (!isBlank(state.stateEnd, STATE_END, 0)) yield 'something was written behind the state';
    if (!isBlank(STATIC_RECORDS + 0x100, TLB_BASE, 0)) yield 'something was written before the TLBs';
    if (!isBlank(TLB_BASE + 2 * TLB_SIZE, TLB_BASE + 3 * TLB_SIZE, 0xff)) yield 'the unfilled TLB is filled';
    const afterJumps = JUMP_CACHE_BASE + JUMP_CACHE_ENTRIES * 16;
    if (!isBlank(afterJumps, PAGE_KIND_BASE, 0)) yield 'something was written behind the jump cache';
    if (this.#kinds.some((kind, n) => kind !== bytes[PAGE_KIND_BASE + n])) yield 'kinds of pages changed';
    const masks = CODE_MASK_BASE + ((bytes.length - RAM_BASE) / 4096) * 4;
    if (!isBlank(masks, CODE_MASK_BASE + (1 << 22), 0)) yield 'code is marked outside RAM';
  }
}
