/** INT n, INT3, INTO, INT1 (SDM vol. 2). A fault on the way to the handler is reported at the instruction itself. */
import { I32 } from '../../wasm/values.js';
import * as state from '../state.js';
import { PENDING_SOFTWARE, PENDING_TRAP, rip, Vector } from '../state.js';
import { reportDebug } from '../system/breakpoints.js';
import { deliverTaskFault, deliverTrap } from '../system/delivery.js';
import { virtual8086 } from '../system/segments.js';
import { redirectInterrupt } from '../system/virtual-8086.js';
import { type Context, define, type Operand } from './context.js';

function enterHandler(context: Context, vector: I32, kind: number): void {
  context.set64(rip, context.nextRip());
  context.call(deliverTrap, vector, I32.const(kind));
  context.call(deliverTaskFault);
  context.resume();
}

define('INT', 'Calls the handler of an interrupt by number.', (context) => {
  const [number] = context.operands as [Operand];
  const vector = context.code.let(number.read().and(0xff).wrap());
  if (!context.long) {
    context.code.if(virtual8086(), () => {
      const redirected = context.call(redirectInterrupt, vector, context.nextRip());
      context.code.if(redirected, () => context.resume());
    });
  }
  enterHandler(context, vector, PENDING_SOFTWARE);
});

define('INT3', 'Calls the breakpoint handler.', (context) => {
  enterHandler(context, I32.const(Vector.bp), PENDING_SOFTWARE);
});

define('INTO', 'Calls the overflow handler if OF is set.', (context) => {
  context.code.if(context.flags.condition(0), () => {
    enterHandler(context, I32.const(Vector.of), PENDING_SOFTWARE);
  });
});

define(
  'INT1',
  'Calls the debug handler, whatever the privilege of its gate, with the traps that MOV SS held off.',
  (context) => {
    const due = context.read32(state.debugDue);
    context.code.if(due, () => {
      reportDebug(context, due);
      context.set32(state.debugDue, 0);
    });
    enterHandler(context, I32.const(Vector.db), PENDING_TRAP);
  },
);
