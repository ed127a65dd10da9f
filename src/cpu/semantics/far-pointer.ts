/** Far pointers in memory, and LDS, LES, LFS, LGS, LSS, which load them (SDM vol. 2). */
import { I32, type I64 } from '../../wasm/values.js';
import { Segment } from '../state.js';
import { updateMode } from '../system/mode.js';
import { loadSegment } from '../system/segments.js';
import { type Context, define, type Operand } from './context.js';

/** The offset, as wide as the operand size, and the selector after it. */
export function farPointer(context: Context, operand: Operand): { selector: I32; offset: I64 } {
  const { operandSize } = context;
  const offset = operand.part(0, operandSize).read();
  const selector = operand.part(operandSize / 8, 16).read();
  return { selector: context.code.let(selector.wrap()), offset };
}

for (const [name, segment] of [
  ['DS', Segment.ds],
  ['ES', Segment.es],
  ['FS', Segment.fs],
  ['GS', Segment.gs],
  ['SS', Segment.ss],
] as const) {
  define(`L${name}`, `Loads ${name} and a register from a far pointer.`, (context) => {
    const [destination, source] = context.operands as [Operand, Operand];
    const { selector, offset } = farPointer(context, source);
    context.call(loadSegment, I32.const(segment), selector);
    destination.write(offset);
    context.call(updateMode);
    context.resumeNext();
  });
}
