/**
 * Lets V8 heed the branch hints of WebAssembly modules that are compiled from now on. V8 13.7 and later do so anyway
 * (Chrome 137 shipped it); before, it is behind a flag. Hints change speed alone.
 */
import { setFlagsFromString } from 'node:v8';

const HEEDED_FROM = [13, 7] as const;

/** @param v8 a version, as `process.versions.v8` has it */
export function needsFlag(v8: string): boolean {
  const [major = 0, minor = 0] = v8.split('.').map(Number);
  return major < HEEDED_FROM[0] || (major === HEEDED_FROM[0] && minor < HEEDED_FROM[1]);
}

export function heedBranchHints(): void {
  if (needsFlag(process.versions.v8)) setFlagsFromString('--experimental-wasm-branch-hinting');
}
