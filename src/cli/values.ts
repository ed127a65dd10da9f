/** Option values from text, strictly: what is not exactly a value is refused with an example of one. */
import { UsageError } from './usage-error.js';

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes from `64M`, `64MiB`, `1.5G`, `65536B`; always powers of 1024, as for QEMU. */
export function parseSize(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgt])(?:i?b)?|b)$/i.exec(text.trim());
  if (match === null) {
    const hint = /^\d+$/.test(text.trim())
      ? `it has no unit: write ${text.trim()}M for MiB`
      : 'write 64M or 1G';
    throw badValue(option, text, `is not a size: ${hint}`);
  }
  const bytes = Number(match[1]) * (UNITS[match[2]?.toLowerCase() ?? ''] ?? 1);
  if (!Number.isSafeInteger(bytes)) throw badValue(option, text, 'is not a whole number of bytes');
  return bytes;
}

/** Milliseconds from seconds. */
export function parseSeconds(option: string, text: string): number {
  const seconds = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || seconds <= 0 || seconds > 1e9) {
    throw badValue(option, text, 'is not a time: write seconds, such as 10 or 0.5');
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
  return new UsageError('bad-value', `${option}: ${text === '' ? 'nothing' : `"${text}"`} ${why}`);
}

/** The one value of an option that may be given once. */
export function single<T>(option: string, value: T | readonly T[] | undefined): T | undefined {
  if (!Array.isArray(value)) return value as T | undefined;
  throw new UsageError('bad-usage', `${option} is given ${value.length} times: give it once`);
}
