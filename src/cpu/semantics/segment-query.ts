/** LAR, LSL, VERR, VERW, ARPL: asking about a selector without loading it (SDM vol. 2; vol. 3 §5.10). */
import { I32, I64, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { systemLoad } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Efer } from '../state.js';
import { requireProtectedMode } from '../system/privilege.js';
import { accessOf, descriptorAddress, dplOf, isNull, limitOf } from '../system/segments.js';
import { type Context, define, type Operand } from './context.js';

/** System descriptor types that each accepts: LDT, TSSs, and for LAR gates (Tables 3-53 and 3-54). */
const LAR_LEGACY = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 9) | (1 << 11) | (1 << 12);
const LAR_LONG = (1 << 2) | (1 << 9) | (1 << 11) | (1 << 12);
const LSL_LEGACY = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 9) | (1 << 11);
const LSL_LONG = (1 << 2) | (1 << 9) | (1 << 11);

/** (selector) → its descriptor if it lies in its table and the privilege allows, else 0, which is of no valid type */
const queryDescriptor = routine(
  'queryDescriptor',
  { parameters: [I32], result: I64, mayFault: true },
  (e, selector) => {
    const { code } = e;
    const none = I64.const(0);
    code.if(isNull(selector), () => code.return(none));
    const address = e.attempt(descriptorAddress, selector, I32.const(8));
    code.if(get32(state.pending), () => {
      e.set32(state.pending, 0);
      code.return(none);
    });
    const descriptor = systemLoad(e, address, 64);
    const access = code.let(accessOf(descriptor));
    const free = Access.notSystem | Access.code | Access.conforming;
    const conforming = access.and(free).eq(free);
    const dpl = code.let(dplOf(access));
    const allowed = dpl.geU(get32(state.cpl)).and(dpl.geU(selector.and(3)));
    code.return(select(conforming.or(allowed), descriptor, none));
  },
);

function query(context: Context, source: Operand): I64 {
  requireProtectedMode(context);
  return context.call(queryDescriptor, context.code.let(source.read().and(0xffff).wrap()));
}

/** LAR and LSL: writes the destination and sets ZF if the descriptor is of an accepted type. */
function describe(
  legacy: number,
  long: number,
  result: (descriptor: I64) => I64,
): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const [destination, source] = context.operands as [Operand, Operand];
    const descriptor = query(context, source);
    const access = code.let(accessOf(descriptor));
    const active = get64(state.efer).and(Efer.lma).ne(0);
    const types = select(active, I32.const(long), I32.const(legacy));
    const system = types.shrU(access.and(15)).and(1);
    const valid = code.let(select(access.and(Access.notSystem), I32.const(1), system));
    code.if(valid, () => destination.write(code.let(result(descriptor))));
    context.flags.setZf(valid.extendU());
  };
}

define(
  'LAR',
  "Loads a segment's access rights and sets ZF, if they may be seen.",
  describe(LAR_LEGACY, LAR_LONG, (descriptor) => descriptor.shrU(32).and(0xffff00)),
);
define(
  'LSL',
  "Loads a segment's limit in bytes and sets ZF, if it may be seen.",
  describe(LSL_LEGACY, LSL_LONG, limitOf),
);

function verify(allowed: (access: I32) => I32): (context: Context) => void {
  return (context) => {
    const [source] = context.operands as [Operand];
    const access = context.code.let(accessOf(query(context, source)));
    const valid = access.and(Access.notSystem).ne(0).and(allowed(access));
    context.flags.setZf(context.code.let(valid.extendU()));
  };
}

define(
  'VERR',
  'Sets ZF if the segment can be read at this privilege.',
  verify((access) => access.and(Access.code).eqz().or(access.and(Access.writable).ne(0))),
);
define(
  'VERW',
  'Sets ZF if the segment can be written at this privilege.',
  verify((access) => access.and(Access.code | Access.writable).eq(Access.writable)),
);

define('ARPL', "Raises a selector's RPL to the source's, and says by ZF whether it was lower.", (context) => {
  const { code } = context;
  const [destination, source] = context.operands as [Operand, Operand];
  requireProtectedMode(context);
  const asked = code.let(source.read().and(3));
  const selector = destination.read();
  const lower = code.let(selector.and(3).ltU(asked));
  code.if(lower, () => destination.write(code.let(selector.and(~3).or(asked))));
  context.flags.setZf(lower.extendU());
});
