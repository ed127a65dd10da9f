/**
 * From a RIP to its instruction record: a direct-mapped cache in WebAssembly, and behind it the host's code cache.
 * A record found through the cache was fetched with the rights of the mode that `modeKey` stands for.
 */
import { JUMP_CACHE_BASE, JUMP_CACHE_ENTRIES } from '../../../memory/layout.js';
import { I32, I64 } from '../../../wasm/values.js';
import { get64 } from '../../emitter.js';
import { decodeAt } from '../../externals.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { displacement, load16, RecordField } from './record.js';

/** (RIP) → record. When the fetch faults, the record that delivers the fault; then `state.rip` is exact. */
export const lookup = routine('lookup', { parameters: [I64], result: I32 }, (e, rip) => {
  const { code } = e;
  const key = rip.xor(get64(state.modeKey));
  const slot = code.let(
    rip
      .wrap()
      .and(JUMP_CACHE_ENTRIES - 1)
      .shl(4),
  );
  code.if(I64.load(slot, JUMP_CACHE_BASE).eq(key), () => {
    const record = code.let(I32.load(slot, JUMP_CACHE_BASE + 8));
    e.set64(state.pageBase, rip.sub(load16(record, RecordField.offset).extendU()));
    code.return(record);
  });
  e.set64(state.rip, rip);
  code.return(e.call(decodeAt));
});

/** (record of a branch with a relative target) → record of the target, remembered if it is in the same page */
export const relativeTarget = routine('relativeTarget', { parameters: [I32], result: I32 }, (e, record) => {
  const { code } = e;
  const distance = code.let(displacement(record));
  const target = e.call(lookup, code.let(get64(state.pageBase).add(distance)));
  const samePage = distance.ltU(4096).and(load16(target, RecordField.offset).extendU().eq(distance));
  code.if(samePage, () => code.store(record, target, RecordField.link));
  code.return(target);
});
