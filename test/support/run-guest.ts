/** Runs a prebuilt guest of `guests/` to its end. */
import { readFileSync } from 'node:fs';
import { Machine, type MachineConfig, MemoryConsole, type RunResult } from '../../src/index.js';

const GUESTS = new URL('../../guests/', import.meta.url);

export interface GuestRun {
  readonly machine: Machine;
  readonly result: RunResult;
  readonly output: string;
}

export function guestImage(name: string): Uint8Array {
  return readFileSync(new URL(`${name}/${name}.elf`, GUESTS));
}

export function guestText(name: string, file: string): string {
  return readFileSync(new URL(`${name}/${file}`, GUESTS), 'utf8');
}

/** @param input sent to the serial port; then the port is closed */
export async function runGuest(
  name: string,
  config: Partial<MachineConfig> = {},
  input?: string,
): Promise<GuestRun> {
  const console = new MemoryConsole();
  if (input !== undefined) console.send(input);
  console.close();
  const machine = await Machine.create({
    image: guestImage(name),
    imageName: `${name}.elf`,
    console,
    ...config,
  });
  const result = await machine.run({ timeout: 60_000 });
  return { machine, result, output: console.text };
}
