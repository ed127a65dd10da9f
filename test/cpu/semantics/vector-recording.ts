/** Replays vector instructions against results recorded on a processor; the recordings say how they are written. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Cpu } from '../../../src/cpu/cpu.js';
import { loadInterpreter } from '../../../src/cpu/tiers/interpreter/load.js';
import { runOn } from '../../support/run-code.js';

const ARITHMETIC_FLAGS = 0x8d5n;
const USUAL_MXCSR = 0x1f80n;
const RAX = 0;
const RCX = 1;
const RDX = 2;
const RSI = 6;
const RDI = 7;
const TABLE = 0x20000;
const OPERAND = 0x22000;
const OPERAND_BYTES = 32;

type Values = ReadonlyMap<string, bigint>;

interface Case {
  readonly text: string;
  readonly code: string;
  readonly before: Values;
  readonly after: Values;
}

function valuesOf(text: string): Values {
  const pairs = text.split(' ').filter(Boolean);
  return new Map(
    pairs.map((pair) => {
      const [name, value] = pair.split('=') as [string, string];
      return [name, BigInt(`0x${value}`)];
    }),
  );
}

/** The cases of a recording by mnemonic. */
function parse(text: string): Map<string, Case[]> {
  const all = new Map<string, Case[]>();
  let mnemonic = '';
  let code = '';
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('#')) continue;
    if (line.startsWith('@')) {
      [mnemonic, code] = line.slice(1).split(' ') as [string, string];
      continue;
    }
    const [before, after] = line.split('>') as [string, string];
    const known = all.get(mnemonic) ?? [];
    known.push({ text: `${code} ${line}`, code, before: valuesOf(before), after: valuesOf(after) });
    all.set(mnemonic, known);
  }
  return all;
}

function bytesOf(value: bigint): number[] {
  return Array.from({ length: OPERAND_BYTES }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}

/** The registers of one kind that a case gives. */
function registers(values: Values, prefix: string): Record<number, bigint> {
  const given: Record<number, bigint> = {};
  for (let n = 0; n < 4; n++) given[n] = values.get(prefix + n) ?? 0n;
  return given;
}

function replay(cpu: Cpu, { code, before, after }: Case): { wanted: object; found: object } {
  const table = Array.from({ length: 192 }, (_, n) => (n * 7 + 3) & 255);
  const outcome = runOn(cpu, {
    code,
    avx: true,
    ymm: registers(before, 'ymm'),
    mmx: registers(before, 'mm'),
    registers: {
      [RAX]: before.get('rax') ?? 0n,
      [RCX]: 0n,
      [RDX]: before.get('rdx') ?? 0n,
      [RSI]: BigInt(TABLE - 0x140),
      [RDI]: BigInt(OPERAND - 0xa0),
    },
    flags: ARITHMETIC_FLAGS | 2n,
    mxcsr: Number(before.get('mxcsr') ?? USUAL_MXCSR),
    memory: [
      { address: TABLE, bytes: table },
      { address: OPERAND, bytes: bytesOf(before.get('memory') ?? 0n) },
    ],
  });
  const names = [...new Set([...before.keys(), ...after.keys(), 'mxcsr', 'flags', 'vector', 'ymm0'])];
  const usual: Values = new Map([
    ['mxcsr', USUAL_MXCSR],
    ['flags', ARITHMETIC_FLAGS],
  ]);
  const find = (name: string): bigint => {
    const n = Number(name.slice(-1));
    if (name.startsWith('ymm')) return outcome.ymm(n);
    if (name.startsWith('mm')) return outcome.mmx(n);
    if (name === 'memory') {
      return outcome
        .bytes(OPERAND, OPERAND_BYTES)
        .reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    }
    if (name === 'rax') return outcome.registers[RAX] as bigint;
    if (name === 'rcx') return outcome.registers[RCX] as bigint;
    if (name === 'rdx') return outcome.registers[RDX] as bigint;
    if (name === 'flags') return outcome.flags & ARITHMETIC_FLAGS;
    return name === 'mxcsr' ? BigInt(outcome.mxcsr) : BigInt(outcome.exception?.vector ?? 0);
  };
  const want = (name: string): bigint => after.get(name) ?? before.get(name) ?? (usual.get(name) || 0n);
  return {
    wanted: Object.fromEntries(names.map((name) => [name, want(name).toString(16)])),
    found: Object.fromEntries(names.map((name) => [name, find(name).toString(16)])),
  };
}

/** One test for each mnemonic of a recording. @param file beside the test that asks */
export function replayRecording(file: URL): void {
  const loading = loadInterpreter();
  let cpu: Cpu | undefined;
  const all = parse(readFileSync(file, 'utf8'));
  it.each([...all.keys()])('%s', async (mnemonic) => {
    cpu ??= new Cpu({
      interpreter: await loading,
      ramSize: 4 << 20,
      bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
      interrupts: { pending: () => false, acknowledge: () => 0 },
    });
    for (const each of all.get(mnemonic) ?? []) {
      const { wanted, found } = replay(cpu, each);
      expect(found, each.text).toEqual(wanted);
    }
  });
}
