/**
 * FADD FSUB FSUBR FMUL FDIV FDIVR with their forms that pop and that take integers, FSQRT, FABS, FCHS
 * (SDM vol. 1 §8.3.5, vol. 2).
 */
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Routine, routine } from '../../routine.js';
import type { Operand } from '../context.js';
import { add, divide, multiply, squareRoot, subtract } from './arithmetic-core.js';
import { extended, headOf, negated, SIGN, significandOf } from './extended.js';
import { memorySource } from './memory.js';
import { type BinaryRoutine, defineUnary, fromStack, type UnaryRoutine } from './register-forms.js';
import { defineX87, finishWrite } from './results.js';

type StackRoutine = Routine<readonly [typeof I32, typeof I32, typeof I32, typeof I32], undefined>;
type MemoryRoutine = Routine<readonly [typeof V128], undefined>;

interface Forms {
  readonly stack: StackRoutine;
  readonly memory: MemoryRoutine;
  readonly reversedMemory: MemoryRoutine;
}

function formsOf(core: BinaryRoutine): Forms {
  const stack = routine(
    `${core.name}Stack`,
    { parameters: [I32, I32, I32, I32] },
    (e, destination, first, second, pops) => {
      const value = fromStack(e, [first, second], (a, b) => e.call(core, a as V128, b as V128));
      e.call(finishWrite, destination, value, pops);
    },
  );
  const memory = (reversed: boolean): MemoryRoutine =>
    routine(`${core.name}${reversed ? 'Reversed' : ''}Memory`, { parameters: [V128] }, (e, operand) => {
      const value = fromStack(e, [0], (top) => {
        const [first, second] = (reversed ? [operand, top] : [top, operand]) as [V128, V128];
        return e.call(core, first, second);
      });
      e.call(finishWrite, I32.const(0), value, I32.const(0));
    });
  return { stack, memory: memory(false), reversedMemory: memory(true) };
}

interface Kind {
  readonly reversed: boolean;
  readonly integer?: boolean;
  readonly pops?: boolean;
}

function defineForm(mnemonic: string, summary: string, forms: Forms, kind: Kind): void {
  defineX87(
    mnemonic,
    summary,
    (context) => memorySource(context, kind.integer ?? false),
    (context, source) => {
      if (source) {
        const operand = context.call(source.widen, source.bits);
        context.call(kind.reversed ? forms.reversedMemory : forms.memory, operand);
        return;
      }
      const [destination, other] = context.operands as [Operand, Operand];
      const [first, second] = kind.reversed ? [other, destination] : [destination, other];
      const pops = I32.const(kind.pops ? 1 : 0);
      context.call(forms.stack, destination.number(), first.number(), second.number(), pops);
    },
  );
}

function defineFamily(name: string, what: string, core: BinaryRoutine, reversible: boolean): void {
  const forms = formsOf(core);
  for (const reversed of reversible ? [false, true] : [false]) {
    const suffix = reversed ? 'R' : '';
    const how = reversed ? `${what}, operands exchanged` : what;
    defineForm(`F${name}${suffix}`, `${how}.`, forms, { reversed });
    defineForm(`F${name}${suffix}P`, `${how}, and pops.`, forms, { reversed, pops: true });
    defineForm(`FI${name}${suffix}`, `${how}: with an integer in memory.`, forms, {
      reversed,
      integer: true,
    });
  }
}

defineFamily('ADD', 'Adds', add, false);
defineFamily('MUL', 'Multiplies', multiply, false);
defineFamily('SUB', 'Subtracts', subtract, true);
defineFamily('DIV', 'Divides', divide, true);

defineUnary('FSQRT', 'Takes the square root of ST(0).', squareRoot);

const changeSign: UnaryRoutine = routine('x87ChangeSign', { parameters: [V128], result: V128 }, (e, value) =>
  e.code.return(negated(value)),
);
const absolute: UnaryRoutine = routine('x87Absolute', { parameters: [V128], result: V128 }, (e, value) =>
  e.code.return(extended(headOf(value).and(SIGN - 1), significandOf(value))),
);
defineUnary('FCHS', 'Changes the sign of ST(0).', changeSign);
defineUnary('FABS', 'Clears the sign of ST(0).', absolute);
