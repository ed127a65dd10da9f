/** IN and OUT (SDM vol. 2, vol. 1 ch. 19). The string forms INS and OUTS are elsewhere. */
import { I32 } from '../../wasm/values.js';
import { portRead, portWrite } from '../externals.js';
import { checkPortAccess } from '../system/port-access.js';
import { type Context, define, type Operand } from './context.js';

/** The port's number, once it is known that the program may use it. */
function permittedPort(context: Context, operand: Operand, bytes: I32): I32 {
  const port = context.code.let(operand.read().and(0xffff).wrap());
  context.call(checkPortAccess, port, bytes);
  return port;
}

define('IN', 'Reads a device register in the I/O port space.', (context) => {
  const [destination, source] = context.operands as [Operand, Operand];
  const bytes = I32.const(destination.width / 8);
  const port = permittedPort(context, source, bytes);
  destination.write(context.code.let(context.call(portRead, port, bytes).extendU()));
});

define('OUT', 'Writes a device register in the I/O port space.', (context) => {
  const [destination, source] = context.operands as [Operand, Operand];
  const bytes = I32.const(source.width / 8);
  const port = permittedPort(context, destination, bytes);
  context.call(portWrite, port, bytes, context.code.let(source.read().wrap()));
});
