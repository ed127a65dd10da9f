/** MOV and what else moves or widens integers without computing: MOVZX, MOVSX, LEA, XCHG, CMOVcc, SETcc, CBW … */
import { I32, I64, select } from '../../wasm/values.js';
import * as state from '../state.js';
import { Register, Segment, Vector } from '../state.js';
import { updateMode } from '../system/mode.js';
import { loadSegment } from '../system/segments.js';
import { type Context, define, defineHot, type Operand } from './context.js';
import { moveControl } from './control-registers.js';
import { CONDITIONS, signExtend } from './flags.js';
import { holdInterruptsAfterStackSegment } from './interrupt-shadow.js';

defineHot(
  'MOV',
  'Copies the source to the destination.',
  (context) => {
    const [destination, source] = context.operands as [Operand, Operand];
    const kinds = [destination.kind, source.kind];
    if (kinds.includes('control') || kinds.includes('debug')) moveControl(context, destination, source);
    else if (destination.kind === 'segment') moveToSegment(context, destination, source);
    else if (source.kind === 'segment') {
      destination.write(
        context.code.let(I32.load(context.element(state.segmentSelector, source.number())).extendU()),
      );
    } else destination.write(source.read());
  },
  { forms: 'all', bytes: true },
);

function moveToSegment(context: Context, destination: Operand, source: Operand): void {
  const number = context.code.let(destination.number());
  context.raiseIf(number.eq(Segment.cs), Vector.ud);
  const selector = context.code.let(source.read().and(0xffff).wrap());
  context.call(loadSegment, number, selector);
  context.call(updateMode);
  holdInterruptsAfterStackSegment(context, number);
  context.resumeNext();
}

defineHot(
  'MOVZX',
  'Copies a narrower source, filled up with zeros.',
  (context) => {
    const [destination, source] = context.operands as [Operand, Operand];
    destination.write(source.read());
  },
  { forms: 'all' },
);

function moveSigned(context: Context): void {
  const [destination, source] = context.operands as [Operand, Operand];
  destination.write(context.code.let(signExtend(source.read(), source.width)));
}
defineHot('MOVSX', 'Copies a narrower source, filled up with its sign.', moveSigned, { forms: 'all' });
defineHot('MOVSXD', 'Copies a 32-bit source, filled up with its sign.', moveSigned, { forms: 'near' });

defineHot(
  'LEA',
  'Writes the offset of the memory operand; memory is not touched.',
  (context) => {
    const [destination, source] = context.operands as [Operand, Operand];
    destination.write(source.effectiveAddress());
  },
  { forms: 'all' },
);

define('XCHG', 'Exchanges the operands.', (context) => {
  const [first, second] = context.operands as [Operand, Operand];
  const value = second.read();
  const place = first.modify();
  second.write(place.value);
  place.write(value);
});

CONDITIONS.forEach((suffix, condition) => {
  defineHot(
    `SET${suffix}`,
    `1 if the condition ${suffix} holds, else 0.`,
    (context) => {
      const [destination] = context.operands as [Operand];
      destination.write(context.code.let(context.flags.condition(condition).extendU()));
    },
    { forms: 'registers', bytes: true },
  );
  defineHot(
    `CMOV${suffix}`,
    `Copies the source if the condition ${suffix} holds; reads it in any case.`,
    (context) => {
      const [destination, source] = context.operands as [Operand, Operand];
      const value = source.read();
      const kept = destination.read();
      destination.write(context.code.let(select(context.flags.condition(condition), value, kept)));
    },
  );
});

function extendAccumulator(from: number): (context: Context) => void {
  return (context) => {
    const value = signExtend(context.register(Register.rax, from), from);
    context.setRegister(Register.rax, from * 2, context.code.let(value));
  };
}
define('CBW', 'Sign-extends AL into AX.', extendAccumulator(8));
define('CWDE', 'Sign-extends AX into EAX.', extendAccumulator(16));
defineHot('CDQE', 'Sign-extends EAX into RAX.', extendAccumulator(32));

function spreadSign(width: number): (context: Context) => void {
  return (context) => {
    const sign = signExtend(context.register(Register.rax, width), width).shrS(63);
    context.setRegister(Register.rdx, width, context.code.let(sign));
  };
}
define('CWD', 'Fills DX with the sign of AX.', spreadSign(16));
defineHot('CDQ', 'Fills EDX with the sign of EAX.', spreadSign(32));
defineHot('CQO', 'Fills RDX with the sign of RAX.', spreadSign(64));

/** A value of 16, 32 or 64 bits, kept, with its bytes in reverse. */
function reverseBytes(value: I64, width: number): I64 {
  const bytes = width / 8;
  let result = value.and(0xff).shl(width - 8);
  for (let n = 1; n < bytes; n++) {
    const shift = width - 8 - 16 * n;
    const moved = shift >= 0 ? value.shl(shift) : value.shrU(-shift);
    result = result.or(moved.and(0xffn << BigInt(8 * (bytes - 1 - n))));
  }
  return result;
}

define('BSWAP', 'Reverses the order of the bytes; of a 16-bit register the result is 0.', (context) => {
  const [operand] = context.operands as [Operand];
  if (operand.width === 16) operand.write(I64.const(0));
  else operand.write(context.code.let(reverseBytes(operand.read(), operand.width)));
});

define('MOVBE', 'Copies the source with its bytes in reverse.', (context) => {
  const [destination, source] = context.operands as [Operand, Operand];
  destination.write(context.code.let(reverseBytes(source.read(), source.width)));
});

define('XLAT', 'Replaces AL by the byte at RBX + AL.', (context) => {
  const { code } = context;
  const table = context.register(Register.rbx, 64).add(context.register(Register.rax, 8));
  const offset = code.let(table.and(context.addressMask()));
  const linear = code.let(context.linear(context.segment(), offset, 1, 'read'));
  context.setRegister(Register.rax, 8, context.load(linear, 8));
});

defineHot('NOP', 'Does nothing.', () => {}, { forms: 'all', bytes: true });
define('PAUSE', 'Does nothing: a hint in a spin loop.', () => {});
define('ENDBR64', 'Does nothing: control-flow enforcement is not there.', () => {});
define('ENDBR32', 'Does nothing: control-flow enforcement is not there.', () => {});
