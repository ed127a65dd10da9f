/**
 * Which bytes were decoded: a mask per physical page in WebAssembly memory tells stores which bytes they must not
 * change unnoticed. Instructions at the end of a page may reach into another, whose first bytes then count too.
 */
import {
  CODE_MASK_BASE,
  CODE_MASK_SHIFT,
  GUEST_PAGE_SIZE,
  TLB_BASE,
  TLB_ENTRY_SIZE,
  TLB_SIZE,
} from '../../../memory/layout.js';
import { forbidStores } from '../../mmu/window-map.js';
import * as state from '../../state.js';

/** The code mask of a page of which others read the first bytes: an instruction reaches over by 14 at most. */
const FIRST_BYTES = 1;

export class CodeMask {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #masks: Uint32Array;
  /** Pages whose last instruction reaches into the page that is the key. */
  readonly #reachInto = new Map<number, Set<number>>();

  constructor(memory: WebAssembly.Memory) {
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#masks = new Uint32Array(memory.buffer, CODE_MASK_BASE, 1 << 20);
  }

  /** Whether any bytes of a page are marked. */
  has(physicalPage: number): boolean {
    return this.#masks[physicalPage] !== 0;
  }

  /** Marks bytes of one page as decoded, so that a store to them drops the page. */
  cover(physicalPage: number, offset: number, length: number): void {
    const before = this.#masks[physicalPage] as number;
    // The TLBs may let stores to this page through: from now on they may not.
    if (before === 0) {
      this.#forgetTranslations();
      forbidStores(this.#bytes, physicalPage);
    }
    const last = Math.min(offset + length, GUEST_PAGE_SIZE) - 1;
    let mask = before;
    for (let bit = offset >> CODE_MASK_SHIFT; bit <= last >> CODE_MASK_SHIFT; bit++) mask |= 1 << bit;
    this.#masks[physicalPage] = mask >>> 0;
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

  /** Empties the TLBs that are ever filled, as `flushTlb` does. */
  #forgetTranslations(): void {
    const { tlbFills, tlbFilled } = state;
    const count = this.#view.getUint32(tlbFills.address, true);
    this.#view.setUint32(tlbFills.address, 0, true);
    if (count > tlbFilled.count) {
      this.#bytes.fill(0xff, TLB_BASE, TLB_BASE + 2 * TLB_SIZE);
      return;
    }
    for (let n = 0; n < count; n++) {
      const entry = this.#view.getUint32(state.at(tlbFilled, n), true);
      this.#bytes.fill(0xff, entry, entry + TLB_ENTRY_SIZE);
    }
  }
}
