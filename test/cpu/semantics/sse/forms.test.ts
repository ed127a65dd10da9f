/** One meaning in four forms: what MMX, SSE, VEX.128 and VEX.256 encodings of an operation have of their own. */
import { describe, expect, it } from 'vitest';
import type { Cpu } from '../../../../src/cpu/cpu.js';
import * as state from '../../../../src/cpu/state.js';
import { Cr0, Cr4, Vector, Xcr0 } from '../../../../src/cpu/state.js';
import { runCode } from '../../../support/run-code.js';

const RDI = 7;
/** A number whose every byte is this one. */
const all = (byte: number, count: number): bigint =>
  BigInt(`0x${byte.toString(16).padStart(2, '0').repeat(count)}`);
const change = (field: state.Field64, to: (value: bigint) => bigint) => (cpu: Cpu) =>
  cpu.state.set64(field, to(cpu.state.get64(field)));

const PADDB_MMX = '0f fc c1';
const PADDB = '66 0f fc c1';
const PADDB_MEMORY = '66 0f fc 07';
const VPADDB_128 = 'c5 e9 fc c1';
const VPADDB_256 = 'c5 ed fc c1';
const VPADDB_256_MEMORY = 'c5 ed fc 07';
const VMOVAPS_256_LOAD = 'c5 fc 28 07';
const VMOVAPS_256_STORE = 'c5 fc 29 07';
const VMOVUPS_256_STORE = 'c5 fc 11 07';
const VMOVAPS_128_LOAD = 'c5 f8 28 07';
const VADDSD = 'c5 eb 58 c1';
const EMMS = '0f 77';

const registers = { 0: all(0x11, 32), 1: all(0x22, 32), 2: all(0x44, 32) };

describe('destination and sources', () => {
  it('MMX: the destination is read; sign and exponent become ones, all registers valid', async () => {
    const outcome = await runCode({ code: PADDB_MMX, mmx: { 0: all(0x11, 8), 1: all(0x22, 8) } });
    expect(outcome.mmx(0)).toBe(all(0x33, 8));
    expect(outcome.cpu.state.low({ ...state.fpr, address: state.fpr.address + 8 }, 0) & 0xffff).toBe(0xffff);
    expect(outcome.cpu.state.get32(state.fpuTag)).toBe(0xff);
  });

  it('SSE: the destination is read, its upper half kept', async () => {
    const { ymm } = await runCode({ code: PADDB, ymm: registers });
    expect(ymm(0)).toBe((all(0x11, 16) << 128n) | all(0x33, 16));
  });

  it('VEX.128: the second operand is read, the upper half becomes 0', async () => {
    const { ymm } = await runCode({ code: VPADDB_128, ymm: registers, avx: true });
    expect(ymm(0)).toBe(all(0x66, 16));
  });

  it('VEX.256: both halves', async () => {
    const { ymm } = await runCode({ code: VPADDB_256, ymm: registers, avx: true });
    expect(ymm(0)).toBe(all(0x66, 32));
  });

  it('a scalar VEX form takes the rest of the low half from the second operand', async () => {
    const one = 0x3ff0000000000000n;
    const { ymm } = await runCode({
      code: VADDSD,
      ymm: { 0: all(0x11, 32), 1: one, 2: (all(0x44, 24) << 64n) | one },
      avx: true,
    });
    expect(ymm(0)).toBe((all(0x44, 8) << 64n) | 0x4000000000000000n);
  });
});

describe('alignment', () => {
  it.each([
    ['PADDB at 8', PADDB_MEMORY, 0x20008n, Vector.gp],
    ['VPADDB ymm at 1', VPADDB_256_MEMORY, 0x20001n, undefined],
    ['VMOVAPS ymm at 16', VMOVAPS_256_LOAD, 0x20010n, Vector.gp],
    ['VMOVAPS ymm at 32', VMOVAPS_256_LOAD, 0x20020n, undefined],
    ['VMOVAPS xmm at 8', VMOVAPS_128_LOAD, 0x20008n, Vector.gp],
    ['VMOVAPS xmm at 16', VMOVAPS_128_LOAD, 0x20010n, undefined],
    ['VMOVAPS store at 16', VMOVAPS_256_STORE, 0x20010n, Vector.gp],
  ])('%s', async (_name, code, address, vector) => {
    const { exception } = await runCode({ code, registers: { [RDI]: address }, avx: true });
    expect(exception?.vector).toBe(vector);
  });

  it('a store of 32 bytes across a page', async () => {
    const { bytes } = await runCode({
      code: VMOVUPS_256_STORE,
      ymm: { 0: all(0x5a, 32) },
      registers: { [RDI]: 0x20ff3n },
      avx: true,
    });
    expect(bytes(0x20ff0, 40)).toEqual([0, 0, 0, ...new Array(32).fill(0x5a), 0, 0, 0, 0, 0]);
  });
});

describe('32-bit code', () => {
  const vectors = {
    0: 0x3ff8000000000000_4008000000000000_0102030405060708_fffefdfcfbfaf9f8n,
    1: 0x0000000300000002_0000000100000000_0000000200000001_0000000300000000n,
    2: all(0x80, 32),
  };
  it.each([
    ['PADDB', PADDB],
    ['VPADDB ymm', VPADDB_256],
    ['VADDPD ymm', 'c5 ed 58 c0'],
    ['VPINSRW', 'c5 e9 c4 c0 05'],
    ['VMOVMSKPS', 'c5 fc 50 c2'],
    ['VCVTSI2SD', 'c5 eb 2a c0'],
    ['VPGATHERDD', 'c4 e2 6d 90 04 8f'],
    ['VMASKMOVPS', 'c4 e2 6d 2e 07'],
    ['VFMADD213PD', 'c4 e2 f5 a8 c0'],
  ])('%s is what it is in 64-bit code', async (_name, code) => {
    const memory = [{ address: 0x20000, bytes: Array.from({ length: 64 }, (_, n) => 3 * n) }];
    const setup = { code, ymm: vectors, registers: { 0: 0x1234n, [RDI]: 0x20000n }, memory, avx: true };
    const [wide, narrow] = [await runCode(setup), await runCode({ ...setup, mode: 32 })];
    expect(narrow.exception).toBeUndefined();
    expect([0, 1, 2].map(narrow.ymm)).toEqual([0, 1, 2].map(wide.ymm));
    expect(narrow.registers[0]).toBe(wide.registers[0]);
    expect(narrow.bytes(0x20000, 64)).toEqual(wide.bytes(0x20000, 64));
  });

  it.each([
    ['VZEROALL', 'c5 fc 77', 0n],
    ['VZEROUPPER', 'c5 f8 77', all(0x11, 16)],
  ])('%s clears eight registers, and sixteen in 64-bit code', async (_name, code, cleared) => {
    const setup = { code, ymm: { 7: all(0x11, 32), 8: all(0x11, 32) }, avx: true };
    const [wide, narrow] = [await runCode(setup), await runCode({ ...setup, mode: 32 })];
    expect([wide.ymm(7), wide.ymm(8)]).toEqual([cleared, cleared]);
    expect([narrow.ymm(7), narrow.ymm(8)]).toEqual([cleared, all(0x11, 32)]);
  });
});

describe('stores of chosen bytes', () => {
  const mask = 0x80ff_7f00_0000_0080n;
  const chosen = (value: number): number[] => [value, 0xee, 0xee, 0xee, 0xee, 0xee, value, value];

  it('MASKMOVQ', async () => {
    const { bytes } = await runCode({
      code: '0f f7 c1',
      mmx: { 0: all(0x5a, 8), 1: mask },
      registers: { [RDI]: 0x20ffdn },
      memory: [{ address: 0x20ffd, bytes: new Array(16).fill(0xee) }],
    });
    expect(bytes(0x20ffd, 16)).toEqual([...chosen(0x5a), ...new Array(8).fill(0xee)]);
  });

  it.each([
    ['MASKMOVDQU', '66 0f f7 c1'],
    ['VMASKMOVDQU', 'c5 f9 f7 c1'],
  ])('%s', async (_name, code) => {
    const { bytes, ymm } = await runCode({
      code,
      ymm: { 0: all(0x5a, 32), 1: (mask << 64n) | mask },
      registers: { [RDI]: 0x20ff5n },
      memory: [{ address: 0x20ff5, bytes: new Array(24).fill(0xee) }],
      avx: true,
    });
    expect(bytes(0x20ff5, 24)).toEqual([...chosen(0x5a), ...chosen(0x5a), ...new Array(8).fill(0xee)]);
    expect(ymm(0)).toBe(all(0x5a, 32));
  });
});

describe('VLDMXCSR and VSTMXCSR', () => {
  const code = 'c5 f8 ae 17 c5 f8 ae 5f 04';
  const load = (value: number) => ({
    code,
    avx: true,
    registers: { [RDI]: 0x20000n },
    memory: [{ address: 0x20000, bytes: [value & 255, value >> 8, value >>> 16, 0, 0, 0, 0, 0] }],
  });

  it('move MXCSR', async () => {
    const { mxcsr, bytes } = await runCode(load(0x7fa0));
    expect(mxcsr).toBe(0x7fa0);
    expect(bytes(0x20004, 4)).toEqual([0xa0, 0x7f, 0, 0]);
  });

  it('raise #GP for a reserved bit', async () => {
    const { mxcsr, exception } = await runCode(load(0x11f80));
    expect(exception?.vector).toBe(Vector.gp);
    expect(mxcsr).toBe(0x1f80);
  });
});

describe('availability', () => {
  const clear = (bit: number) => (value: bigint) => value & ~BigInt(bit);
  const put = (bit: number) => (value: bigint) => value | BigInt(bit);
  it.each([
    ['VEX, CR0.TS', VPADDB_256, change(state.cr0, put(Cr0.ts)), Vector.nm],
    ['VEX, CR0.EM', VPADDB_256, change(state.cr0, put(Cr0.em)), undefined],
    ['VEX, CR4.OSFXSR clear', VPADDB_128, change(state.cr4, clear(Cr4.osfxsr)), undefined],
    ['VEX, CR4.OSXSAVE clear', VPADDB_128, change(state.cr4, clear(Cr4.osxsave)), Vector.ud],
    ['VEX, no AVX in XCR0', VPADDB_128, change(state.xcr0, clear(Xcr0.avx)), Vector.ud],
    ['VEX, no SSE in XCR0', VPADDB_128, change(state.xcr0, clear(Xcr0.sse)), Vector.ud],
    ['MMX, CR0.EM', PADDB_MMX, change(state.cr0, put(Cr0.em)), Vector.ud],
    ['MMX, CR0.TS', PADDB_MMX, change(state.cr0, put(Cr0.ts)), Vector.nm],
    ['MMX, CR4.OSFXSR clear', PADDB_MMX, change(state.cr4, clear(Cr4.osfxsr)), undefined],
    ['SSE, CR4.OSXSAVE clear', PADDB, change(state.cr4, clear(Cr4.osxsave)), undefined],
    ['EMMS, CR0.EM', EMMS, change(state.cr0, put(Cr0.em)), Vector.ud],
  ])('%s', async (_name, code, prepare, vector) => {
    expect((await runCode({ code, avx: true, prepare })).exception?.vector).toBe(vector);
  });
});
