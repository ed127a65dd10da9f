/**
 * Logical to linear addresses (SDM vol. 3 ch. 3 and 5): bases everywhere, limits and types outside 64-bit code.
 * Canonical addresses are checked where memory is reached.
 */
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Segment, Vector } from '../state.js';

/** The linear address so many bytes behind another: outside 64-bit code it wraps at 4 GiB (vol. 3 §3.3.1). */
export function behind(e: Emitter, linear: I64, bytes: number | I64): I64 {
  const sum = e.code.let(linear.add(bytes));
  return e.code.let(select(get32(state.codeSize).eq(64), sum, sum.and(0xffffffff)));
}

function segmentFault(e: Emitter, segment: I32): void {
  e.code.if(segment.eq(Segment.ss), () => e.raise(Vector.ss, 0));
  e.raise(Vector.gp, 0);
}

/** (segment number, offset, bytes accessed, 1 to write) → linear address, or #GP(0) or #SS(0) pending */
export const segmentAddress = routine(
  'segmentAddress',
  { parameters: [I32, I64, I32, I32], result: I64, mayFault: true },
  (e, segment, offset, size, write) => {
    const { code } = e;
    const base = code.let(I64.load(e.element(state.segmentBase, segment)));
    code.if(get32(state.codeSize).eq(64), () => {
      const linear = code.let(offset.add(select(segment.geU(Segment.fs), base, I64.const(0))));
      code.if(linear.shl(16).shrS(16).ne(linear), () => segmentFault(e, segment));
      code.return(linear);
    });
    const access = code.let(I32.load(e.element(state.segmentAccess, segment)));
    const limit = code.let(I64.load32U(e.element(state.segmentLimit, segment)));
    code.if(access.and(Access.null), () => segmentFault(e, segment));
    const isCode = code.let(access.and(Access.code).ne(0));
    const permitted = access.and(Access.writable).ne(0);
    code.if(write.and(isCode.or(permitted.eqz())), () => segmentFault(e, segment));
    code.if(write.eqz().and(isCode).and(permitted.eqz()), () => segmentFault(e, segment));
    const last = code.let(offset.add(size.extendU()).sub(1));
    code.if(
      access.and(Access.expandDown).ne(0).and(isCode.eqz()),
      () => {
        const top = select(access.and(Access.big), I64.const(0xffffffff), I64.const(0xffff));
        code.if(offset.leU(limit).or(last.gtU(top)), () => segmentFault(e, segment));
      },
      () => {
        code.if(last.gtU(limit), () => segmentFault(e, segment));
      },
    );
    code.return(base.add(offset).and(0xffffffff));
  },
);
