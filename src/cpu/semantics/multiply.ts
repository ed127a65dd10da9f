/**
 * MUL and IMUL (SDM vol. 2), and the upper half of a 64 × 64-bit product, which WebAssembly has not.
 * CF = OF = whether the upper half says anything; the other flags, undefined, stay as they were.
 */
import { I32, I64 } from '../../wasm/values.js';
import type { Emitter } from '../emitter.js';
import { routine } from '../routine.js';
import { Register } from '../state.js';
import { type Context, define, defineHot, type Operand } from './context.js';
import { signExtend } from './flags.js';

const LOW = 0xffffffffn;

/** Bits 127:64 of the unsigned product of two numbers that are kept. */
export function productHigh(e: Emitter, a: I64, b: I64): I64 {
  const { code } = e;
  const aLow = code.let(a.and(LOW));
  const aHigh = code.let(a.shrU(32));
  const bLow = code.let(b.and(LOW));
  const bHigh = code.let(b.shrU(32));
  const first = code.let(aHigh.mul(bLow).add(aLow.mul(bLow).shrU(32)));
  const second = aLow.mul(bHigh).add(first.and(LOW));
  return aHigh.mul(bHigh).add(first.shrU(32)).add(second.shrU(32));
}

/** (a, b) → bits 127:64 of their unsigned product */
export const multiplyHigh = routine('multiplyHigh', { parameters: [I64, I64], result: I64 }, (e, a, b) => {
  e.code.return(productHigh(e, a, b));
});

/** (a, b) → bits 127:64 of their signed product */
const multiplyHighSigned = routine(
  'multiplyHighSigned',
  { parameters: [I64, I64], result: I64 },
  (e, a, b) => {
    const high = e.call(multiplyHigh, a, b);
    e.code.return(high.sub(a.shrS(63).and(b)).sub(b.shrS(63).and(a)));
  },
);

/** Sets CF and OF, given as 0 or 1. */
function setOverflow(context: Context, overflow: I32): void {
  context.flags.setCarryWordButAf(overflow.extendU().shl(63));
}

/** The product of rAX and an operand of up to 32 bits into AX, DX:AX or EDX:EAX. */
function writeProduct(context: Context, product: I64, width: number): void {
  if (width === 8) {
    context.setRegister(Register.rax, 16, product);
    return;
  }
  context.setRegister(Register.rax, width, product);
  context.setRegister(Register.rdx, width, product.shrU(width));
}

define('MUL', 'Multiplies rAX by the operand, unsigned, into twice the width.', (context) => {
  const { code } = context;
  const [operand] = context.operands as [Operand];
  const { width } = operand;
  const factor = operand.read();
  const accumulator = context.register(Register.rax, width);
  const product = code.let(accumulator.mul(factor));
  if (width === 64) {
    const high = context.call(multiplyHigh, accumulator, factor);
    context.setRegister(Register.rax, 64, product);
    context.setRegister(Register.rdx, 64, high);
    setOverflow(context, high.ne(0));
    return;
  }
  writeProduct(context, product, width);
  setOverflow(context, product.shrU(width).ne(0));
});

/** Multiplies rAX by the one operand into twice the width. */
function multiplyWide(context: Context, operand: Operand): void {
  const { code } = context;
  const { width } = operand;
  const factor = code.let(signExtend(operand.read(), width));
  const accumulator = code.let(signExtend(context.register(Register.rax, width), width));
  const product = code.let(accumulator.mul(factor));
  if (width === 64) {
    const high = context.call(multiplyHighSigned, accumulator, factor);
    context.setRegister(Register.rax, 64, product);
    context.setRegister(Register.rdx, 64, high);
    setOverflow(context, high.ne(product.shrS(63)));
    return;
  }
  writeProduct(context, product, width);
  setOverflow(context, signExtend(product, width).ne(product));
}

/**
 * Whether a signed 64-bit product overflows. What is written here has no effect but its result, so that a tier
 * that does not need the flag drops all of it.
 */
function overflows(context: Context, a: I64, b: I64, product: I64): I32 {
  const { code } = context;
  const overflow = code.variable(I32, I32.const(0));
  const small = a.extend32S().eq(a).and(b.extend32S().eq(b));
  code.if(small.eqz(), () => {
    const aHigh = code.let(a.shrS(32));
    const bHigh = code.let(b.shrS(32));
    const aLow = code.let(a.and(LOW));
    const bLow = code.let(b.and(LOW));
    const first = code.let(aHigh.mul(bLow).add(aLow.mul(bLow).shrU(32)));
    const second = code.let(aLow.mul(bHigh).add(first.and(LOW)));
    const high = aHigh.mul(bHigh).add(first.shrS(32)).add(second.shrS(32));
    overflow.set(high.ne(product.shrS(63)));
  });
  return overflow.get();
}

defineHot(
  'IMUL',
  'Multiplies signed numbers; with one operand rAX into twice the width.',
  (context) => {
    const { code } = context;
    const [destination, ...sources] = context.operands as [Operand, ...Operand[]];
    if (sources.length === 0) {
      multiplyWide(context, destination);
      return;
    }
    const { width } = destination;
    const [first, second] = sources.length === 1 ? [destination, sources[0]] : sources;
    const b = code.let(signExtend((second as Operand).read(), width));
    const a = code.let(signExtend((first as Operand).read(), width));
    const product = code.let(a.mul(b));
    destination.write(product);
    if (width === 64) setOverflow(context, overflows(context, a, b, product));
    else setOverflow(context, signExtend(product, width).ne(product));
  },
  { forms: 'near' },
);
