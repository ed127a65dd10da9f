/**
 * Cases as JSON: what went in, what a processor made of it, and which processor. A fixture needs no processor of that kind
 * to be run again: the guest runs it from the same trampoline, and its output is compared with the recorded one.
 * Only what is not zero of memory and vectors is written, and of the output only what changed.
 */
import { type Difference, differences } from './compare.js';
import type { Guest } from './guest.js';
import {
  ARENA,
  ARENAS,
  CODE_ENDING,
  CODE_SLOT,
  INPUT,
  OUTPUT,
  RECORD_ORDER,
  type ValuesKind,
  type VectorsKind,
} from './layout.js';
import { inputSize, outputSize, Round } from './round.js';
import type { Area, Tier, Tolerance, Variant } from './variant.js';
import type { Case } from './workbench.js';

export interface Fixture {
  /** Instructions in Intel's syntax. */
  readonly text: string;
  readonly family: string;
  readonly tier: Tier;
  readonly codeSize: 32 | 64;
  /** Hexadecimal, at `CASE_ADDRESS`. */
  readonly code: string;
  readonly area?: Area;
  readonly vectors: VectorsKind;
  /** RFLAGS bits that are not compared. */
  readonly undefinedFlags: number;
  readonly tolerance: Tolerance;
  /** Hexadecimal words: RAX … R15 with RSP in its place, then RFLAGS. */
  readonly registers: readonly string[];
  /** 16 bytes of memory and vectors as hexadecimal, by offset. */
  readonly state: Readonly<Record<string, string>>;
  readonly expected: {
    /** By place in `registers`. */
    readonly registers: Readonly<Record<string, string>>;
    /** Vector, error code, CR2, RIP, RFLAGS as saved. */
    readonly exception?: readonly string[];
    readonly state: Readonly<Record<string, string>>;
  };
}

export interface FixtureFile {
  /** The processor that the expected values come from. */
  readonly model: string;
  readonly cases: readonly Fixture[];
}

const CHUNK = 16;

function word(record: Uint8Array, at: number): bigint {
  return new DataView(record.buffer, record.byteOffset).getBigUint64(at, true);
}
function put(record: Uint8Array, at: number, hex: string): void {
  new DataView(record.buffer, record.byteOffset).setBigUint64(at, BigInt(`0x${hex}`), true);
}

/** Where a record has its 17 words of `registers`. */
function places(rsp: number, flags: number): number[] {
  const found = new Array<number>(17).fill(0);
  RECORD_ORDER.forEach((register, n) => {
    found[register] = 8 * n;
  });
  found[4] = rsp;
  found[16] = flags;
  return found;
}
const INPUT_PLACES = places(INPUT.rsp, INPUT.flags);
const OUTPUT_PLACES = places(OUTPUT.rsp, OUTPUT.flags);
const EXCEPTION_PLACES = [OUTPUT.vector, OUTPUT.errorCode, OUTPUT.cr2, OUTPUT.rip, OUTPUT.savedFlags];

function chunk(record: Uint8Array, at: number): string {
  return Buffer.from(record.buffer, record.byteOffset + at, Math.min(CHUNK, record.length - at)).toString(
    'hex',
  );
}

export function toFixture(one: Case, expected: Uint8Array, family: string, text: string): Fixture {
  const { variant, input } = one;
  const state: Record<string, string> = {};
  const changed: Record<string, string> = {};
  for (let at = 0; INPUT.memory + at < input.length; at += CHUNK) {
    const before = chunk(input, INPUT.memory + at);
    if (/[^0]/.test(before)) state[at] = before;
    if (OUTPUT.memory + at >= expected.length) continue;
    const after = chunk(expected, OUTPUT.memory + at);
    if (after !== before) changed[at] = after;
  }
  const registers = INPUT_PLACES.map((at) => word(input, at).toString(16));
  const outputs = OUTPUT_PLACES.map((at) => word(expected, at).toString(16));
  const differing = outputs.flatMap((value, n) => (value === registers[n] ? [] : [[n, value] as const]));
  const exception = EXCEPTION_PLACES.map((at) => word(expected, at).toString(16));
  return {
    text,
    family,
    tier: variant.tier,
    codeSize: variant.codeSize,
    code: Buffer.from(placedCode(variant)).toString('hex'),
    ...(variant.area ? { area: variant.area } : {}),
    vectors: variant.vectors,
    undefinedFlags: variant.undefinedFlags,
    tolerance: variant.tolerance,
    registers,
    state,
    expected: {
      registers: Object.fromEntries(differing),
      ...(exception[0] === '0' ? {} : { exception }),
      state: changed,
    },
  };
}

/** The code with its patches made. */
function placedCode(variant: Variant): Uint8Array {
  const code = Uint8Array.from(variant.code);
  const view = new DataView(code.buffer);
  const base = ARENAS[0] + ARENA.code;
  for (const { at, kind, value, from } of variant.patches) {
    view.setInt32(at, kind === 'address' ? base + value : value - (base + from), true);
  }
  return code;
}

function toVariant(fixture: Fixture): Variant {
  return {
    tier: fixture.tier,
    entries: [],
    codeSize: fixture.codeSize,
    code: [...Buffer.from(fixture.code, 'hex')],
    patches: [],
    area: fixture.area,
    vectors: fixture.vectors,
    values: 0 as ValuesKind,
    unmasked: false,
    flagsVaried: 0,
    flagsSet: Number.parseInt(fixture.registers[16]!, 16),
    fixups: [],
    undefinedFlags: fixture.undefinedFlags,
    tolerance: fixture.tolerance,
  };
}

function toInput(fixture: Fixture, variant: Variant): Uint8Array {
  const input = new Uint8Array(inputSize(variant));
  for (const [n, at] of INPUT_PLACES.entries()) put(input, at, fixture.registers[n]!);
  put(input, INPUT.rip, (ARENAS[0] + ARENA.code).toString(16));
  put(input, INPUT.cs, fixture.codeSize === 64 ? '33' : '23');
  put(input, INPUT.ss, '2b');
  for (const [at, bytes] of Object.entries(fixture.state)) {
    input.set(Buffer.from(bytes, 'hex'), INPUT.memory + Number(at));
  }
  return input;
}

function toExpected(fixture: Fixture, variant: Variant, input: Uint8Array): Uint8Array {
  const expected = new Uint8Array(outputSize(variant));
  for (const [n, at] of OUTPUT_PLACES.entries())
    put(expected, at, fixture.expected.registers[n] ?? fixture.registers[n]!);
  for (const [n, at] of EXCEPTION_PLACES.entries()) put(expected, at, fixture.expected.exception?.[n] ?? '0');
  expected.set(input.subarray(INPUT.memory, INPUT.memory + expected.length - OUTPUT.memory), OUTPUT.memory);
  for (const [at, bytes] of Object.entries(fixture.expected.state)) {
    expected.set(Buffer.from(bytes, 'hex'), OUTPUT.memory + Number(at));
  }
  return expected;
}

/** Runs a fixture in a guest: what differs from the processor it was recorded on. */
export function replay(guest: Guest, fixture: Fixture): Difference[] {
  const variant = toVariant(fixture);
  const round = new Round(0, guest.trampoline);
  if (variant.code.length > CODE_SLOT - CODE_ENDING || !round.add(variant, 1, 0))
    throw new Error('a fixture is too large');
  const input = toInput(fixture, variant);
  const arena = guest.arena(0);
  guest.writeArena(0, ARENA.descriptors, round.descriptors);
  guest.writeArena(0, ARENA.code, round.code);
  arena.set(input, ARENA.inputs);
  guest.run(0, 1);
  const ours = arena.slice(ARENA.outputs, ARENA.outputs + round.outputBytes);
  return differences(variant, ours, toExpected(fixture, variant, input));
}

/** As a file: a case a line, so that changes are seen case by case. */
export function fixtureText({ model, cases }: FixtureFile): string {
  const lines = cases.map((each) => `  ${JSON.stringify(each)}`);
  return `{"model":${JSON.stringify(model)},"cases":[\n${lines.join(',\n')}\n]}\n`;
}
