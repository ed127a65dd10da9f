/** The XSAVE family: what is written where, what XRSTOR refuses, and who may run them (SDM vol. 1 ch. 13). */
import { describe, expect, it, test } from 'vitest';
import type { Cpu } from '../../../src/cpu/cpu.js';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Segment, Vector } from '../../../src/cpu/state.js';
import { type Outcome, runCode, type Setup } from '../../support/run-code.js';
import { SystemWorld } from '../../support/system-world.js';

const [RAX, RCX, RDX, RDI] = [0, 1, 2, 7] as const;
const AREA = 0x20000;
const HEADER = 512;
const AVX = 576;
const PKRU = 2688;
const UNTOUCHED = 0xcc;

const CODE = {
  XSAVE: '48 0f ae 27',
  XSAVEOPT: '48 0f ae 37',
  XSAVEC: '48 0f c7 27',
  XSAVES: '48 0f c7 2f',
  XRSTOR: '48 0f ae 2f',
  XRSTORS: '48 0f c7 1f',
  XGETBV: '0f 01 d0',
  XSETBV: '0f 01 d1',
} as const;

interface State {
  /** Given: this x87 control word, this XMM1, these bits 255:128 of register 1; initial if not. */
  readonly fcw?: number;
  readonly xmm1?: bigint;
  readonly upper1?: bigint;
  readonly mxcsr?: number;
}

const wide = (address: number) => ({ ...state.gpr, address, count: 2 });

function enable({ fcw, upper1 }: State, xcr0 = 7n): (cpu: Cpu) => void {
  return ({ state: view }) => {
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.osxsave));
    view.set64(state.xcr0, xcr0);
    view.set32(state.fpuControl, fcw ?? 0x37f);
    view.set32(state.fpuTag, 0);
    view.set64(wide(state.at(state.xmm, 1) + 16), upper1 ?? 0n);
  };
}

function upper1({ cpu }: Outcome): bigint {
  return cpu.state.get64(wide(state.at(state.xmm, 1) + 16));
}

/** Runs code on an area at RDI, which is full of `UNTOUCHED` unless given. */
function run(code: string, mask: number, given: State = {}, setup: Partial<Setup> = {}): Promise<Outcome> {
  return runCode({
    code,
    registers: { [RAX]: BigInt(mask), [RDX]: 0n, [RDI]: BigInt(AREA) },
    xmm: { 1: given.xmm1 ?? 0n },
    mxcsr: given.mxcsr ?? 0x1f80,
    memory: [{ address: AREA, bytes: new Uint8Array(1024).fill(UNTOUCHED) }],
    prepare: enable(given),
    ...setup,
  });
}

function little(bytes: readonly number[]): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

interface Found {
  readonly present: bigint;
  readonly layout: bigint;
  readonly parts: string;
}

/** The two header words, and which parts of the area were written. */
function found({ bytes }: Outcome): Found {
  const parts: readonly [string, number, number][] = [
    ['x87', 0, 24],
    ['mxcsr', 24, 32],
    ['x87 registers', 32, 160],
    ['xmm', 160, 416],
    ['rest', 416, 512],
    ['header', 528, 576],
    ['avx', 576, 832],
    ['beyond', 832, 1024],
  ];
  const isWritten = ([, from, to]: (typeof parts)[number]): boolean =>
    bytes(AREA + from, to - from).some((byte) => byte !== UNTOUCHED);
  return {
    present: little(bytes(AREA + HEADER, 8)),
    layout: little(bytes(AREA + HEADER + 8, 8)),
    parts: parts
      .filter(isWritten)
      .map(([name]) => name)
      .join(', '),
  };
}

const ALL_USED: State = { fcw: 0x27f, xmm1: 1n, upper1: 2n };
const OLD = 0xcccccccccccccccn << 4n;
const NO_LAYOUT = 0xccccccccccccccccn;
const COMPACTED = 1n << 63n;

describe('saving', () => {
  test.each<[name: 'XSAVE' | 'XSAVEOPT' | 'XSAVEC' | 'XSAVES', mask: number, State, bigint, bigint, string]>([
    ['XSAVE', 7, ALL_USED, OLD | 15n, NO_LAYOUT, 'x87, mxcsr, x87 registers, xmm, avx'],
    ['XSAVE', 7, {}, OLD | 8n, NO_LAYOUT, 'x87, mxcsr, x87 registers, xmm, avx'],
    ['XSAVE', 0, ALL_USED, OLD | 12n, NO_LAYOUT, ''],
    ['XSAVE', 1, ALL_USED, OLD | 13n, NO_LAYOUT, 'x87, x87 registers'],
    ['XSAVE', 2, ALL_USED, OLD | 14n, NO_LAYOUT, 'mxcsr, xmm'],
    ['XSAVE', 4, ALL_USED, OLD | 12n, NO_LAYOUT, 'mxcsr, avx'],
    ['XSAVEOPT', 7, ALL_USED, OLD | 15n, NO_LAYOUT, 'x87, mxcsr, x87 registers, xmm, avx'],
    ['XSAVEOPT', 7, {}, OLD | 8n, NO_LAYOUT, 'mxcsr'],
    ['XSAVEOPT', 6, { upper1: 1n }, OLD | 12n, NO_LAYOUT, 'mxcsr, avx'],
    ['XSAVEC', 7, ALL_USED, 7n, COMPACTED | 7n, 'x87, mxcsr, x87 registers, xmm, avx'],
    ['XSAVEC', 7, {}, 0n, COMPACTED | 7n, ''],
    ['XSAVEC', 7, { mxcsr: 0x9f80 }, 2n, COMPACTED | 7n, 'mxcsr, xmm'],
    ['XSAVEC', 5, ALL_USED, 5n, COMPACTED | 5n, 'x87, x87 registers, avx'],
    ['XSAVES', 6, ALL_USED, 6n, COMPACTED | 6n, 'mxcsr, xmm, avx'],
  ])('%s of %d, state %o', async (name, mask, given, present, layout, parts) => {
    expect(found(await run(CODE[name], mask, given))).toEqual({ present, layout, parts });
  });

  it('leaves out what XCR0 has not enabled', async () => {
    const outcome = await run(CODE.XSAVEC, -1, ALL_USED, { prepare: enable(ALL_USED, 3n) });
    expect(found(outcome)).toEqual({
      present: 3n,
      layout: COMPACTED | 3n,
      parts: 'x87, mxcsr, x87 registers, xmm',
    });
  });
});

describe('restoring', () => {
  test.each(['XSAVE', 'XSAVEOPT', 'XSAVEC'] as const)('undoes %s', async (name) => {
    const header = '48 c7 87 08 02 00 00 00 00 00 00 48 c7 87 10 02 00 00 00 00 00 00';
    const clear = 'c5 f1 ef c9';
    const area = new Uint8Array(1024);
    const outcome = await run(`${header} ${CODE[name]} ${clear} db e3 ${CODE.XRSTOR}`, 7, ALL_USED, {
      memory: [{ address: AREA, bytes: area }],
    });
    expect(outcome.exception).toBeUndefined();
    expect([outcome.xmm(1), upper1(outcome), outcome.cpu.state.get32(state.fpuControl)]).toEqual([
      1n,
      2n,
      0x27f,
    ]);
  });

  it('gives initial values to what was not saved, and leaves what was not asked for', async () => {
    const memory = [{ address: AREA, bytes: new Uint8Array(1024) }];
    const outcome = await run(CODE.XRSTOR, 5, { ...ALL_USED, mxcsr: 0x9fa0 }, { memory });
    expect([outcome.xmm(1), upper1(outcome), outcome.cpu.state.get32(state.fpuControl)]).toEqual([
      1n,
      0n,
      0x37f,
    ]);
    expect(outcome.mxcsr).toBe(0);
  });

  it('makes MXCSR initial only where the area is compacted', async () => {
    const bytes = new Uint8Array(1024);
    bytes[HEADER + 15] = 0x80;
    const outcome = await run(CODE.XRSTOR, 7, { mxcsr: 0x9fa0 }, { memory: [{ address: AREA, bytes }] });
    expect(outcome.mxcsr).toBe(0x1f80);
  });

  it('computes ES and B, and keeps reserved bits of the control word fixed', async () => {
    const bytes = new Uint8Array(1024);
    bytes.set([0x00, 0xe0, 0x01, 0x00], 0);
    bytes[HEADER] = 1;
    const { cpu } = await run(CODE.XRSTOR, 1, {}, { memory: [{ address: AREA, bytes }] });
    expect([cpu.state.get32(state.fpuControl), cpu.state.get32(state.fpuStatus)]).toEqual([0x40, 0x8081]);
  });

  test.each<[what: string, code: string, mask: number, changes: Readonly<Record<number, number>>]>([
    ['a component that XCR0 lacks', CODE.XRSTOR, 7, { [HEADER]: 8 }],
    ['the layout without its top bit', CODE.XRSTOR, 7, { [HEADER + 8]: 1 }],
    ['the third header word', CODE.XRSTOR, 7, { [HEADER + 16]: 1 }],
    [
      'a compacted layout with an unknown component',
      CODE.XRSTOR,
      7,
      { [HEADER + 8]: 8, [HEADER + 15]: 0x80 },
    ],
    ['a component outside its layout', CODE.XRSTOR, 7, { [HEADER]: 4, [HEADER + 15]: 0x80 }],
    ['the last header byte of a compacted area', CODE.XRSTOR, 7, { [HEADER + 15]: 0x80, [HEADER + 63]: 1 }],
    ['XRSTORS of a standard area', CODE.XRSTORS, 7, {}],
    ['reserved bits of MXCSR, asked for with AVX', CODE.XRSTOR, 4, { 26: 1 }],
  ])('refuses %s', async (_what, code, mask, changes) => {
    const bytes = new Uint8Array(1024);
    for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
    const outcome = await run(code, mask, ALL_USED, { memory: [{ address: AREA, bytes }] });
    expect(outcome.exception).toMatchObject({ vector: Vector.gp, errorCode: 0 });
    expect([outcome.xmm(1), upper1(outcome)]).toEqual([1n, 2n]);
  });

  test.each<[what: string, mask: number, changes: Readonly<Record<number, number>>]>([
    ['the last header byte of a standard area', 7, { [HEADER + 63]: 1 }],
    ['reserved bits of MXCSR that is not asked for', 1, { 26: 1 }],
  ])('does not mind %s', async (_what, mask, changes) => {
    const bytes = new Uint8Array(1024);
    for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
    const outcome = await run(CODE.XRSTOR, mask, {}, { memory: [{ address: AREA, bytes }] });
    expect(outcome.exception).toBeUndefined();
  });
});

describe('PKRU', () => {
  const SIZE = 4096;
  /** PKRU is 0x5a, and nothing else in use. */
  const runWithKeys = (code: string, mask: number, bytes: Uint8Array, xcr0 = 0x207n): Promise<Outcome> =>
    run(
      code,
      mask,
      {},
      {
        memory: [{ address: AREA, bytes }],
        prepare: (cpu) => {
          enable({}, xcr0)(cpu);
          cpu.state.set32(state.pkru, 0x5a);
        },
      },
    );

  test.each([
    ['XSAVE', 0x200, PKRU, 0n],
    ['XSAVEOPT', 0x204, PKRU, 0n],
    ['XSAVEC', 0x200, AVX, COMPACTED | 0x200n],
    ['XSAVEC', 0x203, AVX, COMPACTED | 0x203n],
    ['XSAVES', 0x204, AVX + 256, COMPACTED | 0x204n],
  ] as const)('%s of %d puts it at %d', async (name, mask, offset, layout) => {
    const area = new Uint8Array(SIZE).fill(UNTOUCHED);
    area.fill(0, HEADER, AVX);
    const { bytes } = await runWithKeys(CODE[name], mask, area);
    expect(little(bytes(AREA + HEADER, 16))).toBe((layout << 64n) | 0x200n);
    expect(little(bytes(AREA + offset, 8))).toBe(0x5an);
    const elsewhere = bytes(AREA + AVX, SIZE - AVX);
    elsewhere.fill(UNTOUCHED, offset - AVX, offset - AVX + 8);
    expect(elsewhere.every((byte) => byte === UNTOUCHED)).toBe(true);
  });

  test.each([
    ['XRSTOR', 0x200, 0, PKRU, 0x77],
    ['XRSTOR', 0x200, 0x8000000000000200n, AVX, 0x77],
    ['XRSTOR', 0x200, 0x8000000000000204n, AVX + 256, 0x77],
    ['XRSTORS', 0x207, 0x8000000000000207n, AVX + 256, 0x77],
    ['XRSTOR', 7, 0, PKRU, 0x5a],
  ] as const)('%s of %d, layout %d, takes it from %d', async (name, mask, layout, offset, pkru) => {
    const area = new Uint8Array(SIZE);
    const view = new DataView(area.buffer);
    view.setBigUint64(HEADER, 0x200n, true);
    view.setBigUint64(HEADER + 8, BigInt(layout), true);
    view.setUint32(24, 0x1f80, true);
    view.setUint32(offset, 0x77, true);
    const { cpu, exception } = await runWithKeys(CODE[name], mask, area);
    expect(exception).toBeUndefined();
    expect(cpu.state.low(state.pkru)).toBe(pkru);
  });

  it('is 0 after a restore without it, and in use unless it is 0', async () => {
    // XRSTOR; then ECX = 1, XGETBV
    const code = `${CODE.XRSTOR} b9 01 00 00 00 ${CODE.XGETBV}`;
    const restored = await runWithKeys(code, 0x200, new Uint8Array(SIZE));
    expect(restored.cpu.state.low(state.pkru)).toBe(0);
    expect(restored.registers[RAX]).toBe(0n);
    const kept = await runWithKeys(`b9 01 00 00 00 ${CODE.XGETBV}`, 0, new Uint8Array(SIZE));
    expect(kept.registers[RAX]).toBe(0x200n);
  });

  test.each([
    ['XSAVE', '0f ae 27', 0n, PKRU],
    ['XSAVEC', '0f c7 27', 0n, AVX],
    ['XRSTOR', '0f ae 2f', 0n, PKRU],
    ['compacted XRSTOR', '0f ae 2f', COMPACTED | 0x200n, AVX],
    ['XRSTOR compacted with AVX', '0f ae 2f', COMPACTED | 0x204n, AVX + 256],
  ] as const)('must be within the segment: %s', async (_name, code, layout, offset) => {
    const area = new Uint8Array(SIZE);
    new DataView(area.buffer).setBigUint64(HEADER + 8, layout, true);
    for (const [limit, vector] of [
      [AREA + offset + 7, undefined],
      [AREA + offset + 6, Vector.gp],
    ]) {
      const { exception } = await run(
        code,
        0x200,
        {},
        {
          mode: 32,
          memory: [{ address: AREA, bytes: area }],
          prepare: (cpu) => {
            enable({}, 0x207n)(cpu);
            cpu.state.set32(state.segmentLimit, limit as number, Segment.ds);
          },
        },
      );
      expect(exception?.vector).toBe(vector);
    }
  });

  it('can be refused: a component that XCR0 has not enabled', async () => {
    const area = new Uint8Array(SIZE);
    area[HEADER + 1] = 2;
    const { exception } = await runWithKeys(CODE.XRSTOR, 0, area, 7n);
    expect(exception?.vector).toBe(Vector.gp);
  });
});

describe('who may', () => {
  const family = [CODE.XSAVE, CODE.XSAVEOPT, CODE.XSAVEC, CODE.XSAVES, CODE.XRSTOR, CODE.XRSTORS];

  it('all are #UD without CR4.OSXSAVE', async () => {
    for (const code of [...family, CODE.XGETBV, CODE.XSETBV]) {
      const { exception } = await run(code, 0, {}, { prepare: () => {} });
      expect(exception?.vector).toBe(Vector.ud);
    }
  });

  it('the area makes #NM with CR0.TS and #GP off a 64-byte boundary', async () => {
    for (const code of family) {
      const stopped = await run(
        code,
        0,
        {},
        {
          prepare: (cpu) => {
            enable({})(cpu);
            cpu.state.set64(state.cr0, cpu.state.get64(state.cr0) | BigInt(Cr0.ts));
          },
        },
      );
      expect(stopped.exception?.vector).toBe(Vector.nm);
      const registers = { [RAX]: 0n, [RDX]: 0n, [RDI]: BigInt(AREA + 32) };
      expect((await run(code, 0, {}, { registers })).exception?.vector).toBe(Vector.gp);
    }
  });

  it('XSAVES, XRSTORS and XSETBV need CPL 0', async () => {
    for (const code of [CODE.XSAVES, CODE.XRSTORS, CODE.XSETBV]) {
      const world = await SystemWorld.create('long');
      world.cpu.state.set64(state.cr4, world.cpu.state.get64(state.cr4) | BigInt(Cr4.osxsave));
      const registers = { [RAX]: 1n, [RCX]: 0n, [RDX]: 0n, [RDI]: 0x28000n };
      expect(world.run({ code, ring: 3, registers }).vector).toBe(Vector.gp);
    }
  });
});

describe('XCR0', () => {
  test.each([
    ['0', 0n, 0n, false],
    ['SSE alone', 0n, 2n, false],
    ['AVX without SSE', 0n, 5n, false],
    ['MPX', 0n, 0xfn, false],
    ['another register', 1n, 1n, false],
    ['x87', 0n, 1n, true],
    ['AVX', 0n, 7n, true],
    ['all', 0n, 0x207n, true],
    ['PKRU without SSE', 0n, 0x201n, true],
  ])('takes %s: %o', async (_what, rcx, value, taken) => {
    const registers = { [RAX]: value, [RCX]: rcx, [RDX]: 0n };
    const { exception, cpu } = await run(CODE.XSETBV, 0, {}, { registers, prepare: enable({}, 3n) });
    expect(exception?.vector).toBe(taken ? undefined : Vector.gp);
    expect(cpu.state.get64(state.xcr0)).toBe(taken ? value : 3n);
  });

  it('is read, and what is in use', async () => {
    for (const [rcx, value] of [
      [0n, 7n],
      [1n, 2n],
    ] as const) {
      const registers = { [RCX]: rcx, [RAX]: -1n, [RDX]: -1n };
      const outcome = await run(CODE.XGETBV, 0, { xmm1: 1n }, { registers });
      expect(outcome.registers.slice(0, 3)).toEqual([value, rcx, 0n]);
    }
    const { exception } = await run(CODE.XGETBV, 0, {}, { registers: { [RCX]: 2n } });
    expect(exception?.vector).toBe(Vector.gp);
  });

  it('shows in CPUID with CR4.OSXSAVE', async () => {
    const cpuid = async (leaf: bigint, subleaf: bigint, xcr0: bigint): Promise<readonly bigint[]> => {
      const registers = { [RAX]: leaf, [RCX]: subleaf };
      return (await run('0f a2', 0, {}, { registers, prepare: enable({}, xcr0) })).registers.slice(0, 4);
    };
    const osxsave = (registers: readonly bigint[]): bigint => ((registers[RCX] as bigint) >> 27n) & 1n;
    expect(osxsave(await cpuid(1n, 0n, 1n))).toBe(1n);
    const without = await run('0f a2', 0, {}, { registers: { [RAX]: 1n }, prepare: () => {} });
    expect(osxsave(without.registers)).toBe(0n);
    expect(await cpuid(0xdn, 0n, 3n)).toEqual([0x207n, 2696n, 0n, 576n]);
    expect(await cpuid(0xdn, 0n, 7n)).toEqual([0x207n, 2696n, 0n, 832n]);
    expect(await cpuid(0xdn, 0n, 0x203n)).toEqual([0x207n, 2696n, 0n, 2696n]);
    expect(await cpuid(0xdn, 1n, 7n)).toEqual([15n, 0n, 0n, 832n]);
    expect(await cpuid(0xdn, 1n, 0x203n)).toEqual([15n, 0n, 0n, 584n]);
    expect(await cpuid(0xdn, 1n, 0x207n)).toEqual([15n, 0n, 0n, 840n]);
    expect(await cpuid(0xdn, 2n, 1n)).toEqual([256n, 0n, 0n, BigInt(AVX)]);
    expect(await cpuid(0xdn, 9n, 1n)).toEqual([8n, 0n, 0n, BigInt(PKRU)]);
  });

  it('has no supervisor components: IA32_XSS is 0', async () => {
    const write = (eax: bigint) =>
      runCode({ code: '0f 30', registers: { [RAX]: eax, [RCX]: 0xda0n, [RDX]: 0n } });
    expect((await write(0n)).exception).toBeUndefined();
    expect((await write(1n)).exception?.vector).toBe(Vector.gp);
  });
});

/** Of two pages, the one before 0x41000 and the one from there on, one is missing; the area begins so far before. */
describe('a page fault shows which byte is tried first, as on silicon', () => {
  const BORDER = 0x41000;
  const FXSAVE = '48 0f ae 07';
  const FXRSTOR = '48 0f ae 0f';
  test.each<
    [name: string, code: string, mask: number, before: number, missing: 'first' | 'second', at: number]
  >([
    ['FXSAVE', FXSAVE, 0, 64, 'second', 511],
    ['FXSAVE', FXSAVE, 0, 64, 'first', 0],
    ['FXRSTOR', FXRSTOR, 0, 64, 'second', 511],
    ['FXRSTOR', FXRSTOR, 0, 512, 'first', 511],
    ['XSAVE', CODE.XSAVE, 1, 64, 'second', 575],
    ['XSAVE', CODE.XSAVE, 4, 64, 'second', 831],
    ['XSAVE', CODE.XSAVE, 3, 64, 'first', 0],
    ['XSAVE', CODE.XSAVE, 4, 640, 'first', 24],
    ['XSAVEOPT', CODE.XSAVEOPT, 2, 576, 'first', 575],
    ['XSAVEC', CODE.XSAVEC, 4, 576, 'first', 512],
    ['XSAVEC', CODE.XSAVEC, 6, 576, 'first', 24],
    ['XRSTOR', CODE.XRSTOR, 7, 512, 'second', 520],
    ['XRSTOR', CODE.XRSTOR, 7, 576, 'second', 831],
    ['XRSTOR', CODE.XRSTOR, 1, 320, 'first', 0],
    ['XRSTOR', CODE.XRSTOR, 2, 320, 'first', 24],
  ])('%s of %d, %d bytes before the border, the %s page missing: byte %d', async (...given) => {
    const [, code, mask, before, missing, at] = given;
    const world = await SystemWorld.create('long');
    world.setPage(BORDER - 0x1000, missing === 'first' ? 0n : 3n);
    world.setPage(BORDER, missing === 'second' ? 0n : 3n);
    enable({})(world.cpu);
    const address = BORDER - before;
    const registers = { [RAX]: BigInt(mask), [RDX]: 0n, [RDI]: BigInt(address) };
    const { vector, cr2 } = world.run({ code, registers });
    expect([vector, cr2]).toEqual([Vector.pf, BigInt(address + at)]);
  });

  test.each([
    ['XSAVE', CODE.XSAVE, 0x28001n, Vector.ac],
    ['XSAVE', CODE.XSAVE, 0x28004n, Vector.gp],
    ['FXSAVE', FXSAVE, 0x28002n, Vector.ac],
    ['FXSAVE', FXSAVE, 0x28008n, Vector.gp],
    ['a load across the end of the canonical addresses', '48 8b 07', 0x7ffffffffffan, Vector.ac],
  ])('%s (%s) at %d while alignment is checked raises %d', async (_name, code, rdi, vector) => {
    const world = await SystemWorld.create('long');
    enable({})(world.cpu);
    const view = world.cpu.state;
    view.set64(state.cr0, view.get64(state.cr0) | BigInt(Cr0.am));
    const registers = { [RAX]: 1n, [RDX]: 0n, [RDI]: rdi };
    expect(world.run({ code, ring: 3, registers, flags: 0x40202n }).vector).toBe(vector);
  });
});
