/**
 * Which places in the WebAssembly memory were filled since they were last cleared, so that clearing is cheap: a list of
 * their addresses, and once that is too short the lowest and the highest. It is kept apart from the CPU's state, for it
 * stays true when that is overwritten.
 */
import { I32 } from '../../wasm/values.js';
import type { Emitter } from '../emitter.js';

export const COUNT = 0;
export const LOWEST = 4;
export const HIGHEST = 8;
const LIST = 16;
/** Addresses that are listed: with the rest they take less than `WINDOW_FILLS_SIZE`. */
const LISTED = 64;

/** Notes the address of a place that was 0. @param fills where the list is */
export function noteFill(e: Emitter, fills: I32, address: I32): void {
  const { code } = e;
  const count = code.let(I32.load(fills, COUNT));
  code.if(count.eqz().or(address.ltU(I32.load(fills, LOWEST))), () => code.store(fills, address, LOWEST));
  code.if(count.eqz().or(address.gtU(I32.load(fills, HIGHEST))), () => code.store(fills, address, HIGHEST));
  code.if(count.ltU(LISTED), () => code.store(fills.add(count.shl(2)), address, LIST));
  code.if(count.leU(LISTED), () => code.store(fills, count.add(1), COUNT));
}

/** The list is of no use any more, since all was filled between the lowest and the highest address. */
export function noteAllBetween(e: Emitter, fills: I32): void {
  e.code.store(fills, I32.const(LISTED + 1), COUNT);
}

/** Clears what was filled. @param bytes that each place has */
export function clearFills(e: Emitter, fills: I32, bytes: 1 | 4): void {
  const { code } = e;
  const left = code.variable(I32, I32.load(fills, COUNT));
  code.store(fills, I32.const(0), COUNT);
  code.if(left.get().gtU(LISTED), () => {
    const lowest = code.let(I32.load(fills, LOWEST));
    code.memoryFill(lowest, 0, I32.load(fills, HIGHEST).sub(lowest).add(bytes));
    left.set(I32.const(0));
  });
  code.while(
    () => left.get(),
    () => {
      left.set(left.get().sub(1));
      const place = I32.load(fills.add(left.get().shl(2)), LIST);
      if (bytes === 1) code.store8(place, I32.const(0));
      else code.store(place, I32.const(0));
    },
  );
}
