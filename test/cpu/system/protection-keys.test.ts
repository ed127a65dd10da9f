/** Protection keys: PKRU for user pages, IA32_PKRS for supervisor pages (SDM vol. 3 §4.6.2), and how PKRU is saved. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Xcr0 } from '../../../src/cpu/state.js';
import { SystemWorld } from '../../support/system-world.js';

const PAGE = 0x50000;
const KEY = 3;
const ACCESS = 1;
const WRITE = 2;
const USER_PAGE = 7n;
const SUPERVISOR_PAGE = 3n;

/** MOV RAX, [RDI]; MOV [RDI], RAX; JMP RDI */
const READ = '48 8b 07';
const STORE = '48 89 07';
const JUMP = 'ff e7';

interface Setting {
  readonly page: bigint;
  readonly rights: number;
  readonly protect?: boolean;
  readonly ring?: 0 | 3;
  readonly enabled?: boolean;
}

let world: SystemWorld | undefined;

async function faults(code: string, setting: Setting): Promise<number | undefined> {
  const { page, rights, protect = true, ring = 0, enabled = true } = setting;
  world ??= await SystemWorld.create('long');
  world.setUp();
  const view = world.cpu.state;
  world.setPage(PAGE, page | (BigInt(KEY) << 59n));
  world.cpu.memory.write(PAGE, Uint8Array.of(0xf4));
  if (enabled) view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.pke | Cr4.pks));
  if (!protect) view.set64(state.cr0, view.get64(state.cr0) & ~BigInt(Cr0.wp));
  const keys = rights << (2 * KEY);
  if (page === USER_PAGE) view.set32(state.pkru, keys);
  else view.set64(state.msrPkrs, BigInt(keys));
  const outcome = world.run({ code, ring, registers: { 7: BigInt(PAGE) } });
  if (outcome.vector === undefined) return undefined;
  expect([outcome.vector, outcome.cr2]).toEqual([14, BigInt(PAGE)]);
  return outcome.errorCode;
}

describe('user pages', () => {
  it.each([
    ['read, access disabled', READ, { rights: ACCESS, ring: 3 }, 0x25],
    ['write, access disabled', STORE, { rights: ACCESS, ring: 3 }, 0x27],
    ['write, write disabled', STORE, { rights: WRITE, ring: 3 }, 0x27],
    ['write, write disabled, WP clear', STORE, { rights: WRITE, ring: 3, protect: false }, 0x27],
    ['read, write disabled', READ, { rights: WRITE, ring: 3 }, undefined],
    ['write, nothing disabled', STORE, { rights: 0, ring: 3 }, undefined],
    ['supervisor’s read, access disabled', READ, { rights: ACCESS }, 0x21],
    ['supervisor’s write, write disabled', STORE, { rights: WRITE }, 0x23],
    ['supervisor’s write, write disabled, WP clear', STORE, { rights: WRITE, protect: false }, undefined],
    ['supervisor’s write, access disabled, WP clear', STORE, { rights: ACCESS, protect: false }, 0x23],
    ['read without CR4.PKE', READ, { rights: ACCESS, ring: 3, enabled: false }, undefined],
  ] as const)('%s', async (_name, code, setting, errorCode) => {
    expect(await faults(code, { page: USER_PAGE, ...setting })).toBe(errorCode);
  });

  it('are fetched from whatever the key says', async () => {
    expect(await faults(JUMP, { page: USER_PAGE, rights: ACCESS })).toBeUndefined();
  });
});

describe('supervisor pages', () => {
  it.each([
    ['read, access disabled', READ, { rights: ACCESS }, 0x21],
    ['write, write disabled', STORE, { rights: WRITE }, 0x23],
    ['write, write disabled, WP clear', STORE, { rights: WRITE, protect: false }, undefined],
    ['write, access disabled, WP clear', STORE, { rights: ACCESS, protect: false }, 0x23],
    ['read, write disabled', READ, { rights: WRITE }, undefined],
    ['user’s read, access disabled', READ, { rights: ACCESS, ring: 3 }, 0x25],
    ['user’s read, nothing disabled', READ, { rights: 0, ring: 3 }, 0x05],
    ['read without CR4.PKS', READ, { rights: ACCESS, enabled: false }, undefined],
  ] as const)('%s', async (_name, code, setting, errorCode) => {
    expect(await faults(code, { page: SUPERVISOR_PAGE, ...setting })).toBe(errorCode);
  });
});

describe('registers', () => {
  const RDPKRU = '0f 01 ee';
  const WRPKRU = '0f 01 ef';

  async function withKeys(): Promise<SystemWorld> {
    const fresh = await SystemWorld.create('long');
    const view = fresh.cpu.state;
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.pke | Cr4.osxsave));
    view.set64(state.xcr0, BigInt(Xcr0.x87 | Xcr0.sse | Xcr0.avx | Xcr0.pkru));
    return fresh;
  }

  it('PKRU is written and read at any privilege', async () => {
    const fresh = await withKeys();
    const outcome = fresh.run({
      code: `${WRPKRU} 31 c0 ba 01 00 00 00 ${RDPKRU}`,
      ring: 3,
      registers: { 0: 0x55555550n },
    });
    expect([outcome.done, outcome.registers[0], outcome.registers[2]]).toEqual([true, 0x55555550n, 0n]);
  });

  it.each([
    ['RDPKRU with ECX', RDPKRU, { 1: 1n }, 13],
    ['WRPKRU with ECX', WRPKRU, { 1: 1n }, 13],
    ['WRPKRU with EDX', WRPKRU, { 2: 1n }, 13],
  ])('%s is #GP', async (_name, code, registers, vector) => {
    expect((await withKeys()).run({ code, registers })).toMatchObject({ vector, errorCode: 0 });
  });

  it.each([RDPKRU, WRPKRU])('%s is #UD without CR4.PKE', async (code) => {
    expect((await SystemWorld.create('long')).run({ code })).toMatchObject({ vector: 6 });
  });

  it('a write takes effect at once', async () => {
    const fresh = await withKeys();
    fresh.setPage(PAGE, USER_PAGE | (BigInt(KEY) << 59n));
    // MOV RBX, [RDI]; WRPKRU; MOV RBX, [RDI]
    const outcome = fresh.run({
      code: `48 8b 1f ${WRPKRU} 48 8b 1f`,
      ring: 3,
      registers: { 0: BigInt(ACCESS << (2 * KEY)), 7: BigInt(PAGE) },
    });
    expect([outcome.vector, outcome.errorCode, Number(outcome.frame.rip) & 0xff]).toEqual([14, 0x25, 6]);
  });

  // MOV RBX, [RDI]; WRMSR; MOV RBX, [RDI], and the same with stores
  it.each([
    ['read', ACCESS, '48 8b 1f', 0x21],
    ['write', WRITE, '48 89 1f', 0x23],
  ])('a write of IA32_PKRS takes effect at once: %s', async (_name, rights, access, errorCode) => {
    const fresh = await withKeys();
    const view = fresh.cpu.state;
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.pks));
    fresh.setPage(PAGE, SUPERVISOR_PAGE | (BigInt(KEY) << 59n));
    const registers = { 0: BigInt(rights << (2 * KEY)), 1: 0x6e1n, 7: BigInt(PAGE) };
    const outcome = fresh.run({ code: `${access} 0f 30 ${access}`, registers });
    expect([outcome.vector, outcome.errorCode, Number(outcome.frame.rip) & 0xff]).toEqual([14, errorCode, 5]);
  });

  it('IA32_PKRS has 32 bits', async () => {
    const registers = { 0: 0x89abcdefn, 1: 0x6e1n, 2: 0n };
    // WRMSR; XOR EAX, EAX; RDMSR
    const outcome = (await withKeys()).run({ code: '0f 30 31 c0 0f 32', registers });
    expect(outcome.registers[0]).toBe(0x89abcdefn);
    expect((await withKeys()).run({ code: '0f 30', registers: { ...registers, 2: 1n } })).toMatchObject({
      vector: 13,
      errorCode: 0,
    });
  });

  it.each([
    ['a key', Cr4.pks, SUPERVISOR_PAGE],
    ['SMAP', Cr4.smap, USER_PAGE],
  ])('%s does not keep a debugger from looking', async (_name, cr4, page) => {
    const fresh = await withKeys();
    const view = fresh.cpu.state;
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(cr4));
    view.set64(state.msrPkrs, BigInt(ACCESS << (2 * KEY)));
    fresh.setPage(PAGE, page | (BigInt(KEY) << 59n));
    expect(fresh.cpu.translate(BigInt(PAGE))).toBe(PAGE);
  });

  it.each([
    ['XSAVE', '0f ae 27', '0f ae 2f', 2688, 0x207],
    ['XSAVEC of all', '0f c7 27', '0f ae 2f', 832, 0x207],
    ['XSAVEC without AVX', '0f c7 27', '0f ae 2f', 576, 0x203],
  ])('PKRU goes through %s and XRSTOR', async (_name, save, restore, offset, components) => {
    const fresh = await withKeys();
    const area = 0x40000;
    fresh.cpu.state.set32(state.pkru, 0x12345678);
    const mask = components.toString(16).padStart(4, '0');
    const load = `b8 ${mask.slice(2)} ${mask.slice(0, 2)} 00 00 31 d2`;
    const registers = { 7: BigInt(area) };

    expect(fresh.run({ code: `${load} ${save}`, registers }).done).toBe(true);
    expect(fresh.cpu.memory.read(area + offset, 4)).toBe(0x12345678);
    fresh.cpu.state.set32(state.pkru, 0);
    expect(fresh.run({ code: `${load} ${restore}`, registers }).done).toBe(true);
    expect(fresh.cpu.state.get32(state.pkru)).toBe(0x12345678);
  });

  it('CPUID tells where XSAVE puts PKRU, and that it is in force', async () => {
    const fresh = await withKeys();
    const leaf = fresh.run({ code: '0f a2', registers: { 0: 0xdn, 1: 9n } }).registers;
    expect([leaf[0], leaf[3]]).toEqual([8n, 2688n]);
    const features = fresh.run({ code: '0f a2', registers: { 0: 7n, 1: 0n } }).registers[1] ?? 0n;
    expect(features & 0x18n).toBe(0x18n);
  });
});
