/** CPU models: what each promises, and what instructions and control registers do without a feature. */
import { describe, expect, it, test } from 'vitest';
import { Cpu } from '../../../src/cpu/cpu.js';
import { allOpcodes } from '../../../src/cpu/decode/decoder.js';
import { Vector } from '../../../src/cpu/state.js';
import {
  CPU_MODELS,
  type CpuModelName,
  cpuModel,
  DEFAULT_CPU_MODEL,
  LEVELS,
} from '../../../src/cpu/system/cpu-model.js';
import { cpuidLeaf, knownFeatures, promisedFeatures } from '../../../src/cpu/system/cpuid.js';
import { loadInterpreter } from '../../../src/cpu/tiers/interpreter/load.js';
import { type Outcome, runOn, type Setup } from '../../support/run-code.js';

async function runWith(model: CpuModelName, setup: Setup): Promise<Outcome> {
  const cpu = new Cpu({
    interpreter: await loadInterpreter(),
    model: cpuModel(model),
    ramSize: 4 << 20,
    bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
    interrupts: { pending: () => false, acknowledge: () => 0 },
  });
  return runOn(cpu, setup);
}

describe('models', () => {
  it('has each model promise what the one before it does, and the default everything that is known', () => {
    const [v1, v2, v3] = CPU_MODELS.map((name) => [...promisedFeatures(cpuModel(name))]);
    expect(v2).toEqual(expect.arrayContaining(v1 as string[]));
    expect(v3).toEqual(expect.arrayContaining(v2 as string[]));
    expect(new Set([...promisedFeatures(cpuModel(DEFAULT_CPU_MODEL))])).toEqual(new Set(knownFeatures));
  });

  it.each(CPU_MODELS)('%s promises all that the psABI and the model say', (name) => {
    const promised = promisedFeatures(cpuModel(name));
    const levels = CPU_MODELS.slice(0, CPU_MODELS.indexOf(name) + 1).flatMap((each) => LEVELS[each]);
    expect(levels.filter((feature) => !promised.has(feature))).toEqual([]);
    expect([...cpuModel(name).features].filter((feature) => !promised.has(feature))).toEqual([]);
  });

  it('knows every feature that an instruction of the tables can have, but those that no model has', () => {
    const never = ['CET_IBT', 'CET_SS', 'RTM', 'SERIALIZE', 'SGX', 'SMX', 'SVM', 'VMX'];
    const named = new Set(allOpcodes().flatMap((entry) => [entry.feature, entry.feature256]));
    const { features } = cpuModel('v3');
    expect([...named].filter((feature) => feature !== '' && !features.has(feature)).sort()).toEqual(never);
  });

  it('shows the model in CPUID', () => {
    const popcnt = 1 << 23;
    const [v1, v2] = [cpuidLeaf(1, 0, cpuModel('v1')), cpuidLeaf(1, 0, cpuModel('v2'))];
    expect(v1[2] & popcnt).toBe(0);
    expect(v2[2] & popcnt).toBe(popcnt);
    expect(v1[3] & (1 << 26)).toBe(1 << 26);
  });
});

// MOV ECX, 0x1a0; RDMSR; bit 18 of EAX.
test.each([
  ['v1', 0n],
  ['v2', 1n],
  ['v3', 1n],
] as const)('IA32_MISC_ENABLE of %s has MONITOR as CPUID does', async (name, expected) => {
  const { registers } = await runWith(name, { code: 'b9 a0 01 00 00 0f 32' });
  expect(((registers[0] as bigint) >> 18n) & 1n).toBe(expected);
  expect(BigInt(cpuidLeaf(1, 0, cpuModel(name))[2] >>> 3) & 1n).toBe(expected);
});

const LACKED: readonly (readonly [string, CpuModelName, string])[] = [
  ['POPCNT EAX, EBX', 'v1', 'f3 0f b8 c3'],
  ['CMPXCHG16B [RSP]', 'v1', '48 0f c7 0c 24'],
  ['RDRAND EAX', 'v1', '0f c7 f0'],
  ['RDFSBASE RAX', 'v1', 'f3 48 0f ae c0'],
  ['RDSEED EAX', 'v2', '0f c7 f8'],
  ['MOVBE EAX, [RSP]', 'v2', '0f 38 f0 04 24'],
  ['VMOVAPS XMM0, XMM1', 'v2', 'c5 f8 28 c1'],
  ['STAC', 'v2', '0f 01 cb'],
  ['RDPKRU', 'v2', '0f 01 ee'],
];
test.each(LACKED)('%s is #UD in %s', async (_name, model, code) => {
  const { exception, unimplemented } = await runWith(model, { code });
  expect(exception?.vector).toBe(Vector.ud);
  expect(unimplemented).toEqual([]);
});

// MOV ECX, 0xda0; XOR EAX, EAX; XOR EDX, EDX; RDMSR or WRMSR.
test.each([
  ['RDMSR', 'v2', '0f 32', Vector.gp],
  ['WRMSR', 'v1', '0f 30', Vector.gp],
  ['RDMSR', 'v3', '0f 32', undefined],
  ['WRMSR', 'v3', '0f 30', undefined],
] as const)('%s of IA32_XSS in %s, which comes with XSAVES', async (_name, model, code, vector) => {
  const { exception } = await runWith(model, { code: `b9 a0 0d 00 00 31 c0 31 d2 ${code}` });
  expect(exception?.vector).toBe(vector);
});

// Without the feature the F3 before BSR is ignored: of bits 31 to 0 of 0xf0, bit 7 is the highest that is set.
test.each([
  ['v2', 7n],
  ['v3', 24n],
] as const)('LZCNT of 0x000000f0 in %s gives %d', async (model, result) => {
  const { registers } = await runWith(model, { code: 'f3 0f bd c3', registers: { 3: 0xf0n } });
  expect(registers[0]).toBe(result);
});

// MOV RBX, CR4; OR EBX, PAE and the bit; MOV CR4, RBX.
test.each([
  ['FSGSBASE', 'v1', '0f 20 e3 81 cb 20 00 01 00 0f 22 e3', true],
  ['FSGSBASE', 'v2', '0f 20 e3 81 cb 20 00 01 00 0f 22 e3', false],
  ['SMAP', 'v2', '0f 20 e3 81 cb 20 00 20 00 0f 22 e3', true],
  ['SMAP', 'v3', '0f 20 e3 81 cb 20 00 20 00 0f 22 e3', false],
  ['PKE', 'v2', '0f 20 e3 81 cb 20 00 40 00 0f 22 e3', true],
  ['PKE', 'v3', '0f 20 e3 81 cb 20 00 40 00 0f 22 e3', false],
  ['PKS', 'v2', '0f 20 e3 81 cb 20 00 00 01 0f 22 e3', true],
  ['PKS', 'v3', '0f 20 e3 81 cb 20 00 00 01 0f 22 e3', false],
] as const)('CR4.%s in %s: reserved', async (_name, model, code, reserved) => {
  const { exception } = await runWith(model, { code });
  expect(exception?.vector).toBe(reserved ? Vector.gp : undefined);
});

// RDMSR, WRMSR
test.each(['0f 32', '0f 30'])('IA32_PKRS is there with PKS only: %s', async (code) => {
  const setup = { code, registers: { 0: 1n, 1: 0x6e1n, 2: 0n } };
  expect((await runWith('v2', setup)).exception?.vector).toBe(Vector.gp);
  expect((await runWith('v3', setup)).exception).toBeUndefined();
});

test('a reset keeps the model', async () => {
  const { cpu } = await runWith('v1', { code: '90' });
  const { exception } = runOn(cpu, { code: 'f3 0f b8 c3' });
  expect(exception?.vector).toBe(Vector.ud);
});
