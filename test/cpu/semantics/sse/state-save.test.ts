/** FXSAVE and FXRSTOR by the layout of SDM vol. 1 Table 10-2; LDMXCSR, STMXCSR; MASKMOVDQU. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../../src/cpu/state.js';
import { Vector } from '../../../../src/cpu/state.js';
import { runCode } from '../../../support/run-code.js';

const RDI = 7;
const IMAGE = 0x20000;
const FXSAVE = '0f ae 07';
const FXRSTOR = '0f ae 0f';
const LDMXCSR = '0f ae 17';
const STMXCSR = '0f ae 1f';
const AT_IMAGE = { [RDI]: BigInt(IMAGE) };

const xmmValue = (n: number): bigint => 0x0123456789abcdef_0fedcba987654300n + BigInt(n);
const all = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [n, xmmValue(n)]));

function little(bytes: readonly number[]): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function imageOf(changes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const image = new Uint8Array(512);
  image.set([0x7f, 0x03], 0);
  image.set([0x80, 0x1f, 0, 0], 24);
  for (const [offset, bytes] of Object.entries(changes)) image.set(bytes, Number(offset));
  return image;
}

describe('FXSAVE', () => {
  it('writes control words, tags and registers where the manual says', async () => {
    const { bytes } = await runCode({
      code: FXSAVE,
      registers: AT_IMAGE,
      xmm: all,
      mxcsr: 0x1fa1,
      memory: [{ address: IMAGE, bytes: new Uint8Array(512).fill(0xcc) }],
      prepare: (cpu) => {
        cpu.state.set32(state.fpuControl, 0x27f);
        cpu.state.set32(state.fpuStatus, 0x3800);
        cpu.state.set32(state.fpuTag, 0x80);
        cpu.state.set64({ ...state.gpr, address: state.at(state.fpr, 7), count: 2 }, 0x8000000000000000n, 0);
        cpu.state.set64({ ...state.gpr, address: state.at(state.fpr, 7), count: 2 }, 0x3fffn, 1);
      },
    });
    expect(bytes(IMAGE, 8)).toEqual([0x7f, 0x02, 0x00, 0x38, 0x80, 0, 0, 0]);
    expect(bytes(IMAGE + 24, 8)).toEqual([0xa1, 0x1f, 0, 0, 0xff, 0xff, 0, 0]);
    expect(bytes(IMAGE + 32, 16)).toEqual([0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f, 0, 0, 0, 0, 0, 0]);
    for (let n = 0; n < 16; n++) expect(little(bytes(IMAGE + 160 + 16 * n, 16))).toBe(xmmValue(n));
    expect(bytes(IMAGE + 416, 96)).toEqual(new Array(96).fill(0xcc));
  });

  it('leaves XMM8 and above alone in 32-bit code', async () => {
    const { bytes } = await runCode({ code: FXSAVE, mode: 32, registers: AT_IMAGE, xmm: all });
    expect(little(bytes(IMAGE + 160 + 16 * 7, 16))).toBe(xmmValue(7));
    expect(little(bytes(IMAGE + 160 + 16 * 8, 16))).toBe(0n);
  });

  it('wants 16-byte alignment', async () => {
    const { exception } = await runCode({ code: FXSAVE, registers: { [RDI]: BigInt(IMAGE + 8) } });
    expect(exception).toMatchObject({ vector: Vector.gp, errorCode: 0 });
  });
});

describe('FXRSTOR', () => {
  it('is the inverse of FXSAVE', async () => {
    const { xmm, mxcsr, cpu } = await runCode({
      code: `${FXSAVE} 66 0f ef c0 66 45 0f ef ff ${FXRSTOR}`,
      registers: AT_IMAGE,
      xmm: all,
      mxcsr: 0x5fa1,
      prepare: (cpu) => {
        cpu.state.set32(state.fpuStatus, 0x3800);
        cpu.state.set32(state.fpuTag, 0x80);
        cpu.state.set64({ ...state.gpr, address: state.at(state.fpr, 7), count: 2 }, 0x8000000000000000n, 0);
        cpu.state.set64({ ...state.gpr, address: state.at(state.fpr, 7), count: 2 }, 0x3fffn, 1);
      },
    });
    for (let n = 0; n < 16; n++) expect(xmm(n)).toBe(xmmValue(n));
    expect(mxcsr).toBe(0x5fa1);
    expect(cpu.state.get32(state.fpuTag)).toBe(0x80);
  });

  it('refuses reserved bits of MXCSR and then changes nothing', async () => {
    const { exception, xmm, mxcsr } = await runCode({
      code: FXRSTOR,
      registers: AT_IMAGE,
      xmm: all,
      memory: [{ address: IMAGE, bytes: imageOf({ 24: [0x80, 0x1f, 1, 0] }) }],
    });
    expect(exception).toMatchObject({ vector: Vector.gp, errorCode: 0 });
    expect([xmm(3), mxcsr]).toEqual([xmmValue(3), 0x1f80]);
  });
});

describe('MXCSR', () => {
  it('is loaded, takes effect and is stored', async () => {
    const { xmm, bytes } = await runCode({
      code: `${LDMXCSR} f2 0f 58 c1 ${STMXCSR}`,
      registers: AT_IMAGE,
      xmm: { 0: 0x3ff0000000000000n, 1: 1n },
      memory: [{ address: IMAGE, bytes: [0x80, 0x5f, 0, 0] }],
    });
    expect(xmm(0)).toBe(0x3ff0000000000001n);
    expect(bytes(IMAGE, 4)).toEqual([0xa2, 0x5f, 0, 0]);
  });

  it('has reserved bits', async () => {
    const memory = [{ address: IMAGE, bytes: [0x80, 0x1f, 1, 0] }];
    const { exception, mxcsr } = await runCode({ code: LDMXCSR, registers: AT_IMAGE, memory });
    expect(exception).toMatchObject({ vector: Vector.gp, errorCode: 0 });
    expect(mxcsr).toBe(0x1f80);
  });
});

describe('MASKMOVDQU', () => {
  it('stores the chosen bytes only', async () => {
    const { bytes } = await runCode({
      code: '66 0f f7 c1',
      registers: { [RDI]: BigInt(IMAGE + 3) },
      xmm: { 0: 0x0f0e0d0c0b0a09080706050403020100n, 1: 0x80ff7f00000000000000000000008001n },
      memory: [{ address: IMAGE, bytes: new Uint8Array(32).fill(0xcc) }],
    });
    const wanted = new Array<number>(16).fill(0xcc);
    wanted[1] = 1;
    wanted[14] = 14;
    wanted[15] = 15;
    expect(bytes(IMAGE + 3, 16)).toEqual(wanted);
  });
});
