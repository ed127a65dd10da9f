/** SWAPGS, RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE (SDM vol. 2). */
import { get64 } from '../emitter.js';
import * as state from '../state.js';
import { Cr4, Segment, Vector } from '../state.js';
import { requireSupervisor } from '../system/privilege.js';
import { type Context, define, type Operand } from './context.js';

define('SWAPGS', "Exchanges GS's base with IA32_KERNEL_GS_BASE.", (context) => {
  requireSupervisor(context);
  const base = context.read64(state.segmentBase, Segment.gs);
  context.set64(state.segmentBase, get64(state.msrKernelGsBase), Segment.gs);
  context.set64(state.msrKernelGsBase, base);
});

function requireEnabled(context: Context): void {
  context.raiseIf(get64(state.cr4).and(Cr4.fsgsbase).eqz(), Vector.ud);
}

for (const [name, segment] of [
  ['FS', Segment.fs],
  ['GS', Segment.gs],
] as const) {
  define(`RD${name}BASE`, `Reads the base of ${name}.`, (context) => {
    const [destination] = context.operands as [Operand];
    requireEnabled(context);
    destination.write(context.code.let(get64(state.segmentBase, segment)));
  });
  define(`WR${name}BASE`, `Writes the base of ${name}; it must be canonical.`, (context) => {
    const [source] = context.operands as [Operand];
    requireEnabled(context);
    const base = context.code.let(source.read());
    context.raiseIf(base.shl(16).shrS(16).ne(base), Vector.gp, 0);
    context.set64(state.segmentBase, base, segment);
  });
}
