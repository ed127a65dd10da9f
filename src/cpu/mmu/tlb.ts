/**
 * The software TLBs' entries, and how one page or all are forgotten, in the window map too (SDM vol. 3 §4.10). An
 * entry holds the page that may be read through it, the page that may be written, and what makes a host address of a
 * linear one.
 */
import {
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRY_SIZE,
  JUMP_CACHE_SIZE,
  RAM_BASE,
  TABLE_FILLS_BASE,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_SIZE,
} from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { clearFills } from './fills.js';
import { forbidStoresInWindow, forgetWindow, forgetWindowPages } from './window-map.js';

export const READ_TAG = 0;
export const WRITE_TAG = 8;
export const ADDEND = 16;
/** 1 of what is a piece of a larger page, else 0. */
export const PIECE = 20;
export const PAGE_MASK = -4096n;
/** The TLB that is in force while alignment checks are, and is never filled. */
export const UNFILLED_TLB = TLB_BASE + 2 * TLB_SIZE;

/** Bits of a RIP that tell its page: above them the jump cache's keys hold the mode. */
const PAGE_BITS = 0x0000fffffffff000n;

/** Address of the TLB entry for a linear address. */
export function tlbEntry(linear: I64, tlb: I32): I32 {
  const index = linear
    .shrU(12)
    .wrap()
    .and(TLB_ENTRIES - 1);
  return index.mul(TLB_ENTRY_SIZE).add(tlb);
}

/** Does something with each item of a list of what was filled, or, if there were too many to list, something else. */
function forEachFilled(
  e: Emitter,
  count: state.Field32,
  list: state.Field32,
  each: (address: I32) => void,
  unlisted: () => void,
): void {
  const { code } = e;
  const left = code.variable(I32, get32(count));
  code.if(left.get().gtU(list.count), unlisted, () => {
    code.while(
      () => left.get(),
      () => {
        left.set(left.get().sub(1));
        each(code.let(I32.load(e.element(list, left.get()))));
      },
    );
  });
}

/** Notes that an entry was filled that a flush is to clear. */
export function noteFilled(e: Emitter, entry: I32): void {
  const { code } = e;
  const count = e.read32(state.tlbFills);
  code.if(count.ltU(state.tlbFilled.count), () => code.store(e.element(state.tlbFilled, count), entry));
  code.if(count.leU(state.tlbFilled.count), () => e.set32(state.tlbFills, count.add(1)));
}

/** What was found out about the mapping of code has to be found out again. */
function noteMapping(e: Emitter): void {
  e.set32(state.mappings, get32(state.mappings).add(1));
}

/** Forgets which record a RIP leads to. */
export const flushJumps = routine('flushJumps', { parameters: [] }, (e) => {
  const { code } = e;
  forEachFilled(
    e,
    state.jumpFills,
    state.jumpFilled,
    (slot) => code.store(slot, I64.const(-1)),
    () => code.memoryFill(I32.const(JUMP_CACHE_BASE), 0xff, JUMP_CACHE_SIZE),
  );
  e.set32(state.jumpFills, 0);
  noteMapping(e);
});

/** Forgets every translation, and with them which record a RIP leads to. */
export const flushTlb = routine('flushTlb', { parameters: [] }, (e) => {
  const { code } = e;
  forEachFilled(
    e,
    state.tlbFills,
    state.tlbFilled,
    (entry) => {
      code.store(entry, I64.const(-1), READ_TAG);
      code.store(entry, I64.const(-1), WRITE_TAG);
    },
    () => code.memoryFill(I32.const(TLB_BASE), 0xff, 2 * TLB_SIZE),
  );
  e.set32(state.tlbFills, 0);
  e.set32(state.largestPage, 0);
  for (const user of [0, 1]) e.call(forgetWindow, I32.const(user));
  clearFills(e, I32.const(TABLE_FILLS_BASE), 4);
  e.call(flushJumps);
});

/** (physical page) from now on what is stored there is looked at, by whatever address */
export const forbidStores = routine('forbidStores', { parameters: [I32] }, (e, page) => {
  const { code } = e;
  e.call(forbidStoresInWindow, page);
  const host = code.let(page.shl(12).add(RAM_BASE));
  const forbid = (entry: I32): void => {
    const leadsThere = I64.load(entry, READ_TAG).wrap().add(I32.load(entry, ADDEND)).eq(host);
    code.if(leadsThere, () => code.store(entry, I64.const(-1), WRITE_TAG));
  };
  forEachFilled(e, state.tlbFills, state.tlbFilled, forbid, () => {
    const entry = code.variable(I32, I32.const(TLB_BASE + 2 * TLB_SIZE));
    code.loop((next) => {
      entry.set(entry.get().sub(TLB_ENTRY_SIZE));
      forbid(entry.get());
      code.branchIf(next, entry.get().ne(TLB_BASE));
    });
  });
});

/**
 * (linear) forgets the translations of its page, for data and for code. The page may be large and the TLBs hold many
 * pieces of it (vol. 3 §4.10.2.3), so everything goes that the largest page in use would have around the address.
 */
export const forgetPage = routine('forgetPage', { parameters: [I64] }, (e, linear) => {
  const { code } = e;
  noteMapping(e);
  const largest = e.read32(state.largestPage);
  const bytes = code.let(I64.const(1).shl(select(largest, largest, I32.const(12)).extendU()));
  const mask = code.let(I64.const(0).sub(bytes));
  const page = code.let(linear.and(mask));
  e.call(forgetWindowPages, page, bytes);
  const pieces = code.let(bytes.shrU(12).wrap());
  const entries = code.let(select(pieces.ltU(TLB_ENTRIES), pieces, I32.const(TLB_ENTRIES)));
  for (const tlb of [TLB_BASE, TLB_BASE + TLB_SIZE]) {
    const entry = code.variable(I32, tlbEntry(page, I32.const(tlb)));
    const end = code.let(entry.get().add(entries.mul(TLB_ENTRY_SIZE)));
    code.loop((next) => {
      code.if(I64.load(entry.get(), READ_TAG).and(mask).eq(page), () => {
        code.store(entry.get(), I64.const(-1), READ_TAG);
        code.store(entry.get(), I64.const(-1), WRITE_TAG);
      });
      entry.set(entry.get().add(TLB_ENTRY_SIZE));
      code.branchIf(next, entry.get().ltU(end));
    });
  }
  code.if(get32(state.codeSize).ne(64), () => {
    // A RIP is then no linear address.
    e.call(flushJumps);
    code.return();
  });
  const forgetSlot = (slot: I32): void => {
    const same = I64.load(slot).xor(page).and(mask).and(PAGE_BITS).eqz();
    code.if(same, () => code.store(slot, I64.const(-1)));
  };
  forEachFilled(e, state.jumpFills, state.jumpFilled, forgetSlot, () => {
    const slot = code.variable(I32, I32.const(JUMP_CACHE_BASE + JUMP_CACHE_SIZE));
    code.loop((next) => {
      slot.set(slot.get().sub(JUMP_CACHE_ENTRY_SIZE));
      forgetSlot(slot.get());
      code.branchIf(next, slot.get().ne(JUMP_CACHE_BASE));
    });
  });
});
