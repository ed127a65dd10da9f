/** Delivery through a 16-byte gate in long mode, with the interrupt stack table (SDM vol. 3 §6.14). */
import { I32, I64, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { systemLoad } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Register, Segment, Vector } from '../state.js';
import { enterCode } from './code-segment.js';
import {
  checkGate,
  clearFlags,
  external,
  GATE_INTERRUPT_32,
  GATE_TRAP_32,
  gateError,
  loadHandlerCode,
  pushedFlags,
} from './event.js';
import { longStackPointer } from './inner-stack.js';
import { updateMode } from './mode.js';
import { pushAt } from './push-at.js';
import { selectorError, setNullSegment } from './segments.js';

/** Where a 64-bit TSS has RSP0, and where the stack of the interrupt stack table numbered 0 would be. */
const RSP0 = 4;
const IST0 = 0x1c;

/** (event, error code) */
export const deliverLong = routine(
  'deliverLong',
  { parameters: [I32, I32], mayFault: true },
  (e, event, errorCode) => {
    const { code } = e;
    const vector = code.let(event.and(0xff));
    e.raiseIf(vector.shl(4).add(15).gtU(get32(state.idtrLimit)), Vector.gp, gateError(event));
    const address = code.let(get64(state.idtrBase).add(vector.shl(4).extendU()));
    const gate = systemLoad(e, address, 64);
    const high = systemLoad(e, address.add(8), 64);
    const type = code.let(gate.shrU(40).wrap().and(31));
    e.raiseIf(type.ne(GATE_INTERRUPT_32).and(type.ne(GATE_TRAP_32)), Vector.gp, gateError(event));
    checkGate(e, event, gate);
    const { selector, descriptor, access, target } = loadHandlerCode(e, event, gate);
    const error = selectorError(selector).or(external(event));
    e.raiseIf(access.and(Access.long | Access.big).ne(Access.long), Vector.gp, error);

    const inner = code.let(target.ltU(get32(state.cpl)));
    const stack = code.variable(I64, get64(state.gpr, Register.rsp));
    const ist = code.let(gate.shrU(32).wrap().and(7));
    code.if(ist.ne(0).or(inner), () => {
      const place = select(ist.ne(0), ist.shl(3).add(IST0), target.shl(3).add(RSP0));
      stack.set(e.call(longStackPointer, place, external(event)));
    });
    const top = stack.get();
    e.raiseIf(top.shl(16).shrS(16).ne(top), Vector.ss, external(event));
    const rip = code.let(gate.and(0xffff).or(gate.shrU(32).and(0xffff0000n)).or(high.shl(32)));
    e.raiseIf(rip.shl(16).shrS(16).ne(rip), Vector.gp, external(event));

    stack.set(top.and(-16n));
    const push = (value: I64): void => {
      stack.set(stack.get().sub(8));
      pushAt(e, stack.get(), 64, value, target);
    };
    const flags = pushedFlags(e, event);
    push(get32(state.segmentSelector, Segment.ss).extendU());
    push(get64(state.gpr, Register.rsp));
    push(flags);
    push(get32(state.segmentSelector, Segment.cs).extendU());
    push(get64(state.rip));
    code.if(event.and(state.PENDING_HAS_CODE), () => push(errorCode.extendU()));

    e.call(enterCode, selector, descriptor, target, rip);
    code.if(inner, () => e.call(setNullSegment, I32.const(Segment.ss), target));
    e.set64(state.gpr, stack.get(), Register.rsp);
    clearFlags(e, type.eq(GATE_INTERRUPT_32));
    e.call(updateMode);
  },
);
