/** Segment registers: what may be loaded, what is refused, limits and types of use, and asking by LAR and its kin. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Segment } from '../../../src/cpu/state.js';
import { GDT, KERNEL_CODE, LDT, Selector, SystemWorld, type WorldMode } from '../../support/system-world.js';

/** MOV to DS, ES, FS, GS, SS from AX. */
const MOVE = { ds: '8e d8', es: '8e c0', fs: '8e e0', gs: '8e e8', ss: '8e d0' } as const;
type Name = keyof typeof MOVE;
type Expected = 'loads' | readonly [vector: number, errorCode: number];
const S = Selector;

const loads: readonly (readonly [WorldMode, 0 | 3, Name, string, number, Expected])[] = [
  ['long', 0, 'ds', 'kernel data', S.kernelData, 'loads'],
  ['long', 0, 'ds', 'kernel data with RPL 3', S.kernelData | 3, [13, S.kernelData]],
  ['long', 0, 'ds', 'user data', S.userData | 3, 'loads'],
  ['long', 3, 'ds', 'user data', S.userData | 3, 'loads'],
  ['long', 3, 'ds', 'kernel data', S.kernelData, [13, S.kernelData]],
  ['long', 3, 'es', 'conforming code', S.conformingCode | 3, 'loads'],
  ['long', 3, 'es', 'ring-0 code', S.kernelCode, [13, S.kernelCode]],
  ['long', 0, 'fs', 'readable code', S.kernelCode32, 'loads'],
  ['long', 0, 'fs', 'execute-only code', S.executeOnlyCode, [13, S.executeOnlyCode]],
  ['long', 0, 'gs', 'absent data', S.absentData, [11, S.absentData]],
  ['long', 0, 'gs', 'a TSS', S.tss, [13, S.tss]],
  ['long', 0, 'ds', 'nothing', 0, 'loads'],
  ['long', 3, 'ds', 'nothing with RPL 3', 3, 'loads'],
  ['long', 0, 'ds', 'beyond the GDT', S.beyond, [13, S.beyond]],
  ['long', 0, 'ds', 'beyond the LDT', 0x24, [13, 0x24]],
  ['long', 0, 'ss', 'kernel data', S.kernelData, 'loads'],
  ['long', 0, 'ss', 'nothing', 0, 'loads'],
  ['long', 0, 'ss', 'nothing with RPL 3', 3, [13, 0]],
  ['long', 3, 'ss', 'nothing', 3, [13, 0]],
  ['long', 3, 'ss', 'user data', S.userData | 3, 'loads'],
  ['long', 3, 'ss', 'user data with RPL 0', S.userData, [13, S.userData]],
  ['long', 0, 'ss', 'user data', S.userData | 3, [13, S.userData]],
  ['long', 0, 'ss', 'read-only data', S.readOnlyData, [13, S.readOnlyData]],
  ['long', 0, 'ss', 'code', S.kernelCode, [13, S.kernelCode]],
  ['long', 0, 'ss', 'absent data', S.absentData, [12, S.absentData]],
  ['protected', 0, 'ss', 'nothing', 0, [13, 0]],
  ['protected', 0, 'ds', 'nothing', 0, 'loads'],
  ['protected', 3, 'gs', 'kernel data', S.kernelData | 3, [13, S.kernelData]],
  ['real', 0, 'ds', 'any paragraph', 0x1234, 'loads'],
];

describe('a load', () => {
  for (const [mode, ring, name, what, selector, expected] of loads) {
    it(`of ${name} with ${what} from ring ${ring} in ${mode} mode`, async () => {
      const world = await SystemWorld.create(mode);
      const outcome = world.run({ code: MOVE[name], ring, registers: { 0: BigInt(selector) } });
      if (expected !== 'loads') {
        expect([outcome.vector, outcome.errorCode]).toEqual(expected);
        return;
      }
      expect(outcome.done).toBe(true);
      if (ring === 3) return;
      expect(world.cpu.state.get32(state.segmentSelector, Segment[name])).toBe(selector);
    });
  }

  it('sets the accessed bit, and takes base and limit', async () => {
    const world = await SystemWorld.create('protected');
    world.setDescriptor(S.smallData, 0x12_4_0_92_345678_4321n | (0x0fn << 48n));
    world.run({ code: MOVE.es, registers: { 0: BigInt(S.smallData) } });
    const view = world.cpu.state;
    expect(view.get64(state.segmentBase, Segment.es)).toBe(0x12345678n);
    expect(view.get32(state.segmentLimit, Segment.es)).toBe(0xf4321);
    expect((world.get64(GDT + S.smallData) >> 40n) & 1n).toBe(1n);
  });

  it('finds descriptors in the LDT', async () => {
    const world = await SystemWorld.create('long');
    world.put64(LDT + 8, 0x00cf93000000ffffn);
    expect(world.run({ code: MOVE.ds, registers: { 0: 0x0cn } }).done).toBe(true);
  });

  it('of null zeroes the base of FS', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.segmentBase, 0x1234n, Segment.fs);
    world.run({ code: MOVE.fs });
    expect(world.cpu.state.get64(state.segmentBase, Segment.fs)).toBe(0n);
  });

  it('by a far pointer loads the register too', async () => {
    const world = await SystemWorld.create('protected');
    world.put64(0x5000, 0x10_89abcdefn);
    // LES EDX,[EDI]; LSS ESP,[EDI]
    const outcome = world.run({ code: 'c4 17 0f b2 27', registers: { 7: 0x5000n } });
    expect(outcome.done).toBe(true);
    expect([outcome.registers[2], outcome.registers[4]]).toEqual([0x89abcdefn, 0x89abcdefn]);
    world.setUp();
    world.put64(0x5000, BigInt(S.beyond) << 32n);
    const refused = world.run({ code: 'c5 17', registers: { 7: 0x5000n, 2: 7n } });
    expect(refused).toMatchObject({ vector: 13, errorCode: S.beyond });
    expect(refused.registers[2]).toBe(7n);
  });
});

describe('use', () => {
  /** DS is loaded from AX; then the code, which is to fault or not. */
  const uses: readonly (readonly [string, number, string, number | undefined])[] = [
    ['a read at the limit', S.smallData, '8a 1d ff ff 00 00', undefined],
    ['a read past the limit', S.smallData, '8a 1d 00 00 01 00', 13],
    ['a word across the limit', S.smallData, '66 8b 1d ff ff 00 00', 13],
    ['a write to read-only data', S.readOnlyData, '88 1d 00 50 00 00', 13],
    ['a read of read-only data', S.readOnlyData, '8a 1d 00 50 00 00', undefined],
    ['a write to code', S.kernelCode, '88 1d 00 50 00 00', 13],
    ['a read of code', S.kernelCode, '8a 1d 00 50 00 00', undefined],
    ['a read by a null selector', 0, '8a 1d 00 50 00 00', 13],
    ['a read below an expand-down limit', S.expandDownData, '8a 1d ff 0f 00 00', 13],
    ['a read above an expand-down limit', S.expandDownData, '8a 1d 00 10 00 00', undefined],
  ];
  for (const [what, selector, code, vector] of uses) {
    it(`in protected mode: ${what}`, async () => {
      const world = await SystemWorld.create('protected');
      const outcome = world.run({ code: `${MOVE.ds} ${code}`, registers: { 0: BigInt(selector) } });
      expect(outcome.vector).toBe(vector);
      expect(outcome.done).toBe(vector === undefined);
    });
  }

  it('in 64-bit code knows no limits, and only FS and GS have bases', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.store(0x5000, 1, 0xaa);
    world.cpu.state.set64(state.segmentBase, 0x4000n, Segment.fs);
    world.cpu.state.set64(state.segmentBase, 0x4000n, Segment.ds);
    // MOV AL,FS:[1000h]; MOV BL,DS:[5000h]
    const outcome = world.run({ code: '64 8a 04 25 00 10 00 00 3e 8a 1c 25 00 50 00 00' });
    expect([outcome.registers[0], outcome.registers[3]]).toEqual([0xaan, 0xaan]);
  });

  it('of a 16-bit stack moves SP alone', async () => {
    const world = await SystemWorld.create('protected');
    const outcome = world.run({
      code: `${MOVE.ss} 50`,
      registers: { 0: BigInt(S.smallData), 4: 0x12345678n },
    });
    expect(outcome.registers[4]).toBe(0x12345674n);
    expect(world.cpu.memory.read(0x5674, 4)).toBe(S.smallData);
  });
});

describe('questions', () => {
  const ZF = 0x40n;
  const LAR = '0f 02 d8';
  const LSL = '0f 03 d8';
  const VERR = '0f 00 e0';
  const VERW = '0f 00 e8';
  const asked: readonly (readonly [string, string, 0 | 3, number, bigint | undefined])[] = [
    ['LAR of kernel data', LAR, 0, S.kernelData, 0xcf9300n],
    ['LAR of kernel data from ring 3', LAR, 3, S.kernelData, undefined],
    ['LAR of conforming code from ring 3', LAR, 3, S.conformingCode, 0xaf9f00n],
    ['LAR of the TSS', LAR, 0, S.tss, 0x8b00n],
    ['LAR of nothing', LAR, 0, 0, undefined],
    ['LAR beyond the GDT', LAR, 0, S.beyond, undefined],
    ['LSL of kernel data', LSL, 0, S.kernelData, 0xffffffffn],
    ['LSL of small data', LSL, 0, S.smallData, 0xffffn],
    ['LSL of the LDT', LSL, 0, S.ldt, 0x1fn],
    ['VERR of data', VERR, 0, S.readOnlyData, 5n],
    ['VERR of execute-only code', VERR, 0, S.executeOnlyCode, undefined],
    ['VERR of a TSS', VERR, 0, S.tss, undefined],
    ['VERW of read-only data', VERW, 0, S.readOnlyData, undefined],
    ['VERW of data', VERW, 0, S.kernelData, 5n],
    ['VERW of data from ring 3', VERW, 3, S.kernelData, undefined],
    ['VERW of code', VERW, 0, S.kernelCode32, undefined],
  ];
  for (const [what, code, ring, selector, result] of asked) {
    it(what, async () => {
      const world = await SystemWorld.create('long');
      const outcome = world.run({ code, ring, registers: { 0: BigInt(selector), 3: 5n } });
      expect(outcome.done).toBe(true);
      const flags = ring === 3 ? outcome.frame.flags : outcome.flags;
      expect(flags & ZF).toBe(result === undefined ? 0n : ZF);
      expect(outcome.registers[3]).toBe(result ?? 5n);
    });
  }
  it('ARPL raises the RPL', async () => {
    const world = await SystemWorld.create('protected');
    const outcome = world.run({ code: '63 c8', registers: { 0: 0xffff0011n, 1: 3n } });
    expect([outcome.registers[0], outcome.flags & ZF]).toEqual([0xffff0013n, ZF]);
    world.setUp();
    const kept = world.run({ code: '63 c8', registers: { 0: 0x13n, 1: 1n }, flags: 0x42n });
    expect([kept.registers[0], kept.flags & ZF]).toEqual([0x13n, 0n]);
  });
});

describe('bases of FS and GS', () => {
  it('are swapped, read and written', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.cr4, 0x10020n);
    world.cpu.state.set64(state.msrKernelGsBase, 0xffff800000000000n);
    // WRGSBASE RAX; SWAPGS; RDGSBASE RBX; WRFSBASE ECX; RDFSBASE RDX
    const code = 'f3 48 0f ae d8 0f 01 f8 f3 48 0f ae cb f3 0f ae d1 f3 48 0f ae c2';
    const outcome = world.run({ code, registers: { 0: 0x123400000000n, 1: 0xffffffff12345678n } });
    expect([outcome.registers[3], outcome.registers[2]]).toEqual([0xffff800000000000n, 0x12345678n]);
    expect(world.cpu.state.get64(state.msrKernelGsBase)).toBe(0x123400000000n);
  });
  it('must be canonical, and need CR4.FSGSBASE', async () => {
    const world = await SystemWorld.create('long');
    const odd = { 0: 1n << 47n };
    expect(world.run({ code: 'f3 48 0f ae d8', registers: odd })).toMatchObject({ vector: 6 });
    world.setUp();
    world.cpu.state.set64(state.cr4, 0x10020n);
    const outcome = world.run({ code: 'f3 48 0f ae d8', registers: odd });
    expect(outcome).toMatchObject({ vector: 13, errorCode: 0 });
    expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE));
  });
});
