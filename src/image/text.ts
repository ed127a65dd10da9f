/**
 * How values of an image appear in messages. Leaves out colours and layout, which are the command line's.
 */

/** 0x-prefixed lower-case hexadecimal; a number above 2^53 appears as the double nearest to it. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** Bytes in the largest unit that keeps one decimal honest, rounded up: a need is never understated. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let unit = 0;
  let scale = 1;
  while (unit < units.length - 1 && bytes >= scale * 1024) {
    unit++;
    scale *= 1024;
  }
  return `${Math.ceil((bytes / scale) * 10) / 10} ${units[unit]}`;
}

/**
 * Text from a file made safe to print: an image could otherwise move the reader's cursor or forge lines.
 * Stops at the first NUL and at `limit` bytes.
 */
export function printable(bytes: Uint8Array, limit = 256): string {
  let end = bytes.subarray(0, limit).indexOf(0);
  if (end < 0) end = Math.min(bytes.length, limit);
  const text = new TextDecoder().decode(bytes.subarray(0, end));
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
