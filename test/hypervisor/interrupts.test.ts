/** Interrupts as a guest meets them: the local APIC in memory and as MSRs, the I/O APIC, NMIs, and hypercalls. */
import { describe, expect, it } from 'vitest';
import { run, runToEnd, SET_UP } from '../support/interrupt-guest.js';

function littleEndian(value: number): string {
  return [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, '0')).join(' ');
}

/** MOV DWORD PTR [address], value */
function store(address: number, value: number): string {
  return `c7 05 ${littleEndian(address)} ${littleEndian(value)} `;
}

/** MOV EAX, [address] */
function load(address: number): string {
  return `a1 ${littleEndian(address)} `;
}

/** MOV ECX, msr; MOV EAX, value; XOR EDX, EDX; WRMSR */
function writeMsr(msr: number, value: number): string {
  return `b9 ${littleEndian(msr)} b8 ${littleEndian(value)} 31 d2 0f 30 `;
}

const APIC = 0xfee00000;
const VECTOR = 0x20;
/** The 8259s keep still. */
const MASK_8259S = 'b0 ff e6 21 e6 a1 ';
/** RDTSC; MOV ESI, EAX */
const START_WATCH = '0f 31 89 c6 ';
/** RDTSC; SUB EAX, ESI; CLI; HLT */
const STOP_WATCH = '0f 31 29 f0 fa f4';
/** STI; HLT */
const WAIT = 'fb f4 ';
const END = 'fa f4';

describe('the local APIC’s timer', () => {
  it('interrupts a halted processor when its count is over', async () => {
    const timer = store(APIC + 0x320, VECTOR) + store(APIC + 0x3e0, 0xb);
    const start = START_WATCH + store(APIC + 0x380, 1_000_000);

    const { report } = await run(SET_UP + MASK_8259S + timer + start + WAIT, STOP_WATCH);

    expect(Math.abs(Number(report.registers.rax) - 2_000_000)).toBeLessThan(20);
  });

  it('interrupts a busy processor when the time-stamp counter has come to its deadline', async () => {
    // RDTSC; MOV ESI, EAX; ADD EAX, 1,000,000; XOR EDX, EDX; MOV ECX, 0x6E0; WRMSR; STI; JMP $
    const code = `${store(APIC + 0x320, 0x40000 | VECTOR)} 0f 31 89 c6 05 40 42 0f 00 31 d2
      b9 e0 06 00 00 0f 30 fb eb fe`;

    const { report } = await run(SET_UP + MASK_8259S + code, STOP_WATCH);

    const cycles = Number(report.registers.rax);
    expect(cycles).toBeGreaterThanOrEqual(1_000_000);
    expect(cycles).toBeLessThan(1_000_020);
  });

  it('counts a kilohertz periodically, to the instruction', async () => {
    // Each interrupt: INC EDI; EOI; at the tenth stop; IRET.
    const handler = `47 ${store(APIC + 0xb0, 0)} 83 ff 0a 74 01 cf ${STOP_WATCH}`;
    const timer = store(APIC + 0x320, 0x20000 | VECTOR) + store(APIC + 0x3e0, 0xb);
    const start = START_WATCH + store(APIC + 0x380, 1_000_000);
    // XOR EDI, EDI; STI; JMP $
    const first = await run(`${SET_UP + MASK_8259S + timer} 31 ff ${start} fb eb fe`, handler);
    const second = await run(`${SET_UP + MASK_8259S + timer} 31 ff ${start} fb eb fe`, handler);

    expect(Math.abs(Number(first.report.registers.rax) - 20_000_000)).toBeLessThan(40);
    expect([second.instructions, second.report.registers]).toEqual([
      first.instructions,
      first.report.registers,
    ]);
  });
});

describe('interrupts by command', () => {
  it('reaches itself in x2APIC mode', async () => {
    // INC EDI in the handler
    const { report } = await run(
      `${SET_UP + MASK_8259S} 31 ff ${writeMsr(0x1b, 0xfee00d00)} fb ${writeMsr(0x83f, VECTOR)} ${END}`,
      '47 cf',
    );
    expect(report.registers.rdi).toBe(1n);
  });

  it('is an NMI although interrupts are disabled', async () => {
    const { report } = await run(`${SET_UP} 31 ff ${store(APIC + 0x300, 0x4400)} 90 ${END}`, '47 cf');
    expect(report.registers.rdi).toBe(1n);
  });

  it('is an INIT, which resets the machine', async () => {
    const { result } = await runToEnd(store(APIC + 0x300, 0x4500) + END, '');
    expect(result.reason).toBe('reset');
  });

  it('vanishes when it is for other processors', async () => {
    const { report } = await run(`${store(APIC + 0x300, 0xc4500)}${store(APIC + 0x300, 0xc4608)}${END}`, '');
    expect(report.rip).toBeGreaterThan(0n);
  });
});

describe('the I/O APIC', () => {
  it('brings the timer of IRQ 0 by pin 2', async () => {
    const entry = store(0xfec00000, 0x14) + store(0xfec00010, VECTOR);
    // Channel 0, mode 0, 1193 ticks
    const timer = 'b0 30 e6 43 b0 a9 e6 40 b0 04 e6 40 ';

    const { report } = await run(SET_UP + MASK_8259S + entry + START_WATCH + timer + WAIT, STOP_WATCH);

    expect(Math.abs(Number(report.registers.rax) - 2_000_000)).toBeLessThan(20_000);
  });
});

it.each([
  ['the I/O APIC', `${MASK_8259S} ${store(0xfec00000, 0x14)} ${store(0xfec00010, 0x400)}`],
  ['LINT0', store(APIC + 0x350, 0x400)],
])('an NMI by %s wakes a processor that halted with interrupts disabled', async (_name, route) => {
  // Channel 0, mode 0, 1193 ticks
  const timer = 'b0 30 e6 43 b0 a9 e6 40 b0 04 e6 40 ';

  const { report } = await run(
    `${SET_UP} 31 ff ${route} ${timer} fa f4 ${store(APIC + 0x350, 0x10700)} ${store(0xfec00010, 0x10000)} ${END}`,
    '47 cf',
  );

  expect(report.registers.rdi).toBe(1n);
});

describe('IA32_APIC_BASE', () => {
  it('moves the registers over RAM and back, which is what it was', async () => {
    const there = 0x200000;
    const code = `${store(there + 0x30, 0x11223344)} ${load(there + 0x30)} 89 c3
      ${writeMsr(0x1b, there | 0x900)} ${load(there + 0x30)} 89 c6 ${load(APIC + 0x30)} 89 c7
      ${writeMsr(0x1b, 0xfee00900)} ${load(there + 0x30)} 89 c5 ${load(APIC + 0x30)} ${END}`;

    const { report } = await run(code, '');

    const { rbx, rsi, rdi, rbp, rax } = report.registers;
    expect([rbx, rsi, rdi, rbp, rax]).toEqual([
      0x11223344n,
      0x01050014n,
      0xffffffffn,
      0x11223344n,
      0x01050014n,
    ]);
  });

  it.each([0, 0xa0000, 0x3ff000, 0xc0000000, 0xfec00000, 0xfffff000])(
    'can put them anywhere: at %#x',
    async (there) => {
      const { report } = await run(`${writeMsr(0x1b, there | 0x900)} ${load(there + 0x30)} ${END}`, '');
      expect(report.registers.rax).toBe(0x01050014n);
    },
  );

  it('shows no local APIC by CPUID once it is disabled', async () => {
    // MOV EAX, 1; CPUID; MOV ESI, EDX; the same again after; SHR both by 9 and keep the bit
    const ask = 'b8 01 00 00 00 0f a2 c1 ea 09 83 e2 01 ';
    const { report } = await run(`${ask} 89 d6 ${writeMsr(0x1b, 0xfee00100)} ${ask} ${END}`, '');
    expect([report.registers.rsi, report.registers.rdx]).toEqual([1n, 0n]);
  });
});

describe.each([
  ['VMCALL', '0f 01 c1'],
  ['VMMCALL', '0f 01 d9'],
])('%s', (_name, instruction) => {
  /** With EAX, EBX, ECX, EDX and ESI; answers EAX, signed. */
  async function call(number: number, ...given: readonly number[]): Promise<{ eax: number; edi: bigint }> {
    const [b = 0, c = 0, d = 0, si = 0] = given;
    const values = [0xb8, 0xbb, 0xb9, 0xba, 0xbe]
      .map((opcode, n) => `${opcode.toString(16)} ${littleEndian([number, b, c, d, si][n] ?? 0)}`)
      .join(' ');
    const { report } = await run(`${SET_UP + MASK_8259S} 31 ff fb ${values} ${instruction} ${END}`, '47 cf');
    return { eax: Number(BigInt.asIntN(32, report.registers.rax ?? 0n)), edi: report.registers.rdi ?? 0n };
  }

  it('says that a call is not there', async () => {
    expect((await call(99)).eax).toBe(-1000);
  });

  it('sends an interrupt to those of a set that exist', async () => {
    expect(await call(10, 0x3, 0, 0, VECTOR)).toEqual({ eax: 1, edi: 1n });
    expect(await call(10, 0x2, 0, 0, VECTOR)).toEqual({ eax: 0, edi: 0n });
    expect(await call(10, 0x1, 0, 7, VECTOR)).toEqual({ eax: 0, edi: 0n });
  });
});
