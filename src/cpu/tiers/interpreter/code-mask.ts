/**
 * Which bytes were decoded: a mask per physical page in WebAssembly memory tells stores which bytes they must not
 * change unnoticed. Instructions at the end of a page may reach into another, whose first bytes then count too.
 */
import { CODE_MASK_BASE, GUEST_PAGE_SIZE } from '../../../memory/layout.js';
import { touchedBits } from '../../mmu/table-notes.js';

/** The code mask of a page of which others read the first bytes: an instruction reaches over by 14 at most. */
const FIRST_BYTES = 1;

export class CodeMask {
  readonly #masks: Uint32Array;
  /** Pages whose last instruction reaches into the page that is the key. */
  readonly #reachInto = new Map<number, Set<number>>();

  constructor(
    memory: WebAssembly.Memory,
    /** Stores to a physical page may no longer be made in place. */
    private readonly forbidStores: (physicalPage: number) => void,
  ) {
    this.#masks = new Uint32Array(memory.buffer, CODE_MASK_BASE, 1 << 20);
  }

  /** Whether any bytes of a page are marked. */
  has(physicalPage: number): boolean {
    return this.#masks[physicalPage] !== 0;
  }

  /** Marks bytes of one page as decoded, so that a store to them drops the page. */
  cover(physicalPage: number, offset: number, length: number): void {
    const before = this.#masks[physicalPage] as number;
    if (before === 0) this.forbidStores(physicalPage);
    const inPage = Math.min(length, GUEST_PAGE_SIZE - offset);
    this.#masks[physicalPage] = before | touchedBits(offset, inPage);
  }

  /** Marks the first bytes of a page, into which an instruction of another reaches. */
  reach(from: number, physicalPage: number, length: number): void {
    this.cover(physicalPage, 0, Math.max(1, length));
    const known = this.#reachInto.get(physicalPage);
    if (known) known.add(from);
    else this.#reachInto.set(physicalPage, new Set([from]));
  }

  /** The pages that reach into one, which are taken to do so no longer. */
  takeReaching(physicalPage: number): Iterable<number> {
    const reaching = this.#reachInto.get(physicalPage);
    this.#reachInto.delete(physicalPage);
    return reaching ?? [];
  }

  /** A page's own code is gone. What others read of its first bytes is still marked. */
  uncover(physicalPage: number): void {
    this.#masks[physicalPage] = this.#reachInto.has(physicalPage) ? FIRST_BYTES : 0;
  }

  /** All code is gone. @param physicalPages that had code */
  reset(physicalPages: Iterable<number>): void {
    for (const page of physicalPages) this.#masks[page] = 0;
    for (const page of this.#reachInto.keys()) this.#masks[page] = 0;
    this.#reachInto.clear();
  }
}
