/** `univisor disasm`: an image's code as text, in the manner of objdump, or as JSON. */
import type { ChalkInstance } from 'chalk';
import { DECODE_OK, decode } from '../cpu/decode/decoder.js';
import { disassemble } from '../cpu/decode/disassembler.js';
import { type CodeSize, DecodedInstruction } from '../cpu/decode/instruction.js';
import { readImageFile } from '../host/image-file.js';
import { type Code, type CodeRange, findCode } from './code-ranges.js';
import { type DisasmArguments, type DisasmSettings, disasmSettings } from './disasm-options.js';
import { concerning } from './failure.js';
import { palette } from './palette.js';
import { Printer } from './print.js';
import { UsageError } from './usage-error.js';
import { badValue, parseAddress } from './values.js';

/** Lines handed to stdout at once. */
const BATCH = 1000;

interface Line {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The symbol that begins here. */
  readonly label: string | undefined;
  readonly range: CodeRange;
}

export async function disasm(given: DisasmArguments): Promise<number> {
  const settings = disasmSettings(given);
  const code = await concerning(settings.image, () => findCode(readImageFile(settings.image)));
  if (disassembleCode(code, settings).next().done) throw nothingThere(settings);
  const lines = disassembleCode(code, settings);
  return settings.json ? printLinesAsJson(lines) : printLines(lines, palette('stdout'));
}

function nothingThere({ image, start, stop }: DisasmSettings): UsageError {
  const between = start === undefined ? ` before ${stop}` : ` between ${start} and ${stop}`;
  const where = stop === undefined ? ': the image has no code' : between;
  return new UsageError('bad-value', `${image}: nothing to disassemble${where}`);
}

function* disassembleCode(code: Code, settings: DisasmSettings): Generator<Line> {
  const { ranges, symbols } = code;
  const start = addressOf('--start', settings.start, code);
  const stop = addressOf('--stop', settings.stop, code);
  if (start !== undefined && !ranges.some((range) => contains(range, start))) {
    throw badValue(
      '--start',
      settings.start ?? '',
      `is not in the image's code, which is ${rangesText(ranges)}`,
    );
  }
  // A symbol alone means the whole of it and nothing after.
  const named = start !== undefined && parseAddress(settings.start ?? '') === undefined;
  const only = named && stop === undefined ? symbols?.symbolize(start)?.name : undefined;
  const names = (address: bigint): string | undefined => {
    const found = symbols?.symbolize(address);
    return found && `${found.name}${found.offset ? `+0x${found.offset.toString(16)}` : ''}`;
  };
  const instruction = new DecodedInstruction();
  const bits: CodeSize = settings.bits ?? code.bits;
  let left = settings.count ?? Number.POSITIVE_INFINITY;
  for (const range of ranges) {
    if (start !== undefined && !contains(range, start)) continue;
    let offset = start === undefined ? 0 : Number(start - range.address);
    while (offset < range.bytes.length) {
      const address = range.address + BigInt(offset);
      const symbol = symbols?.symbolize(address);
      if (left-- <= 0 || (stop !== undefined && address >= stop)) return;
      if (only !== undefined && symbol?.name !== only) return;
      const valid = decode(range.bytes, offset, range.bytes.length, bits, instruction) === DECODE_OK;
      const length = valid ? instruction.length : 1;
      yield {
        address,
        bytes: range.bytes.subarray(offset, offset + length),
        text: valid ? disassemble(instruction, address, settings.syntax, names) : '(bad)',
        label: symbol?.offset === 0 ? symbol.name : undefined,
        range,
      };
      offset += length;
    }
    if (start !== undefined) return;
  }
}

function contains({ address, bytes }: CodeRange, wanted: bigint): boolean {
  return wanted >= address && wanted < address + BigInt(bytes.length);
}

function rangesText(ranges: readonly CodeRange[]): string {
  if (ranges.length === 0) return 'empty';
  const all = ranges.map(
    ({ name, address, bytes }) =>
      `${name} 0x${address.toString(16)}-0x${(address + BigInt(bytes.length)).toString(16)}`,
  );
  return all.length > 4 ? `${all.slice(0, 4).join(', ')} and ${all.length - 4} more` : all.join(', ');
}

function addressOf(option: string, text: string | undefined, { symbols }: Code): bigint | undefined {
  if (text === undefined) return undefined;
  const address = parseAddress(text) ?? symbols?.addressOf(text);
  if (address !== undefined) return address;
  const why = symbols?.count
    ? 'is neither an address nor a symbol of the image'
    : 'is no address, and the image has no symbols';
  throw new UsageError('bad-value', `${option}: "${text}" ${why}`);
}

async function printLines(lines: Iterable<Line>, colours: ChalkInstance): Promise<number> {
  const printer = new Printer();
  let batch: string[] = [];
  let range: CodeRange | undefined;
  for (const line of lines) {
    if (line.range !== range) {
      if (range !== undefined) batch.push('');
      range = line.range;
      batch.push(`Disassembly of ${range.name}:`);
    }
    if (line.label !== undefined) {
      batch.push('', `${line.address.toString(16).padStart(16, '0')} <${colours.cyan(line.label)}>:`);
    }
    batch.push(
      `${colours.dim(`${line.address.toString(16).padStart(8)}:`)}  ${hexBytes(line).padEnd(30)}  ${line.text}`,
    );
    if (batch.length >= BATCH) {
      if (!(await printer.print(`${batch.join('\n')}\n`))) return printer.finish();
      batch = [];
    }
  }
  if (batch.length > 0) await printer.print(`${batch.join('\n')}\n`);
  return printer.finish();
}

async function printLinesAsJson(lines: Iterable<Line>): Promise<number> {
  const printer = new Printer();
  let text = '[';
  let separator = '\n';
  for (const line of lines) {
    const { address, label, range } = line;
    const record = {
      address: `0x${address.toString(16)}`,
      section: range.name,
      symbol: label,
      bytes: hexBytes(line),
      text: line.text,
    };
    text += `${separator}  ${JSON.stringify(record)}`;
    separator = ',\n';
    if (text.length < BATCH * 100) continue;
    if (!(await printer.print(text))) return printer.finish();
    text = '';
  }
  await printer.print(`${text}\n]\n`);
  return printer.finish();
}

function hexBytes({ bytes }: Line): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
