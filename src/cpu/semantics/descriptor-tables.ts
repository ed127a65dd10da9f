/** LGDT, LIDT, LLDT, LTR and the stores SGDT, SIDT, SLDT, STR (SDM vol. 2; vol. 3 §2.4). */
import type { I64 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import * as state from '../state.js';
import { type Field32, type Field64, Segment, Vector } from '../state.js';
import { checkUserModePrevention, requireProtectedMode, requireSupervisor } from '../system/privilege.js';
import { loadLocalTable, loadTask } from '../system/system-segments.js';
import { type Context, define, type Operand } from './context.js';

/** The limit is 2 bytes; the base follows: 8 in 64-bit code, else 4, of which a 16-bit operand loads 3. */
function tableParts(context: Context): { limit: Operand; base: Operand } {
  const [operand] = context.operands as [Operand];
  return { limit: operand.part(0, 16), base: operand.part(2, context.long ? 64 : 32) };
}

function loadTable(context: Context, baseField: Field64, limitField: Field32): void {
  const { code } = context;
  requireSupervisor(context);
  const parts = tableParts(context);
  const limit = parts.limit.read();
  const loaded = parts.base.read();
  const base = code.let(context.operandSize === 16 && !context.long ? loaded.and(0xffffff) : loaded);
  if (context.long) context.raiseIf(base.shl(16).shrS(16).ne(base), Vector.gp, 0);
  context.set64(baseField, base);
  context.set32(limitField, limit.wrap());
}

/** The whole is known to be writable before its first byte is written. */
function storeTable(context: Context, baseField: Field64, limitField: Field32): void {
  checkUserModePrevention(context);
  const { limit, base } = tableParts(context);
  limit.modify();
  base.write(context.code.let(get64(baseField)));
  limit.write(context.code.let(get32(limitField).extendU()));
}

define('LGDT', 'Loads the global descriptor table register.', (context) => {
  loadTable(context, state.gdtrBase, state.gdtrLimit);
});
define('LIDT', 'Loads the interrupt descriptor table register.', (context) => {
  loadTable(context, state.idtrBase, state.idtrLimit);
});
define('SGDT', 'Stores the global descriptor table register.', (context) => {
  storeTable(context, state.gdtrBase, state.gdtrLimit);
});
define('SIDT', 'Stores the interrupt descriptor table register.', (context) => {
  storeTable(context, state.idtrBase, state.idtrLimit);
});

for (const [mnemonic, target, what] of [
  ['LLDT', loadLocalTable, 'local descriptor table register'],
  ['LTR', loadTask, 'task register, and marks its TSS as busy'],
] as const) {
  define(mnemonic, `Loads the ${what}.`, (context) => {
    const [source] = context.operands as [Operand];
    requireProtectedMode(context);
    requireSupervisor(context);
    context.call(target, context.code.let(source.read().and(0xffff).wrap()));
  });
}

for (const [mnemonic, segment, what] of [
  ['SLDT', Segment.ldtr, 'local descriptor table register'],
  ['STR', Segment.tr, 'task register'],
] as const) {
  define(mnemonic, `Stores the selector of the ${what}.`, (context) => {
    const [destination] = context.operands as [Operand];
    requireProtectedMode(context);
    checkUserModePrevention(context);
    const selector: I64 = get32(state.segmentSelector, segment).extendU();
    destination.write(context.code.let(selector));
  });
}
