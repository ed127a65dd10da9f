/** A divergence as text: the code disassembled, what differs, and the values on both sides. */
import { DECODE_OK, decode } from '../../src/cpu/decode/decoder.js';
import { disassemble } from '../../src/cpu/decode/disassembler.js';
import { type CodeSize, DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import { exceptionName } from '../../src/cpu/system/exception-names.js';
import type { Difference } from './compare.js';
import { INPUT, OUTPUT, RECORD_ORDER } from './layout.js';
import type { Variant } from './variant.js';

/** Instructions in Intel's syntax, with `; `. */
export function disassembleCode(code: readonly number[], codeSize: CodeSize, address: number): string {
  const bytes = Uint8Array.from([...code, ...new Array<number>(15).fill(0x90)]);
  const texts: string[] = [];
  const instruction = new DecodedInstruction();
  for (let at = 0; at < code.length; at += Math.max(1, instruction.length)) {
    if (decode(bytes, at, bytes.length, codeSize, instruction) !== DECODE_OK) {
      texts.push('(bad)');
      break;
    }
    texts.push(disassemble(instruction, BigInt(address + at), 'intel').replace(/\s+/g, ' '));
  }
  return texts.join('; ');
}

function hex(bytes: Uint8Array | readonly number[]): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const GENERAL = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
];

function word(record: Uint8Array, at: number): bigint {
  return new DataView(record.buffer, record.byteOffset).getBigUint64(at, true);
}

function registers(record: Uint8Array, size: 'input' | 'output'): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const [n, register] of RECORD_ORDER.entries()) values.set(GENERAL[register]!, word(record, 8 * n));
  values.set('rsp', word(record, size === 'input' ? INPUT.rsp : OUTPUT.rsp));
  values.set('flags', word(record, size === 'input' ? INPUT.flags : OUTPUT.flags));
  return values;
}

function exception(record: Uint8Array): string {
  const vector = Number(word(record, OUTPUT.vector)) - 1;
  if (vector < 0) return 'no exception';
  const words = [OUTPUT.errorCode, OUTPUT.cr2, OUTPUT.rip, OUTPUT.savedFlags].map((at) =>
    word(record, at).toString(16),
  );
  return `${exceptionName(vector)} error ${words[0]} cr2 ${words[1]} rip ${words[2]} flags ${words[3]}`;
}

/** Names 16 bytes of memory and vectors. */
function placeOf({ area, vectors }: Variant, at: number): string {
  const memory = area?.size ?? 0;
  if (at < memory) return `memory ${((area?.address ?? 0) + at).toString(16)}`;
  return `${['', 'xmm', 'ymm', 'fx'][vectors]} image +${at - memory}`;
}

export interface Shown {
  readonly variant: Variant;
  readonly address: number;
  readonly differences: readonly Difference[];
  readonly input: Uint8Array;
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

export function show({ variant, address, differences, input, ours, theirs }: Shown): string {
  const lines = [
    `${variant.tier}: ${disassembleCode(variant.code, variant.codeSize, address)}   [${hex(variant.code)}]`,
    `  differs in ${differences.join(', ')}`,
  ];
  const before = registers(input, 'input');
  const [us, them] = [registers(ours, 'output'), registers(theirs, 'output')];
  for (const [name, value] of before) {
    const [a, b] = [us.get(name), them.get(name)];
    if (value === 0n && a === b && a === value) continue;
    const after = a === b ? a!.toString(16) : `${a!.toString(16)}, processor ${b!.toString(16)}`;
    lines.push(`  ${name} ${value.toString(16)} → ${after}`);
  }
  const [a, b] = [exception(ours), exception(theirs)];
  lines.push(a === b ? `  ${a}` : `  ${a}; processor: ${b}`);
  for (let at = 0; INPUT.memory + at < input.length; at += 16) {
    const part = (record: Uint8Array, from: number): string =>
      hex(record.subarray(from + at, from + at + 16));
    const [before, us, them] = [
      part(input, INPUT.memory),
      part(ours, OUTPUT.memory),
      part(theirs, OUTPUT.memory),
    ];
    if (/^0*$/.test(before + us + them)) continue;
    lines.push(`  ${placeOf(variant, at)} ${before} → ${us === them ? us : `${us}, processor ${them}`}`);
  }
  return lines.join('\n');
}
