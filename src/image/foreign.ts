/**
 * Files that are no image but are often given for one, by their magic numbers, so that the error names them.
 * Leaves out all validation. Sources: each format's own specification.
 */

interface ForeignFormat {
  /** With its article. */
  readonly name: string;
  readonly advice: string;
  readonly matches: (bytes: Uint8Array) => boolean;
}

/** Matches text at an offset; `\x` escapes stand for bytes. */
function at(offset: number, magic: string): (bytes: Uint8Array) => boolean {
  const codes = Array.from(magic, (character) => character.charCodeAt(0));
  return (bytes) => codes.every((code, index) => bytes[offset + index] === code);
}

const UNPACK = 'unpack it first';
const KERNEL_IN_IT = 'take the kernel out of it, or build an image that multiboot or PVH can boot';
const DISK = 'it is a disk: give it with --drive, and the kernel as the image';
const REBUILD = 'build the image as an ELF with a multiboot header or a PVH note';

const isBzImage = at(0x202, 'HdrS');

const FORMATS: readonly ForeignFormat[] = [
  { name: 'a script', advice: 'give the image that it starts', matches: at(0, '#!') },
  { name: 'gzip data', advice: 'unpack it first (gunzip)', matches: at(0, '\x1f\x8b') },
  { name: 'xz data', advice: UNPACK, matches: at(0, '\xfd7zXZ\0') },
  { name: 'Zstandard data', advice: UNPACK, matches: at(0, '\x28\xb5\x2f\xfd') },
  { name: 'bzip2 data', advice: UNPACK, matches: at(0, 'BZh') },
  { name: 'LZ4 data', advice: UNPACK, matches: at(0, '\x04\x22\x4d\x18') },
  { name: 'a zip archive', advice: UNPACK, matches: at(0, 'PK\x03\x04') },
  { name: 'a tar archive', advice: UNPACK, matches: at(257, 'ustar') },
  {
    name: 'a cpio archive',
    advice: 'it is an initial RAM disk: give it with --initrd',
    matches: at(0, '07070'),
  },
  { name: 'a library archive (ar)', advice: 'link it into a program first', matches: at(0, '!<arch>\n') },
  { name: 'a qcow2 disk image', advice: DISK, matches: at(0, 'QFI\xfb') },
  { name: 'a VMDK disk image', advice: DISK, matches: at(0, 'KDMV') },
  { name: 'a VHDX disk image', advice: DISK, matches: at(0, 'vhdxfile') },
  { name: 'a VHD disk image', advice: DISK, matches: at(0, 'conectix') },
  { name: 'a VDI disk image', advice: DISK, matches: at(0x40, '\x7f\x10\xda\xbe') },
  { name: 'an ISO 9660 CD image', advice: KERNEL_IN_IT, matches: at(0x8001, 'CD001') },
  { name: 'an arm64 Linux kernel', advice: 'build it for x86-64', matches: at(0x38, 'ARM\x64') },
  { name: 'a U-Boot image', advice: KERNEL_IN_IT, matches: at(0, '\x27\x05\x19\x56') },
  { name: 'a Mach-O program', advice: REBUILD, matches: at(0, '\xcf\xfa\xed\xfe') },
  { name: 'a Mach-O program', advice: REBUILD, matches: at(0, '\xce\xfa\xed\xfe') },
  { name: 'a WebAssembly module', advice: REBUILD, matches: at(0, '\0asm') },
  { name: 'LLVM bitcode', advice: 'compile and link it first', matches: at(0, 'BC\xc0\xde') },
  { name: 'a PE program (Windows or EFI)', advice: REBUILD, matches: isPe },
  { name: 'a disk image with a boot sector', advice: DISK, matches: at(510, '\x55\xaa') },
  { name: 'a text file', advice: 'give the image itself', matches: isText },
];

/** A Linux kernel in its boot format. Linux, Documentation/arch/x86/boot.rst: HdrS at 0x202. */
export function isLinuxKernel(bytes: Uint8Array): boolean {
  return isBzImage(bytes);
}

/** What the file is instead of an image, or undefined when nothing is recognised. */
export function foreignFormat(bytes: Uint8Array): { name: string; advice: string } | undefined {
  return FORMATS.find(({ matches }) => matches(bytes));
}

function isPe(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x4d || bytes[1] !== 0x5a || bytes.length < 0x40) return false;
  const offset = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0x3c, true);
  return at(offset, 'PE\0\0')(bytes);
}

function isText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, 512);
  return sample.every((byte) => (byte >= 0x20 && byte !== 0x7f) || (byte >= 9 && byte <= 13));
}
