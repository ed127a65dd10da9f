/**
 * What a translation leaves behind once an access to RAM was made by it: an entry of the TLB and of the window map. Which
 * pages must stay out of both is decided here: those with breakpoints on data, those that AC alone lets the
 * supervisor reach, and for stores those that code was decoded from.
 */
import { CODE_MASK_BASE, CODE_MASK_SHIFT, RAM_BASE, TLB_BASE } from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { codeWritten } from '../externals.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr4, Flag } from '../state.js';
import { BreakpointKind, findBreakpoints } from '../system/breakpoints.js';
import { ADDEND, noteFilled, PAGE_MASK, PIECE, READ_TAG, tlbEntry, UNFILLED_TLB, WRITE_TAG } from './tlb.js';
import { noteInWindow } from './window-map.js';

/** What a store to some bytes of a page would find there. */
export const CodeFound = { none: 0, elsewhere: 1, hit: 2 } as const;

/** (physical, length) → `CodeFound` of bytes in one page of RAM */
export const findCode = routine(
  'findCode',
  { parameters: [I64, I32], result: I32 },
  (e, physical, length) => {
    const { code } = e;
    const mask = code.let(I32.load(physical.shrU(12).wrap().shl(2), CODE_MASK_BASE));
    code.if(mask.eqz(), () => code.return(I32.const(CodeFound.none)));
    const start = code.let(physical.wrap().and(0xfff));
    const first = start.shrU(CODE_MASK_SHIFT);
    const last = start.add(length).sub(1).shrU(CODE_MASK_SHIFT);
    const touched = I32.const(-1)
      .shl(first)
      .and(I32.const(-1).shrU(I32.const(31).sub(last)));
    code.return(select(mask.and(touched), I32.const(CodeFound.hit), I32.const(CodeFound.elsewhere)));
  },
);

/** (physical, length) → 1 when the page holds no decoded code any more, 0 when it does, but not in these bytes */
export const releaseCode = routine(
  'releaseCode',
  { parameters: [I64, I32], result: I32 },
  (e, physical, length) => {
    const { code } = e;
    const found = e.call(findCode, physical, length);
    code.if(found.eq(CodeFound.hit), () => e.call(codeWritten, physical.shrU(12).wrap()));
    code.return(found.ne(CodeFound.elsewhere));
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
