/**
 * Far jumps, calls and returns (SDM vol. 2, JMP, CALL, RET; vol. 3 §5.8): real mode, direct code segments, gates through
 * call-gate.ts and, outside long mode, other tasks through task-switch.ts.
 */
import { I32, I64 } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Efer } from '../state.js';
import { callThroughGate, jumpThroughGate } from './call-gate.js';
import {
  checkCodeOffset,
  checkCodeSegment,
  checkCodeTarget,
  enterCode,
  enterRealCode,
  entersLong,
  loadCodeOrGate,
  loadReturnCode,
} from './code-segment.js';
import { updateMode } from './mode.js';
import { dropPrivilegedSegments, loadReturnStack, markReturnStack, setReturnStack } from './outer-stack.js';
import { accessOf, realSegments } from './segments.js';
import {
  enterStack,
  peekStack,
  pointerAbove,
  pushReturnAddress,
  type StackWidth,
  setStackPointer,
} from './stack-access.js';
import { isTaskOrGate, TaskSource, transferToTask } from './task-switch.js';

function isSystem(descriptor: I64): I32 {
  return accessOf(descriptor).and(Access.notSystem).eqz();
}

/** Switches tasks and leaves the routine if the descriptor asks for that. */
function toTask(e: Emitter, selector: I32, descriptor: I64, source: number, returnTo: I64): void {
  const legacy = get64(state.efer).and(Efer.lma).eqz();
  e.code.if(legacy.and(isTaskOrGate(descriptor)), () => {
    e.call(transferToTask, selector, descriptor, I32.const(source), returnTo);
    e.code.return();
  });
}

/** (selector, offset, RIP of the next instruction, for a task switch) of JMP FAR */
export const farJump = routine(
  'farJump',
  { parameters: [I32, I64, I64], mayFault: true },
  (e, selector, offset, returnTo) => {
    const { code } = e;
    code.if(realSegments(), () => {
      e.call(enterRealCode, selector, offset);
      code.return();
    });
    const descriptor = e.call(loadCodeOrGate, selector);
    code.if(isSystem(descriptor), () => {
      toTask(e, selector, descriptor, TaskSource.jump, returnTo);
      e.call(jumpThroughGate, selector, descriptor);
      code.return();
    });
    e.call(checkCodeTarget, selector, descriptor, offset);
    e.call(enterCode, selector, descriptor, get32(state.cpl), offset);
  },
);

function farCallOf(width: StackWidth) {
  return routine(
    `farCall${width}`,
    { parameters: [I32, I64, I64], mayFault: true },
    (e, selector, offset, returnTo) => {
      const { code } = e;
      code.if(realSegments(), () => {
        pushReturnAddress(e, width, returnTo, I32.const(0));
        e.call(enterRealCode, selector, offset);
        setStackPointer(e, pointerAbove(e, -width / 4));
        code.return();
      });
      const descriptor = e.call(loadCodeOrGate, selector);
      code.if(isSystem(descriptor), () => {
        toTask(e, selector, descriptor, TaskSource.call, returnTo);
        e.call(callThroughGate, selector, descriptor, returnTo);
        code.return();
      });
      e.call(checkCodeSegment, selector, descriptor);
      pushReturnAddress(e, width, returnTo, entersLong(descriptor));
      // Only now, with the return address written, as processors do.
      e.call(checkCodeOffset, descriptor, offset);
      e.call(enterCode, selector, descriptor, get32(state.cpl), offset);
      setStackPointer(e, pointerAbove(e, -width / 4));
    },
  );
}

/** (selector, offset, RIP to return to) of CALL FAR, by operand size */
export const farCall = { 16: farCallOf(16), 32: farCallOf(32), 64: farCallOf(64) } as const;

function farReturnOf(width: StackWidth) {
  return routine(`farReturn${width}`, { parameters: [I64], mayFault: true }, (e, dropped) => {
    const { code } = e;
    const bytes = width / 8;
    // In silicon's order, which tells where the stack faults.
    const selector = code.let(peekStack(e, bytes, 16).wrap());
    const rip = peekStack(e, 0, width);
    const frame = code.let(dropped.add(2 * bytes));
    code.if(realSegments(), () => {
      e.call(enterRealCode, selector, rip);
      setStackPointer(e, pointerAbove(e, frame));
      code.return();
    });
    const descriptor = e.call(loadReturnCode, selector);
    const level = code.let(selector.and(3));
    code.if(level.eq(get32(state.cpl)), () => {
      e.call(checkCodeOffset, descriptor, rip);
      e.call(enterCode, selector, descriptor, level, rip);
      setStackPointer(e, pointerAbove(e, frame));
      code.return();
    });
    const pointer = peekStack(e, frame, width);
    const stack = code.let(peekStack(e, frame.add(bytes), width).and(0xffff).wrap());
    const long = entersLong(descriptor);
    const stackDescriptor = e.call(loadReturnStack, stack, level, long);
    e.call(checkCodeOffset, descriptor, rip);
    e.call(markReturnStack, stack, stackDescriptor);
    e.call(enterCode, selector, descriptor, level, rip);
    e.call(setReturnStack, stack, stackDescriptor);
    e.call(dropPrivilegedSegments);
    e.call(updateMode);
    enterStack(e, pointer.add(dropped));
  });
}

/** (bytes of arguments to drop) of RET FAR, by operand size */
export const farReturn = { 16: farReturnOf(16), 32: farReturnOf(32), 64: farReturnOf(64) } as const;
