/**
 * Adjustments of decimal digits: AAA AAS AAM AAD, DAA DAS (SDM vol. 2), which 64-bit code does not have.
 * Flags that the manual leaves undefined follow the result in AL; CF, OF and AF are else 0, but for AAD, which leaves
 * them as its addition does on silicon.
 */
import { type I32, I64, select } from '../../wasm/values.js';
import { Register, Vector } from '../state.js';
import { type Context, define, type Operand } from './context.js';

function low(context: Context): I64 {
  return context.register(Register.rax, 8);
}

/** Whether the low digit is above 9 or the last operation carried out of it. */
function digitCarries(context: Context, al: I64): I32 {
  return context.code.let(al.and(15).gtU(9).or(context.flags.af()));
}

function setFlags(context: Context, al: I64, carry: I32, auxiliary: I32): void {
  context.flags.setResult(al, 8);
  const cf = context.code.let(carry.extendU());
  context.flags.setCarryOverflow(cf, I64.const(0), auxiliary.extendU());
}

function adjustAscii(adjust: (ax: I64) => I64): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const ax = context.register(Register.rax, 16);
    const carries = digitCarries(context, ax);
    const adjusted = code.let(select(carries, adjust(ax), ax).and(0xff0f));
    setFlags(context, adjusted, carries, carries);
    context.setRegister(Register.rax, 16, adjusted);
  };
}
define(
  'AAA',
  'Makes AL a decimal digit after an addition, with the carry into AH.',
  adjustAscii((ax) => ax.add(0x106)),
);
define(
  'AAS',
  'Makes AL a decimal digit after a subtraction, with the borrow from AH.',
  adjustAscii((ax) => ax.sub(0x106)),
);

define('AAM', 'Splits AL into digits of the base given: the quotient in AH, the rest in AL.', (context) => {
  const { code } = context;
  const [operand] = context.operands as [Operand];
  const base = code.let(operand.read().and(0xff));
  context.raiseIf(base.eqz(), Vector.de);
  const al = low(context);
  const rest = code.let(al.remU(base));
  context.flags.logic(rest, 8);
  context.setRegister(Register.rax, 16, al.divU(base).shl(8).or(rest));
});

define('AAD', 'Joins the digits in AH and AL, of the base given, in AL.', (context) => {
  const { code } = context;
  const [operand] = context.operands as [Operand];
  const ax = context.register(Register.rax, 16);
  const al = code.let(ax.and(0xff));
  const tens = code.let(ax.shrU(8).mul(operand.read()).and(0xff));
  const sum = code.let(al.add(tens).and(0xff));
  context.flags.add(al, tens, sum, 8);
  context.setRegister(Register.rax, 16, sum);
});

function adjustPacked(
  adjust: (al: I64, amount: I64) => I64,
  borrows: (al: I64, carries: I32) => I32,
): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const al = low(context);
    const lowCarries = digitCarries(context, al);
    const highCarries = code.let(al.gtU(0x99).or(context.flags.cf().wrap()));
    const amount = lowCarries.mul(6).add(highCarries.mul(0x60)).extendU();
    const adjusted = code.let(adjust(al, amount).and(0xff));
    setFlags(context, adjusted, highCarries.or(borrows(al, lowCarries)), lowCarries);
    context.setRegister(Register.rax, 8, adjusted);
  };
}
define(
  'DAA',
  'Makes AL two decimal digits after an addition.',
  adjustPacked(
    (al, amount) => al.add(amount),
    (_al, carries) => carries.and(0),
  ),
);
define(
  'DAS',
  'Makes AL two decimal digits after a subtraction.',
  adjustPacked(
    (al, amount) => al.sub(amount),
    (al, carries) => carries.and(al.ltU(6)),
  ),
);
