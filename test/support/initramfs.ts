/**
 * Initial RAM disks: cpio archives in the "newc" format, which Linux unpacks at its start. Leaves out links, owners and
 * times. Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
 */

export interface ArchiveEntry {
  /** Without a leading slash; a folder is named before what is in it. */
  readonly path: string;
  /** None for a folder. */
  readonly bytes?: Uint8Array;
}

const FOLDER = 0o40755;
const PROGRAM = 0o100755;

export function initramfs(entries: readonly ArchiveEntry[]): Uint8Array {
  const parts = entries.map(({ path, bytes }, n) =>
    record(n + 1, path, bytes ? PROGRAM : FOLDER, bytes ?? new Uint8Array(0)),
  );
  return Buffer.concat([...parts, record(0, 'TRAILER!!!', 0, new Uint8Array(0))]);
}

/** A header of 8-digit hexadecimal fields, the name with a NUL, the contents; both padded to multiples of 4. */
function record(inode: number, path: string, mode: number, bytes: Uint8Array): Uint8Array {
  const name = Buffer.from(`${path}\0`);
  const links = 1;
  const fields = [inode, mode, 0, 0, links, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(bytes)]);
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
