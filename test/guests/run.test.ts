/** Every guest prints its transcript, whichever protocol boots it, and the same to the last bit in every run. */
import { describe, expect, test } from 'vitest';
import { guestText, runGuest } from '../support/run-guest.js';

const GUESTS = ['hello', 'echo', 'faults', 'freshcode', 'primes', 'nbody', 'loads'] as const;
const inputOf = (name: string): string | undefined =>
  name === 'echo' ? guestText('echo', 'input.txt') : undefined;

describe.each(GUESTS)('%s', (name) => {
  test('prints its transcript and powers off', async () => {
    const { result, output } = await runGuest(name, {}, inputOf(name));
    expect(output).toBe(guestText(name, 'transcript.txt'));
    expect(result).toMatchObject({ reason: 'exit', status: 0 });
  });

  test('runs the same twice: instructions, output and memory', async () => {
    const first = await runGuest(name, { seed: 7 }, inputOf(name));
    const second = await runGuest(name, { seed: 7 }, inputOf(name));
    expect(second.result).toEqual(first.result);
    expect(second.output).toBe(first.output);
    expect(await second.machine.memoryHash()).toBe(await first.machine.memoryHash());
  });
});

test('hello boots by PVH too', async () => {
  const { result, output } = await runGuest('hello', { protocol: 'pvh' });
  expect(output).toContain('Booted by: PVH');
  expect(output).toContain('0x000000100000-0x000004000000 usable');
  expect(result).toMatchObject({ reason: 'exit', status: 0 });
});

test('hello is told its command line, its memory and its modules', async () => {
  const { output } = await runGuest('hello', {
    commandLine: 'one two=3',
    memory: 16 << 20,
    modules: [{ bytes: new TextEncoder().encode('contents of it'), commandLine: 'module-name' }],
  });
  expect(output).toContain('Command line: hello.elf one two=3\n');
  expect(output).toContain('0x000000100000-0x000001000000 usable');
  expect(output).toContain('module-name');
});

test('echo leaves with the status that it was told', async () => {
  const { result } = await runGuest('echo', {}, 'exit 21\n');
  expect(result).toMatchObject({ reason: 'exit', status: 43 });
});

test('echo without input halts for ever, and the run says so once no input can come', async () => {
  const { result } = await runGuest('echo');
  expect(result.reason).toBe('dead-halt');
});

test('a run stopped at an instruction count goes on from there to the same end', async () => {
  const whole = await runGuest('primes', { commandLine: 'n=10000' });
  const { Machine, MemoryConsole } = await import('../../src/index.js');
  const { guestImage } = await import('../support/run-guest.js');
  const console = new MemoryConsole();
  const machine = await Machine.create({
    image: guestImage('primes'),
    imageName: 'primes.elf',
    commandLine: 'n=10000',
    console,
  });
  let result = await machine.run({ maxInstructions: 12_345 });
  while (result.reason === 'instruction-limit') {
    expect(result.instructions).toBe(12_345);
    result = await machine.run({ maxInstructions: 12_345 });
  }
  expect(result).toMatchObject({ reason: 'exit', status: 0 });
  expect(console.text).toBe(whole.output);
  expect(machine.instructions).toBe(whole.machine.instructions);
  expect(await machine.memoryHash()).toBe(await whole.machine.memoryHash());
});
