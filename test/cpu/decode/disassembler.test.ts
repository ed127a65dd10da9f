/** The disassembler against lines recorded from GNU objdump, and its symbols. */
import { describe, expect, test } from 'vitest';
import { allOpcodes, DECODE_OK, decode } from '../../../src/cpu/decode/decoder.js';
import { disassemble } from '../../../src/cpu/decode/disassembler.js';
import { type CodeSize, DecodedInstruction } from '../../../src/cpu/decode/instruction.js';
import { GOLDEN } from './disassembly-golden.js';
import { randomNumbers } from './reference.js';

function decoded(text: string, size: CodeSize): DecodedInstruction {
  const bytes = Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
  const instruction = new DecodedInstruction();
  expect(decode(bytes, 0, bytes.length, size, instruction)).toBe(DECODE_OK);
  expect(instruction.length).toBe(bytes.length);
  return instruction;
}

describe('text is that of objdump', () => {
  test.each(GOLDEN)('%i-bit code, %i: %s', (size, address, bytes, intel, att) => {
    const instruction = decoded(bytes, size);

    expect(disassemble(instruction, BigInt(address), 'intel')).toBe(intel);
    expect(disassemble(instruction, BigInt(address), 'att')).toBe(att);
  });
});

test('branch targets and RIP-relative operands show their symbol', () => {
  const symbol = (address: bigint): string | undefined => (address === 0x1005n ? 'main+0x5' : undefined);

  expect(disassemble(decoded('e8 00 00 00 00', 64), 0x1000n, 'intel', symbol)).toBe('call   1005 <main+0x5>');
  expect(disassemble(decoded('48 8b 05 fe ff ff ff', 64), 0x1000n, 'att', symbol)).toBe(
    'mov    -0x2(%rip),%rax        # 1005 <main+0x5>',
  );
});

test('a branch at the top of the address space wraps round', () => {
  expect(disassemble(decoded('eb 0e', 64), 0xffff_ffff_ffff_fff0n, 'intel')).toBe('jmp    0x0');
});

test('whatever decodes has a text, and every entry is met', { timeout: 60_000 }, () => {
  const random = randomNumbers(5);
  const bytes = new Uint8Array(20);
  const instruction = new DecodedInstruction();
  const met = new Set<number>();

  for (const entry of allOpcodes()) {
    for (let attempt = 0; attempt < 60; attempt++) {
      for (let number = 0; number < bytes.length; number++) bytes[number] = random();
      let at = 0;
      if (entry.vex) {
        const pp = { any: 0, none: 0, notF2F3: 0, '66': 1, F3: 2, F2: 3 }[entry.mandatoryPrefix];
        bytes[at++] = 0xc4;
        bytes[at++] = 0xe0 | { '': 0, '0F': 1, '0F38': 2, '0F3A': 3 }[entry.map];
        bytes[at++] =
          ((entry.w === 1 ? 1 : 0) << 7) |
          (attempt % 2 === 0 ? 0x78 : 0x40) |
          (Math.max(entry.l, 0) << 2) |
          pp;
      } else {
        const prefix = { any: [], none: [], notF2F3: [], '66': [0x66], F3: [0xf3], F2: [0xf2] }[
          entry.mandatoryPrefix
        ];
        if (entry.onlyOperandSize === 16) bytes[at++] = 0x66;
        if (entry.onlyAddressSize === 32) bytes[at++] = 0x67;
        for (const byte of prefix) bytes[at++] = byte;
        if (entry.mode !== 'not64' && (entry.w === 1 || entry.onlyOperandSize === 64)) bytes[at++] = 0x48;
        if (entry.map !== '') bytes[at++] = 0x0f;
        if (entry.map === '0F38') bytes[at++] = 0x38;
        if (entry.map === '0F3A') bytes[at++] = 0x3a;
      }
      bytes[at++] = entry.opcode + (entry.lowThreeBits ? attempt & 7 : 0);
      const register = entry.form === 'register' ? 0xc0 : entry.form === 'memory' ? 0 : bytes[at]! & 0xc0;
      const reg = entry.extension >= 0 ? entry.extension << 3 : bytes[at]! & 0x38;
      const rm = entry.rmExtension >= 0 ? entry.rmExtension : entry.vectorIndex !== 0 ? 4 : bytes[at]! & 7;
      if (entry.form !== 'none') bytes[at] = register | reg | rm;
      const size =
        entry.mode === 'not64'
          ? entry.onlyAddressSize === 16
            ? 16
            : 32
          : entry.onlyAddressSize === 16
            ? 16
            : 64;
      if (decode(bytes, 0, bytes.length, size, instruction) !== DECODE_OK) continue;
      met.add(instruction.entry.id);
      expect(disassemble(instruction, 0x1000n, 'intel')).not.toMatch(/undefined|NaN|\?/);
      expect(disassemble(instruction, 0x1000n, 'att')).not.toMatch(/undefined|NaN|\?/);
    }
  }

  expect(
    allOpcodes()
      .filter((entry) => !met.has(entry.id))
      .map((entry) => entry.mnemonic),
  ).toEqual([]);
});
