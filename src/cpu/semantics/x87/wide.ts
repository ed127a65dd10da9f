/** Numbers of 128 bits in a vector, the lower half in lane 0; WebAssembly has no such integers. */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';

export function pair(high: I64, low: I64): V128 {
  return V128.splatI64(low).replaceI64(1, high);
}
export function highOf(value: V128): I64 {
  return value.extractI64(1);
}
export function lowOf(value: V128): I64 {
  return value.extractI64(0);
}

/** (high, low, count ≥ 0) → shifted right, the lowest bit set if anything was lost */
export const shiftRightWide = routine(
  'shiftRightWide',
  { parameters: [I64, I64, I32], result: V128 },
  (e, high, low, count) => {
    const { code } = e;
    const zero = I64.const(0);
    code.if(count.geU(128), () => code.return(pair(zero, high.or(low).ne(0).extendU())));
    code.if(count.eqz(), () => code.return(pair(high, low)));
    const by = code.let(count.extendU());
    code.if(count.ltU(64), () => {
      const lost = low.shl(I64.const(64).sub(by)).ne(0).extendU();
      const lower = low.shrU(by).or(high.shl(I64.const(64).sub(by)));
      code.return(pair(high.shrU(by), lower.or(lost)));
    });
    const lost = low.or(select(count.eq(64), zero, high.shl(I64.const(128).sub(by))));
    code.return(pair(zero, high.shrU(by).or(lost.ne(0).extendU())));
  },
);

/** (high, low, count < 128) → shifted left */
export const shiftLeftWide = routine(
  'shiftLeftWide',
  { parameters: [I64, I64, I32], result: V128 },
  (e, high, low, count) => {
    const { code } = e;
    code.if(count.eqz(), () => code.return(pair(high, low)));
    const by = code.let(count.extendU());
    code.if(count.geU(64), () => code.return(pair(low.shl(by), I64.const(0))));
    code.return(pair(high.shl(by).or(low.shrU(I64.const(64).sub(by))), low.shl(by)));
  },
);

/** Zeros above the highest one; 128 if there is none. */
export function leadingZeros(high: I64, low: I64): I32 {
  return select(high.eqz(), low.clz().add(64), high.clz()).wrap();
}
