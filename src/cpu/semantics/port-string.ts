/**
 * INS and OUTS with REP (SDM vol. 1 ch. 19): one element a pass. The I/O permission is checked first, then memory,
 * so that a port is touched only when the element cannot fault any more.
 */
import { I32, I64 } from '../../wasm/values.js';
import { portRead, portWrite } from '../externals.js';
import { commit, place } from '../mmu/access.js';
import { Register, Segment } from '../state.js';
import { checkPortAccess } from '../system/port-access.js';
import { type Context, define, type Operand } from './context.js';
import { pointer, stringPass } from './string.js';

/** The port in DX, once the access to it is permitted. */
function permittedPort(context: Context, bytes: number): I32 {
  const port = context.code.let(context.register(Register.rdx, 16).wrap());
  context.call(checkPortAccess, port, I32.const(bytes));
  return port;
}

define('INS', 'Reads the port in DX to the element at ES:RDI.', (context) => {
  const { code } = context;
  const { width } = context.operands[0] as Operand;
  const bytes = width / 8;
  stringPass(context, {
    pointers: [Register.rdi],
    width,
    run: (pass) => {
      const port = permittedPort(context, bytes);
      const offset = pointer(context, Register.rdi, pass);
      const linear = code.let(context.linear(Segment.es, offset, bytes, 'write'));
      const host = place(context, linear, bytes, 'write');
      const value = context.call(portRead, port, I32.const(bytes));
      if (width === 8) code.store8(host, value);
      else if (width === 16) code.store16(host, value);
      else code.store(host, value);
      commit(context, host);
      return I64.const(1);
    },
  });
});

define('OUTS', 'Writes the element at the source segment:RSI to the port in DX.', (context) => {
  const { width } = context.operands[1] as Operand;
  const bytes = width / 8;
  stringPass(context, {
    pointers: [Register.rsi],
    width,
    run: (pass) => {
      const port = permittedPort(context, bytes);
      const offset = pointer(context, Register.rsi, pass);
      const linear = context.linear(context.segment(), offset, bytes, 'read');
      const value = context.load(linear, width);
      context.call(portWrite, port, I32.const(bytes), context.code.let(value.wrap()));
      return I64.const(1);
    },
  });
});
