/** Delivery through an 8-byte gate in protected mode (SDM vol. 3 §6.12). */
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
  GATE_INTERRUPT_16,
  GATE_INTERRUPT_32,
  GATE_TASK,
  GATE_TRAP_16,
  GATE_TRAP_32,
  gateError,
  loadHandlerCode,
  pushedFlags,
} from './event.js';
import { checkStackRoom, legacyStackPointer, loadInnerStackSegment, stackMaskOf } from './inner-stack.js';
import { updateMode } from './mode.js';
import { pushAt } from './push-at.js';
import { baseOf, limitOf, markAccessed, selectorError, setSegment, virtual8086 } from './segments.js';
import { interruptTask } from './task-switch.js';
import { dropVirtualSegments, FRAME_SEGMENTS } from './virtual-8086.js';

/** SS as it stands, as the descriptor it would have come from. */
const presentStackDescriptor = routine('presentStackDescriptor', { parameters: [], result: I64 }, (e) => {
  const { code } = e;
  const access = get32(state.segmentAccess, Segment.ss).and(0xf0ff).extendU().shl(40);
  const limit = e.read32(state.segmentLimit, Segment.ss);
  const granular = get32(state.segmentAccess, Segment.ss).shrU(15).and(1);
  const raw = code.let(select(granular, limit.shrU(12), limit).extendU());
  const base = e.read64(state.segmentBase, Segment.ss);
  const limitBits = raw.and(0xffff).or(raw.and(0xf0000).shl(32));
  const baseBits = base.and(0xffffff).shl(16).or(base.shrU(24).and(0xff).shl(56));
  code.return(access.or(limitBits).or(baseBits));
});

/** (event, error code) */
export const deliverProtected = routine(
  'deliverProtected',
  { parameters: [I32, I32], mayFault: true },
  (e, event, errorCode) => {
    const { code } = e;
    const vector = code.let(event.and(0xff));
    e.raiseIf(vector.shl(3).add(7).gtU(get32(state.idtrLimit)), Vector.gp, gateError(event));
    const gate = systemLoad(e, get64(state.idtrBase).add(vector.shl(3).extendU()), 64);
    const type = code.let(gate.shrU(40).wrap().and(31));
    code.if(type.eq(GATE_TASK), () => {
      checkGate(e, event, gate);
      e.call(interruptTask, code.let(gate.shrU(16).wrap().and(0xffff)), event, errorCode);
      code.return();
    });
    const wide = code.let(type.eq(GATE_INTERRUPT_32).or(type.eq(GATE_TRAP_32)));
    const narrow = type.eq(GATE_INTERRUPT_16).or(type.eq(GATE_TRAP_16));
    e.raiseIf(wide.or(narrow).eqz(), Vector.gp, gateError(event));
    checkGate(e, event, gate);
    const { selector, descriptor, access, target } = loadHandlerCode(e, event, gate);
    const virtual = code.let(virtual8086());
    const unfit = access.and(Access.conforming).or(target).ne(0);
    e.raiseIf(virtual.and(unfit), Vector.gp, selectorError(selector).or(external(event)));
    const low = gate.and(0xffff);
    const rip = code.let(select(wide, low.or(gate.shrU(32).and(0xffff0000n)), low));

    const inner = code.let(target.ltU(get32(state.cpl)));
    const pointer = code.variable(I64, get64(state.gpr, Register.rsp));
    const stackSelector = code.variable(I32, I32.const(0));
    const stackDescriptor = code.variable(I64);
    const stackError = code.variable(I32, external(event));
    code.if(
      inner,
      () => {
        const both = e.call(legacyStackPointer, target, external(event));
        pointer.set(both.and(0xffffffffn));
        stackSelector.set(both.shrU(32).wrap());
        const segment = stackSelector.get();
        stackDescriptor.set(e.call(loadInnerStackSegment, segment, target, external(event)));
        stackError.set(selectorError(segment).or(external(event)));
      },
      () => {
        // As a fault on the way into a task leaves it.
        const unusable = get32(state.segmentAccess, Segment.ss).and(Access.null);
        e.raiseIf(unusable, Vector.ss, external(event));
        stackDescriptor.set(e.call(presentStackDescriptor));
      },
    );
    const words = virtual.shl(2).add(inner.shl(1)).add(3).add(event.and(state.PENDING_HAS_CODE).ne(0));
    const bytes = code.let(words.mul(wide.shl(1).add(2)));
    e.call(checkStackRoom, stackDescriptor.get(), pointer.get(), bytes, stackError.get());
    e.raiseIf(rip.gtU(limitOf(descriptor)), Vector.gp, external(event));

    const mask = code.let(stackMaskOf(stackDescriptor.get()));
    const base = code.let(baseOf(stackDescriptor.get()));
    const top = code.variable(I64, pointer.get().and(mask));
    const push = (value: I64): void => {
      code.if(
        wide,
        () => {
          top.set(top.get().sub(4).and(mask));
          pushAt(e, base.add(top.get()).and(0xffffffffn), 32, value, target);
        },
        () => {
          top.set(top.get().sub(2).and(mask));
          pushAt(e, base.add(top.get()).and(0xffffffffn), 16, value, target);
        },
      );
    };
    const flags = pushedFlags(e, event);
    code.if(virtual, () => {
      for (const segment of [...FRAME_SEGMENTS].reverse()) {
        push(get32(state.segmentSelector, segment).extendU());
      }
    });
    code.if(inner, () => {
      push(get32(state.segmentSelector, Segment.ss).extendU());
      push(get64(state.gpr, Register.rsp));
    });
    push(flags);
    push(get32(state.segmentSelector, Segment.cs).extendU());
    push(get64(state.rip));
    code.if(event.and(state.PENDING_HAS_CODE), () => push(errorCode.extendU()));

    code.if(inner, () => e.call(markAccessed, stackSelector.get(), stackDescriptor.get()));
    e.call(enterCode, selector, descriptor, target, rip);
    code.if(inner, () => {
      const accessed = stackDescriptor.get().or(1n << 40n);
      e.call(setSegment, I32.const(Segment.ss), stackSelector.get(), accessed);
    });
    e.set64(state.gpr, pointer.get().and(mask.not()).or(top.get()), Register.rsp);
    code.if(virtual, () => dropVirtualSegments(e));
    clearFlags(e, type.eq(GATE_INTERRUPT_32).or(type.eq(GATE_INTERRUPT_16)));
    e.call(updateMode);
  },
);
