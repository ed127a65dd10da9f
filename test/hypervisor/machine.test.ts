/** The machine as a program uses it: options, endings, reports, the memory's digest. */
import { describe, expect, test } from 'vitest';
import { Machine, type MachineConfig, MachineError } from '../../src/index.js';
import { buildElf, join, multibootHeader } from '../image/builders.js';
import { guestImage, runGuest } from '../support/run-guest.js';

const UD2 = Uint8Array.of(0x0f, 0x0b);

describe('options', () => {
  const wrong: [string, object][] = [
    ['image', { image: 'hello.elf' }],
    ['image', {}],
    ['memorySize', { image: guestImage('hello'), memorySize: 1 }],
    ['memory', { image: guestImage('hello'), memory: '64M' }],
    ['memory', { image: guestImage('hello'), memory: 4 << 10 }],
    ['seed', { image: guestImage('hello'), seed: -1 }],
    ['cpu', { image: guestImage('hello'), cpu: 'v4' }],
    ['firmware', { image: guestImage('hello'), firmware: 'uefi' }],
    ['devices', { image: guestImage('hello'), devices: ['sound'] }],
    ['devices', { image: guestImage('hello'), devices: [undefined] }],
    ['devices', { image: guestImage('hello'), devices: ['com2', 'com2'] }],
    ['devices', { image: guestImage('hello'), devices: 'fw-cfg' }],
    ['clock', { image: guestImage('hello'), clock: 'sundial' }],
  ];
  test.each(wrong)('%s that cannot be is refused by name', async (name, config) => {
    const refusal = await Machine.create(config as MachineConfig).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MachineError);
    expect((refusal as MachineError).message).toContain(name);
  });

  test.each([
    { timeout: -1 },
    { timeout: Number.NaN },
    { maxInstructions: 0 },
    { maxInstructions: 1.5 },
    { limit: 1 },
  ])('of a run that cannot be are refused: %o', async (options) => {
    const machine = await Machine.create({ image: guestImage('hello') });
    await expect(machine.run(options as object)).rejects.toThrow(MachineError);
  });

  test('a timeout of 0 and an aborted signal run nothing', async () => {
    const machine = await Machine.create({ image: guestImage('hello') });
    expect(await machine.run({ timeout: 0 })).toEqual({ reason: 'timeout', instructions: 0 });
    expect(await machine.run({ signal: AbortSignal.abort() })).toEqual({
      reason: 'aborted',
      instructions: 0,
    });
  });
});

test('after its end a guest cannot be run on', async () => {
  const { machine } = await runGuest('hello');
  await expect(machine.run()).rejects.toThrow(/ended \(exit\)/);
});

test('two runs at once are refused', async () => {
  const machine = await Machine.create({ image: guestImage('primes') });
  const first = machine.run({ maxInstructions: 1000 });
  await expect(machine.run()).rejects.toThrow(/running already/);
  expect((await first).reason).toBe('instruction-limit');
});

test('a shutdown tells which exception there was no handler for', async () => {
  const bytes = join(multibootHeader(0), UD2);
  const entry = BigInt(0x100000 + bytes.length - UD2.length);
  const machine = await Machine.create({ image: buildElf({ bits: 32, entry, segments: [{ bytes }] }) });
  const result = await machine.run();
  expect(result).toMatchObject({
    reason: 'shutdown',
    report: { exception: { vector: 6, name: '#UD invalid opcode', errorCode: undefined } },
  });
});

test('a busy guest lets the event loop turn: a timer can abort it', async () => {
  // Minutes of work, far beyond this test's time: only the timer can end it.
  const machine = await Machine.create({ image: guestImage('primes'), commandLine: 'n=1000000000' });
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 1);
  const result = await machine.run({ signal: abort.signal });
  expect(result.reason).toBe('aborted');
  expect(result.instructions).toBeGreaterThan(0);
});

describe('the digest of memory', () => {
  test('tells contents and places apart, and takes any size', async () => {
    const machine = await Machine.create({ image: guestImage('hello'), memory: 192 << 20 });
    const { memory } = machine;
    const before = await machine.memoryHash();
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    memory.store(100 << 20, 1, 1);
    const there = await machine.memoryHash();
    expect(there).not.toBe(before);
    memory.store(100 << 20, 1, 0);
    expect(await machine.memoryHash()).toBe(before);
    memory.store(101 << 20, 1, 1);
    expect(await machine.memoryHash()).not.toBe(there);
  });
});
