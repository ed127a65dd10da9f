/**
 * Bug 2: page-crossing accesses at every size and offset, with a fault on the second page only: nothing is written, no
 * register and no flag changes. Ten bytes of x87 are the exception, which silicon writes in two parts.
 */
import { describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr4 } from '../../../src/cpu/state.js';
import { SystemWorld } from '../../support/system-world.js';

const FIRST = 0x50000;
const SECOND = 0x51000;

/** At [RDI], with so many bytes. */
const STORES: readonly (readonly [string, number, string])[] = [
  ['MOV [RDI], AX', 2, '66 89 07'],
  ['MOV [RDI], EAX', 4, '89 07'],
  ['MOV [RDI], RAX', 8, '48 89 07'],
  ['ADD [RDI], EAX', 4, '01 07'],
  ['ADC [RDI], RAX', 8, '48 11 07'],
  ['XCHG [RDI], RAX', 8, '48 87 07'],
  ['LOCK XADD [RDI], RAX', 8, 'f0 48 0f c1 07'],
  ['LOCK CMPXCHG [RDI], RBX', 8, 'f0 48 0f b1 1f'],
  ['CMPXCHG8B [RDI]', 8, '0f c7 0f'],
  ['BTS [RDI], EAX', 4, '0f ab 07'],
  ['SHL DWORD [RDI], 3', 4, 'c1 27 03'],
  ['INC QWORD [RDI]', 8, '48 ff 07'],
  ['STOSQ', 8, '48 ab'],
  ['POP QWORD [RDI]', 8, '8f 07'],
  ['MOVNTI [RDI], RAX', 8, '48 0f c3 07'],
  ['MOVBE [RDI], RAX', 8, '48 0f 38 f1 07'],
  ['MOVUPS [RDI], XMM0', 16, '0f 11 07'],
  ['MOVLPS [RDI], XMM0', 8, '0f 13 07'],
  ['SIDT [RDI]', 10, '0f 01 0f'],
  ['FSTP TBYTE [RDI]', 10, 'db 3f'],
  ['FNSTENV [RDI]', 28, 'd9 37'],
  ['FNSAVE [RDI]', 108, 'dd 37'],
];
/** Bytes that are written before the rest is tried: the significand (seen on a Xeon of family 6, model 0xCF). */
const FIRST_PARTS: ReadonlyMap<string, number> = new Map([['FSTP TBYTE [RDI]', 8]]);
const LOADS: readonly (readonly [string, number, string])[] = [
  ['MOV AX, [RDI]', 2, '66 8b 07'],
  ['MOV EAX, [RDI]', 4, '8b 07'],
  ['MOV RAX, [RDI]', 8, '48 8b 07'],
  ['ADD RAX, [RDI]', 8, '48 03 07'],
  ['PUSH QWORD [RDI]', 8, 'ff 37'],
  ['MOVUPS XMM0, [RDI]', 16, '0f 10 07'],
];

describe.each([
  ['not present', 0n, 0],
  ['read-only', 1n, 1],
] as const)('bug 2: an access across a page whose second is %s', (_what, entry, protection) => {
  const cases = [
    ...STORES.map(([name, size, code]) => [name, size, code, 2] as const),
    ...(protection === 0 ? LOADS.map(([name, size, code]) => [name, size, code, 0] as const) : []),
  ];
  test.each(cases)('%s', async (name, size, code, write) => {
    const world = await SystemWorld.create('long');
    world.setPage(SECOND, entry);
    const pattern = Uint8Array.from({ length: size }, (_, n) => 0x10 + n);
    for (let inFirst = 1; inFirst < size; inFirst++) {
      const at = SECOND - inFirst;
      world.setUp();
      world.cpu.state.set64(state.cr4, BigInt(Cr4.pae | Cr4.osfxsr));
      world.cpu.memory.write(at, pattern);
      const registers = { 0: 0x5n, 1: 3n, 2: -1n, 3: 7n, 7: BigInt(at), 8: 99n };
      const outcome = world.run({ code, registers, flags: 0x8d7n });
      // Of long operands the processor probes the end first, so CR2 is somewhere in the page.
      const page = outcome.cr2 & ~0xfffn;
      expect([inFirst, outcome.vector, page]).toEqual([inFirst, 14, BigInt(SECOND)]);
      expect(outcome.errorCode).toBe(write | protection);
      const firstPart = FIRST_PARTS.get(name) ?? size;
      const kept = pattern.subarray(inFirst < firstPart ? 0 : firstPart, inFirst);
      expect([...(world.cpu.memory.bytes(at + inFirst - kept.length, kept.length) ?? [])]).toEqual([...kept]);
      expect(world.cpu.memory.read(FIRST + 0x100, 1)).toBe(0);
      expect(outcome.registers.slice(0, 4)).toEqual([5n, 3n, 0xffffffffffffffffn, 7n]);
      expect([outcome.registers[7], outcome.registers[8]]).toEqual([BigInt(at), 99n]);
      expect(outcome.frame.flags & 0x8d5n).toBe(0x8d5n);
    }
  });
});
