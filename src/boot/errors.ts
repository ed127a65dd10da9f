/**
 * The one error of `src/boot`: why an image cannot start in this machine. The message holds the numbers and
 * says what to change. Leaves out faults of the image itself: that is `ImageError`.
 */

/** Why the image cannot start; stable, for programs. The message is for people. */
export type BootErrorCode =
  /** The image, its modules or its information do not fit the RAM. */
  | 'not-enough-memory'
  /** A segment lies over 0xA0000–0xBFFFF, where no RAM is. */
  | 'segment-over-video-window'
  | 'command-line-too-long'
  /** A command line holds a NUL, which would end it early. */
  | 'bad-command-line'
  /** A module has arguments, and the protocol has no place for them. */
  | 'module-arguments';

export class BootError extends Error {
  override readonly name = 'BootError';

  constructor(
    readonly code: BootErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Bytes for a message, rounded up so that a need is never understated. */
function sizeText(bytes: number): string {
  const [unit, name] = bytes < MIB ? [KIB, 'KiB'] : [MIB, 'MiB'];
  return `${Math.ceil((bytes / unit) * 10) / 10} ${name}`;
}

/** The `-m` option that gives so many bytes: a power of two, or a multiple of 256 MiB above 1 GiB. */
export function memoryOption(bytes: number): string {
  if (bytes > GIB) return `-m ${Math.ceil(bytes / (256 * MIB)) * 256}M`;
  let mebibytes = 1;
  while (mebibytes * MIB < bytes) mebibytes *= 2;
  return `-m ${mebibytes}M`;
}

/** @param what the part that does not fit, such as `the image` @param needed RAM in bytes that would do */
export function notEnoughMemory(what: string, needed: number, ramSize: number): BootError {
  return new BootError(
    'not-enough-memory',
    `${what} needs ${sizeText(needed)}, machine has ${sizeText(ramSize)}: ${memoryOption(needed)}`,
  );
}
