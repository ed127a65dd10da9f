/** Bug 8: canonical checks on every load of a base, of RIP and of RSP. Relative branches are in system/instruction-pointer.test.ts. */
import { describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr4 } from '../../../src/cpu/state.js';
import { KERNEL_CODE, SystemWorld } from '../../support/system-world.js';

const EDGES = [0x7fffffffffffn, 0x800000000000n, 0xffff7fffffffffffn, 0xffff800000000000n];
const CANONICAL = [true, false, false, true];
const DATA = 0x50000;

const MSRS = {
  FS: 0xc0000100n,
  GS: 0xc0000101n,
  KernelGS: 0xc0000102n,
  LSTAR: 0xc0000082n,
  CSTAR: 0xc0000083n,
};

async function long(): Promise<SystemWorld> {
  const world = await SystemWorld.create('long');
  world.cpu.state.set64(state.cr4, BigInt(Cr4.pae | Cr4.fsgsbase));
  return world;
}

describe('bug 8: a base', () => {
  test.each(Object.entries(MSRS))('WRMSR of %s', async (_name, address) => {
    const world = await long();
    for (const [n, value] of EDGES.entries()) {
      world.setUp();
      const outcome = world.run({
        code: '0f 30',
        registers: { 0: value & 0xffffffffn, 1: address, 2: value >> 32n },
      });
      expect([value, outcome.vector]).toEqual([value, CANONICAL[n] ? undefined : 13]);
    }
  });

  test.each([
    ['WRFSBASE', 'f3 48 0f ae d0'],
    ['WRGSBASE', 'f3 48 0f ae d8'],
  ])('%s', async (_name, code) => {
    for (const [n, value] of EDGES.entries()) {
      const outcome = (await long()).run({ code, registers: { 0: value } });
      expect([value, outcome.vector]).toEqual([value, CANONICAL[n] ? undefined : 13]);
    }
  });

  test.each([
    ['LGDT', '0f 01 17'],
    ['LIDT', '0f 01 1f'],
  ])('%s', async (_name, code) => {
    for (const value of [0x800000000000n, 0xffff7fffffffffffn]) {
      const world = await long();
      world.cpu.memory.store(DATA, 2, 0xfff);
      world.put64(DATA + 2, value);
      const outcome = world.run({ code, registers: { 7: BigInt(DATA) } });
      expect(outcome).toMatchObject({ vector: 13, errorCode: 0 });
    }
  });
});

/** Code, where in it the instruction is that faults, and the exception; RAX is not canonical, nor what RDI points to. */
const USES: readonly (readonly [string, string, number, number])[] = [
  ['JMP RAX', 'ff e0', 0, 13],
  ['CALL RAX', 'ff d0', 0, 13],
  ['JMP [RDI]', 'ff 27', 0, 13],
  ['CALL [RDI]', 'ff 17', 0, 13],
  ['RET', '50 c3', 1, 13],
  ['RET 8', '50 c2 08 00', 1, 13],
  ['far JMP', '48 ff 2e', 0, 13],
  ['far CALL', '48 ff 1e', 0, 13],
  ['RETF', '6a 08 50 48 cb', 3, 13],
  ['IRETQ', '6a 10 54 6a 02 6a 08 50 48 cf', 8, 13],
  ['SYSRET', '48 89 c1 48 0f 07', 3, 13],
  ['SYSEXIT by RDX', '48 89 c2 48 0f 35', 3, 13],
  ['MOV RBX, [RAX]', '48 8b 18', 0, 13],
  ['MOV [RAX], RBX', '48 89 18', 0, 13],
  ['MOV RBX, [RBP], by SS', '48 89 c5 48 8b 5d 00', 3, 12],
  ['LODSB', '48 89 c6 ac', 3, 13],
  ['XLAT', '48 89 c3 d7', 3, 13],
  ['PUSH', '48 89 c4 53', 3, 12],
  ['POP', '48 89 c4 5b', 3, 12],
  ['CALL with that RSP', '48 89 c4 e8 00 00 00 00', 3, 12],
  ['LEAVE', '48 89 c5 c9', 3, 12],
];

describe('bug 8: an address that is not canonical, used by', () => {
  test.each(USES)('%s', async (_name, code, at, vector) => {
    const world = await long();
    const bad = 0x0000900000000000n;
    world.cpu.state.set64(state.msrSysenterCs, 0x8n);
    world.put64(DATA, bad);
    world.put64(DATA + 0x10, bad);
    world.cpu.memory.store(DATA + 0x18, 2, 8);
    // The handler has a stack of its own, since RSP may be what is bad.
    world.setGate(vector, { ist: 1 });
    const registers = { 0: bad, 6: BigInt(DATA + 0x10), 7: BigInt(DATA) };
    const outcome = world.run({ code, registers });
    expect(outcome).toMatchObject({ vector, errorCode: 0 });
    expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE + at));
  });
});

/** What a Sapphire Rapids raised for [rbp] at each of these addresses: 12 is #SS(0), 13 #GP(0), 14 #PF. */
describe('bug 8: an address on the stack that is neither canonical nor aligned', () => {
  const ADDRESSES = [
    0x8000000000000010n,
    0x8000000000000008n,
    0x00007ffffffffff8n,
    0x00007ffffffffff0n,
    0x00007fffffffffe8n,
  ];
  const ALIGNED = [12, 13, 13, 14, 13];
  const ALIGNED_TO_32 = [13, 13, 13, 13, 13];
  test.each([
    ['MOVAPS xmm, m', '0f 28 45 00', ALIGNED],
    ['MOVNTDQA xmm, m', '66 0f 38 2a 45 00', ALIGNED],
    ['MOVNTPS m, xmm', '0f 2b 45 00', ALIGNED],
    ['ADDPS xmm, m', '0f 58 45 00', ALIGNED],
    ['AESENC xmm, m', '66 0f 38 dc 45 00', ALIGNED],
    ['VMOVNTDQA xmm, m', 'c4 e2 79 2a 45 00', ALIGNED],
    ['VMOVNTDQA ymm, m', 'c4 e2 7d 2a 45 00', ALIGNED_TO_32],
    ['CMPXCHG16B m', '48 0f c7 4d 00', ALIGNED],
    ['FXSAVE m', '0f ae 45 00', [12, 12, 13, 12, 13]],
    ['MOVUPS xmm, m', '0f 10 45 00', [12, 12, 12, 14, 14]],
  ])('%s', async (_name, code, vectors) => {
    const world = await SystemWorld.create('long');
    const raised = ADDRESSES.map((address) => {
      world.setUp();
      const view = world.cpu.state;
      view.set64(state.cr4, BigInt(Cr4.pae | Cr4.osfxsr | Cr4.osxmmexcpt | Cr4.osxsave));
      view.set64(state.xcr0, 7n);
      return world.run({ code, registers: { 5: address } }).vector;
    });
    expect(raised).toEqual(vectors);
  });
});

test('bug 8: MASKMOVDQU over the border tries its upper half first, as silicon does', async () => {
  const world = await SystemWorld.create('long');
  const outcome = world.run({ code: '66 0f f7 c1', registers: { 7: 0xffff7ffffffffffen } });
  expect(outcome).toMatchObject({ vector: 14, errorCode: 2, cr2: 0xffff800000000006n });
});

/** Ten bytes over the border, the page below it absent: 13 is #GP(0), 14 #PF, as a Sapphire Rapids raised them. */
test.each([
  ['FLD m80', 'db 2f'],
  ['FSTP m80', 'db 3f'],
  ['FBLD m80', 'df 27'],
  ['FBSTP m80', 'df 37'],
  ['far JMP m16:64', '48 ff 2f'],
])('bug 8: %s tries eight bytes before it looks at the last two', async (_name, code) => {
  const world = await SystemWorld.create('long');
  const raised = [0xff6n, 0xff7n, 0xff8n, 0xff9n, 0xfffn].map((offset) => {
    world.setUp();
    return world.run({ code: `db e3 d9 ee ${code}`, registers: { 7: 0x7ffffffff000n + offset } }).vector;
  });
  expect(raised).toEqual([14, 14, 14, 13, 13]);
});
