/**
 * IRET (SDM vol. 2): real mode, protected mode to the same or an outer level, long mode,
 * virtual-8086 mode, and from the one to the other; to the task that called this one.
 */
import { type I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Efer, Flag, Vector } from '../state.js';
import { checkCodeOffset, enterCode, enterRealCode, entersLong, loadReturnCode } from './code-segment.js';
import { changeableFlags, writeFlags } from './flags-register.js';
import { boundaryAfter } from './instruction-count.js';
import { updateMode } from './mode.js';
import { dropPrivilegedSegments, loadReturnStack, markReturnStack, setReturnStack } from './outer-stack.js';
import { realSegments, virtual8086 } from './segments.js';
import { enterStack, peekStack, pointerAbove, type StackWidth, setStackPointer } from './stack-access.js';
import { returnToTask } from './task-switch.js';
import { returnToVirtual8086, returnWithinVirtual8086 } from './virtual-8086.js';

/** Sets RF for the next instruction if the image has it. */
function noteResume(e: Emitter, image: I64): void {
  const resumed = image.and(Flag.rf).ne(0);
  e.set64(state.resumeAt, e.code.let(select(resumed, boundaryAfter(e), I64.const(-1))));
}

/** Sets the flags in `mask`, and RF for the next instruction. */
function writeReturnFlags(e: Emitter, image: I64, mask: I64, width: StackWidth): void {
  writeFlags(e, image, mask);
  if (width !== 16) noteResume(e, image);
}

function interruptReturnOf(width: StackWidth) {
  return routine(`interruptReturn${width}`, { parameters: [I64], mayFault: true }, (e, returnTo) => {
    const { code } = e;
    const bytes = width / 8;
    const nested = get32(state.systemFlags).and(Flag.nt).ne(0);
    code.if(nested.and(realSegments().eqz()), () => {
      e.raiseIf(get64(state.efer).and(Efer.lma).ne(0), Vector.gp, 0);
      e.call(returnToTask, returnTo);
      code.return();
    });

    // In silicon's order, which tells where the stack faults.
    const image = peekStack(e, 2 * bytes, width);
    const selector = code.let(peekStack(e, bytes, width).and(0xffff).wrap());
    const rip = peekStack(e, 0, width);
    const cpl = e.read32(state.cpl);
    const mask = code.variable(I64, changeableFlags(e, width));
    code.if(virtual8086(), () => {
      returnWithinVirtual8086(e, { rip, selector, image, bytes }, () => {
        writeReturnFlags(e, image, mask.get(), width);
      });
      code.return();
    });
    code.if(realSegments(), () => {
      e.call(enterRealCode, selector, rip);
      setStackPointer(e, pointerAbove(e, 3 * bytes));
      writeReturnFlags(e, image, mask.get(), width);
      code.return();
    });

    if (width !== 16) {
      const active = get64(state.efer).and(Efer.lma).ne(0);
      const toVirtual8086 = image.and(Flag.vm).ne(0).and(cpl.eqz()).and(active.eqz());
      code.if(toVirtual8086, () => {
        e.call(returnToVirtual8086, rip, selector, image);
        noteResume(e, image);
        code.return();
      });
      const virtual = Flag.vif | Flag.vip;
      mask.set(mask.get().or(select(cpl.eqz(), I64.const(virtual), I64.const(0))));
    }
    const descriptor = e.call(loadReturnCode, selector);
    const level: I32 = code.let(selector.and(3));
    const popsStack = get32(state.codeSize).eq(64).or(level.ne(cpl));
    code.if(popsStack.eqz(), () => {
      e.call(checkCodeOffset, descriptor, rip);
      e.call(enterCode, selector, descriptor, level, rip);
      setStackPointer(e, pointerAbove(e, 3 * bytes));
      writeReturnFlags(e, image, mask.get(), width);
      e.call(updateMode);
      code.return();
    });

    const stack = code.let(
      peekStack(e, 4 * bytes, width)
        .and(0xffff)
        .wrap(),
    );
    const pointer = peekStack(e, 3 * bytes, width);
    const stackDescriptor = e.call(loadReturnStack, stack, level, entersLong(descriptor));
    e.call(checkCodeOffset, descriptor, rip);
    e.call(markReturnStack, stack, stackDescriptor);
    e.call(enterCode, selector, descriptor, level, rip);
    e.call(setReturnStack, stack, stackDescriptor);
    code.if(level.ne(cpl), () => e.call(dropPrivilegedSegments));
    writeReturnFlags(e, image, mask.get(), width);
    e.call(updateMode);
    enterStack(e, pointer);
  });
}

/** (RIP of the next instruction, for a task switch), by operand size */
export const interruptReturn = {
  16: interruptReturnOf(16),
  32: interruptReturnOf(32),
  64: interruptReturnOf(64),
} as const;
