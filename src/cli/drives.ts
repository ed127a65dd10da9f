/** `--drive`, in QEMU's words: what they mean, and the disks that they name. Leaves out formats other than raw. */
import type { BlockBackend } from '../devices/backends.js';
import { OverlayBlock } from '../devices/block/overlay-block.js';
import type { Disk } from '../devices/virtio/block/block.js';
import { RawDisk } from '../host/raw-disk.js';
import { concerning } from './failure.js';
import { UsageError } from './usage-error.js';
import { badValue } from './values.js';

export interface DriveSettings {
  readonly file: string;
  readonly readOnly: boolean;
  /** What the guest writes is forgotten at the end. */
  readonly snapshot: boolean;
  readonly serial: string;
}

const KEYS = ['file', 'format', 'readonly', 'snapshot', 'serial'];

/** `file=F,format=raw,readonly=on,snapshot=on,serial=S`; a doubled comma is a comma. @throws UsageError */
export function parseDrive(text: string): DriveSettings {
  const values = new Map<string, string>();
  for (const part of text.replaceAll(',,', '\0').split(',')) {
    const word = part.replaceAll('\0', ',');
    const equals = word.indexOf('=');
    const key = word.slice(0, Math.max(0, equals));
    if (!KEYS.includes(key)) throw badValue('--drive', text, `has "${word}": write ${KEYS.join('=, ')}=`);
    if (values.has(key)) throw badValue('--drive', text, `has ${key} twice`);
    values.set(key, word.slice(equals + 1));
  }
  const file = values.get('file') ?? '';
  if (file === '') throw badValue('--drive', text, 'names no file: write file=FILE');
  const format = values.get('format') ?? 'raw';
  if (format === 'qcow2') throw new UsageError('not-supported', '--drive format=qcow2 is not supported yet');
  if (format !== 'raw') throw badValue('--drive', text, `has format ${format}: only raw is known`);
  const isOn = (key: string): boolean => {
    const value = values.get(key) ?? 'off';
    if (value !== 'on' && value !== 'off') throw badValue('--drive', text, `has ${key} neither on nor off`);
    return value === 'on';
  };
  const serial = values.get('serial') ?? '';
  return { file, readOnly: isOn('readonly'), snapshot: isOn('snapshot'), serial };
}

export interface OpenDrives {
  readonly disks: readonly Disk[];
  close(): void;
}

/** @param failed told once for each file that cannot be read or written any more @throws FileFailure */
export async function openDrives(
  drives: readonly DriveSettings[],
  failed: (file: string, error: Error) => void,
): Promise<OpenDrives> {
  const files: RawDisk[] = [];
  const close = (): void => {
    for (const file of files) file.close();
  };
  try {
    const disks: Disk[] = [];
    for (const { file, readOnly, snapshot, serial } of drives) {
      const disk = await concerning(file, () => new RawDisk(file, readOnly || snapshot));
      disk.onFailed = (error) => failed(file, error);
      files.push(disk);
      const backend: BlockBackend = snapshot && !readOnly ? new OverlayBlock(disk) : disk;
      disks.push({ backend, serial });
    }
    return { disks, close };
  } catch (error) {
    close();
    throw error;
  }
}
