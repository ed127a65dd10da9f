/** AND, OR, XOR, TEST, NOT (SDM vol. 2). */
import type { I64 } from '../../wasm/values.js';
import { type Context, defineHot, type Operand } from './context.js';

type Operation = (left: I64, right: I64) => I64;

function logical(operation: Operation): (context: Context) => void {
  return (context) => {
    const [destination, source] = context.operands as [Operand, Operand];
    const right = source.read();
    const place = destination.modify();
    const result = context.code.let(operation(place.value, right));
    context.flags.logic(result, destination.width);
    place.write(result);
  };
}

defineHot(
  'AND',
  'Bitwise AND of the source into the destination.',
  logical((a, b) => a.and(b)),
  { forms: 'near' },
);
defineHot(
  'OR',
  'Bitwise OR of the source into the destination.',
  logical((a, b) => a.or(b)),
  { forms: 'near' },
);
defineHot(
  'XOR',
  'Bitwise exclusive OR of the source into the destination.',
  logical((a, b) => a.xor(b)),
  { forms: 'near' },
);

defineHot(
  'TEST',
  'Sets the flags as AND would, and keeps the destination.',
  (context) => {
    const [first, second] = context.operands as [Operand, Operand];
    const left = first.read();
    context.flags.logic(context.code.let(left.and(second.read())), first.width);
  },
  { forms: 'near', bytes: true },
);

defineHot('NOT', 'Inverts every bit; no flags change.', (context) => {
  const [operand] = context.operands as [Operand];
  const place = operand.modify();
  place.write(place.value.not());
});
