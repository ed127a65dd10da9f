/** The loads of guests/loads and guests/lua, with so many rounds that QEMU's TCG takes some three seconds on a current processor. */
import type { Load } from './loads.js';
import { luaMissing } from './peers/build.js';

export const LOADS: readonly Load[] = [
  { name: 'core', rounds: 32000 },
  { name: 'records', rounds: 44000 },
  { name: 'sieve', rounds: 800 },
  { name: 'quicksort', rounds: 1200 },
  { name: 'recursion', rounds: 7000 },
  { name: 'bytecode', rounds: 1800 },
  { name: 'hashing', rounds: 1600 },
  { name: 'chase', rounds: 400 },
  { name: 'matrix', rounds: 100 },
  { name: 'nbody', rounds: 12000 },
  { name: 'fft', rounds: 2400 },
  { name: 'sha256', rounds: 1600 },
  { name: 'aes', rounds: 6000 },
  { name: 'crc32', rounds: 6600 },
  { name: 'lz', rounds: 1600 },
  { name: 'strings', rounds: 32000 },
  { name: 'bignum', rounds: 4500 },
  { name: 'packed', rounds: 4000 },
  { name: 'x87', rounds: 9000 },
  { name: 'lua', rounds: 240, guest: 'lua', missing: luaMissing },
  { name: 'paging', rounds: 1600, needsMachine: true },
  { name: 'interrupts', rounds: 16000, needsMachine: true },
  { name: 'syscalls', rounds: 12000, needsMachine: true },
];
