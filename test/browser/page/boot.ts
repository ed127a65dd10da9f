/** Boots a guest in both tiers and posts what came of it back to where the page came from. */
import { Machine, MemoryConsole } from 'univisor';

interface Outcome {
  readonly output: string;
  readonly ending: string;
  readonly inRegions: boolean;
}

async function bootGuest(tier: 'interpreter' | 'regions'): Promise<Outcome> {
  const response = await fetch('/hello.elf');
  const image = new Uint8Array(await response.arrayBuffer());
  const console = new MemoryConsole();
  const machine = await Machine.create({ image, imageName: 'hello.elf', console, tier });
  const result = await machine.run({ timeout: 20_000 });
  const { instructions = 0 } = machine.regionStatistics ?? {};
  return { output: console.text, ending: result.reason, inRegions: instructions > 0 };
}

const outcomes = await Promise.all([bootGuest('interpreter'), bootGuest('regions')]).catch(
  (error: unknown) => `failed: ${String(error)}`,
);
await fetch('/outcome', { method: 'POST', body: JSON.stringify(outcomes) });
