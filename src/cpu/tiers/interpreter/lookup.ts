/**
 * From a RIP to its instruction record: a direct-mapped cache in WebAssembly, and behind it the host's code cache.
 * A record found through the cache was fetched with the rights of the mode that `modeKey` stands for.
 */
import { JUMP_CACHE_BASE, JUMP_CACHE_ENTRIES, JUMP_CACHE_FOLD } from '../../../memory/layout.js';
import { I32, I64 } from '../../../wasm/values.js';
import { type Emitter, get64 } from '../../emitter.js';
import { decodeAt, samePage } from '../../externals.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { immediate, load16, RecordField } from './record.js';

/** Address, less the cache's base, of the jump-cache slot for a RIP. */
export function jumpSlot(e: Emitter, rip: I64): I32 {
  const low = e.code.let(rip.wrap());
  return e.code.let(
    low
      .xor(low.shrU(JUMP_CACHE_FOLD))
      .and(JUMP_CACHE_ENTRIES - 1)
      .shl(4),
  );
}

/** Whether a slot holds the record for a RIP in the mode in force. */
export function isJumpTo(slot: I32, rip: I64): I32 {
  return I64.load(slot, JUMP_CACHE_BASE).eq(rip.xor(get64(state.modeKey)));
}

/** Moves to the page of the slot's record, and gives it. */
export function followJump(e: Emitter, slot: I32, rip: I64): I32 {
  const record = e.code.let(I32.load(slot, JUMP_CACHE_BASE + 8));
  e.set64(state.pageBase, rip.sub(load16(record, RecordField.offset).extendU()));
  return record;
}

/** (RIP) → record. When the fetch faults, the record that delivers the fault; then `state.rip` is exact. */
export const lookup = routine('lookup', { parameters: [I64], result: I32 }, (e, rip) => {
  const { code } = e;
  const slot = jumpSlot(e, rip);
  code.if(isJumpTo(slot, rip), () => code.return(followJump(e, slot, rip)));
  e.set64(state.rip, rip);
  code.return(e.call(decodeAt));
});

/** (record of a branch with a relative target) → record of the target, remembered if it is in the same page */
export const relativeTarget = routine('relativeTarget', { parameters: [I32], result: I32 }, (e, record) => {
  const { code } = e;
  const distance = code.let(immediate(record));
  const target = e.call(lookup, code.let(get64(state.pageBase).add(distance)));
  const near = distance.ltU(4096).and(load16(target, RecordField.offset).extendU().eq(distance));
  code.if(near, () => {
    code.if(e.call(samePage, record, target), () => code.store(record, target, RecordField.link));
  });
  code.return(target);
});
