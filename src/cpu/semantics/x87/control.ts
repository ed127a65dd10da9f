/**
 * The x87 control instructions that touch no memory: FNINIT, FNCLEX, WAIT, FNOP, the stack pointer's, and those of
 * earlier coprocessors that do nothing today (SDM vol. 2; vol. 1 §8.1.5, §8.3.12).
 */
import { get32, get64 } from '../../emitter.js';
import * as state from '../../state.js';
import { Cr0, Vector } from '../../state.js';
import { define } from '../context.js';
import { raisePendingError, requireX87 } from './availability.js';
import { ALL_EMPTY, EXCEPTIONS, INITIAL_CONTROL, Status } from './words.js';

define('FNINIT', 'Sets the x87 control, status and tag words to their defaults.', (context) => {
  requireX87(context);
  context.set32(state.fpuControl, INITIAL_CONTROL);
  context.set32(state.fpuStatus, 0);
  context.set32(state.fpuTag, ALL_EMPTY);
  context.set32(state.fpuOpcode, 0);
  context.set64(state.fpuInstruction, 0);
  context.set64(state.fpuData, 0);
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
