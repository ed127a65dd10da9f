/** Delivery through the interrupt vector table of real mode (SDM vol. 3 §20.1.4); there are no error codes. */
import { I32 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { systemLoad } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Flag, Segment, Vector } from '../state.js';
import { enterRealCode } from './code-segment.js';
import { readFlags } from './flags-register.js';
import { setStackPointer, storeOnStack } from './stack-access.js';

const CLEARED = Flag.if | Flag.tf | Flag.ac | Flag.rf;

/** (event) */
export const deliverReal = routine('deliverReal', { parameters: [I32], mayFault: true }, (e, event) => {
  const vector = e.code.let(event.and(0xff));
  e.raiseIf(vector.shl(2).add(3).gtU(get32(state.idtrLimit)), Vector.gp);
  const entry = systemLoad(e, get64(state.idtrBase).add(vector.shl(2).extendU()), 32);
  const codeSelector = get32(state.segmentSelector, Segment.cs).extendU();
  const top = storeOnStack(e, 16, [readFlags(e), codeSelector, get64(state.rip)]);
  e.call(enterRealCode, entry.shrU(16).wrap(), entry.and(0xffff));
  setStackPointer(e, top);
  e.set32(state.systemFlags, get32(state.systemFlags).and(~CLEARED));
  e.set64(state.resumeAt, -1);
});
