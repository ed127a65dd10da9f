/** Where instructions are fetched from: RIP to a physical address, with the rights that fetching needs. */
import { I32, I64, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Segment, Vector } from '../state.js';
import { AccessKind, walk } from './walk.js';

/** (RIP) → physical address; #GP(0) pending if not canonical or past the code segment's limit, or #PF */
export const fetchPhysical = routine(
  'fetchPhysical',
  { parameters: [I64], result: I64, mayFault: true },
  (e, rip) => {
    const { code } = e;
    e.set64(state.cr2BeforeFetch, get64(state.cr2));
    const linear = code.variable(I64, rip);
    code.if(
      get32(state.codeSize).eq(64),
      () => e.raiseIf(rip.shl(16).shrS(16).ne(rip), Vector.gp, 0),
      () => {
        const limit = I64.load32U(I32.const(0), state.at(state.segmentLimit, Segment.cs));
        e.raiseIf(rip.gtU(limit), Vector.gp, 0);
        linear.set(rip.add(get64(state.segmentBase, Segment.cs)).and(0xffffffff));
      },
    );
    const user = select(get32(state.cpl).eq(3), I32.const(AccessKind.user), I32.const(0));
    code.return(e.call(walk, linear.get(), code.let(user.or(AccessKind.fetch))));
  },
);

/** (bytes after `state.rip`) → 1 with the physical address in `exchange[0]`, or 0 with the fault pending. For the host. */
export const translateFetch = routine(
  'translateFetch',
  { parameters: [I32], result: I32, mayFault: true },
  (e, delta) => {
    const { code } = e;
    const rip = code.let(get64(state.rip).add(delta.extendU()).and(get64(state.ripMask)));
    e.set64(state.exchange, e.call(fetchPhysical, rip));
    code.return(I32.const(1));
  },
);
