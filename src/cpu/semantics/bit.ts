/**
 * Single bits and bit scans: BT BTS BTR BTC, BSF BSR, POPCNT, TZCNT, LZCNT (SDM vol. 2). BT and its kin touch CF
 * alone. Where the manual leaves flags undefined, they are what a Zen 5 gives.
 */
import { type I32, I64, select } from '../../wasm/values.js';
import { type Context, define, type Operand } from './context.js';
import { signExtend, truncate } from './flags.js';

/** The operand that holds the bit, and the bit's number in it; a register offset reaches beyond a memory operand. */
function locate(context: Context): { operand: Operand; bit: I64 } {
  const { code } = context;
  const [operand, offset] = context.operands as [Operand, Operand];
  const { width } = operand;
  const selected = offset.read();
  const bit = code.let(selected.and(width - 1));
  if (operand.kind !== 'memory' || offset.kind === 'immediate') return { operand, bit };
  const bytes = signExtend(selected, width)
    .shrS(Math.log2(width))
    .mul(width / 8);
  return { operand: operand.part(code.let(bytes), width), bit };
}

define('BT', 'Copies a bit to CF.', (context) => {
  const { operand, bit } = locate(context);
  context.flags.setCf(context.code.let(operand.read().shrU(bit).and(1)));
});

function change(meaning: (value: I64, mask: I64) => I64): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const { operand, bit } = locate(context);
    const place = operand.modify();
    context.flags.setCf(code.let(place.value.shrU(bit).and(1)));
    place.write(code.let(meaning(place.value, I64.const(1).shl(bit))));
  };
}

define(
  'BTS',
  'Copies a bit to CF and sets it.',
  change((value, mask) => value.or(mask)),
);
define(
  'BTR',
  'Copies a bit to CF and clears it.',
  change((value, mask) => value.and(mask.not())),
);
define(
  'BTC',
  'Copies a bit to CF and inverts it.',
  change((value, mask) => value.xor(mask)),
);

/** The number of the bit that a scan finds; a source of 0 leaves the destination, all 64 bits of it. */
function scan(find: (value: I64) => I64): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const [destination, source] = context.operands as [Operand, Operand];
    const value = source.read();
    const found = code.let(find(value));
    context.flags.logic(found, 64);
    context.flags.setZf(value.eqz().extendU());
    code.if(value.eqz().eqz(), () => destination.write(found));
  };
}

define(
  'BSF',
  'Finds the lowest bit that is set.',
  scan((value) => value.ctz().and(63)),
);
define(
  'BSR',
  'Finds the highest bit that is set.',
  scan((value) => value.clz().and(63).xor(63)),
);

/** ZF as given, SF and PF 0. */
function setOnlyZf(context: Context, zf: I32): void {
  context.flags.setResult(I64.const(1), 64);
  context.flags.setZf(zf.extendU());
}

define('POPCNT', 'Counts the bits that are set.', (context) => {
  const [destination, source] = context.operands as [Operand, Operand];
  const value = source.read();
  setOnlyZf(context, value.eqz());
  context.flags.setCarryWord(I64.const(0));
  destination.write(context.code.let(value.popcnt()));
});

/** CF says that the source is 0; the count is then the width. */
function countZeros(count: (value: I64, width: number) => I64): (context: Context) => void {
  return (context) => {
    const [destination, source] = context.operands as [Operand, Operand];
    const value = source.read();
    const result = context.code.let(count(value, source.width));
    setOnlyZf(context, result.eqz());
    context.flags.setCf(value.eqz().extendU());
    context.flags.setAf(0);
    destination.write(result);
  };
}

define(
  'TZCNT',
  'Counts the zeros below the lowest bit that is set.',
  countZeros((value, width) =>
    width === 64 ? value.ctz() : select(value.eqz(), I64.const(width), value.ctz()),
  ),
);
define(
  'LZCNT',
  'Counts the zeros above the highest bit that is set.',
  countZeros((value, width) =>
    truncate(value, width)
      .clz()
      .sub(64 - width),
  ),
);
