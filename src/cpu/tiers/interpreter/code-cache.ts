/**
 * Decoded code, by physical page and code size. Records of a page are written in runs of straight-line code. A store to
 * decoded bytes drops their page (code-mask.ts): that turns its records stale in place, so that whoever still points at
 * them decodes again.
 */
import {
  GUEST_PAGE_SIZE,
  RAM_BASE,
  RECORDS_BASE,
  RECORDS_END,
  STATIC_RECORDS,
  TLB_BASE,
  TLB_COUNT,
  TLB_SIZE,
} from '../../../memory/layout.js';
import { DECODE_INVALID, DECODE_OK, DECODE_TRUNCATED, decode, MAXIMUM_LENGTH } from '../../decode/decoder.js';
import { type CodeSize, DecodedInstruction } from '../../decode/instruction.js';
import * as state from '../../state.js';
import { CodeMask } from './code-mask.js';
import { JumpCache } from './jump-cache.js';
import { NO_OFFSET, PSEUDO_HANDLERS, PseudoHandler, RECORD_SIZE, RecordField } from './record.js';
import { type HandlerNumbers, RecordWriter } from './record-writer.js';
import { RunIndex } from './run-index.js';

const FETCH_FAULT = STATIC_RECORDS;
/** What an instruction fetched from outside RAM decodes to. */
const OUTSIDE = STATIC_RECORDS + RECORD_SIZE;
/** Instructions decoded ahead at a time. */
const RUN_LENGTH = 256;
/** At most so many records are repeated to spare a jump. */
const LONGEST_REPEAT = 32;
/** Pages of code held at once: 64 MiB of the host's memory. */
const MOST_PAGES = 4096;
/** Records that an instruction may take: `breakpoint`, `checkLimit`, and its own. */
const MOST_RECORDS = 3;
/** Records that one straight line may take, with what it repeats and the pseudo-records at its end. */
const LONGEST_RUN = MOST_RECORDS * (RUN_LENGTH + 1) + LONGEST_REPEAT + 4;
/** When less than this is left, everything is dropped between two runs. */
const RESERVE = 2 * LONGEST_RUN * RECORD_SIZE;
/** The least space for records, so that some lines fit. */
const LEAST_SPACE = 2 * RESERVE;
/** After these no instruction follows in a line. */
const ENDS_RUN = new Set(['JMP', 'JMPF', 'RET', 'RETF', 'IRET', 'SYSRET', 'SYSEXIT', 'UD2']);

interface CodePage {
  readonly physicalPage: number;
  readonly codeSize: CodeSize;
  /** Whether a `checkLimit` record goes before each instruction: the code segment may end in this page or just after. */
  readonly limited: boolean;
  /** Record of the instruction that begins at each byte, or 0. Another page's once this one is dropped. */
  readonly entries: Uint32Array;
  /** Pairs of first and past-the-end record. */
  readonly runs: number[];
}

/** What the cache needs of the CPU. */
export interface FetchUnit {
  /** Physical address of `state.rip` plus some bytes; undefined, with the exception pending, if it faults. */
  translate(delta: number): number | undefined;
  isRam(physical: number): boolean;
  /** Stores to a physical page may no longer be made in place. */
  forbidStores(physicalPage: number): void;
}

export class CodeCache {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #mask: CodeMask;
  readonly #jumps: JumpCache;
  readonly #writer: RecordWriter;
  readonly #pages = new Map<number, CodePage>();
  /** Entries of dropped pages, all 0: a guest that writes its code again and again costs no new ones. */
  readonly #spareEntries: Uint32Array[] = [];
  /** Records whose handler somebody has put another in the place of, and those that still run the instructions. */
  readonly #diverted = new Map<number, number>();
  readonly #instruction = new DecodedInstruction();
  readonly #window = new Uint8Array(2 * MAXIMUM_LENGTH);
  /** Offsets in a page before whose instructions a `breakpoint` record goes. */
  readonly #breakpoints = new Set<number>();
  /** Code was decoded without a `breakpoint` record that is now due. */
  #outdated = false;
  #next = RECORDS_BASE;
  /** Past the last record that may be written. */
  readonly #end: number;
  readonly #runs = new RunIndex<CodePage>();

  constructor(
    memory: WebAssembly.Memory,
    numbers: HandlerNumbers,
    private readonly unit: FetchUnit,
    /** Features that the processor does not have. */
    private readonly absent: ReadonlySet<string>,
    space = RECORDS_END - RECORDS_BASE,
  ) {
    if (space < LEAST_SPACE || space > RECORDS_END - RECORDS_BASE || space % RECORD_SIZE !== 0) {
      throw new RangeError(`${space} bytes for decoded code: want a multiple of 32 from ${LEAST_SPACE}`);
    }
    this.#end = RECORDS_BASE + space;
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#mask = new CodeMask(memory, (page) => unit.forbidStores(page));
    this.#jumps = new JumpCache(this.#view);
    this.#writer = new RecordWriter(this.#view, numbers);
    this.#writer.writePseudo(FETCH_FAULT, PseudoHandler.fetchFault, NO_OFFSET);
    this.#forgetWays();
  }

  /** Told of each physical page whose code is dropped. */
  onDrop: (physicalPage: number) => void = () => {};

  /** Whether `reset` is due before much more is decoded: the run is to end. */
  get full(): boolean {
    return this.#outdated || this.#next > this.#end - RESERVE || this.#pages.size > MOST_PAGES;
  }

  /** Forgets all code. No record may be in use. */
  reset(): void {
    this.#mask.reset(Array.from(this.#pages.values(), ({ physicalPage }) => physicalPage));
    this.#pages.clear();
    this.#spareEntries.length = 0;
    this.#runs.clear();
    this.#next = RECORDS_BASE;
    this.#outdated = false;
    this.#forgetWays();
  }

  /** From now on instructions at these offsets in any page may have a breakpoint. True if a `reset` is due for it. */
  expectBreakpoints(offsets: readonly number[]): boolean {
    const before = this.#breakpoints.size;
    for (const offset of offsets) this.#breakpoints.add(offset);
    if (this.#breakpoints.size > before) this.#outdated = true;
    return this.#outdated;
  }

  /** The record of the instruction at `state.rip`; sets `state.pageBase` and remembers the way. */
  recordAt(): number {
    const physical = this.unit.translate(0);
    if (physical === undefined) return FETCH_FAULT;
    const offset = physical % GUEST_PAGE_SIZE;
    this.#setPageBase(offset);
    if (!this.unit.isRam(physical)) {
      this.#writer.writePseudo(OUTSIDE, PseudoHandler.invalid, offset);
      return OUTSIDE;
    }
    const physicalPage = (physical - offset) / GUEST_PAGE_SIZE;
    const known = this.#page(physicalPage).entries[offset];
    if (known && this.#isMisled(known, offset)) this.drop(physicalPage);
    const page = this.#page(physicalPage);
    const record = page.entries[offset] || this.#decodeRun(page, offset);
    if (record !== FETCH_FAULT) this.#jumps.remember(record);
    return record;
  }

  /**
   * Puts a handler in the place of that of the 64-bit instruction at a physical address.
   * @returns the record that it is put into and one that still runs the instruction; undefined if it is not decoded, or
   * was diverted before
   */
  divert(
    physical: number,
    handler: number,
  ): { readonly record: number; readonly original: number } | undefined {
    const offset = physical % GUEST_PAGE_SIZE;
    const page = this.#pages.get(keyOf((physical - offset) / GUEST_PAGE_SIZE, 64, false));
    const record = page?.entries[offset];
    if (!page || !record || this.full || this.#diverted.has(record)) return undefined;
    if (this.#view.getUint16(record + RecordField.handler, true) < PSEUDO_HANDLERS) return undefined;
    const original = this.#next;
    this.#bytes.copyWithin(original, record, record + RECORD_SIZE);
    this.#next += RECORD_SIZE;
    const end = offset + this.#view.getUint8(record + RecordField.length);
    this.#emitPseudo(PseudoHandler.goto, end, record + RECORD_SIZE);
    page.runs.push(original, this.#next);
    this.#runs.add(original, page);
    this.#view.setUint16(record + RecordField.handler, handler, true);
    this.#diverted.set(record, original);
    return { record, original };
  }

  /** Undoes `divert`, unless the code was dropped meanwhile. */
  undivert(record: number, original: number, handler: number): void {
    this.#diverted.delete(record);
    const field = record + RecordField.handler;
    if (this.#view.getUint16(field, true) !== handler) return;
    this.#view.setUint16(field, this.#view.getUint16(original + RecordField.handler, true), true);
  }

  /** Whether an instruction at this offset in a page may have a breakpoint. */
  mayBreakAt(offset: number): boolean {
    return this.#breakpoints.has(offset);
  }

  /** Watches the bytes of an instruction that somebody has decoded for himself. */
  watch(physical: number, length: number): void {
    const offset = physical % GUEST_PAGE_SIZE;
    this.#mask.cover((physical - offset) / GUEST_PAGE_SIZE, offset, length);
  }

  /** Drops the code of a physical page that is about to be written, and that of pages which reach into it. */
  drop(physicalPage: number): void {
    const reaching = this.#mask.takeReaching(physicalPage);
    this.#dropOwn(physicalPage);
    for (const page of reaching) this.#dropOwn(page);
  }

  /** Drops a page's own records. What others read of its first bytes is still watched. */
  #dropOwn(physicalPage: number): void {
    this.onDrop(physicalPage);
    for (const size of [16, 32, 64] as const) {
      for (const limited of [false, true]) this.#dropKey(keyOf(physicalPage, size, limited));
    }
    this.#mask.uncover(physicalPage);
  }

  #dropKey(key: number): void {
    const page = this.#pages.get(key);
    if (!page) return;
    this.#pages.delete(key);
    const { entries, runs } = page;
    for (let n = 0; n < runs.length; n += 2) {
      const end = runs[n + 1] as number;
      for (let record = runs[n] as number; record < end; record += RECORD_SIZE) {
        this.#view.setUint16(record + RecordField.handler, PseudoHandler.stale, true);
        entries[this.#view.getUint16(record + RecordField.offset, true)] = 0;
      }
    }
    runs.length = 0;
    this.#spareEntries.push(entries);
  }

  /** Whether two records are of one physical page, so that a jump between them stays right however it is mapped. */
  samePage(record: number, other: number): boolean {
    const page = this.#runs.pageOf(record);
    return page !== undefined && page === this.#runs.pageOf(other);
  }

  /** Drops the code that a write from outside the CPU touches. Physical address and length in bytes. */
  dropWritten(address: number, length: number): void {
    const last = Math.floor((address + length - 1) / GUEST_PAGE_SIZE);
    for (let page = Math.floor(address / GUEST_PAGE_SIZE); page <= last; page++) {
      if (this.#mask.has(page)) this.drop(page);
    }
  }

  /** Whether a record reaches into another page than the one that now follows. */
  #isMisled(first: number, offset: number): boolean {
    const handlerOf = (record: number): number => this.#view.getUint16(record + RecordField.handler, true);
    let record = first;
    if (handlerOf(record) === PseudoHandler.breakpoint) record += RECORD_SIZE;
    if (handlerOf(record) === PseudoHandler.checkLimit) record += RECORD_SIZE;
    if (handlerOf(record) !== PseudoHandler.checkNextPage) return false;
    const expected = Number(this.#view.getBigInt64(record + RecordField.immediate, true));
    return this.unit.translate(GUEST_PAGE_SIZE - offset) !== expected;
  }

  #page(physicalPage: number): CodePage {
    const codeSize = this.#view.getInt32(state.codeSize.address, true) as CodeSize;
    const limited = codeSize !== 64 && this.#endsNear();
    const key = keyOf(physicalPage, codeSize, limited);
    let page = this.#pages.get(key);
    if (!page) {
      const entries = this.#spareEntries.pop() ?? new Uint32Array(GUEST_PAGE_SIZE);
      page = { physicalPage, codeSize, limited, entries, runs: [] };
      this.#pages.set(key, page);
    }
    return page;
  }

  /** Whether the code segment may end before an instruction that begins in the page at `state.pageBase` does. */
  #endsNear(): boolean {
    const limit = this.#view.getUint32(state.at(state.segmentLimit, state.Segment.cs), true);
    const start = Number(this.#view.getBigInt64(state.pageBase.address, true));
    return limit !== 0xffffffff && start + GUEST_PAGE_SIZE + MAXIMUM_LENGTH > limit;
  }

  /** Decodes from an offset to the end of the straight line; the record of the first instruction. */
  #decodeRun(page: CodePage, start: number): number {
    const instruction = this.#instruction;
    const pageStart = RAM_BASE + page.physicalPage * GUEST_PAGE_SIZE;
    const bytes = this.#bytes;
    const first = this.#next;
    let offset = start;
    for (let count = 0; ; count++) {
      if (offset >= GUEST_PAGE_SIZE || count === RUN_LENGTH) {
        this.#emitPseudo(PseudoHandler.nextPage, offset);
        break;
      }
      const known = page.entries[offset];
      if (known) {
        this.#joinRun(page, known, offset);
        break;
      }
      const status = decode(
        bytes,
        pageStart + offset,
        pageStart + GUEST_PAGE_SIZE,
        page.codeSize,
        instruction,
        this.absent,
      );
      if (status === DECODE_TRUNCATED) {
        if (offset !== start) this.#emitPseudo(PseudoHandler.nextPage, offset);
        else if (!this.#decodeCrossing(page, offset)) return FETCH_FAULT;
        break;
      }
      this.#beginInstruction(page, offset, instruction.length);
      if (status !== DECODE_OK) {
        const handler = status === DECODE_INVALID ? PseudoHandler.invalid : PseudoHandler.tooLong;
        this.#mask.cover(page.physicalPage, offset, Math.max(1, instruction.length));
        this.#emitPseudo(handler, offset);
        break;
      }
      this.#mask.cover(page.physicalPage, offset, instruction.length);
      this.#writer.write(this.#next, instruction, offset);
      this.#next += RECORD_SIZE;
      offset += instruction.length;
      if (ENDS_RUN.has(instruction.entry.mnemonic)) break;
    }
    page.runs.push(first, this.#next);
    this.#runs.add(first, page);
    return first;
  }

  /** Goes on with code that was decoded before: repeats it if it is short, else leads to it. */
  #joinRun(page: CodePage, known: number, offset: number): void {
    const { runs } = page;
    const run = runs.findIndex(
      (start, n) => n % 2 === 0 && start <= known && known < (runs[n + 1] as number),
    );
    const end = runs[run + 1];
    if (end === undefined || end - known > LONGEST_REPEAT * RECORD_SIZE) {
      this.#emitPseudo(PseudoHandler.goto, offset, known);
      return;
    }
    this.#bytes.copyWithin(this.#next, known, end);
    for (let record = known; record < end; record += RECORD_SIZE) {
      const original = this.#diverted.get(record);
      if (original === undefined) continue;
      this.#bytes.copyWithin(this.#next + record - known, original, original + RECORD_SIZE);
    }
    this.#next += end - known;
  }

  /** An instruction that goes on in the next page, which `state.rip` is at. False if fetching the rest faults. */
  #decodeCrossing(page: CodePage, offset: number): boolean {
    const inFirst = GUEST_PAGE_SIZE - offset;
    const second = this.unit.translate(inFirst);
    if (second === undefined) return false;
    const window = this.#window;
    window.fill(0xff);
    const start = RAM_BASE + page.physicalPage * GUEST_PAGE_SIZE + offset;
    window.set(this.#bytes.subarray(start, start + inFirst));
    if (this.unit.isRam(second)) {
      const rest = this.#bytes.subarray(RAM_BASE + second, RAM_BASE + second + MAXIMUM_LENGTH);
      window.set(rest, inFirst);
    }
    const instruction = this.#instruction;
    const status = decode(window, 0, inFirst + MAXIMUM_LENGTH, page.codeSize, instruction, this.absent);
    this.#beginInstruction(page, offset, instruction.length);
    const check = this.#next;
    this.#emitPseudo(PseudoHandler.checkNextPage, offset);
    this.#view.setBigInt64(check + RecordField.immediate, BigInt(second), true);
    this.#mask.cover(page.physicalPage, offset, inFirst);
    if (this.unit.isRam(second)) {
      this.#mask.reach(page.physicalPage, second / GUEST_PAGE_SIZE, instruction.length - inFirst);
    }
    if (status !== DECODE_OK) {
      this.#emitPseudo(status === DECODE_INVALID ? PseudoHandler.invalid : PseudoHandler.tooLong, offset);
      return true;
    }
    this.#writer.write(this.#next, instruction, offset);
    this.#next += RECORD_SIZE;
    this.#emitPseudo(PseudoHandler.nextPage, offset + instruction.length);
    return true;
  }

  /** Writes what goes before an instruction's own record. */
  #beginInstruction(page: CodePage, offset: number, length: number): void {
    page.entries[offset] = this.#next;
    if (this.#breakpoints.has(offset)) this.#emitPseudo(PseudoHandler.breakpoint, offset);
    if (!page.limited) return;
    this.#emitPseudo(PseudoHandler.checkLimit, offset);
    const check = this.#next - RECORD_SIZE;
    this.#view.setBigInt64(check + RecordField.immediate, BigInt(Math.max(1, length)), true);
  }

  #emitPseudo(handler: number, offset: number, link = 0): void {
    this.#writer.writePseudo(this.#next, handler, offset, link);
    this.#next += RECORD_SIZE;
  }

  #setPageBase(offset: number): void {
    const low = this.#view.getUint32(state.rip.address, true) - offset;
    const high = this.#view.getInt32(state.rip.address + 4, true) - (low < 0 ? 1 : 0);
    this.#view.setUint32(state.pageBase.address, low >>> 0, true);
    this.#view.setInt32(state.pageBase.address + 4, high, true);
  }

  #forgetWays(): void {
    this.#jumps.forget();
    this.#bytes.fill(0xff, TLB_BASE, TLB_BASE + TLB_COUNT * TLB_SIZE);
  }
}

function keyOf(physicalPage: number, codeSize: CodeSize, limited: boolean): number {
  return physicalPage * 8 + (codeSize >> 5) * 2 + (limited ? 1 : 0);
}
