/**
 * Makes a hard disk from which a BIOS boots one of our guests: boot-sector.S, a sector of parameters, the image flat.
 * The multiboot information has what our guests' load needs of it: memory sizes and the command line.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { detectImage } from '../../src/image/detect.js';
import { BenchError } from '../child.js';

const SECTOR = 512;
/** As boot-sector.S has it: seven times 127 sectors, the parameters among them. */
const MOST_IMAGE_BYTES = (7 * 127 - 1) * SECTOR;
const PARAMETERS = 0x8000;
const INFORMATION_OFFSET = 0x10;
const COMMAND_LINE_OFFSET = 0x100;
/** Multiboot specification 0.6.96, 3.3: bit 0, mem_lower and mem_upper; bit 2, cmdline. */
const INFORMATION_FLAGS = 0b101;
const LOWER_KIBIBYTES = 639;
const UPPER_KIBIBYTES = 63 * 1024;

export const GEOMETRY = { cylinders: 1, heads: 16, sectors: 63 } as const;
const DISK_BYTES = GEOMETRY.cylinders * GEOMETRY.heads * GEOMETRY.sectors * SECTOR;

export interface BootDisk {
  readonly image: Uint8Array;
  readonly imageName: string;
  readonly commandLine: string;
}

/** @param folder for the disk and what it is made from */
export function writeBootDisk(folder: string, path: string, disk: BootDisk): void {
  const bytes = new Uint8Array(DISK_BYTES);
  const flat = flatImage(disk.image);
  bytes.set(assembleBootSector(folder));
  bytes.set(parameters(flat, `${disk.imageName} ${disk.commandLine}`), SECTOR);
  bytes.set(flat.bytes, 2 * SECTOR);
  writeFileSync(path, bytes);
}

interface FlatImage {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly entry: number;
}

/** The loaded bytes, without the zeros after them: our guests clear their .bss themselves. */
function flatImage(file: Uint8Array): FlatImage {
  const { plan } = detectImage(file, 'multiboot');
  const starts = plan.segments.map(({ physicalAddress }) => physicalAddress);
  const ends = plan.segments.map(({ physicalAddress, bytes }) => physicalAddress + bytes.length);
  const address = Math.min(...starts);
  const length = Math.max(...ends) - address;
  if (length > MOST_IMAGE_BYTES)
    throw new BenchError('failed', `an image of ${length} bytes is too large for the boot sector`);
  const bytes = new Uint8Array(length);
  for (const segment of plan.segments) bytes.set(segment.bytes, segment.physicalAddress - address);
  return { address, bytes, entry: plan.entry };
}

function parameters({ address, bytes, entry }: FlatImage, commandLine: string): Uint8Array {
  const sector = new Uint8Array(SECTOR);
  const view = new DataView(sector.buffer);
  const words = (offset: number, ...values: readonly number[]): void => {
    for (const [n, value] of values.entries()) view.setUint32(offset + 4 * n, value, true);
  };
  words(0, address, bytes.length, entry);
  words(INFORMATION_OFFSET, INFORMATION_FLAGS, LOWER_KIBIBYTES, UPPER_KIBIBYTES);
  words(INFORMATION_OFFSET + 16, PARAMETERS + COMMAND_LINE_OFFSET);
  new TextEncoder().encodeInto(commandLine, sector.subarray(COMMAND_LINE_OFFSET, SECTOR - 1));
  return sector;
}

function assembleBootSector(folder: string): Uint8Array {
  const source = fileURLToPath(new URL('boot-sector.S', import.meta.url));
  const output = join(folder, 'boot-sector.bin');
  const layout = ['-Wl,-Ttext=0x7c00', '-Wl,--oformat=binary', '-Wl,--build-id=none'];
  const args = ['-m32', '-nostdlib', '-static', '-no-pie', ...layout, '-o', output, source];
  const { status, stderr } = spawnSync('gcc', args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new BenchError('failed', `the boot sector cannot be assembled: ${stderr}`);
  return readFileSync(output).subarray(0, SECTOR);
}
