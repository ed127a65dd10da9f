/**
 * The software TLBs' entries, and how one page is forgotten (SDM vol. 3 §4.10). An entry holds the page that may be read
 * through it, the page that may be written, and what makes a host address of a linear one.
 */
import {
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRY_SIZE,
  JUMP_CACHE_SIZE,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_SIZE,
} from '../../memory/layout.js';
import { I32, I64 } from '../../wasm/values.js';
import { get32 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';

export const READ_TAG = 0;
export const WRITE_TAG = 8;
export const ADDEND = 16;
export const PAGE_MASK = -4096n;

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

/** (linear) forgets the translations of its page, for data and for code */
export const forgetPage = routine('forgetPage', { parameters: [I64] }, (e, linear) => {
  const { code } = e;
  const page = code.let(linear.and(PAGE_MASK));
  for (const tlb of [TLB_BASE, TLB_BASE + TLB_SIZE]) {
    const entry = code.let(tlbEntry(linear, I32.const(tlb)));
    code.if(I64.load(entry, READ_TAG).eq(page), () => {
      code.store(entry, I64.const(-1), READ_TAG);
      code.store(entry, I64.const(-1), WRITE_TAG);
    });
  }
  code.if(get32(state.codeSize).ne(64), () => {
    // A RIP is then no linear address.
    code.memoryFill(I32.const(JUMP_CACHE_BASE), 0xff, JUMP_CACHE_SIZE);
    code.return();
  });
  const slot = code.variable(I32, I32.const(JUMP_CACHE_SIZE));
  code.loop((next) => {
    slot.set(slot.get().sub(JUMP_CACHE_ENTRY_SIZE));
    const same = I64.load(slot.get(), JUMP_CACHE_BASE).xor(page).and(PAGE_BITS).eqz();
    code.if(same, () => code.store(slot.get(), I64.const(-1), JUMP_CACHE_BASE));
    code.branchIf(next, slot.get());
  });
});
