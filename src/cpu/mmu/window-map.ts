/**
 * The window map: which pages the guest maps linearly, at one offset from physical memory, and may be reached in place.
 * One byte tells for each page of the 4 GiB above `state.windowBase`, per privilege, so that code compiled for that
 * base reaches memory by a test and an addition (window.ts). A set bit means that an access was made to the page, that
 * its physical address is linear − base, and that all holds which puts a page into a TLB.
 *
 * It is a larger TLB, filled and forgotten with the others. No walk of the tables as they are would lead elsewhere: who
 * changes an entry forgets what was made of it (table-notes.ts).
 */
import {
  CODE_MASK_BASE,
  PAGE_KIND_BASE,
  PageKind,
  TABLE_MASK_BASE,
  WINDOW_FILLS_BASE,
  WINDOW_FILLS_SIZE,
  WINDOW_MAP_BASE,
  WINDOW_MAP_COUNT,
  WINDOW_MAP_SIZE,
} from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { COUNT, clearFills, HIGHEST, LOWEST, noteAllBetween, noteFill } from './fills.js';
import { emptyRanges, emptyWriteRanges, forgetRanges } from './window-range.js';

/** Bits of a page's byte. */
export const WindowBit = { readable: 1, writable: 2 } as const;
/** In the byte of the first of the pages of `noteAroundInWindow`: times this, the bits that all of them were given. */
const AROUND_BITS = 4;
const PAGE_MASK = -4096n;

/** Where the map of a privilege begins: 0 supervisor, 1 user. */
function mapOf(user: I32): I32 {
  return user.mul(WINDOW_MAP_SIZE).add(WINDOW_MAP_BASE);
}

function fillsOf(user: I32): I32 {
  return user.mul(WINDOW_FILLS_SIZE).add(WINDOW_FILLS_BASE);
}

/** (linear, physical, user: 0 or 1, writable: 0 or 1) of a page that a TLB is filled with */
export const noteInWindow = routine(
  'noteInWindow',
  { parameters: [I64, I64, I32, I32] },
  (e, linear, physical, user, writable) => {
    const { code } = e;
    const offset = code.let(linear.sub(get64(state.windowBase)).and(PAGE_MASK));
    code.if(offset.shrU(32).ne(0), () => code.return());
    const at = code.let(offset.shrU(12).wrap().add(mapOf(user)));
    const known = code.let(I32.load8U(at));
    code.if(physical.and(PAGE_MASK).ne(offset), () => {
      code.if(known.and(AROUND_BITS - 1), () => {
        code.store8(at, known.and(-AROUND_BITS));
        emptyRanges(e, user);
      });
      code.return();
    });
    code.if(known.eqz(), () => noteFill(e, code.let(fillsOf(user)), at));
    code.store8(at, known.or(writable.mul(WindowBit.writable)).or(WindowBit.readable));
  },
);

/** Whether stores to a physical page may meet what was made of its bytes: decoded code, or translations. */
export function isGuarded(page: I32): I32 {
  const at = page.shl(2);
  return I32.load(at, CODE_MASK_BASE).or(I32.load(at, TABLE_MASK_BASE));
}

/** Pages that are noted at once of a larger one: 2 MiB, the smallest large page there is. */
const AROUND = 512;

/**
 * (linear, physical, user: 0 or 1, whether it was written: 0 or 1) of a page that was remembered as a piece of a large
 * one: gives the RAM around it the same bits, since the same entry of the tables holds for it
 */
export const noteAroundInWindow = routine(
  'noteAroundInWindow',
  { parameters: [I64, I64, I32, I32] },
  (e, linear, physical, user, written) => {
    const { code } = e;
    const offset = code.let(linear.sub(get64(state.windowBase)));
    code.if(offset.shrU(32).ne(0).or(offset.ne(physical)), () => code.return());
    const map = code.let(mapOf(user));
    const page = code.let(offset.shrU(12).wrap());
    const bits = code.let(written.mul(WindowBit.writable).or(WindowBit.readable));
    code.if(I32.load8U(map.add(page)).and(bits).ne(bits), () => code.return());
    const first = code.let(page.and(-AROUND));
    const around = code.let(map.add(first));
    const noted = code.let(bits.mul(AROUND_BITS));
    const known = code.let(I32.load8U(around));
    code.if(known.and(noted).eq(noted), () => code.return());
    code.store8(around, known.or(noted));
    const n = code.variable(I32, first);
    code.loop((next) => {
      code.if(I32.load8U(n.get(), PAGE_KIND_BASE).eq(PageKind.ram), () => {
        const at = code.let(map.add(n.get()));
        const own = select(isGuarded(n.get()), I32.const(WindowBit.readable), bits);
        code.store8(at, I32.load8U(at).or(own));
      });
      n.set(n.get().add(1));
      code.branchIf(next, n.get().sub(first).ltU(AROUND));
    });
    const fills = code.let(fillsOf(user));
    noteFill(e, fills, around);
    noteFill(e, fills, code.let(around.add(AROUND - 1)));
    noteAllBetween(e, fills);
  },
);

/** (user: 0 or 1) empties a privilege's map */
export const forgetWindow = routine('forgetWindow', { parameters: [I32] }, (e, user) => {
  forgetRanges(e, user);
  clearFills(e, e.code.let(fillsOf(user)), 1);
});

/** (linear, bytes, a multiple of a page's) forgets the pages there */
export const forgetWindowPages = routine(
  'forgetWindowPages',
  { parameters: [I64, I64] },
  (e, linear, bytes) => {
    const { code } = e;
    for (let user = 0; user < WINDOW_MAP_COUNT; user++) emptyRanges(e, I32.const(user));
    const offset = code.let(linear.sub(get64(state.windowBase)));
    const size = I64.const(WINDOW_MAP_SIZE);
    const start = code.let(select(offset.ltS(0), I64.const(0), offset.shrS(12)));
    const behind = code.let(offset.add(bytes).shrS(12));
    const end = code.let(select(behind.gtS(size), size, behind));
    code.if(start.geS(end), () => code.return());
    for (let user = 0; user < WINDOW_MAP_COUNT; user++) {
      code.scope(() => {
        const fills = fillsOf(I32.const(user));
        const map = mapOf(I32.const(user));
        code.if(I32.load(fills, COUNT), () => {
          const first = code.let(start.wrap().add(map));
          const lowest = code.let(I32.load(fills, LOWEST));
          const from = code.let(select(first.ltU(lowest), lowest, first));
          const last = code.let(end.wrap().add(map));
          const behindHighest = code.let(I32.load(fills, HIGHEST).add(1));
          const to = code.let(select(last.gtU(behindHighest), behindHighest, last));
          code.if(from.ltU(to), () => code.memoryFill(from, 0, to.sub(from)));
        });
      });
    }
  },
);

/** (physical page) stores may no longer be made there in place */
export const forbidStoresInWindow = routine('forbidStoresInWindow', { parameters: [I32] }, (e, page) => {
  const { code } = e;
  for (let user = 0; user < WINDOW_MAP_COUNT; user++) {
    const at = code.let(page.add(mapOf(I32.const(user))));
    const known = code.let(I32.load8U(at));
    code.if(known.and(WindowBit.writable), () => {
      code.store8(at, known.and(~WindowBit.writable));
      emptyWriteRanges(e);
    });
  }
});
