/** JMP, CALL and RET to another segment (SDM vol. 2); the work is in system/far-transfer.ts. */
import { type I32, I64 } from '../../wasm/values.js';
import { deliverTaskFault } from '../system/delivery.js';
import { farCall, farJump, farReturn } from '../system/far-transfer.js';
import { noteVirtualInterrupt } from '../system/virtual-8086.js';
import { type Context, define, type Operand } from './context.js';
import { farPointer } from './far-pointer.js';

/** The selector and offset that an instruction names, in itself or in memory. */
function destination(context: Context): { selector: I32; offset: I64 } {
  const [operand] = context.operands as [Operand];
  if (operand.kind === 'memory') return farPointer(context, operand);
  const both = context.code.let(context.immediate());
  return {
    selector: context.code.let(both.shrU(32).wrap().and(0xffff)),
    offset: context.code.let(both.and(0xffffffffn)),
  };
}

define('JMPF', 'Jumps to another code segment, or through a gate.', (context) => {
  const { selector, offset } = destination(context);
  context.call(farJump, selector, offset, context.nextRip());
  context.call(deliverTaskFault);
  context.resume();
});

define('CALLF', 'Pushes CS and RIP and jumps to another code segment, or through a gate.', (context) => {
  const { selector, offset } = destination(context);
  context.call(farCall[context.operandSize], selector, offset, context.nextRip());
  context.call(deliverTaskFault);
  context.resume();
});

define('RETF', 'Returns to the RIP and CS on the stack; the operand says how much to drop.', (context) => {
  const [dropped] = context.operands as [Operand?];
  const bytes = dropped ? context.code.let(dropped.read().and(0xffff)) : I64.const(0);
  context.call(farReturn[context.operandSize], bytes);
  context.call(noteVirtualInterrupt);
  context.call(deliverTaskFault);
  context.resume();
});
