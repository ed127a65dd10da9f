/** The machine's time as a guest measures it: with the time-stamp counter, the timer and the ports. */
import { expect, it } from 'vitest';
import { Machine, MemoryConsole, type RunResult } from '../../src/index.js';
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

/** Runs 32-bit code until it halts for good; answers the result with its registers. */
async function run(
  code: string,
  handler: string,
  clock: 'virtual' | 'host' = 'virtual',
): Promise<RunResult & { reason: 'dead-halt' }> {
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
  const machine = await Machine.create({ image, console, clock, memory: 4 << 20 });
  const result = await machine.run({ timeout: 10_000 });
  if (result.reason !== 'dead-halt') throw new Error(`ended by ${result.reason}`);
  return result;
}

/** LGDT, LIDT; PIC at vectors 0x20 up with IRQ0 open. */
const SET_UP = `0f 01 15 20 10 10 00  0f 01 1d 28 10 10 00
  b0 11 e6 20  b0 20 e6 21  b0 04 e6 21  b0 01 e6 21  b0 fe e6 21`;
/** Channel 0, mode 0, 1193 ticks, which are 0.9998 ms; RDTSC; MOV ESI, EAX; STI. */
const START_TIMER = 'b0 30 e6 43  66 b8 a9 04 e6 40 88 e0 e6 40  0f 31 89 c6 fb';
/** RDTSC; SUB EAX, ESI; HLT. */
const STOP_WATCH = '0f 31 29 f0 f4';
const HALT = 'f4 eb fd';
const SPIN = 'eb fe';

const CYCLES_OF_THE_TIMER = 2_000_000;

for (const [name, idle] of [
  ['halted', HALT],
  ['busy', SPIN],
]) {
  it(`a timer interrupts on time a processor that is ${name}, and the time-stamp counter goes on`, async () => {
    const { report } = await run(SET_UP + START_TIMER + idle, STOP_WATCH);
    const cycles = Number(report.registers.rax);
    expect(Math.abs(cycles - CYCLES_OF_THE_TIMER)).toBeLessThan(CYCLES_OF_THE_TIMER / 100);
  });
}

it('the time-stamp counter follows the host’s clock', async () => {
  const { report } = await run(SET_UP + START_TIMER + HALT, STOP_WATCH, 'host');
  expect(Number(report.registers.rax)).toBeGreaterThan(CYCLES_OF_THE_TIMER * 0.99);
});

it('a port access takes a microsecond', async () => {
  // RDTSC; MOV ESI, EAX; IN AL, 0x80 ten times; RDTSC; SUB EAX, ESI; CLI; HLT
  const { report } = await run(`0f 31 89 c6 ${'e4 80 '.repeat(10)} 0f 31 29 f0 fa f4`, '');
  const instructions = 12;
  expect(Number(report.registers.rax)).toBe(2 * (10 * 1000 + instructions));
});

it('a timer is not late for the port accesses on the way to it', async () => {
  // L: IN AL, 0x80; JMP L
  const { report } = await run(`${SET_UP + START_TIMER} e4 80 eb fc`, STOP_WATCH);
  const cycles = Number(report.registers.rax);
  expect(cycles - CYCLES_OF_THE_TIMER).toBeLessThan(5_000);
});
