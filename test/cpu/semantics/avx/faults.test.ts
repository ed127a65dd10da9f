/**
 * Page faults in the middle of vector instructions, as a processor gave them: CR2, and what was written before. The
 * page at 0x40000 is there, the one after it is not.
 */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as state from '../../../../src/cpu/state.js';
import { Cr0, Cr4, Vector, Xcr0 } from '../../../../src/cpu/state.js';
import { setVector, vectorOf } from '../../../support/run-code.js';
import { SystemWorld, type TrialOutcome } from '../../../support/system-world.js';

const RDI = 7;
const PAGE = 0x40000;
const NEXT = 0x41000;
const PRESENT_WRITABLE = 3n;
const USER = 4n;
const ONES = (1n << 256n) - 1n;
const BEFORE = 0x77;

/** Ring 0 anew, and AVX enabled. */
function begin(each: SystemWorld): void {
  each.setUp();
  const view = each.cpu.state;
  view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.osxsave));
  view.set64(state.xcr0, BigInt(Xcr0.x87 | Xcr0.sse | Xcr0.avx));
}

let world: SystemWorld;
beforeAll(async () => {
  world = await SystemWorld.create('long');
});
beforeEach(() => {
  begin(world);
  world.setPage(PAGE, PRESENT_WRITABLE);
  world.setPage(NEXT, 0n);
  world.cpu.memory.write(PAGE, new Uint8Array(0x1000).fill(BEFORE));
});

/** 32-bit or 64-bit lanes, the lowest first. */
function lanes(width: number, ...values: readonly (number | bigint)[]): bigint {
  return values.reduceRight<bigint>(
    (all, value) => (all << BigInt(width)) | BigInt.asUintN(width, BigInt(value)),
    0n,
  );
}

function run(code: string, address: number, ymm: Readonly<Record<number, bigint>> = {}): TrialOutcome {
  for (const [n, value] of Object.entries(ymm)) setVector(world.cpu, Number(n), value, 4);
  return world.run({ code, registers: { [RDI]: BigInt(address) } });
}

function ymm(n: number): bigint {
  return vectorOf(world.cpu, n, 4);
}

function expectUntouched(): void {
  expect([...(world.cpu.memory.bytes(PAGE, 0x1000) ?? [])].every((byte) => byte === BEFORE)).toBe(true);
}

describe('a store across the page', () => {
  it.each([
    ['MOVUPS', '0f 11 07', 8],
    ['VMOVUPS ymm', 'c5 fc 11 07', 8],
    ['VMOVUPS ymm, one byte over', 'c5 fc 11 07', 31],
    ['VMOVDQU xmm', 'c5 fa 7f 07', 1],
    ['VEXTRACTF128', 'c4 e3 7d 19 07 01', 15],
    ['VCVTPS2PH ymm', 'c4 e3 7d 1d 07 00', 4],
    ['MOVQ mm', '0f 7f 07', 3],
    ['VMOVLPS', 'c5 f8 13 07', 7],
  ])('%s writes nothing', (_name, code, before) => {
    const { vector, cr2, errorCode } = run(code, NEXT - before, { 0: ONES });
    expect([vector, cr2, errorCode]).toEqual([Vector.pf, BigInt(NEXT), 2]);
    expectUntouched();
  });

  it('an MMX instruction that faults does not enter the MMX state', () => {
    world.cpu.state.set32(state.fpuTag, 0);
    expect(run('0f fc 07', NEXT).vector).toBe(Vector.pf);
    expect(world.cpu.state.get32(state.fpuTag)).toBe(0);
  });
});

describe('a load across the page', () => {
  it('VADDPS ymm keeps its destination', () => {
    const { vector, cr2 } = run('c5 ec 58 07', NEXT - 8, { 0: ONES });
    expect([vector, cr2]).toEqual([Vector.pf, BigInt(NEXT)]);
    expect(ymm(0)).toBe(ONES);
  });
});

describe('VMASKMOVPS', () => {
  const LOAD = 'c4 e2 75 2c 07';
  const STORE = 'c4 e2 75 2e 07';
  const LOW = lanes(32, -1, -1, -1, -1, 0, 0, 0, 0);
  const HIGH = lanes(32, 0, 0, 0, 0, -1, -1, -1, -1);
  const LAST = lanes(32, 0, 0, 0, 0, 0, 0, 0, -1);
  const FOURTH = lanes(32, 0, 0, 0, 0, -1, 0, 0, 0);

  it.each([
    ['load, nothing chosen', LOAD, 0n, 0, undefined],
    ['load, low half on the page', LOAD, LOW, -16, undefined],
    ['load, high half beyond it', LOAD, HIGH, -16, 0],
    ['load, last element', LOAD, LAST, 0, 28],
    ['load, an element across', LOAD, FOURTH, -18, 0],
    ['store, nothing chosen', STORE, 0n, 0, undefined],
    ['store, low half on the page', STORE, LOW, -16, undefined],
    ['store, high half beyond it', STORE, HIGH, -16, 0],
    ['store, last element beyond it', STORE, LAST, -16, 12],
    ['store, all', STORE, ONES, -16, 15],
    ['store, an element across', STORE, FOURTH, -18, 1],
    ['store, two elements across', STORE, lanes(32, -1, -1, 0, 0, 0, 0, 0, 0), -3, 4],
  ])('%s', (_name, code, mask, from, fault) => {
    const { done, vector, cr2 } = run(code, NEXT + from, { 0: 0x5an, 1: mask });
    if (fault === undefined) expect(done).toBe(true);
    else {
      expect([vector, cr2]).toEqual([Vector.pf, BigInt(NEXT + fault)]);
      expectUntouched();
      expect(ymm(0)).toBe(0x5an);
    }
  });
});

describe('an MMX store that faults', () => {
  const TOP = 3 << 11;
  it.each([
    ['MOVQ', '0f 7f 07', 0],
    ['MASKMOVQ', '0f f7 c1', 0xff],
  ])('%s has made TOP 0', (_name, code, tags) => {
    world.cpu.state.set32(state.fpuStatus, TOP);
    world.cpu.state.set32(state.fpuTag, 0);
    expect(run(code, NEXT).vector).toBe(Vector.pf);
    expect(world.cpu.state.get32(state.fpuStatus)).toBe(0);
    expect(world.cpu.state.get32(state.fpuTag)).toBe(tags);
  });
});

describe('MASKMOV from a register', () => {
  it.each([
    ['MASKMOVDQU, nothing chosen, upper half first', '66 0f f7 c1', 0, 8],
    ['MASKMOVDQU across the page', '66 0f f7 c1', -8, 0],
    ['MASKMOVQ, nothing chosen', '0f f7 c1', 0, 0],
    ['MASKMOVQ across the page', '0f f7 c1', -4, 0],
  ])('%s', (_name, code, from, fault) => {
    const { vector, cr2, errorCode } = run(code, NEXT + from, { 1: 0n });
    expect([vector, cr2, errorCode]).toEqual([Vector.pf, BigInt(NEXT + fault), 2]);
  });
});

describe('VPMASKMOVD over the last canonical address', () => {
  const END = 0x8000_0000_0000;
  it.each([
    ['load, all', 'c4 e2 75 8c 07', ONES, Vector.gp],
    ['load, first element', 'c4 e2 75 8c 07', 0xffffffffn, Vector.pf],
    ['store, all', 'c4 e2 75 8e 07', ONES, Vector.gp],
    ['store, first element', 'c4 e2 75 8e 07', 0xffffffffn, Vector.pf],
  ])('%s', (_name, code, mask, vector) => {
    expect(run(code, END - 26, { 1: mask }).vector).toBe(vector);
  });
});

describe('a gather that faults', () => {
  it('spreads the mask of a 256-bit form over the whole register', () => {
    const mask = lanes(32, -1, -1, -1, -1, 0x80808080, 0x7f, 0x80808080, 0x7f);
    const indices = lanes(64, 1, 1024, 2, 3);
    expect(run('c4 e2 6d 91 04 8f', PAGE, { 0: 0n, 1: indices, 2: mask }).vector).toBe(Vector.pf);
    expect(ymm(2)).toBe(lanes(32, 0, -1, -1, -1, -1, 0, -1, 0));
  });

  const ELEMENT = 0x77777777;
  const OLD = lanes(32, ...new Array<number>(8).fill(0x11111111));
  const SIGNS = lanes(32, ...new Array<number>(8).fill(0x80808080));

  it('leaves what is done, and masks spread over their elements', () => {
    const mask = SIGNS & ~(1n << 63n);
    const indices = lanes(32, 1, 2, 3, 4, 5, 1024, 7, 8);
    const { vector, cr2 } = run('c4 e2 6d 90 04 8f', PAGE, { 0: OLD, 1: indices, 2: mask });
    expect([vector, cr2]).toEqual([Vector.pf, BigInt(NEXT)]);
    const old = 0x11111111;
    expect(ymm(0)).toBe(lanes(32, ELEMENT, old, ELEMENT, ELEMENT, ELEMENT, old, old, old));
    expect(ymm(2)).toBe(lanes(32, 0, 0, 0, 0, 0, -1, -1, -1));
  });

  it('in 128 bits: the mask loses its upper half at once, the destination with its first element', () => {
    const code = 'c4 e2 69 90 04 8f';
    const first = lanes(32, 1024, 2, 3, 4);
    expect(run(code, PAGE, { 0: OLD, 1: first, 2: SIGNS }).vector).toBe(Vector.pf);
    expect(ymm(0)).toBe(OLD);
    expect(ymm(2)).toBe(lanes(32, -1, -1, -1, -1));

    begin(world);
    const second = lanes(32, 1, 1024, 3, 4);
    expect(run(code, PAGE, { 0: OLD, 1: second, 2: SIGNS }).vector).toBe(Vector.pf);
    expect(ymm(0)).toBe(lanes(32, ELEMENT, 0x11111111, 0x11111111, 0x11111111));
    expect(ymm(2)).toBe(lanes(32, 0, -1, -1, -1));
  });

  it('goes on from there once the page is there', () => {
    const code = 'c4 e2 6d 90 04 8f';
    const indices = lanes(32, 1, 2, 3, 4, 5, 1024, 7, 8);
    expect(run(code, PAGE, { 0: OLD, 1: indices, 2: ONES }).vector).toBe(Vector.pf);
    const [destination, mask] = [ymm(0), ymm(2)];
    begin(world);
    world.setPage(NEXT, PRESENT_WRITABLE);
    world.cpu.memory.store(NEXT, 4, 0x12345678);
    expect(run(code, PAGE, { 0: destination, 1: indices, 2: mask }).done).toBe(true);
    expect(ymm(0)).toBe(lanes(32, ...[0, 1, 2, 3, 4].map(() => ELEMENT), 0x12345678, ELEMENT, ELEMENT));
    expect(ymm(2)).toBe(0n);
  });
});

describe('alignment checks in ring 3', () => {
  const AC = 0x40000n;
  it.each([
    ['MOVUPS', '0f 10 07', undefined],
    ['VMOVUPS ymm', 'c5 fc 10 07', undefined],
    ['MOVQ mm', '0f 6f 07', Vector.ac],
    ['MOVSD', 'f2 0f 10 07', Vector.ac],
    ['VBROADCASTSS', 'c4 e2 7d 18 07', Vector.ac],
    ['VPBROADCASTW', 'c4 e2 79 79 07', Vector.ac],
    ['CVTPS2PD', '0f 5a 07', Vector.ac],
    ['VCVTPH2PS xmm', 'c4 e2 79 13 07', undefined],
    ['VCVTPS2PH xmm', 'c4 e3 79 1d 07 00', undefined],
    ['VMASKMOVPS load', 'c4 e2 75 2c 07', undefined],
    ['VPMASKMOVQ store', 'c4 e2 f5 8e 07', undefined],
    ['VPGATHERQQ', 'c4 e2 ed 91 04 cf', undefined],
    ['MASKMOVDQU', '66 0f f7 c1', Vector.ac],
  ])('%s', (_name, code, vector) => {
    world.setPage(PAGE, PRESENT_WRITABLE | USER);
    world.cpu.state.set64(state.cr0, world.cpu.state.get64(state.cr0) | BigInt(Cr0.am));
    setVector(world.cpu, 1, ONES >> 192n, 4);
    setVector(world.cpu, 2, ONES, 4);
    const outcome = world.run({ code, ring: 3, flags: AC | 2n, registers: { [RDI]: BigInt(PAGE + 0x101) } });
    expect(outcome.vector).toBe(vector);
  });
});

describe('modes', () => {
  it('VEX vector instructions are #UD in real mode', async () => {
    const real = await SystemWorld.create('real');
    begin(real);
    expect(real.run({ code: 'c5 fc 57 c0' }).vector).toBe(Vector.ud);
  });
});
