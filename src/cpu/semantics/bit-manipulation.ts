/**
 * BMI1 and BMI2 (SDM vol. 2): ANDN BEXTR BLSI BLSMSK BLSR, BZHI MULX PDEP PEXT RORX SARX SHLX SHRX. TZCNT is in bit.ts.
 * They are VEX-encoded, which is #UD outside protected mode (§2.6.6). Where the manual leaves flags undefined, they
 * are what a Zen 5 gives.
 */
import { I64, select } from '../../wasm/values.js';
import { get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr0, Flag, Register, Vector } from '../state.js';
import { type Context, define, type Operand } from './context.js';
import { signExtend, truncate } from './flags.js';
import { multiplyHigh } from './multiply.js';

/** Bit 63. */
const SIGN = 1n << 63n;

type Operands = [Operand, Operand, Operand];

/** Defines a VEX-encoded instruction on general registers. */
function defineVex(
  mnemonic: string,
  summary: string,
  meaning: (context: Context, operands: Operands) => void,
): void {
  define(mnemonic, summary, (context) => {
    if (!context.long) {
      context.raiseIf(get64(state.cr0).and(Cr0.pe).eqz(), Vector.ud);
      context.raiseIf(context.read32(state.systemFlags).and(Flag.vm), Vector.ud);
    }
    meaning(context, context.operands as Operands);
  });
}

defineVex(
  'ANDN',
  'Ands the second source with the complement of the first.',
  (context, [result, inverted, other]) => {
    const second = other.read();
    const value = context.code.let(truncate(inverted.read().not().and(second), result.width));
    context.flags.logic(value, result.width);
    result.write(value);
  },
);

/** Operations on the lowest bit that is set; CF says whether there is one, or that there is none. */
const LOWEST_BIT: readonly {
  name: string;
  summary: string;
  compute: (value: I64) => I64;
  carryIfZero: boolean;
}[] = [
  {
    name: 'BLSI',
    summary: 'Keeps the lowest bit that is set.',
    compute: (value) => value.and(I64.const(0).sub(value)),
    carryIfZero: false,
  },
  {
    name: 'BLSMSK',
    summary: 'Sets all bits up to the lowest one that is set, and clears the others.',
    compute: (value) => value.xor(value.sub(1)),
    carryIfZero: true,
  },
  {
    name: 'BLSR',
    summary: 'Clears the lowest bit that is set.',
    compute: (value) => value.and(value.sub(1)),
    carryIfZero: true,
  },
];
for (const { name, summary, compute, carryIfZero } of LOWEST_BIT) {
  defineVex(name, summary, ({ code, flags }, [destination, source]) => {
    const value = source.read();
    const result = code.let(truncate(compute(value), destination.width));
    flags.setResult(result, destination.width);
    const zero = value.eqz();
    flags.setCarryOverflow((carryIfZero ? zero : zero.eqz()).extendU(), I64.const(0));
    destination.write(result);
  });
}

/** Ones in the bits below a number, which may be anything from 0. */
function onesBelow(number: I64): I64 {
  return select(number.gtU(63), I64.const(-1), I64.const(1).shl(number).sub(1));
}

defineVex(
  'BEXTR',
  'Extracts so many bits as the second byte of the control says, from where its first says.',
  ({ code, flags }, [destination, source, control]) => {
    const value = source.read();
    const { width } = destination;
    const start = code.let(control.read().and(0xff));
    const length = code.let(control.read().shrU(8).and(0xff));
    const moved = select(start.geU(width), I64.const(0), value.shrU(start));
    const result = code.let(moved.and(onesBelow(length)));
    flags.logic(result.and(SIGN - 1n), 64);
    flags.setZf(result.eqz().extendU());
    flags.setAf(1);
    destination.write(result);
  },
);

defineVex(
  'BZHI',
  'Clears the bits from the one on that the low byte of the second source numbers.',
  ({ code, flags }, [destination, source, index]) => {
    const value = source.read();
    const { width } = destination;
    const number = code.let(index.read().and(0xff));
    const result = code.let(value.and(onesBelow(number)));
    flags.setResult(result, width);
    flags.setCarryOverflow(number.geU(width).extendU(), I64.const(0));
    destination.write(result);
  },
);

defineVex(
  'MULX',
  'Multiplies rDX by the last operand, unsigned, into the first two; no flags change.',
  (context, [high, low, source]) => {
    const { code } = context;
    const { width } = source;
    const factor = source.read();
    const other = context.register(Register.rdx, width);
    const product = code.let(other.mul(factor));
    const upper = width === 64 ? context.call(multiplyHigh, other, factor) : code.let(product.shrU(width));
    low.write(product);
    high.write(upper);
  },
);

/** (value, mask) → the bits of the value that the mask chooses, at the low end */
const extractBits = routine('extractBits', { parameters: [I64, I64], result: I64 }, (e, value, chosen) => {
  const { code } = e;
  const mask = code.variable(I64, chosen);
  const result = code.variable(I64, I64.const(0));
  const next = code.variable(I64, I64.const(1));
  code.while(
    () => mask.get().ne(0),
    () => {
      const lowest = mask.get().and(I64.const(0).sub(mask.get()));
      const bit = select(value.and(lowest).eqz(), I64.const(0), next.get());
      result.set(result.get().or(bit));
      next.set(next.get().shl(1));
      mask.set(mask.get().and(mask.get().sub(1)));
    },
  );
  code.return(result.get());
});

/** (value, mask) → the low bits of the value, each where the mask has its next one */
const depositBits = routine('depositBits', { parameters: [I64, I64], result: I64 }, (e, value, chosen) => {
  const { code } = e;
  const mask = code.variable(I64, chosen);
  const rest = code.variable(I64, value);
  const result = code.variable(I64, I64.const(0));
  code.while(
    () => mask.get().ne(0),
    () => {
      const lowest = mask.get().and(I64.const(0).sub(mask.get()));
      result.set(result.get().or(lowest.and(I64.const(0).sub(rest.get().and(1)))));
      rest.set(rest.get().shrU(1));
      mask.set(mask.get().and(mask.get().sub(1)));
    },
  );
  code.return(result.get());
});

for (const [name, summary, gather] of [
  ['PEXT', 'Gathers the bits of the first source that the second chooses at the low end.', extractBits],
  ['PDEP', 'Spreads the low bits of the first source over those that the second chooses.', depositBits],
] as const) {
  defineVex(name, summary, (context, [destination, source, mask]) => {
    const chosen = mask.read();
    destination.write(context.call(gather, source.read(), chosen));
  });
}

/** Shifts and rotates that leave the flags; the count is the last operand. */
const SHIFTS: readonly [name: string, summary: string, (value: I64, count: I64, width: number) => I64][] = [
  ['SHLX', 'Shifts to the left; no flags change.', (value, count) => value.shl(count)],
  ['SHRX', 'Shifts to the right; no flags change.', (value, count) => value.shrU(count)],
  [
    'SARX',
    'Shifts to the right, filling with the sign; no flags change.',
    (value, count, width) => signExtend(value, width).shrS(count),
  ],
  [
    'RORX',
    'Rotates to the right; no flags change.',
    (value, count, width) => (width === 64 ? value : value.mul(0x100000001n)).rotr(count),
  ],
];
for (const [name, summary, shift] of SHIFTS) {
  defineVex(name, summary, ({ code }, [destination, source, amount]) => {
    const { width } = destination;
    const value = source.read();
    const count = code.let(amount.read().and(width - 1));
    destination.write(code.let(shift(value, count, width)));
  });
}
