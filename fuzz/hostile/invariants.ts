/**
 * What holds of the processor's own memory between two runs, whatever the guest did: the fields of its state are such
 * as an x86 can have, what is derived from them follows, the translation caches lead where they may, and nothing was
 * written that is nobody's. Each check answers what is wrong.
 */
import type { Cpu } from '../../src/cpu/cpu.js';
import { WindowBit } from '../../src/cpu/mmu/window-map.js';
import * as state from '../../src/cpu/state.js';
import { Access, Cr0, Cr4, Efer, type Field32, Flag, Segment } from '../../src/cpu/state.js';
import type { CpuModel } from '../../src/cpu/system/cpu-model.js';
import { EFER_SUPPORTED } from '../../src/cpu/system/features.js';
import { RECORD_SIZE } from '../../src/cpu/tiers/interpreter/record.js';
import { VIDEO_WINDOW_END, VIDEO_WINDOW_START } from '../../src/memory/guest-memory.js';
import {
  CODE_MASK_BASE,
  GUEST_PAGE_SIZE,
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
  JUMP_CACHE_ENTRY_SIZE,
  MOST_REGIONS,
  PAGE_KIND_BASE,
  PageKind,
  RAM_BASE,
  RECORDS_BASE,
  RECORDS_END,
  REGION_VALIDITY,
  STATE_END,
  STATIC_RECORDS,
  TABLE_FILLS_BASE,
  TABLE_MASK_BASE,
  TLB_BASE,
  TLB_COUNT,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_SIZE,
  WINDOW_FILLS_BASE,
  WINDOW_FILLS_SIZE,
  WINDOW_LOSSES,
  WINDOW_MAP_BASE,
  WINDOW_MAP_COUNT,
  WINDOW_MAP_SIZE,
  WINDOW_RANGE_COUNT,
  WINDOW_RANGE_SIZE,
  WINDOW_RANGES_BASE,
} from '../../src/memory/layout.js';

/** Physical pages below 4 GiB. */
const PAGES = 1 << 20;
const CANARY = 0xa5;
const GUARDED = 'decoded code or tables';
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

/** Bytes that are to stay as they are. */
interface Guarded {
  readonly name: string;
  readonly from: number;
  readonly before: Uint8Array;
}

export class Invariants {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #recordsEnd: number;
  readonly #guarded: readonly Guarded[];

  /**
   * @param cpu just made: what must not change is remembered, and what nothing uses is filled with canaries
   * @param codeSpace as the CPU was given it
   */
  constructor(
    private readonly cpu: Cpu,
    private readonly model: CpuModel,
    codeSpace = RECORDS_END - RECORDS_BASE,
  ) {
    const { buffer } = cpu.memory.bytes(0, 1) as Uint8Array<ArrayBuffer>;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#recordsEnd = RECORDS_BASE + codeSpace;
    const afterTlbs = TLB_BASE + TLB_COUNT * TLB_SIZE;
    const afterRegions = REGION_VALIDITY + 4 * MOST_REGIONS;
    const ramPages = cpu.memory.size / GUEST_PAGE_SIZE;
    const ramMasks = CODE_MASK_BASE + ramPages * 4;
    const userMap = WINDOW_MAP_BASE + WINDOW_MAP_SIZE;
    const afterMaps = WINDOW_MAP_BASE + WINDOW_MAP_COUNT * WINDOW_MAP_SIZE;
    const afterRanges = WINDOW_LOSSES + 4;
    const afterFills = TABLE_FILLS_BASE + WINDOW_FILLS_SIZE;
    const ramTables = TABLE_MASK_BASE + ramPages * 4;
    const afterTables = TABLE_MASK_BASE + 4 * PAGES;
    const afterMasks = CODE_MASK_BASE + 4 * PAGES;
    this.#guarded = [
      this.#guard('what is below the state', 0, state.stateFields[0]?.address ?? 0, true),
      this.#guard('what is behind the state', state.stateEnd, STATE_END, true),
      this.#guard('what is before the window fills', STATIC_RECORDS + 0x100, WINDOW_FILLS_BASE, true),
      this.#guard('what is before the table fills', afterRanges, TABLE_FILLS_BASE, true),
      this.#guard('what is before the TLBs', afterFills, TLB_BASE, true),
      this.#guard('the TLB that is never filled', afterTlbs - TLB_SIZE, afterTlbs, false),
      this.#guard('what is behind the regions', afterRegions, PAGE_KIND_BASE, true),
      this.#guard('the table of kinds of pages', PAGE_KIND_BASE, PAGE_KIND_BASE + PAGES, false),
      this.#guard('the code masks of what is no RAM', ramMasks, afterMasks, false),
      this.#guard('the table masks of what is no RAM', ramTables, afterTables, false),
      this.#guard('the window map of what is no RAM', WINDOW_MAP_BASE + ramPages, userMap, false),
      this.#guard('the user window map of what is no RAM', userMap + ramPages, afterMaps, false),
      this.#guard('what is behind the decoded code', this.#recordsEnd, RECORDS_END, true),
      this.#guard('the video window', RAM_BASE + VIDEO_WINDOW_START, RAM_BASE + VIDEO_WINDOW_END, true),
    ];
  }

  /** The state's bytes, to go back to. */
  get stateBytes(): Uint8Array {
    return this.#bytes.subarray(state.stateFields[0]?.address, state.stateEnd);
  }

  /** What the state must be like between two runs. */
  *afterRun(): Generator<string> {
    const view = this.cpu.state;
    const cr0 = view.low(state.cr0);
    const cr4 = view.low(state.cr4);
    const efer = view.low(state.efer);
    const flags = view.get32(state.systemFlags);
    const level = view.get32(state.cpl);
    if (view.get64(state.zeroRegister) !== 0n) yield 'the zero register is not 0';
    if (view.high(state.cr0) !== 0 || !(cr0 & Cr0.et)) yield `CR0 is ${view.get64(state.cr0).toString(16)}`;
    if (cr0 & Cr0.pg && !(cr0 & Cr0.pe)) yield 'paging without protection';
    if (cr4 & ~this.model.cr4 || view.high(state.cr4)) yield `CR4 is ${view.get64(state.cr4).toString(16)}`;
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
    if (view.get32(state.budget) !== 0) yield `the budget is ${view.get32(state.budget) | 0}`;
    const [deferred, granted] = [view.get32(state.deferred), view.get32(state.granted)];
    if (deferred > granted) yield `of ${granted} instructions ${deferred} were put off`;
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

  /** Before what `afterRun` flushes: where the translation caches lead. */
  *caches(): Generator<string> {
    yield* this.#translations();
    yield* this.#ranges();
    yield* this.#jumps();
  }

  *#translations(): Generator<string> {
    const view = this.#view;
    const isListed = this.#listed(state.tlbFills, state.tlbFilled);
    for (let n = 0; n < 2 * TLB_ENTRIES; n++) {
      const entry = TLB_BASE + n * TLB_ENTRY_SIZE;
      const read = view.getBigUint64(entry, true);
      const write = view.getBigUint64(entry + 8, true);
      if (write !== EMPTY && write !== read) yield `TLB entry ${n} can be written and not read`;
      if (read === EMPTY) continue;
      if (!isListed(entry)) yield `TLB entry ${n} is filled, and no flush knows`;
      const host = (Number(read & 0xfffff000n) + view.getInt32(entry + 16, true)) >>> 0;
      const page = (host - RAM_BASE) / GUEST_PAGE_SIZE;
      const kind = Number.isInteger(page) && page >= 0 ? this.#bytes[PAGE_KIND_BASE + page] : undefined;
      if (kind !== PageKind.ram) yield `TLB entry ${n} leads to ${host.toString(16)}`;
      else if (write !== EMPTY && this.#isGuarded(page)) yield `TLB entry ${n} lets ${GUARDED} be written`;
    }
  }

  /** What compiled code reaches without asking. */
  *#ranges(): Generator<string> {
    const view = this.#view;
    for (let n = 0; n < WINDOW_RANGE_COUNT; n++) {
      const range = WINDOW_RANGES_BASE + n * WINDOW_RANGE_SIZE;
      const bytes = view.getUint32(range + 8, true);
      if (bytes === 0) continue;
      const offset = view.getBigUint64(range, true) - this.cpu.state.get64(state.windowBase);
      const first = Number(offset) / GUEST_PAGE_SIZE;
      const end = first + (bytes + 63) / GUEST_PAGE_SIZE;
      if (!Number.isInteger(first) || !Number.isInteger(end) || first < 0 || end > WINDOW_MAP_SIZE) {
        yield `range ${n} is not of pages`;
        continue;
      }
      const bit = n & 1 ? WindowBit.writable : WindowBit.readable;
      for (let page = first; page < end; page++) {
        const map = WINDOW_MAP_BASE + (n >> 2) * WINDOW_MAP_SIZE;
        const known = this.#bytes[map + page] as number;
        if (!(known & bit)) yield `range ${n} has a page that is not in the map, ${page.toString(16)}`;
        else if (this.#bytes[PAGE_KIND_BASE + page] !== PageKind.ram) yield `range ${n} leads out of RAM`;
        else if (bit === WindowBit.writable && this.#isGuarded(page))
          yield `range ${n} lets ${GUARDED} be written`;
      }
    }
  }

  /** Whether code was decoded from a physical page, or a walk has read it. */
  #isGuarded(page: number): boolean {
    return [CODE_MASK_BASE, TABLE_MASK_BASE].some(
      (masks) => this.#view.getUint32(masks + page * 4, true) !== 0,
    );
  }

  *#jumps(): Generator<string> {
    const view = this.#view;
    const isListed = this.#listed(state.jumpFills, state.jumpFilled);
    for (let n = 0; n < JUMP_CACHE_ENTRIES; n++) {
      const slot = JUMP_CACHE_BASE + n * JUMP_CACHE_ENTRY_SIZE;
      if (view.getBigUint64(slot, true) === EMPTY) continue;
      if (!isListed(slot)) yield `jump ${n} is filled, and no flush knows`;
      const record = view.getUint32(slot + 8, true);
      const inside = record >= RECORDS_BASE && record < this.#recordsEnd && record % RECORD_SIZE === 0;
      if (!inside) yield `jump ${n} leads to ${record.toString(16)}`;
    }
  }

  /** Whether a flush would clear what is at an address. */
  #listed(fills: Field32, filled: Field32): (address: number) => boolean {
    const count = this.cpu.state.get32(fills);
    if (count > filled.count) return () => true;
    const list = new Set(Array.from({ length: count }, (_, n) => this.cpu.state.get32(filled, n)));
    return (address) => list.has(address);
  }

  /** What must be as it was when this was made. */
  *memory(): Generator<string> {
    for (const { name, from, before } of this.#guarded) {
      const now = this.#bytes.subarray(from, from + before.length);
      if (Buffer.compare(now, before) === 0) continue;
      const at = now.findIndex((byte, n) => byte !== before[n]);
      yield `${name} was written, at ${(from + at).toString(16)}`;
    }
  }

  #guard(name: string, from: number, to: number, canary: boolean): Guarded {
    if (canary) this.#bytes.fill(CANARY, from, to);
    return { name, from, before: this.#bytes.slice(from, to) };
  }
}
