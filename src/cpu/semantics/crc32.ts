/** CRC32 (SDM vol. 2): the Castagnoli polynomial 11EDC6F41, bits in reflected order, without the usual inversions. */
import { I32, I64 } from '../../wasm/values.js';
import { routine } from '../routine.js';
import { define, type Operand } from './context.js';

/** The polynomial's bits 31:0, reversed. */
const REVERSED = 0x82f63b78n;

/** (checksum, value, bits of the value) → checksum */
const accumulate = routine(
  'accumulateCrc32',
  { parameters: [I64, I64, I32], result: I64 },
  (e, checksum, value, bits) => {
    const { code } = e;
    const rest = code.variable(I64, checksum.xor(value));
    const left = code.variable(I32, bits);
    code.loop((again) => {
      const polynomial = I64.const(0).sub(rest.get().and(1)).and(REVERSED);
      rest.set(rest.get().shrU(1).xor(polynomial));
      left.set(left.get().sub(1));
      code.branchIf(again, left.get());
    });
    code.return(rest.get());
  },
);

define('CRC32', 'Adds the source to a CRC-32C checksum; no flags change.', (context) => {
  const [destination, source] = context.operands as [Operand, Operand];
  const value = source.read();
  const before = context.code.let(destination.read().and(0xffffffffn));
  destination.write(context.call(accumulate, before, value, I32.const(source.width)));
});
