/** Option values from text, strictly: what is not exactly a value is refused with an example of one. */
import { MAX_RAM } from '../memory/layout.js';
import { UsageError } from './usage-error.js';

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** RAM that a machine can have, in bytes; it comes in pieces of 64 KiB. */
const MEMORY = { least: 2 ** 20, most: MAX_RAM, step: 2 ** 16 };
export const MEMORY_RANGE = `${sizeText(MEMORY.least)} to ${sizeText(MEMORY.most)}`;

/** As `parseSize`, for RAM. */
export function parseMemory(option: string, text: string): number {
  const bytes = parseSize(option, text);
  const { least, most, step } = MEMORY;
  if (bytes > most) throw badValue(option, text, `is too much: RAM is ${MEMORY_RANGE}`);
  if (bytes < least) throw badValue(option, text, `is too little: RAM is ${MEMORY_RANGE}`);
  if (bytes % step !== 0) {
    const below = sizeText(bytes - (bytes % step));
    throw badValue(option, text, `is not a multiple of ${sizeText(step)}: write ${below}, for example`);
  }
  return bytes;
}

/** The shortest form of a size that `parseSize` understands. */
function sizeText(bytes: number): string {
  const unit = ['g', 'm', 'k'].find((letter) => bytes >= UNITS[letter]! && bytes % UNITS[letter]! === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / UNITS[unit]!}${unit.toUpperCase()}`;
}

/** What is likely meant by a number alone: mebibytes, as for QEMU, if a machine can have so many. */
function unitHint(number: number): string {
  if (number * UNITS.m! <= MEMORY.most) return `write ${number}M for MiB`;
  return number < MEMORY.least ? `write ${number}K for KiB` : `write ${sizeText(number)} for so many bytes`;
}

/** Bytes from `64M`, `64MiB`, `1.5G`, `65536B`; always powers of 1024, as for QEMU. Zero needs no unit. */
function parseSize(option: string, text: string): number {
  if (/^0+$/.test(text.trim())) return 0;
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgt])(?:i?b)?|b)$/i.exec(text.trim());
  if (match === null) {
    const hint = /^\d+$/.test(text.trim()) ? `it has no unit: ${unitHint(Number(text))}` : 'write 64M or 1G';
    throw badValue(option, text, `is not a size: ${hint}`);
  }
  const bytes = Number(match[1]) * (UNITS[match[2]?.toLowerCase() ?? ''] ?? 1);
  if (!Number.isInteger(bytes)) throw badValue(option, text, 'is not a whole number of bytes');
  return bytes;
}

const MOST_SECONDS = 1e9;

/** Milliseconds from seconds. */
export function parseSeconds(option: string, text: string): number {
  const seconds = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || seconds <= 0) {
    throw badValue(option, text, 'is not a time: write seconds, such as 10 or 0.5');
  }
  if (seconds > MOST_SECONDS) {
    throw badValue(option, text, `is too long: the limit is ${MOST_SECONDS} seconds, which is some 31 years`);
  }
  return seconds * 1000;
}

/** A whole number, with `_` or `,` between thousands if liked. */
export function parseCount(option: string, text: string, least: number): number {
  const plain = text.replace(/(?<=\d)[_,](?=\d{3})/g, '');
  const value = Number(plain);
  if (!/^\d+$/.test(plain) || !Number.isSafeInteger(value) || value < least) {
    throw badValue(option, text, `is not a whole number from ${least} to 2^53 - 1`);
  }
  return value;
}

/** An address, `0x100000` or decimal. */
export function parseAddress(text: string): bigint | undefined {
  if (!/^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) return undefined;
  const value = BigInt(text);
  return value < 2n ** 64n ? value : undefined;
}

export function badValue(option: string, text: string, why: string): UsageError {
  return new UsageError('bad-value', `${option}: "${text}" ${why}`);
}

/** The one value of an option that may be given once. */
export function single<T>(option: string, value: T | readonly T[] | undefined): T | undefined {
  if (!Array.isArray(value)) return value as T | undefined;
  throw new UsageError('bad-usage', `${option} is given ${value.length} times: give it once`);
}
