/** IRET (SDM vol. 2); the work is in system/interrupt-return.ts. */
import { get32 } from '../emitter.js';
import * as state from '../state.js';
import { deliverTaskFault } from '../system/delivery.js';
import { interruptReturn } from '../system/interrupt-return.js';
import { noteVirtualInterrupt } from '../system/virtual-8086.js';
import { define } from './context.js';
import { afterFlagsChange } from './flag-control.js';

define('IRET', 'Returns from an interrupt or exception handler.', (context) => {
  // Also by an IRET that then faults (vol. 3 §6.7.1, §25.3).
  context.set32(state.nmiBlocked, 0);
  context.call(interruptReturn[context.operandSize], context.nextRip());
  context.call(noteVirtualInterrupt);
  context.call(deliverTaskFault);
  context.code.if(get32(state.nmiWaiting), () => context.requestExit());
  afterFlagsChange(context);
  context.resume();
});
