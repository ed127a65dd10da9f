/** The machine's time as a guest measures it: with the time-stamp counter, the timer and the ports. */
import { expect, it } from 'vitest';
import { run, SET_UP } from '../support/interrupt-guest.js';

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
  const { report } = await run(SET_UP + START_TIMER + HALT, STOP_WATCH, { clock: 'host' });
  expect(Number(report.registers.rax)).toBeGreaterThan(CYCLES_OF_THE_TIMER * 0.99);
});

it('sleeps to a deadline of the time-stamp counter, decades away, to the cycle', async () => {
  // The local APIC at 0xfee00000: SVR = 0x1ff; timer in TSC-deadline mode with vector 0x20. XOR EAX, EAX; MOV EDX,
  // 0x40000000; MOV ECX, 0x6e0; WRMSR; STI; HLT
  const arm = `c7 05 f0 00 e0 fe ff 01 00 00  c7 05 20 03 e0 fe 20 00 04 00
    31 c0  ba 00 00 00 40  b9 e0 06 00 00  0f 30  fb f4`;
  // RDTSC; ADD ESP, 12; CLI; HLT
  const { report } = await run(SET_UP + arm, '0f 31  83 c4 0c  fa f4');
  const delivered = 1;
  expect(report.registers.rdx).toBe(0x40000000n);
  expect(report.registers.rax).toBe(BigInt(2 * delivered));
});

it('a guest that sleeps again and again comes to the end of every sleep', async () => {
  const arm = `c7 05 f0 00 e0 fe ff 01 00 00  c7 05 20 03 e0 fe 20 00 04 00`;
  // L: RDTSC; ADD EDX, 0x10000000; MOV ECX, 0x6e0; WRMSR; STI; HLT; CLI; INC ESI; CMP ESI, 100; JNE L; HLT
  const sleep = '0f 31  81 c2 00 00 00 10  b9 e0 06 00 00  0f 30  fb f4 fa  46  83 fe 64  75 e7  f4';
  // MOV dword [0xfee000b0], 0; IRET
  const { report, instructions } = await run(
    `${SET_UP + arm} 31 f6 ${sleep}`,
    'c7 05 b0 00 e0 fe 00 00 00 00  cf',
  );
  expect(report.registers.rsi).toBe(100n);
  expect(instructions).toBeLessThan(2000);
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
