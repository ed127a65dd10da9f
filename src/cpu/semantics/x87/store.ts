/** FST, FSTP, FIST, FISTP, FISTTP, FBSTP and FXCH (SDM vol. 1 §8.3.3; vol. 2). */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { get32 } from '../../emitter.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import type { Context, Operand } from '../context.js';
import { DECIMAL_INDEFINITE, toDecimal } from './decimal.js';
import { extended, INDEFINITE, significandOf, signOf } from './extended.js';
import { reach, writeExtended } from './memory.js';
import { narrowDouble, narrowSingle, toMagnitude } from './narrow.js';
import { commitStatus, defineX87, finishWrite, nothing, underflow, unmasked } from './results.js';
import { isEmpty, isPresent, popStack, stackRegister, writeStack } from './stack.js';
import { Status } from './words.js';

/** 1 if what was raised lets the result be written to memory. */
function isStored(): I32 {
  return unmasked(Status.ie | Status.oe | Status.ue).eqz();
}

/** What goes to memory: `low` first, then `head` in the two bytes after it where there are ten. */
type Convert = Routine<readonly [], V128>;

/** () → ST(0) converted, the indefinite value where it is empty */
function convert(
  name: string,
  indefinite: V128,
  build: (e: Parameters<NonNullable<Convert['build']>>[0], value: V128) => V128,
): Convert {
  return routine(name, { parameters: [], result: V128 }, (e) => {
    e.code.if(isEmpty(0), () => {
      underflow(e);
      e.code.return(indefinite);
    });
    e.code.return(build(e, stackRegister(e, 0)));
  });
}

function low(value: I64): V128 {
  return extended(I32.const(0), value);
}

const SINGLE_INDEFINITE = low(I64.const(0xffc00000));
const DOUBLE_INDEFINITE = low(I64.const(0xfff8n << 48n));

const FLOATS: Readonly<Record<number, Convert>> = {
  32: convert('x87StoreSingle', SINGLE_INDEFINITE, (e, value) => low(e.call(narrowSingle, value))),
  64: convert('x87StoreDouble', DOUBLE_INDEFINITE, (e, value) => low(e.call(narrowDouble, value))),
  80: convert('x87StoreExtended', INDEFINITE, (_e, value) => value),
};

/** The integer conversion of a width. */
function integer(width: 16 | 32 | 64, truncates: boolean): Convert {
  const greatest = (1n << BigInt(width - 1)) - 1n;
  const indefinite = low(I64.const(greatest + 1n));
  const name = `x87Store${truncates ? 'Truncated' : 'Integer'}${width}`;
  return convert(name, indefinite, (e, value) => {
    const mode = I32.const(truncates ? 1 : 0);
    const magnitude = e.call(toMagnitude, value, I64.const(greatest), I64.const(1), mode);
    e.code.if(get32(state.fpuRaised).and(Status.ie), () => e.code.return(indefinite));
    return low(select(signOf(value), I64.const(0).sub(magnitude), magnitude));
  });
}

const INTEGERS: Readonly<Record<number, Convert>> = {
  16: integer(16, false),
  32: integer(32, false),
  64: integer(64, false),
};
const TRUNCATED: Readonly<Record<number, Convert>> = {
  16: integer(16, true),
  32: integer(32, true),
  64: integer(64, true),
};

const LARGEST_DECIMAL = 10n ** 18n - 1n;

const decimal = convert('x87StoreDecimal', DECIMAL_INDEFINITE, (e, value) => {
  const magnitude = e.call(toMagnitude, value, I64.const(LARGEST_DECIMAL), I64.const(0), I32.const(0));
  e.code.if(get32(state.fpuRaised).and(Status.ie), () => e.code.return(DECIMAL_INDEFINITE));
  return e.call(toDecimal, magnitude, signOf(value));
});

/**
 * Stores ST(0) and tells whether it did: memory is not touched, and cannot fault, where an exception that is not masked
 * keeps the result from it. Nothing else is written yet.
 */
function storeToMemory(context: Context, operand: Operand, conversion: Convert): I32 {
  const { code } = context;
  const { width } = operand;
  const value = context.call(conversion);
  const stored = code.let(isStored());
  code.if(stored, () => {
    if (width === 80) {
      writeExtended(context, operand, value);
      return;
    }
    const memory = reach(context, operand, width / 8);
    if (width === 16) code.store16(memory.host, significandOf(value));
    else if (width === 32) code.store32(memory.host, significandOf(value));
    else code.store(memory.host, significandOf(value));
    memory.end();
  });
  return stored;
}

/** FOP of the FSTP that is no stack underflow where ST(0) is empty, but only pops: FSTPNCE to some. */
const UNCHECKED_STORE = 0x1d8;

/** (n, pops, FOP): ST(n) = ST(0) */
const storeToRegister = routine(
  'x87StoreToRegister',
  { parameters: [I32, I32, I32] },
  (e, n, pops, opcode) => {
    const { code } = e;
    code.if(isEmpty(0), () => {
      code.if(
        opcode.and(0x7f8).eq(UNCHECKED_STORE),
        () => popStack(e),
        () => e.call(finishWrite, n, underflow(e), pops),
      );
      code.return();
    });
    writeStack(e, n, stackRegister(e, 0));
    code.if(pops, () => popStack(e));
  },
);

/** (whether it was stored and is to be popped): the status word follows */
const finishStore = routine('x87FinishStore', { parameters: [I32] }, (e, pops) => {
  e.code.if(pops, () => popStack(e));
  commitStatus(e);
});

function defineStore(
  mnemonic: string,
  summary: string,
  conversions: Readonly<Record<number, Convert>>,
  pops: boolean,
): void {
  defineX87(
    mnemonic,
    summary,
    (context) => {
      const [operand] = context.operands as [Operand];
      if (operand.kind !== 'memory') return undefined;
      return storeToMemory(context, operand, conversions[operand.width] as Convert);
    },
    (context, stored) => {
      const [operand] = context.operands as [Operand];
      if (!stored) {
        const popping = I32.const(pops ? 1 : 0);
        context.call(storeToRegister, operand.number(), popping, context.x87Opcode());
        return;
      }
      context.call(finishStore, pops ? stored : I32.const(0));
    },
  );
}

defineStore('FST', 'Stores ST(0).', FLOATS, false);
defineStore('FSTP', 'Stores ST(0) and pops.', FLOATS, true);
defineStore('FIST', 'Stores ST(0) as a signed integer, rounded.', INTEGERS, false);
defineStore('FISTP', 'Stores ST(0) as a signed integer, rounded, and pops.', INTEGERS, true);
defineStore('FISTTP', 'Stores ST(0) as a signed integer, truncated, and pops.', TRUNCATED, true);
defineStore('FBSTP', 'Stores ST(0) as 18 decimal digits, rounded, and pops.', { 80: decimal }, true);

/** (n): an empty one of the two counts as the indefinite NaN if the exception is masked */
const exchange = routine('x87Exchange', { parameters: [I32], mayFault: false }, (e, n) => {
  const { code } = e;
  const present = (register: I32): V128 =>
    select(isPresent(register), stackRegister(e, register), INDEFINITE);
  code.if(isEmpty(0).or(isEmpty(n)), () => underflow(e));
  code.if(unmasked(Status.ie).eqz(), () => {
    const first = code.let(present(I32.const(0)));
    const second = code.let(present(n));
    writeStack(e, 0, second);
    writeStack(e, n, first);
  });
  commitStatus(e);
});

defineX87('FXCH', 'Exchanges ST(0) and ST(i).', nothing, (context) => {
  context.call(exchange, (context.operands[1] as Operand).number());
});
