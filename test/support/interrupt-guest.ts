/** A machine that runs a little 32-bit code with interrupts: flat segments, an IDT, no paging. */
import { Machine, type MachineConfig, MemoryConsole, type RunResult } from '../../src/index.js';
import { buildElf, join, multibootHeader, padTo, words } from '../image/builders.js';

const CODE = 0x100020;
const HANDLER = 0x100100;
const TABLES = 0x101000;

/** GDT with flat code at selector 8; GDTR at +0x20, IDTR at +0x28; at +0x30 an IDT whose vectors 0–32 go to HANDLER. */
function tables(): Uint8Array {
  const gdt = words(0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300);
  const registers = words(23 | (TABLES << 16), TABLES >>> 16, 263 | ((TABLES + 0x30) << 16), TABLES >>> 16);
  const gate = words((8 << 16) | (HANDLER & 0xffff), (HANDLER & 0xffff0000) | 0x8e00);
  return join(padTo(gdt, 0x20), registers, ...Array.from({ length: 33 }, () => gate));
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** Runs 32-bit code (hexadecimal) with the handler of all interrupts, until it ends. */
export async function runToEnd(
  code: string,
  handler: string,
  options: Pick<MachineConfig, 'clock' | 'firmware'> = {},
): Promise<{ result: RunResult; machine: Machine }> {
  const bytes = join(padTo(multibootHeader(0), CODE - 0x100000), bytesOf(code));
  const image = buildElf({
    bits: 32,
    entry: BigInt(CODE),
    segments: [
      { bytes: join(padTo(bytes, HANDLER - 0x100000), bytesOf(handler)) },
      { physicalAddress: TABLES, bytes: tables() },
    ],
  });
  const console = new MemoryConsole();
  console.close();
  const machine = await Machine.create({ image, console, memory: 4 << 20, ...options });
  return { result: await machine.run({ timeout: 10_000 }), machine };
}

/** Likewise, until it halts for good: the result with its registers. */
export async function run(
  ...given: Parameters<typeof runToEnd>
): Promise<RunResult & { reason: 'dead-halt' }> {
  const { result } = await runToEnd(...given);
  if (result.reason !== 'dead-halt') throw new Error(`ended by ${result.reason}`);
  return result;
}

/** A stack; LGDT, LIDT; PIC at vectors 0x20 up with IRQ0 open. */
export const SET_UP = `bc 00 00 18 00  0f 01 15 20 10 10 00  0f 01 1d 28 10 10 00
  b0 11 e6 20  b0 20 e6 21  b0 04 e6 21  b0 01 e6 21  b0 fe e6 21`;
