/** The state of a guest that crashed: where, what instruction, all registers in columns, and who called. */
import type { ChalkInstance } from 'chalk';
import { DECODE_OK, decode } from '../cpu/decode/decoder.js';
import { disassemble } from '../cpu/decode/disassembler.js';
import { DecodedInstruction } from '../cpu/decode/instruction.js';
import { CPU_MODELS, type CpuModelName, cpuModel } from '../cpu/system/cpu-model.js';
import type { MachineReport } from '../hypervisor/report.js';

const COLUMNS = 4;

/** @param cpu that it ran on @param state of the guest; RIP of one that halted is past its HLT */
export function crashReport(
  report: MachineReport,
  colours: ChalkInstance,
  cpu: CpuModelName,
  state: 'crashed' | 'halted' = 'crashed',
): string {
  const lacked = state === 'crashed' ? lackedFeature(report, cpu) : undefined;
  const here = report.backtrace[0]?.symbol;
  const cell = (name: string, value: bigint | number, digits: number): string =>
    `${colours.dim(name.padStart(4))} ${value.toString(16).padStart(digits, '0')}`;
  const wide = (name: string, value: bigint): string => cell(name, value, 16);
  const lines = [
    `${wide('rip', report.rip)}${here === undefined ? '' : `  ${colours.cyan(here)}`}`,
    `${state === 'halted' ? 'next: ' : '      '}${instructionText(report)}`,
    ...(lacked === undefined ? [] : [`      ${colours.yellow(lacked)}`]),
    '',
    ...columns(Object.entries(report.registers).map(([name, value]) => wide(name, value))),
    '',
    `${wide('rfl', report.rflags)}  ${flagNames(report.rflags)}`,
    ...columns(Object.entries(report.control).map(([name, value]) => wide(name, value))),
    Object.entries(report.selectors)
      .map(([name, value]) => cell(name, value, 4))
      .join(''),
    '',
    colours.bold('Backtrace:'),
    ...report.backtrace.map(
      ({ address, symbol }, n) =>
        `${`#${n}`.padStart(4)} ${address.toString(16).padStart(16, '0')}  ${symbol === undefined ? '?' : colours.cyan(symbol)}`,
    ),
  ];
  return lines.join('\n');
}

function columns(cells: readonly string[]): string[] {
  const rows: string[] = [];
  for (let n = 0; n < cells.length; n += COLUMNS) rows.push(cells.slice(n, n + COLUMNS).join(' '));
  return rows;
}

function instructionText({ code, codeSize, rip }: MachineReport): string {
  if (code.length === 0) return '(no memory is mapped here)';
  const instruction = new DecodedInstruction();
  const status = decode(code, 0, code.length, codeSize, instruction);
  const bytes = Array.from(code.subarray(0, Math.max(1, instruction.length)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  return `${bytes.join(' ')}  ${status === DECODE_OK ? disassemble(instruction, rip, 'intel') : '(bad)'}`;
}

/** Why the processor did not know the instruction, if a feature that it lacks is why. */
function lackedFeature({ code, codeSize }: MachineReport, cpu: CpuModelName): string | undefined {
  const instruction = new DecodedInstruction();
  if (decode(code, 0, code.length, codeSize, instruction) !== DECODE_OK) return undefined;
  const { entry, vectorLength } = instruction;
  const feature = vectorLength === 256 ? entry.feature256 : entry.feature;
  if (feature === '' || cpuModel(cpu).features.has(feature)) return undefined;
  const having = CPU_MODELS.find((model) => cpuModel(model).features.has(feature));
  const remedy = having === undefined ? 'and no other has' : `--cpu ${having} has it`;
  return `this instruction needs ${feature}, which --cpu ${cpu} does not have: ${remedy}`;
}

const FLAGS = 'CF - PF - AF - ZF SF TF IF DF OF'.split(' ');

function flagNames(rflags: bigint): string {
  return FLAGS.filter((name, bit) => name !== '-' && (rflags >> BigInt(bit)) & 1n).join(' ');
}
