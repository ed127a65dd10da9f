/** ADD, SUB and their kin, ADCX, ADOX, INC, DEC, NEG, CMP, XADD, CMPXCHG (SDM vol. 2). Leaves out multiplication and division. */
import { I64 } from '../../wasm/values.js';
import { type Context, define, defineHot, type Operand } from './context.js';
import { type Flags, truncate } from './flags.js';

function operandPair(context: Context): {
  left: I64;
  right: I64;
  write: (value: I64) => void;
  width: number;
} {
  const [destination, source] = context.operands as [Operand, Operand];
  const right = source.kind === 'immediate' ? truncate(source.read(), destination.width) : source.read();
  const place = destination.modify();
  return { left: place.value, right, write: place.write, width: destination.width };
}

defineHot(
  'ADD',
  'Adds the source to the destination.',
  (context) => {
    const { left, right, write, width } = operandPair(context);
    const result = context.code.let(left.add(right));
    context.flags.add(left, right, result, width);
    write(result);
  },
  { forms: 'near' },
);

defineHot('ADC', 'Adds the source and CF to the destination.', (context) => {
  const { left, right, write, width } = operandPair(context);
  const result = context.code.let(left.add(right).add(context.flags.cf()));
  context.flags.addWithCarry(left, right, result, width);
  write(result);
});

/** An addition with a carry in and out by one flag, which leaves the others. */
function addWithCarry(
  read: (flags: Flags) => I64,
  write: (flags: Flags, carry: I64) => void,
): (context: Context) => void {
  return (context) => {
    const { code, flags } = context;
    const { left, right, write: writeSum, width } = operandPair(context);
    const sum = code.let(left.add(right).add(read(flags)));
    const carries = left.and(right).or(left.or(right).and(sum.not()));
    write(flags, code.let(carries.shrU(width - 1).and(1)));
    writeSum(sum);
  };
}
define(
  'ADCX',
  'Adds the source and CF to the destination; no other flag changes.',
  addWithCarry(
    (flags) => flags.cf(),
    (flags, carry) => flags.setCf(carry),
  ),
);
define(
  'ADOX',
  'Adds the source and OF to the destination, the carry into OF; no other flag changes.',
  addWithCarry(
    (flags) => flags.condition(0).extendU(),
    (flags, carry) => flags.setOf(carry),
  ),
);

defineHot(
  'SUB',
  'Subtracts the source from the destination.',
  (context) => {
    const { left, right, write, width } = operandPair(context);
    const result = context.code.let(left.sub(right));
    context.flags.subtract(left, right, result, width);
    write(result);
  },
  { forms: 'near' },
);

defineHot('SBB', 'Subtracts the source and CF from the destination.', (context) => {
  const { left, right, write, width } = operandPair(context);
  const result = context.code.let(left.sub(right).sub(context.flags.cf()));
  context.flags.subtractWithBorrow(left, right, result, width);
  write(result);
});

defineHot(
  'CMP',
  'Sets the flags as SUB would, and keeps the destination.',
  (context) => {
    const [first, second] = context.operands as [Operand, Operand];
    const left = first.read();
    const right = second.kind === 'immediate' ? truncate(second.read(), first.width) : second.read();
    context.flags.subtract(left, right, context.code.let(left.sub(right)), first.width);
  },
  { forms: 'near', bytes: true },
);

defineHot('INC', 'Adds 1; CF stays.', (context) => {
  const [operand] = context.operands as [Operand];
  const place = operand.modify();
  const result = context.code.let(place.value.add(1));
  context.flags.setResult(result, operand.width);
  context.flags.setCarriesButCf(place.value.and(result.not()), operand.width);
  place.write(result);
});

defineHot('DEC', 'Subtracts 1; CF stays.', (context) => {
  const [operand] = context.operands as [Operand];
  const place = operand.modify();
  const result = context.code.let(place.value.sub(1));
  context.flags.setResult(result, operand.width);
  context.flags.setCarriesButCf(place.value.not().and(result), operand.width);
  place.write(result);
});

defineHot('NEG', 'Subtracts the operand from 0.', (context) => {
  const [operand] = context.operands as [Operand];
  const place = operand.modify();
  const result = context.code.let(I64.const(0).sub(place.value));
  context.flags.subtract(I64.const(0), place.value, result, operand.width);
  place.write(result);
});

define('XADD', 'Exchanges the operands, then adds them into the destination.', (context) => {
  const [destination, source] = context.operands as [Operand, Operand];
  const added = source.read();
  const place = destination.modify();
  const result = context.code.let(place.value.add(added));
  context.flags.add(place.value, added, result, destination.width);
  source.write(place.value);
  place.write(result);
});

define(
  'CMPXCHG',
  'Stores the source if the accumulator equals the destination, else loads the accumulator.',
  (context) => {
    const { code } = context;
    const [destination, source] = context.operands as [Operand, Operand];
    const { width } = destination;
    const accumulator = context.register(0, width);
    const replacement = source.read();
    const place = destination.modify();
    context.flags.subtract(accumulator, place.value, code.let(accumulator.sub(place.value)), width);
    code.if(
      accumulator.eq(place.value),
      () => place.write(replacement),
      () => {
        // A register keeps even the upper half that a 32-bit write would clear.
        if (destination.kind === 'memory') place.write(place.value);
        context.setRegister(0, width, place.value);
      },
    );
  },
);
