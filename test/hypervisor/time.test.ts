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
