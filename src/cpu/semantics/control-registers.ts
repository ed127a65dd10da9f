/** MOV to and from control and debug registers. */
import type { Context, Operand } from './context.js';

export function moveControl(context: Context, _destination: Operand, _source: Operand): void {
  context.raise(6);
}
