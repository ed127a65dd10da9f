/**
 * The one error of `src/image`: why a file is not an image that can be loaded. The message holds the values
 * and says what a person can do about it. Leaves out what depends on the machine (RAM, devices): that is
 * `BootError`.
 */

/** Why an image was refused; stable, for programs. The message is for people. */
export type ImageErrorCode =
  /** The file has no bytes. */
  | 'empty'
  /** A known format that is not an image to boot (gzip, qcow2, a script …), or nothing known at all. */
  | 'not-an-image'
  /** A table or its contents lie beyond the end of the file. */
  | 'truncated'
  /** Built for another processor. */
  | 'wrong-machine'
  /** Built for a big-endian processor. */
  | 'wrong-endianness'
  /** An ELF header contradicts itself or the specification. */
  | 'bad-elf'
  /** A segment contradicts itself, such as more bytes in the file than in memory. */
  | 'bad-segment'
  /** Two segments claim the same physical memory. */
  | 'overlapping-segments'
  /** A segment ends above 4 GiB, where neither protocol can load. */
  | 'beyond-4-gib'
  /** Nothing to load. */
  | 'no-segments'
  /** The first instruction lies in no segment. */
  | 'bad-entry'
  /** The header of the protocol contradicts itself. */
  | 'bad-multiboot'
  | 'bad-pvh'
  /** The image demands a feature that we lack. */
  | 'unsupported-feature'
  /** The protocol asked for, or the only one the image speaks, is not supported. */
  | 'unsupported-protocol'
  /** The image speaks no protocol that we know, or not the one asked for. */
  | 'no-protocol';

export class ImageError extends Error {
  override readonly name = 'ImageError';

  constructor(
    readonly code: ImageErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
