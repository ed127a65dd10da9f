/**
 * Every x87 instruction against results recorded on a processor: edge-heavy operands, every rounding and precision
 * control, masked and unmasked exceptions, empty and full registers. Transcendentals, where processors differ in the
 * last bit, are held to it.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Cpu } from '../../../../src/cpu/cpu.js';
import * as state from '../../../../src/cpu/state.js';
import { loadInterpreter } from '../../../../src/cpu/tiers/interpreter/load.js';
import { CODE, type Outcome, runOn } from '../../../support/run-code.js';

interface Recorded {
  readonly name: string;
  readonly code: string;
  /** Units in the last place that a register may be off. */
  readonly tolerance: bigint;
  readonly cases: string[];
}

/** The file says how it is written. */
function parseRecording(text: string): { source: string; instructions: Recorded[] } {
  const instructions: Recorded[] = [];
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('#')) continue;
    if (line.startsWith('@')) {
      const [name, code] = line.slice(1).split(', ') as [string, string];
      const tolerance = name.startsWith('~') ? 1n : 0n;
      instructions.push({ name: name.replace('~', ''), code, tolerance, cases: [] });
    } else instructions.at(-1)?.cases.push(line);
  }
  return { source: text.slice(2, text.indexOf('\n')), instructions };
}

const recording = parseRecording(readFileSync(new URL('silicon.txt', import.meta.url), 'utf8'));

const BUFFER = 0x20000;
const BUFFER_SIZE = 128;
const RAX = 0;
const RDI = 7;
const C1 = 0x200;
const ARITHMETIC_FLAGS = 0x8d5n;
const FIRST: Readonly<Record<string, string>> = {
  o: '2a5',
  i: '77777777',
  d: '66666666',
  a: '1122334455667788',
};

let cpu: Cpu;
beforeAll(async () => {
  cpu = new Cpu({
    interpreter: await loadInterpreter(),
    ramSize: 4 << 20,
    bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
    interrupts: { pending: () => false, acknowledge: () => 0 },
    onUnimplemented: () => {},
  });
});

type Fields = Readonly<Record<string, string>>;

function fieldsOf(text: string): Fields {
  return Object.fromEntries(
    text
      .trim()
      .split(' ')
      .map((part) => part.split('=') as [string, string]),
  );
}

function memoryOf(hex: string | undefined): number[] {
  const given = (hex?.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  return [...given, ...new Array<number>(BUFFER_SIZE - given.length).fill(0xcc)];
}

/** Head and significand of an 80-bit register as one number. */
function registerOf(text: string | undefined): bigint {
  const [head, significand] = (text ?? '0:0').split(':') as [string, string];
  return (BigInt(`0x${head}`) << 64n) | BigInt(`0x${significand}`);
}

/** The two halves of a physical register. */
const half = (n: number): state.Field64 => ({ ...state.pageBase, address: state.at(state.fpr, n), count: 2 });

function prepare({ state: view }: Cpu, before: Fields): void {
  const value = (name: string): bigint => BigInt(`0x${before[name]}`);
  view.set32(state.fpuControl, (Number(value('w')) & 0x1f3f) | 0x40);
  const error = value('s') & ~value('w') & 0x3fn ? 0x8080 : 0;
  view.set32(state.fpuStatus, Number(value('s')) | error);
  view.set32(state.fpuTag, Number(value('t')));
  view.set32(state.fpuOpcode, Number(`0x${FIRST.o}`));
  view.set64(state.fpuInstruction, BigInt(`0x${FIRST.i}`));
  view.set64(state.fpuData, BigInt(`0x${FIRST.d}`));
  for (let n = 0; n < 8; n++) {
    const register = registerOf(before[n]);
    view.set64(half(n), register & 0xffffffffffffffffn, 0);
    view.set64(half(n), register >> 64n, 1);
  }
}

interface Result {
  readonly registers: readonly bigint[];
  readonly fields: Fields;
  readonly memory: readonly number[];
}

function found(outcome: Outcome): Result {
  const view = outcome.cpu.state;
  const relative = (address: bigint, base: number): bigint => (address === BigInt(base) ? 1n : address);
  const fields = {
    w: view.get32(state.fpuControl),
    s: view.get32(state.fpuStatus),
    t: view.get32(state.fpuTag),
    f: outcome.flags & ARITHMETIC_FLAGS,
    o: view.get32(state.fpuOpcode),
    i: relative(view.get64(state.fpuInstruction), CODE),
    d: relative(view.get64(state.fpuData), BUFFER),
    a: outcome.registers[RAX] as bigint,
    x: outcome.exception?.vector ?? 0,
  };
  return {
    registers: Array.from({ length: 8 }, (_, n) => view.get64(half(n), 0) | (view.get64(half(n), 1) << 64n)),
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, value.toString(name === 'x' ? 10 : 16)]),
    ),
    memory: outcome.bytes(BUFFER, BUFFER_SIZE),
  };
}

function wanted(before: Fields, after: Fields): Result {
  const control = ((Number.parseInt(before.w as string, 16) & 0x1f3f) | 0x40).toString(16);
  const first = { ...FIRST, x: '0', ...before, w: control, ...after };
  const fields = Object.fromEntries([...'wstfoidax'].map((name) => [name, first[name as 'x'] as string]));
  return {
    registers: Array.from({ length: 8 }, (_, n) => registerOf(after[n] ?? before[n])),
    fields,
    memory: memoryOf(after.m ?? before.m),
  };
}

/** The same where a register is off by no more than it may be, or C1 therefore. */
function forgiving(result: Result, reference: Result, tolerance: bigint): Result {
  const registers = result.registers.map((value, n) => {
    const exact = reference.registers[n] as bigint;
    const distance = value > exact ? value - exact : exact - value;
    return distance <= tolerance ? exact : value;
  });
  const status = Number.parseInt(result.fields.s as string, 16);
  const other = (status ^ C1).toString(16);
  const s = tolerance && other === reference.fields.s ? other : status.toString(16);
  return { ...result, registers, fields: { ...result.fields, s } };
}

describe(`x87: ${recording.source}`, () => {
  it.each(recording.instructions)('$name $code', ({ code, cases, tolerance }) => {
    expect(cases.length).toBeGreaterThan(0);
    for (const text of cases) {
      const [before, after] = text.split('>').map(fieldsOf) as [Fields, Fields];
      const outcome = runOn(cpu, {
        code,
        registers: { [RAX]: BigInt(`0x${FIRST.a}`), [RDI]: BigInt(BUFFER) },
        flags: BigInt(`0x${before.f}`) | 2n,
        memory: [{ address: BUFFER, bytes: memoryOf(before.m) }],
        prepare: (prepared) => prepare(prepared, before),
      });
      const reference = wanted(before, after);
      expect(forgiving(found(outcome), reference, tolerance), `${code} ${text}`).toEqual(reference);
    }
  });
});
