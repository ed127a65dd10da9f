/**
 * The x87 control instructions: FNINIT, FNCLEX, WAIT, FNOP, the control and status words, the stack pointer's, and those
 * of earlier coprocessors that do nothing today (SDM vol. 2; vol. 1 §8.1.5, §8.3.12). They leave FIP alone, but for
 * FNOP and those that move the stack pointer or empty registers.
 */
import type { I32 } from '../../../wasm/values.js';
import { type Emitter, get32, get64 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { Cr0, Vector } from '../../state.js';
import { define, type Operand } from '../context.js';
import { raisePendingError, requireX87, waitForX87 } from './availability.js';
import { defineX87, defineX87KeepingC1, nothing } from './results.js';
import { markEmpty, physical, popStack, setTop } from './stack.js';
import { ALL_EMPTY, Control, EXCEPTIONS, INITIAL_CONTROL, Status } from './words.js';

/** What FNINIT leaves. */
export function initialise(e: Emitter): void {
  e.set32(state.fpuControl, INITIAL_CONTROL);
  e.set32(state.fpuStatus, 0);
  e.set32(state.fpuTag, ALL_EMPTY);
  e.set32(state.fpuOpcode, 0);
  e.set64(state.fpuInstruction, 0);
  e.set64(state.fpuData, 0);
}

/** To be called after anything that has written the control or the status word: ES and B. */
export const updateError = routine('x87UpdateError', { parameters: [] }, (e) => {
  const flags = get32(state.fpuStatus).and(get32(state.fpuControl).xor(-1)).and(EXCEPTIONS);
  const error = flags.ne(0).mul(Status.error | Status.busy);
  e.set32(
    state.fpuStatus,
    get32(state.fpuStatus)
      .and(~(Status.error | Status.busy))
      .or(error),
  );
});

/** Loads the control word; bits that are not there keep their values. */
export function setControl(e: Emitter, word: I32): void {
  e.set32(state.fpuControl, word.and(Control.writable).or(Control.one));
}

define('FNINIT', 'Sets the x87 control, status and tag words to their defaults.', (context) => {
  requireX87(context);
  initialise(context);
});

define('FNCLEX', 'Clears the x87 exception flags.', (context) => {
  requireX87(context);
  const cleared = EXCEPTIONS | Status.stackFault | Status.error | Status.busy;
  context.set32(state.fpuStatus, get32(state.fpuStatus).and(~cleared));
});

define('WAIT', 'Raises the x87 exception that is waiting, if any.', (context) => {
  const both = Cr0.mp | Cr0.ts;
  context.raiseIf(get64(state.cr0).and(both).eq(both), Vector.nm);
  raisePendingError(context);
});

for (const name of ['FNENI', 'FNDISI', 'FNSETPM']) {
  define(name, 'Does nothing, but #NM: it was for earlier coprocessors.', requireX87);
}

define('FLDCW', 'Loads the x87 control word.', (context) => {
  waitForX87(context);
  const [source] = context.operands as [Operand];
  setControl(context, context.code.let(source.read().wrap()));
  context.call(updateError);
});

define('FNSTCW', 'Stores the x87 control word.', (context) => {
  requireX87(context);
  const [destination] = context.operands as [Operand];
  destination.write(context.read32(state.fpuControl).extendU());
});

define('FNSTSW', 'Stores the x87 status word.', (context) => {
  requireX87(context);
  const [destination] = context.operands as [Operand];
  destination.write(context.read32(state.fpuStatus).extendU());
});

defineX87KeepingC1('FNOP', 'Does nothing, but #NM and #MF.', nothing, () => {});

defineX87('FINCSTP', 'Makes ST(1) the top of the stack; tags stay.', nothing, (context) => {
  setTop(context, physical(1));
});
defineX87('FDECSTP', 'Makes ST(7) the top of the stack; tags stay.', nothing, (context) => {
  setTop(context, physical(7));
});

defineX87('FFREE', 'Makes ST(i) empty.', nothing, (context) => {
  markEmpty(context, (context.operands[0] as Operand).number());
});
defineX87('FFREEP', 'Makes ST(i) empty and pops.', nothing, (context) => {
  markEmpty(context, (context.operands[0] as Operand).number());
  popStack(context);
});
