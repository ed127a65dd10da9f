/** IRET (SDM vol. 2); the work is in system/interrupt-return.ts. */
import { interruptReturn } from '../system/interrupt-return.js';
import { define } from './context.js';
import { afterFlagsChange } from './flag-control.js';

define('IRET', 'Returns from an interrupt or exception handler.', (context) => {
  context.call(interruptReturn[context.operandSize]);
  afterFlagsChange(context);
  context.resume();
});
