/**
 * What page walks have read of the tables since the last flush, a bit for each 128 bytes, so that no translation is
 * ever seen to be stale: whoever changes an entry that is present, be it the guest, a device or a debugger, has all
 * translations forgotten. A processor may do that at any time (SDM vol. 3 §4.10.4); here it must, for what each tier
 * remembers is not the same and must make no difference. Entries that are not present are not remembered.
 *
 * The accessed and dirty bits that a walk sets take nothing back, so they are not looked at.
 */
import {
  GUEST_PAGE_SIZE,
  MASK_SHIFT,
  RAM_BASE,
  TABLE_FILLS_BASE,
  TABLE_MASK_BASE,
} from '../../memory/layout.js';
import { I32, I64 } from '../../wasm/values.js';
import type { Emitter } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { noteFill } from './fills.js';
import { flushTlb, forbidStores } from './tlb.js';

/** Bit 0 of either half: there are entries of 4 bytes and of 8. */
const PRESENT = 0x1_0000_0001n;

function bitOf(physical: I64): I32 {
  return I32.const(1).shl(physical.shrU(MASK_SHIFT).wrap().and(31));
}

/** (physical address of an entry) of which the bit is not set yet */
const noteTable = routine('noteTable', { parameters: [I64] }, (e, physical) => {
  const { code } = e;
  const page = code.let(physical.shrU(12).wrap());
  const at = code.let(page.shl(2).add(TABLE_MASK_BASE));
  const known = code.let(I32.load(at));
  code.if(known.eqz(), () => {
    noteFill(e, I32.const(TABLE_FILLS_BASE), at);
    e.call(forbidStores, page);
  });
  code.store(at, known.or(bitOf(physical)));
});

/** Notes that a translation may be made of an entry of the tables, which is in RAM. */
export function noteEntry(e: Emitter, physical: I64): void {
  const mask = I32.load(physical.shrU(12).wrap().shl(2), TABLE_MASK_BASE);
  e.code.if(mask.and(bitOf(physical)).eqz(), () => e.call(noteTable, physical));
}

/** (physical, length) of bytes in one page of RAM → whether a present entry of 4 or 8 bytes reaches into them */
export const meetsEntry = routine(
  'meetsEntry',
  { parameters: [I64, I32], result: I32 },
  (e, physical, length) => {
    const { code } = e;
    const start = code.let(physical.wrap().add(RAM_BASE));
    const at = code.variable(I32, start.and(-8));
    const end = code.let(start.add(length));
    code.loop((next) => {
      code.if(I64.load(at.get()).and(PRESENT).ne(0), () => code.return(I32.const(1)));
      at.set(at.get().add(8));
      code.branchIf(next, at.get().ltU(end));
    });
    code.return(I32.const(0));
  },
);

/**
 * An entry that may be remembered is about to change, or just has: forgets all translations, and has the next instruction
 * fetched anew, for its page may be another.
 */
export const changeTables = routine('changeTables', { parameters: [] }, (e) => {
  e.call(flushTlb);
  e.set32(state.refetch, 1);
});

/** Which bits of a mask some bytes of one page have. */
export function touchedBits(offset: number, length: number): number {
  const last = (offset + length - 1) >> MASK_SHIFT;
  return ((-1 << (offset >> MASK_SHIFT)) & (-1 >>> (31 - last))) >>> 0;
}

/** Whether any bytes from a physical address on have a bit in the masks of their pages. */
export function isTouched(masks: Uint32Array, address: number, length: number): boolean {
  const end = address + length;
  for (let from = address; from < end; ) {
    const offset = from % GUEST_PAGE_SIZE;
    const inPage = Math.min(end - from, GUEST_PAGE_SIZE - offset);
    if ((masks[(from - offset) / GUEST_PAGE_SIZE] as number) & touchedBits(offset, inPage)) return true;
    from += inPage;
  }
  return false;
}
