/** The decoder's promises that a comparison does not show: prefixes, statuses, extension of immediates, the table. */

import { describe, expect, test } from 'vitest';
import {
  allOpcodes,
  DECODE_INVALID,
  DECODE_OK,
  DECODE_TOO_LONG,
  DECODE_TRUNCATED,
  decode,
} from '../../../src/cpu/decode/decoder.js';
import { definedEncodings } from '../../../src/cpu/decode/defined.generated.js';
import * as is from '../../../src/cpu/decode/instruction.js';
import { randomNumbers } from './reference.js';

const instruction = new is.DecodedInstruction();

function status(text: string, size: is.CodeSize = 64): number {
  const bytes = Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
  return decode(bytes, 0, bytes.length, size, instruction);
}

function decoded(text: string, size: is.CodeSize = 64): is.DecodedInstruction {
  expect(status(text, size)).toBe(DECODE_OK);
  expect(instruction.length).toBe(text.split(' ').length);
  return instruction;
}

describe('status', () => {
  test('bytes that end too early are truncated, at every length', () => {
    const whole = '66 67 4b 0f 38 f1 84 d1 44 33 22 11'.split(' ');
    for (let length = 0; length < whole.length; length++) {
      const bytes = Uint8Array.from(whole.slice(0, length), (byte) => Number.parseInt(byte, 16));
      expect(decode(bytes, 0, length, 64, instruction)).toBe(DECODE_TRUNCATED);
    }
    expect(decoded(whole.join(' ')).entry.mnemonic).toBe('MOVBE');
  });

  test('no byte at or after the end is read', () => {
    const bytes = Uint8Array.of(0xb8, 1, 2, 3, 4);
    expect(decode(bytes, 0, 4, 32, instruction)).toBe(DECODE_TRUNCATED);
  });

  test('fifteen bytes decode, sixteen are too long', () => {
    expect(decoded(`${'66 '.repeat(14)}90`).length).toBe(15);
    expect(status(`${'66 '.repeat(15)}90`)).toBe(DECODE_TOO_LONG);
    expect(status(`${'66 '.repeat(15)}`.trim())).toBe(DECODE_TOO_LONG);
    expect(status(`${'66 '.repeat(14)}`.trim())).toBe(DECODE_TRUNCATED);
    expect(status(`${'2e '.repeat(10)}81 00 11 22 33 44`, 32)).toBe(DECODE_TOO_LONG);
  });

  test('an invalid opcode reports what was read', () => {
    expect(status('66 0f ff')).toBe(DECODE_TRUNCATED);
    expect(status('48 06')).toBe(DECODE_INVALID);
    expect(instruction.length).toBe(2);
    expect(status('0f 04 00')).toBe(DECODE_INVALID);
    expect(instruction.length).toBe(2);
  });

  test('LOCK needs a lockable instruction and a memory destination', () => {
    expect(status('f0 01 08')).toBe(DECODE_OK);
    expect(status('f0 01 c8')).toBe(DECODE_INVALID);
    expect(status('f0 03 08')).toBe(DECODE_INVALID);
    expect(status('f0 39 08')).toBe(DECODE_INVALID);
    expect(status('f0 0f ba 28 01')).toBe(DECODE_OK);
    expect(status('f0 0f ba 20 01')).toBe(DECODE_INVALID);
  });

  test.each(['c4 e2 79 18 c1', 'c5 f8 77'])('no legacy prefix stands before VEX: %s', (vex) => {
    expect(status(vex)).toBe(DECODE_OK);
    for (const prefix of ['66', 'f2', 'f3', 'f0', '48', '40']) {
      expect(status(`${prefix} ${vex}`)).toBe(DECODE_INVALID);
    }
    expect(status(`2e 65 67 ${vex}`)).toBe(DECODE_OK);
  });
});

describe('prefixes', () => {
  test('REX counts only directly before the opcode', () => {
    expect(decoded('48 66 89 c8').operandSize).toBe(16);
    expect(decoded('66 48 89 c8').operandSize).toBe(64);
  });

  test('the last of F2 and F3 chooses, over 66', () => {
    expect(decoded('66 f2 f3 0f 58 c1').entry.mnemonic).toBe('ADDSS');
    expect(decoded('f3 66 f2 0f 58 c1').entry.mnemonic).toBe('ADDSD');
    expect(decoded('f3 66 0f 58 c1').entry.mnemonic).toBe('ADDSS');
  });

  test('in 64-bit code only FS and GS override', () => {
    expect(decoded('2e 8b 00').segment).toBe(is.SEGMENT_DS);
    expect(decoded('65 3e 8b 00').segment).toBe(is.SEGMENT_GS);
    expect(decoded('64 8b 45 00').segment).toBe(is.SEGMENT_FS);
    expect(decoded('8b 45 00').segment).toBe(is.SEGMENT_SS);
    expect(decoded('2e 8b 45 00', 32).segment).toBe(is.SEGMENT_CS);
  });

  test('90 is NOP, PAUSE or XCHG', () => {
    expect(decoded('90').entry.mnemonic).toBe('NOP');
    expect(decoded('48 90').entry.mnemonic).toBe('NOP');
    expect(decoded('f3 90').entry.mnemonic).toBe('PAUSE');
    expect(decoded('49 90').entry.mnemonic).toBe('XCHG');
    expect(instruction.rm).toBe(8);
  });

  test('stack operations and near branches are 64 bits wide in 64-bit code', () => {
    expect(decoded('50').operandSize).toBe(64);
    expect(decoded('66 50').operandSize).toBe(16);
    expect(decoded('66 c3').operandSize).toBe(64);
    expect(decoded('66 e9 00 00 00 00').operandSize).toBe(64);
    expect(decoded('50', 32).operandSize).toBe(32);
  });
});

describe('operands', () => {
  test.each([
    ['83 c0 ff', 64, -1, -1],
    ['04 ff', 64, 255, 0],
    ['48 c7 c0 00 00 00 80', 64, -0x8000_0000, -1],
    ['b8 00 00 00 80', 64, -0x8000_0000, -1],
    ['48 b8 88 77 66 55 44 33 22 11', 64, 0x5566_7788, 0x1122_3344],
    ['66 05 00 80', 64, -0x8000, -1],
    ['c2 00 80', 64, 0x8000, 0],
    ['eb fe', 64, -2, -1],
    ['e9 fe ff', 16, -2, -1],
    ['a0 88 77 66 55 44 33 22 f1', 64, 0x5566_7788, 0xf122_3344 | 0],
    ['67 a0 00 00 00 80', 64, -0x8000_0000, 0],
  ] as const)('%s in %i-bit code has the immediate its definition extends to', (bytes, size, low, high) => {
    decoded(bytes, size);
    expect([instruction.immediateLow, instruction.immediateHigh]).toEqual([low, high]);
  });

  test('second immediates', () => {
    expect(decoded('c8 34 12 05')).toMatchObject({ immediateLow: 0x1234, immediate2: 5 });
    expect(decoded('ea 78 56 34 12 cd ab', 32)).toMatchObject({
      immediateLow: 0x1234_5678,
      immediate2: 0xabcd,
    });
    expect(decoded('ea 78 f6 cd ab', 16)).toMatchObject({
      immediateLow: 0xf678,
      immediateHigh: 0,
      immediate2: 0xabcd,
    });
  });

  test('16-bit addressing names BX, BP, SI and DI', () => {
    expect(decoded('8b 40 fe', 16)).toMatchObject({
      base: 3,
      index: 6,
      displacement: -2,
      segment: is.SEGMENT_DS,
    });
    expect(decoded('8b 03', 16)).toMatchObject({ base: 5, index: 7, segment: is.SEGMENT_SS });
    expect(decoded('8b 1e 00 80', 16)).toMatchObject({ base: is.BASE_NONE, displacement: -0x8000 });
  });

  test('RIP-relative, absolute and SIB forms', () => {
    expect(decoded('8b 05 01 00 00 00').base).toBe(is.BASE_RIP);
    expect(decoded('8b 05 01 00 00 00', 32).base).toBe(is.BASE_NONE);
    expect(decoded('8b 04 25 01 00 00 00').base).toBe(is.BASE_NONE);
    expect(decoded('42 8b 04 20')).toMatchObject({ base: 0, index: 12 });
    expect(decoded('8b 04 24')).toMatchObject({ base: 4, index: is.INDEX_NONE, segment: is.SEGMENT_SS });
  });

  test('without REX, 4 to 7 are the high bytes', () => {
    expect(is.isHighByte(decoded('88 e0'), 4)).toBe(true);
    expect(is.isHighByte(decoded('40 88 e0'), 4)).toBe(false);
    expect(is.isHighByte(decoded('88 e0'), 3)).toBe(false);
  });
});

describe('the table', () => {
  test('ids are dense and stand in order', () => {
    const all = allOpcodes();
    expect(all.length).toBeGreaterThan(1400);
    expect(all.every((entry, id) => entry.id === id)).toBe(true);
  });

  test('lines stand in the order of their opcodes within a map, as the look-up needs', () => {
    const all = allOpcodes()
      .slice(0, allOpcodes().length - definedEncodings.length)
      .filter((entry) => entry.map !== '' || entry.opcode < 0xd8 || entry.opcode > 0xdf);
    for (let id = 1; id < all.length; id++) {
      const [before, entry] = [all[id - 1]!, all[id]!];
      if (before.map === entry.map && before.vex === entry.vex) {
        expect(entry.opcode).toBeGreaterThanOrEqual(before.opcode);
      }
    }
  });

  test('operand specifications are shared, and only memory operands have no register', () => {
    for (const entry of allOpcodes()) {
      for (const operand of entry.operands) {
        if (operand.source === 'rm' && operand.registers === 'none') expect(entry.form).toBe('memory');
      }
    }
    const [first, second] = allOpcodes().filter((entry) => entry.operands[0]?.code === 'Ev');
    expect(first!.operands[0]).toBe(second!.operands[0]);
  });
});

test('random bytes never throw, and what decodes is 1 to 15 bytes long', () => {
  const random = randomNumbers(99);
  const bytes = new Uint8Array(64);
  for (let round = 0; round < 100_000; round++) {
    for (let at = 0; at < 24; at++) bytes[at] = random();
    const end = random() % 24;
    const size = ([16, 32, 64] as const)[round % 3]!;
    const result = decode(bytes, 0, end, size, instruction);
    expect(instruction.length).toBeLessThanOrEqual(Math.min(15, end));
    if (result === DECODE_OK) expect(instruction.length).toBeGreaterThan(0);
  }
});
