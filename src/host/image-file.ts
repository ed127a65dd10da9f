/**
 * Reads whole files that the user named, with errors that say what is wrong with the name. Leaves out what the bytes
 * mean: an empty file is read like any other.
 */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { systemCode, systemErrorText } from './system-error.js';

export type ImageFileErrorCode =
  | 'missing'
  | 'directory'
  | 'no-permission'
  /** A socket, a pipe or a device, which has no size. */
  | 'not-a-file'
  | 'too-large'
  /** A disk that is no whole sectors. */
  | 'bad-size'
  /** Whatever else the operating system said; see `cause`. */
  | 'unreadable';

export class ImageFileError extends Error {
  override readonly name = 'ImageFileError';

  constructor(
    readonly code: ImageFileErrorCode,
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Bytes; no image or initial RAM disk comes near. */
const LARGEST_FILE = 2 ** 30;

/** @throws ImageFileError */
export function readImageFile(path: string): Uint8Array {
  // Looked at before it is opened, as opening a FIFO waits for its writer and opening a device may do anything.
  attempt(path, () => checkKind(path, statSync(path)));
  const descriptor = attempt(path, () => openSync(path, 'r'));
  try {
    return attempt(path, () => readWhole(path, descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** @throws ImageFileError unless it is a regular file */
export function checkKind(path: string, stat: Stats): void {
  if (stat.isFile()) return;
  if (stat.isDirectory())
    throw new ImageFileError('directory', path, 'this is a directory: name the file in it');
  const kind = stat.isFIFO() ? 'a pipe' : stat.isSocket() ? 'a socket' : 'a device';
  throw new ImageFileError(
    'not-a-file',
    path,
    `this is ${kind} and not a regular file: save its contents in one first`,
  );
}

function readWhole(path: string, descriptor: number): Uint8Array {
  const stat = fstatSync(descriptor);
  checkKind(path, stat);
  if (stat.size > LARGEST_FILE) {
    throw new ImageFileError(
      'too-large',
      path,
      `the file has ${stat.size} bytes, the limit is ${LARGEST_FILE} (1 GiB): is it a disk image?`,
    );
  }
  const bytes = new Uint8Array(stat.size);
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(descriptor, bytes, length, bytes.length - length, length);
    // The file was made shorter while it was read.
    if (read === 0) return bytes.subarray(0, length);
    length += read;
  }
  return bytes;
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof ImageFileError) throw cause;
    throw explain(path, cause);
  }
}

/** The error behind a failed system call, in a user's words. */
export function explain(path: string, cause: unknown): ImageFileError {
  const error = (code: ImageFileErrorCode, message: string): ImageFileError =>
    new ImageFileError(code, path, message, { cause });
  switch (systemCode(cause)) {
    case 'ENOENT':
      return error('missing', path === '' ? 'the name is empty' : 'there is no such file');
    case 'ENOTDIR':
      return error('missing', 'there is no such file: a part of its path is not a directory');
    case 'EISDIR':
      return error('directory', 'this is a directory: name the file in it');
    case 'EACCES':
    case 'EPERM':
      return error('no-permission', 'permission denied: you may not use this file');
    case 'ELOOP':
      return error('missing', 'its symbolic links lead in a circle');
    case 'ENAMETOOLONG':
      return error('missing', 'the name is too long');
    case 'EROFS':
      return error('no-permission', 'this is on a file system that cannot be written');
    default:
      return error('unreadable', systemErrorText(cause));
  }
}
