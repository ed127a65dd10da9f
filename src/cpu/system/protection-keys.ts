/** PKRU, the rights of user pages by protection key (SDM vol. 3 §4.6.2). */
import type { I32 } from '../../wasm/values.js';
import { type Emitter, get32 } from '../emitter.js';
import { flushTlb } from '../mmu/tlb.js';
import * as state from '../state.js';

/** Translations that were made under other rights are forgotten. */
export function writePkru(e: Emitter, value: I32): void {
  const { code } = e;
  const next = code.let(value);
  code.if(next.ne(get32(state.pkru)), () => {
    e.set32(state.pkru, next);
    e.call(flushTlb);
  });
}
