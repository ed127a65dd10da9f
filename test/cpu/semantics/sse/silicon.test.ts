/**
 * Every SSE and SSE2 instruction against results recorded on a processor: edge-heavy operands, all rounding modes,
 * DAZ, FTZ and unmasked exceptions. RCP and RSQRT, where processors differ, are held to their error bound.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Cpu } from '../../../../src/cpu/cpu.js';
import { loadInterpreter } from '../../../../src/cpu/tiers/interpreter/load.js';
import { type Outcome, runOn } from '../../../support/run-code.js';

interface Recorded {
  readonly name: string;
  readonly code: string;
  readonly cases: string[];
}

/** The file says how it is written. */
function parseRecording(text: string): { source: string; instructions: Recorded[] } {
  const instructions: Recorded[] = [];
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('#')) continue;
    if (line.startsWith('@')) {
      const [name, code] = line.slice(1).split(' ') as [string, string];
      instructions.push({ name, code, cases: [] });
    } else instructions.at(-1)?.cases.push(line);
  }
  return { source: text.slice(2, text.indexOf('\n')), instructions };
}

const recording = parseRecording(readFileSync(new URL('silicon.txt', import.meta.url), 'utf8'));

const BUFFER = 0x20000;
const OPERAND = BUFFER + 64;
const RAX = 0;
const RDI = 7;
const ARITHMETIC_FLAGS = 0x8d5n;
/** Twice the manual's 1.5 × 2^−12, since the recorded result may err as well. */
const APPROXIMATION_BOUND = 3 * 2 ** -12;

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

function number(hex: string | undefined): bigint {
  return BigInt(`0x${hex || '0'}`);
}

function bytesOf(value: bigint): number[] {
  return Array.from({ length: 16 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}

function integerOf(bytes: readonly number[]): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

interface Result {
  readonly xmm: bigint;
  readonly memory: bigint;
  readonly rax: bigint;
  readonly flags: bigint;
  readonly mxcsr: number;
  readonly vector: number;
}

function replay(code: string, text: string): { wanted: Result; found: Result } {
  const [xmm0, xmm1, memory, rax, mxcsr, , xmmAfter, memoryAfter, raxAfter, flags, mxcsrAfter, vector] =
    text.split(',');
  const outcome: Outcome = runOn(cpu, {
    code,
    xmm: { 0: number(xmm0), 1: number(xmm1) },
    registers: { [RAX]: number(rax), [RDI]: BigInt(BUFFER) },
    flags: ARITHMETIC_FLAGS | 2n,
    mxcsr: Number(number(mxcsr)),
    memory: [{ address: OPERAND, bytes: bytesOf(number(memory)) }],
  });
  return {
    wanted: {
      xmm: number(xmmAfter || xmm0),
      memory: number(memoryAfter || memory),
      rax: number(raxAfter || rax),
      flags: flags ? number(flags) : ARITHMETIC_FLAGS,
      mxcsr: Number(number(mxcsrAfter || mxcsr)),
      vector: Number(vector || 0),
    },
    found: {
      xmm: outcome.xmm(0),
      memory: integerOf(outcome.bytes(OPERAND, 16)),
      rax: outcome.registers[RAX] as bigint,
      flags: outcome.flags & ARITHMETIC_FLAGS,
      mxcsr: outcome.mxcsr,
      vector: outcome.exception?.vector ?? 0,
    },
  };
}

function singles(value: bigint): number[] {
  return [...new Float32Array(Uint8Array.from(bytesOf(value)).buffer)];
}

function expectApproximation(found: bigint, wanted: bigint): void {
  const reference = singles(wanted);
  singles(found).forEach((value, n) => {
    const exact = reference[n] as number;
    if (Number.isFinite(exact) && exact !== 0) {
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(Math.abs(exact) * APPROXIMATION_BOUND);
    } else expect(value).toBe(exact);
  });
}

describe(`SSE and SSE2: ${recording.source}`, () => {
  const names = [...new Set(recording.instructions.map((instruction) => instruction.name))];
  it.each(names)('%s', (name) => {
    const all = recording.instructions.filter((instruction) => instruction.name === name);
    for (const { code, cases } of all) {
      for (const text of cases) {
        const { wanted, found } = replay(code, text);
        if (/^(RCP|RSQRT)/.test(name)) {
          expectApproximation(found.xmm, wanted.xmm);
          expect({ ...found, xmm: 0n }, `${code} ${text}`).toEqual({ ...wanted, xmm: 0n });
        } else expect(found, `${code} ${text}`).toEqual(wanted);
      }
    }
  });
});
