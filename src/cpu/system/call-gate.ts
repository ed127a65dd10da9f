/**
 * Call gates (SDM vol. 3 §5.8.3–5.8.5): 16- and 32-bit ones with their copied parameters in protected mode, 64-bit
 * ones in long mode. A selector that names anything else but code or a gate is #GP; so do TSSs and task gates in long mode.
 */
import { I32, I64 } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { systemLoad } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Efer, Register, Segment, Vector } from '../state.js';
import { checkCodeTarget, enterCode } from './code-segment.js';
import {
  checkStackRoom,
  legacyStackPointer,
  loadInnerStackSegment,
  longStackPointer,
  stackMaskOf,
} from './inner-stack.js';
import { updateMode } from './mode.js';
import { pushAt } from './push-at.js';
import {
  accessOf,
  baseOf,
  descriptorAddress,
  dplOf,
  isNull,
  loadDescriptor,
  markAccessed,
  selectorError,
  setNullSegment,
  setSegment,
} from './segments.js';
import {
  peekStack,
  pointerAbove,
  pushReturnAddress,
  type StackWidth,
  setStackPointer,
} from './stack-access.js';

const CALL_GATE_16 = 4;
const CALL_GATE_32 = 12;

interface Target {
  readonly selector: I32;
  readonly descriptor: I64;
  readonly rip: I64;
  /** The code segment's privilege level. */
  readonly level: I32;
  readonly conforming: I32;
  /** A 16-bit gate. */
  readonly narrow: I32;
  /** A 64-bit gate. */
  readonly long: I32;
}

/** Checks the gate and the code segment behind it, all but what differs between a jump and a call. */
function openGate(e: Emitter, selector: I32, gate: I64): Target {
  const { code } = e;
  const error = selectorError(selector);
  const access = code.let(accessOf(gate));
  const type = code.let(access.and(15));
  const long = code.let(get64(state.efer).and(Efer.lma).ne(0));
  const narrow = code.let(type.eq(CALL_GATE_16));
  const usable = type.eq(CALL_GATE_32).or(narrow.and(long.eqz()));
  const gateLevel = code.let(dplOf(access));
  const allowed = gateLevel.geU(get32(state.cpl)).and(gateLevel.geU(selector.and(3)));
  e.raiseIf(usable.and(allowed).eqz(), Vector.gp, error);
  const high = code.variable(I64, I64.const(0));
  code.if(long, () => {
    const address = code.let(e.call(descriptorAddress, selector, I32.const(16)));
    high.set(systemLoad(e, address.add(8), 64));
    e.raiseIf(high.get().and(0x1f0000000000n).ne(0), Vector.gp, error);
  });
  e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);

  const target = code.let(gate.shrU(16).wrap().and(0xffff));
  e.raiseIf(isNull(target), Vector.gp, 0);
  const descriptor = e.call(loadDescriptor, target);
  const codeAccess = code.let(accessOf(descriptor));
  const isCode = codeAccess.and(Access.notSystem | Access.code).eq(Access.notSystem | Access.code);
  const level = code.let(dplOf(codeAccess));
  e.raiseIf(isCode.eqz().or(level.gtU(get32(state.cpl))), Vector.gp, selectorError(target));
  const is64 = codeAccess.and(Access.long | Access.big).eq(Access.long);
  e.raiseIf(long.and(is64.eqz()), Vector.gp, selectorError(target));
  const low = gate.and(0xffff);
  const middle = code.let(low.or(gate.shrU(32).and(0xffff0000n)));
  const rip = code.variable(I64, middle.or(high.get().shl(32)));
  code.if(narrow, () => rip.set(low));
  e.call(checkCodeTarget, target, descriptor, rip.get());
  const conforming = code.let(codeAccess.and(Access.conforming).ne(0));
  return { selector: target, descriptor, rip: rip.get(), level, conforming, narrow, long };
}

/** (selector, gate) of JMP FAR */
export const jumpThroughGate = routine(
  'jumpThroughGate',
  { parameters: [I32, I64], mayFault: true },
  (e, selector, gate) => {
    const target = openGate(e, selector, gate);
    const cpl = get32(state.cpl);
    const same = target.conforming.or(target.level.eq(cpl));
    e.raiseIf(same.eqz(), Vector.gp, selectorError(target.selector));
    e.call(enterCode, target.selector, target.descriptor, cpl, target.rip);
  },
);

/** (selector, gate, RIP to return to) of CALL FAR */
export const callThroughGate = routine(
  'callThroughGate',
  { parameters: [I32, I64, I64], mayFault: true },
  (e, selector, gate, returnTo) => {
    const { code } = e;
    const target = openGate(e, selector, gate);
    const inner = target.conforming.eqz().and(target.level.ltU(get32(state.cpl)));
    code.if(inner, () => {
      code.if(
        target.long,
        () => callInnerLong(e, target, returnTo),
        () => callInnerLegacy(e, target, gate, returnTo),
      );
      code.return();
    });
    const enterBelow = (width: StackWidth): void => {
      pushReturnAddress(e, width, returnTo, target.long);
      e.call(enterCode, target.selector, target.descriptor, get32(state.cpl), target.rip);
      setStackPointer(e, pointerAbove(e, -width / 4));
    };
    code.if(
      target.long,
      () => enterBelow(64),
      () =>
        code.if(
          target.narrow,
          () => enterBelow(16),
          () => enterBelow(32),
        ),
    );
  },
);

function callInnerLong(e: Emitter, target: Target, returnTo: I64): void {
  const { code } = e;
  const pointer = code.variable(I64);
  pointer.set(e.call(longStackPointer, target.level.shl(3).add(4), I32.const(0)));
  const values = [
    get32(state.segmentSelector, Segment.ss).extendU(),
    get64(state.gpr, Register.rsp),
    get32(state.segmentSelector, Segment.cs).extendU(),
    returnTo,
  ];
  for (const value of values) {
    pointer.set(pointer.get().sub(8));
    pushAt(e, pointer.get(), 64, value, I32.const(0));
  }
  e.call(enterCode, target.selector, target.descriptor, target.level, target.rip);
  e.call(setNullSegment, I32.const(Segment.ss), target.level);
  setStackPointer(e, pointer.get());
}

function callInnerLegacy(e: Emitter, target: Target, gate: I64, returnTo: I64): void {
  const { code } = e;
  const both = e.call(legacyStackPointer, target.level, I32.const(0));
  const stack = code.let(both.shrU(32).wrap());
  const pointer = code.let(both.and(0xffffffffn));
  const descriptor = e.call(loadInnerStackSegment, stack, target.level, I32.const(0));
  const count = code.let(gate.shrU(32).wrap().and(31));
  const size = code.let(I32.const(4).shrU(target.narrow));
  const bytes = count.add(4).mul(size);
  e.call(checkStackRoom, descriptor, pointer, code.let(bytes), selectorError(stack));
  const mask = code.let(stackMaskOf(descriptor));
  const base = code.let(baseOf(descriptor));
  const top = code.variable(I64, pointer.and(mask));
  const push = (value: I64): void => {
    top.set(top.get().sub(size.extendU()).and(mask));
    const linear = code.let(base.add(top.get()).and(0xffffffffn));
    code.if(
      target.narrow,
      () => pushAt(e, linear, 16, value, I32.const(0)),
      () => pushAt(e, linear, 32, value, I32.const(0)),
    );
  };
  push(get32(state.segmentSelector, Segment.ss).extendU());
  push(get64(state.gpr, Register.rsp));
  const left = code.variable(I32, count);
  code.while(
    () => left.get().ne(0),
    () => {
      left.set(left.get().sub(1));
      const depth = code.let(left.get().mul(size).extendU());
      const value = code.variable(I64);
      code.if(
        target.narrow,
        () => value.set(peekStack(e, depth, 16)),
        () => value.set(peekStack(e, depth, 32)),
      );
      push(value.get());
    },
  );
  push(get32(state.segmentSelector, Segment.cs).extendU());
  push(returnTo);
  e.call(markAccessed, stack, descriptor);
  e.call(enterCode, target.selector, target.descriptor, target.level, target.rip);
  e.call(setSegment, I32.const(Segment.ss), stack, descriptor.or(1n << 40n));
  e.call(updateMode);
  setStackPointer(e, code.let(pointer.and(mask.not()).or(top.get())));
}
