/** Boots the guest that the page is told and posts what it printed back to where the page came from. */
import { Machine, MemoryConsole } from 'univisor';

interface Outcome {
  readonly output: string;
  readonly ending: string;
}

async function bootGuest(): Promise<Outcome> {
  const response = await fetch('/hello.elf');
  const image = new Uint8Array(await response.arrayBuffer());
  const console = new MemoryConsole();
  const machine = await Machine.create({ image, imageName: 'hello.elf', console });
  const result = await machine.run({ timeout: 20_000 });
  return { output: console.text, ending: result.reason };
}

const outcome = await bootGuest().catch(
  (error: unknown): Outcome => ({ output: '', ending: `failed: ${String(error)}` }),
);
await fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) });
