/**
 * FADD FSUB FSUBR FMUL FDIV FDIVR with their forms that pop and that take integers, FSQRT, FABS, FCHS
 * (SDM vol. 1 §8.3.5, vol. 2).
 */
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import type { Operand } from '../context.js';
import { type Arithmetic, add, divide, multiply, squareRoot, subtract } from './arithmetic-core.js';
import { extended, headOf, negated, SIGN, significandOf } from './extended.js';
import { memorySource } from './memory.js';
import { defineUnary, fromStack, type UnaryRoutine } from './register-forms.js';
import { clearStatus, defineX87KeepingC1, finishWrite } from './results.js';
import { computeUsual, halvesOf, Stack } from './usual.js';
import { Status } from './words.js';

type StackRoutine = Routine<readonly [typeof I32, typeof I32, typeof I32, typeof I32], undefined>;
type MemoryRoutine = Routine<readonly [typeof V128], undefined>;

interface Forms {
  readonly stack: StackRoutine;
  readonly memory: MemoryRoutine;
  readonly reversedMemory: MemoryRoutine;
}

function formsOf({ operation, whole }: Arithmetic): Forms {
  const stack = routine(
    `${whole.name}Stack`,
    { parameters: [I32, I32, I32, I32] },
    (e, destination, first, second, pops) => {
      const { code } = e;
      code.block((unusual) => {
        const registers = new Stack(e);
        const [aNumber, bNumber] = [registers.number(first), registers.number(second)];
        code.branchIf(unusual, registers.isPresent(aNumber).and(registers.isPresent(bNumber)).eqz());
        const [a, b] = [registers.load(aNumber), registers.load(bNumber)];
        const pieces = { stack: registers, a, b, destination: registers.number(destination), pops };
        computeUsual(e, pieces, operation, unusual);
      });
      clearStatus(e, Status.c1);
      const value = fromStack(e, [first, second], (a, b) => e.call(whole, a as V128, b as V128));
      e.call(finishWrite, destination, value, pops);
    },
  );
  const memory = (reversed: boolean): MemoryRoutine =>
    routine(`${whole.name}${reversed ? 'Reversed' : ''}Memory`, { parameters: [V128] }, (e, operand) => {
      const { code } = e;
      const inOrder = <T>(top: T, other: T): [first: T, second: T] =>
        reversed ? [other, top] : [top, other];
      code.block((unusual) => {
        const registers = new Stack(e);
        const destination = registers.number(0);
        code.branchIf(unusual, registers.isPresent(destination).eqz().or(get32(state.fpuRaised)));
        const [a, b] = inOrder(registers.load(destination), halvesOf(e, operand));
        computeUsual(e, { stack: registers, a, b, destination, pops: I32.const(0) }, operation, unusual);
      });
      clearStatus(e, Status.c1);
      const value = fromStack(e, [0], (top) => e.call(whole, ...inOrder(top as V128, operand)));
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
  // What it calls clears C1.
  defineX87KeepingC1(
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

function defineFamily(name: string, what: string, core: Arithmetic, reversible: boolean): void {
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
