/** A machine with a PC's firmware: the timer tick in real mode, and the way into S3 and out of it. */
import { expect, it } from 'vitest';
import { acpiTables } from '../../src/boot/firmware/acpi-tables.js';
import { run, runToEnd } from '../support/interrupt-guest.js';

const FACS_WAKING_VECTOR = acpiTables(0xf0000).facs + 12;
const WAKE = 0x8000;

function littleEndian(value: number): string {
  return [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, '0')).join(' ');
}

/** MOV DWORD PTR [address], value */
function store(address: number, value: number): string {
  return `c7 05 ${littleEndian(address)} ${littleEndian(value)} `;
}

/** Puts code at an address, four bytes a time. */
function place(address: number, code: string): string {
  const bytes = code.split(' ').map((byte) => Number.parseInt(byte, 16));
  let stores = '';
  for (let n = 0; n < bytes.length; n += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(n, n + 4);
    stores += store(address + n, a | (b << 8) | (c << 16) | (d << 24));
  }
  return stores;
}

/** MOV DX, port; MOV AX, value; OUT DX, AX */
function out16(port: number, value: number): string {
  const [p = '', q = ''] = littleEndian(port).split(' ');
  const [v = '', w = ''] = littleEndian(value).split(' ');
  return `66 ba ${p} ${q} 66 b8 ${v} ${w} 66 ef `;
}

/** The clock's alarm register to "any" and its interrupt on: MOV AL, n; OUT 0x70, AL; MOV AL, value; OUT 0x71, AL. */
const ALARM_NEXT_SECOND = ['01 e6 71|c0', '03 e6 71|c0', '05 e6 71|c0', '0b e6 71|22']
  .map((entry) => entry.split('|'))
  .map(([register = '', value]) => `b0 ${register.slice(0, 2)} e6 70 b0 ${value} e6 71 `)
  .join('');
const ENABLE_ALARM = out16(0x602, 0x400);
const SLEEP = out16(0x604, 0x2400);
/** In real mode: MOV AX, CS; MOV DX, 0xF4; MOV AL, 0x15; OUT DX, AL. */
const LEAVE = '8c c8 ba f4 00 b0 15 ee';
const SPIN = 'eb fe';

it('wakes from S3 at the alarm, in real mode at the waking vector, with memory as it was', async () => {
  const code = place(WAKE, LEAVE) + store(FACS_WAKING_VECTOR, WAKE) + ENABLE_ALARM + ALARM_NEXT_SECOND;

  const { result, machine } = await runToEnd(code + SLEEP + SPIN, '', { firmware: 'pc' });

  expect(result).toMatchObject({ reason: 'exit', status: 0x2b });
  expect(machine.memory.read(WAKE, 4)).toBe(0xf4bac88c);
});

it('ignores S3 without a firmware to come back by', async () => {
  const { report } = await run(`${ENABLE_ALARM + SLEEP} fa f4`, '');
  expect((report.registers.rax ?? 0n) & 0xffffn).toBe(0x2400n);
});
