/**
 * PCMPESTRI PCMPESTRM PCMPISTRI PCMPISTRM (SDM vol. 2 §4.1): two strings of bytes or words compared element by element,
 * each ended by its length or by a 0. Sets of elements are held as a bit for each.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Emitter } from '../../emitter.js';
import { routine } from '../../routine.js';
import { at, Register, xmm } from '../../state.js';
import type { Context, Operand } from '../context.js';
import { bytes, control, defineVector, lanes } from './common.js';

const { i8x16, i16x8 } = Simd;

/** Bits of the immediate; bits 3:2 are the kind of comparison, 5:4 the polarity. */
const Choice = { words: 1, signed: 2, kindShift: 2, negate: 16, masked: 32, last: 64, expand: 64 } as const;

interface Elements {
  readonly count: 8 | 16;
  readonly eq: number;
  readonly geS: number;
  readonly leS: number;
  readonly bitmask: number;
  /** What turns unsigned elements into signed ones of the same order. */
  readonly bias: V128;
  /** Which byte goes where, so that element n is in every place. */
  readonly everywhere: (n: I32) => V128;
}

const BYTES: Elements = {
  count: 16,
  ...i8x16,
  bias: lanes(8, 0x80),
  everywhere: (n) => V128.splatI8(n),
};
const WORDS: Elements = {
  count: 8,
  ...i16x8,
  bias: lanes(16, 0x8000),
  everywhere: (n) => V128.splatI16(n.mul(0x0202).add(0x0100)),
};

const below = (count: I32): I32 => I32.const(1).shl(count).sub(1);

/** (a, b, length of a, length of b, immediate) → the elements of b for which the comparison holds */
function makeCompare(name: string, elements: Elements) {
  const { count, eq, geS, leS, bitmask, bias, everywhere } = elements;
  const all = 2 ** count - 1;
  return routine(
    name,
    { parameters: [V128, V128, I32, I32, I32], result: I32 },
    (e, first, second, firstLength, secondLength, choice) => {
      const { code } = e;
      const isSigned = choice.and(Choice.signed);
      const ordered = (vector: V128): V128 => code.let(select(isSigned, vector, code.let(vector.xor(bias))));
      const a = ordered(first);
      const b = ordered(second);
      const valid = code.let(below(secondLength));
      const each = (n: I32, opcode: number): I32 =>
        b
          .binary(opcode, a.binary(Simd.swizzle, everywhere(n)))
          .test(bitmask)
          .and(valid);
      const n = code.variable(I32, I32.const(0));
      const result = code.variable(I32, I32.const(0));
      const kinds = [
        () =>
          code.while(
            () => n.get().ltU(firstLength),
            () => {
              result.set(result.get().or(each(n.get(), eq)));
              n.set(n.get().add(1));
            },
          ),
        () =>
          code.while(
            () => n.get().add(1).ltU(firstLength),
            () => {
              const inRange = each(n.get(), geS).and(each(n.get().add(1), leS));
              result.set(result.get().or(inRange));
              n.set(n.get().add(2));
            },
          ),
        () => {
          const firstValid = code.let(below(firstLength));
          const equal = a.binary(eq, b).test(bitmask).and(firstValid).and(valid);
          const neither = firstValid.or(valid).xor(all);
          result.set(equal.or(neither));
        },
        () => {
          result.set(I32.const(all));
          code.while(
            () => n.get().ltU(firstLength),
            () => {
              const beyond = I32.const(all).shrU(n.get()).xor(all);
              result.set(result.get().and(each(n.get(), eq).shrU(n.get()).or(beyond)));
              n.set(n.get().add(1));
            },
          );
        },
      ];
      code.switch(choice.shrU(Choice.kindShift).and(3), kinds, () => {});
      const inverted = code.let(select(choice.and(Choice.masked), valid, I32.const(all)));
      code.if(choice.and(Choice.negate), () => result.set(result.get().xor(inverted)));
      code.return(result.get());
    },
  );
}
const compareBytes = makeCompare('compareByteStrings', BYTES);
const compareWords = makeCompare('compareWordStrings', WORDS);

/** The number of elements before the first 0. */
function implicitLength(e: Emitter, vector: V128, { eq, bitmask, count }: Elements): I32 {
  const zeros = vector.binary(eq, lanes(8, 0)).test(bitmask);
  return e.code.let(zeros.or(1 << count).ctz());
}

/** A register's absolute value, as far as there are elements. */
function explicitLength(context: Context, register: number, { count }: Elements): I32 {
  const { code } = context;
  const width = context.operandSize === 64 ? 64 : 32;
  const read = context.register(register, width);
  const value = code.let(width === 64 ? read : read.extend32S());
  const magnitude = code.let(select(value.ltS(0), I64.const(0).sub(value), value));
  return code.let(select(magnitude.gtU(count), I64.const(count), magnitude).wrap());
}

/** Ones in each byte or word whose bit is set. */
function expanded(bits: I32, { count }: Elements): V128 {
  if (count === 8) {
    const ownBit = lanes(16, ...Array.from({ length: 8 }, (_, n) => 1 << n));
    return V128.splatI16(bits).and(ownBit).binary(i16x8.eq, ownBit);
  }
  const ownBit = bytes((n) => 1 << (n % 8));
  const ownByte = V128.splatI16(bits).binary(
    Simd.swizzle,
    bytes((n) => Math.floor(n / 8)),
  );
  return ownByte.and(ownBit).binary(i8x16.eq, ownBit);
}

/** XMM0, and zeros above it in the VEX form. */
function writeXmm0(context: Context, value: V128): void {
  const { code } = context;
  const address = I32.const(at(xmm, 0));
  code.store(address, value);
  if (context.vex) code.store(address, lanes(8, 0), 16);
}

function writeIndex(context: Context, found: I32, choice: I32, { count }: Elements): void {
  const lowest = found.or(1 << count).ctz();
  const highest = select(found, I32.const(31).sub(found.clz()), I32.const(count));
  const index = select(choice.and(Choice.last), highest, lowest);
  context.setRegister(Register.rcx, 32, index.extendU());
}

function writeMask(context: Context, found: I32, choice: I32, elements: Elements): void {
  const { code } = context;
  const bits = code.let(lanes(8, 0).replaceI32(0, found));
  writeXmm0(context, select(choice.and(Choice.expand), expanded(found, elements), bits));
}

const FORMS = [
  ['PCMPESTRI', 'with lengths in rAX and rDX, the index into ECX', true, writeIndex],
  ['PCMPESTRM', 'with lengths in rAX and rDX, the mask into XMM0', true, writeMask],
  ['PCMPISTRI', 'ended by zeros, the index into ECX', false, writeIndex],
  ['PCMPISTRM', 'ended by zeros, the mask into XMM0', false, writeMask],
] as const;
for (const [mnemonic, how, explicit, write] of FORMS) {
  defineVector(mnemonic, `Compares two strings ${how}.`, (context) => {
    const { code } = context;
    const [first, second] = context.operands as [Operand, Operand];
    const b = second.readVector('none');
    const a = first.readVector();
    const choice = control(context);
    const run = (elements: Elements, compare: typeof compareBytes): void => {
      const [firstLength, secondLength] = explicit
        ? [explicitLength(context, Register.rax, elements), explicitLength(context, Register.rdx, elements)]
        : [implicitLength(context, a, elements), implicitLength(context, b, elements)];
      const found = context.call(compare, a, b, firstLength, secondLength, choice);
      const flag = (condition: I32, bit: number): I64 => condition.extendU().shl(bit);
      const flags = flag(found.ne(0), 0)
        .or(flag(secondLength.ltU(elements.count), 6))
        .or(flag(firstLength.ltU(elements.count), 7))
        .or(flag(found.and(1), 11));
      context.flags.setImage(code.let(flags));
      write(context, found, choice, elements);
    };
    code.if(
      choice.and(Choice.words),
      () => run(WORDS, compareWords),
      () => run(BYTES, compareBytes),
    );
  });
}
