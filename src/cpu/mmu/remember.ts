/**
 * What a translation leaves behind once an access to RAM was made by it: an entry of the TLB and of the window map. Which
 * pages must stay out of both is decided here: those with breakpoints on data, those that AC alone lets the
 * supervisor reach, and for stores those that code was decoded from or that walks have read.
 */
import { CODE_MASK_BASE, MASK_SHIFT, RAM_BASE, TABLE_MASK_BASE, TLB_BASE } from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { codeWritten } from '../externals.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr4, Flag } from '../state.js';
import { BreakpointKind, findBreakpoints } from '../system/breakpoints.js';
import { changeTables, meetsEntry } from './table-notes.js';
import { ADDEND, noteFilled, PAGE_MASK, PIECE, READ_TAG, tlbEntry, UNFILLED_TLB, WRITE_TAG } from './tlb.js';
import { isGuarded, noteInWindow } from './window-map.js';

/** What a store to some bytes of a page would find there: bits, none where no store to the page would find anything. */
export const Found = { elsewhere: 1, code: 2, table: 4 } as const;

/** (physical, length) → `Found` in bytes of one page of RAM */
export const findGuarded = routine(
  'findGuarded',
  { parameters: [I64, I32], result: I32 },
  (e, physical, length) => {
    const { code } = e;
    const page = code.let(physical.shrU(12).wrap());
    code.if(isGuarded(page).eqz(), () => code.return(I32.const(0)));
    const start = code.let(physical.wrap().and(0xfff));
    const first = start.shrU(MASK_SHIFT);
    const last = start.add(length).sub(1).shrU(MASK_SHIFT);
    const touched = code.let(
      I32.const(-1)
        .shl(first)
        .and(I32.const(-1).shrU(I32.const(31).sub(last))),
    );
    const isIn = (masks: number): I32 => I32.load(page.shl(2), masks).and(touched).ne(0);
    const found = code.variable(I32, isIn(CODE_MASK_BASE).mul(Found.code).or(Found.elsewhere));
    code.if(isIn(TABLE_MASK_BASE), () => {
      found.set(e.call(meetsEntry, physical, length).mul(Found.table).or(found.get()));
    });
    code.return(found.get());
  },
);

/** What may be remembered of the page that a store is made to. */
export const Kept = { nothing: 0, readable: 1, writable: 2 } as const;

/** (physical, length) drops what was made of the bytes, before a store to them → `Kept` */
export const prepareStore = routine(
  'prepareStore',
  { parameters: [I64, I32], result: I32 },
  (e, physical, length) => {
    const { code } = e;
    const found = e.call(findGuarded, physical, length);
    code.if(found.eqz(), () => code.return(I32.const(Kept.writable)));
    const page = code.let(physical.shrU(12).wrap());
    code.if(found.and(Found.code), () => e.call(codeWritten, page));
    code.if(found.and(Found.table), () => {
      e.call(changeTables);
      // The store may change what leads to its own page.
      code.return(I32.const(Kept.nothing));
    });
    code.return(select(isGuarded(page), I32.const(Kept.readable), I32.const(Kept.writable)));
  },
);

/** Whether a breakpoint on data lies in the page of a linear address. */
export function isWatched(e: Emitter, linear: I64): I32 {
  const { code } = e;
  const watched = code.variable(I32, get32(state.watchesData));
  code.if(watched.get(), () => {
    const page = linear.and(PAGE_MASK);
    watched.set(e.call(findBreakpoints, page, I32.const(4096), I32.const(BreakpointKind.data)));
  });
  return watched.get();
}

/** Whether AC lets the supervisor reach user pages: what it reaches then must not be there once AC is clear. */
function overridesSmap(user: I32): I32 {
  const guarded = get64(state.cr4).and(Cr4.smap).ne(0).and(user.eqz());
  return guarded.and(get32(state.systemFlags).and(Flag.ac).ne(0));
}

/**
 * (linear, physical address in RAM, whether as the system, whether stores may be made in place: 0 or 1), right after the
 * walk → whether it is remembered
 */
export const rememberPage = routine(
  'rememberPage',
  { parameters: [I64, I64, I32, I32], result: I32 },
  (e, linear, physical, system, writable) => {
    const { code } = e;
    const tlb = code.let(select(system, I32.const(TLB_BASE), get32(state.tlbBase)));
    const user = code.let(tlb.ne(TLB_BASE));
    code.if(tlb.eq(UNFILLED_TLB).or(overridesSmap(user)), () => code.return(I32.const(0)));
    code.if(isWatched(e, linear), () => code.return(I32.const(0)));
    const entry = code.let(tlbEntry(linear, tlb));
    const page = code.let(linear.and(PAGE_MASK));
    code.if(I64.load(entry, READ_TAG).ne(page), () => {
      code.store(entry, I64.const(-1), WRITE_TAG);
      code.store(entry, page, READ_TAG);
      noteFilled(e, entry);
    });
    code.store(entry, physical.wrap().add(RAM_BASE).sub(linear.wrap()), ADDEND);
    code.store(entry, get32(state.pageIsLarge), PIECE);
    code.if(writable, () => code.store(entry, page, WRITE_TAG));
    e.call(noteInWindow, linear, physical, user, writable);
    code.return(I32.const(1));
  },
);
