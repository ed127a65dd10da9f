/**
 * Names for addresses, from .symtab: for backtraces, the debugger and `inspect`. Leaves out demangling,
 * DWARF and .dynsym. Nothing here throws; a table that cannot be read has no symbols.
 * System V ABI, generic, chapter 4 "Symbol Table".
 */

import { type Section, SHT_SYMTAB, sectionBytes } from './elf-sections.js';
import { Reader } from './reader.js';
import { printable } from './text.js';

/** Symbols read at most; a Linux kernel has some 200,000. */
const MAX_SYMBOLS = 1 << 20;
/** Mangled names are long, and beyond this useless to a reader. */
const MAX_NAME = 1024;
const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;

export interface Symbolized {
  readonly name: string;
  /** Bytes from the symbol's value to the address. */
  readonly offset: number;
}

/** Symbols in order of address; entry i of each array belongs together. */
interface Sorted {
  /** Addresses, see `sortKey`. */
  readonly starts: Float64Array;
  /** First address that the symbol does not cover. */
  readonly ends: Float64Array;
  /** Offsets of the names in the string table. */
  readonly names: Uint32Array;
}

interface RawSymbol {
  readonly start: number;
  readonly end: number;
  readonly name: number;
  readonly kind: number;
}

export class SymbolTable {
  readonly #strings: Uint8Array;
  /** Functions with a size: an address inside one belongs to it, whatever labels lie between. */
  readonly #functions: Sorted;
  readonly #all: Sorted;

  constructor(file: Reader, sections: readonly Section[], bits: 32 | 64) {
    const table = sections.find((section) => section.type === SHT_SYMTAB);
    const symbols = table && sectionBytes(file, table);
    const strings = table && sections[table.link];
    this.#strings = (strings && sectionBytes(file, strings)) ?? new Uint8Array(0);
    const raw = symbols ? readSymbols(new Reader(symbols), sections, bits, this.#strings.length) : [];
    this.#all = sortSymbols(raw);
    this.#functions = sortSymbols(
      raw.filter((symbol) => isFunction(symbol.kind) && symbol.end > symbol.start),
    );
  }

  /** Named symbols that have an address. */
  get count(): number {
    return this.#all.starts.length;
  }

  /**
   * The symbol that covers a virtual address: the function around it, else the nearest symbol before it that
   * reaches so far. A symbol without a size reaches to the end of its section.
   */
  symbolize(address: bigint | number): Symbolized | undefined {
    const target = sortKey(address);
    return this.#covering(this.#functions, target) ?? this.#covering(this.#all, target);
  }

  /** The virtual address of the first symbol of that name. */
  addressOf(name: string): bigint | undefined {
    const wanted = new TextEncoder().encode(name);
    for (const [index, offset] of this.#all.names.entries()) {
      const end = offset + wanted.length;
      if (this.#strings[end] === 0 && wanted.every((byte, at) => this.#strings[offset + at] === byte)) {
        return fullAddress(this.#all.starts[index] ?? 0);
      }
    }
    return undefined;
  }

  #covering(symbols: Sorted, target: number): Symbolized | undefined {
    const index = lastAtOrBefore(symbols.starts, target);
    const start = symbols.starts[index];
    if (start === undefined || target >= (symbols.ends[index] ?? 0)) return undefined;
    const name = printable(this.#strings.subarray(symbols.names[index] ?? 0), MAX_NAME);
    return { name, offset: target - start };
  }
}

/**
 * Addresses are kept as their low 53 bits: exact in a double, and in order for every canonical 48-bit
 * address. Sorting and searching a million BigInts would be slow.
 */
function sortKey(address: bigint | number): number {
  if (typeof address === 'number' && !Number.isInteger(address)) return Number.NaN;
  return Number(BigInt.asUintN(53, BigInt(address)));
}

function fullAddress(key: number): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(53, BigInt(key)));
}

function isFunction(kind: number): boolean {
  return kind === STT_FUNC || kind === STT_GNU_IFUNC;
}

/** At one address, a function is the best name and a bare label better than an object. */
function rank(kind: number): number {
  if (isFunction(kind)) return 2;
  return kind === STT_NOTYPE ? 1 : 0;
}

function readSymbols(
  table: Reader,
  sections: readonly Section[],
  bits: 32 | 64,
  stringsSize: number,
): RawSymbol[] {
  const wide = bits === 64;
  const entrySize = wide ? 24 : 16;
  const count = Math.min(Math.floor(table.length / entrySize), MAX_SYMBOLS);
  const sectionEnds = sections.map((section) => sortKey(section.address) + section.size);
  const symbols: RawSymbol[] = [];
  // Symbol 0 is reserved.
  for (let index = 1; index < count; index++) {
    const at = index * entrySize;
    const name = table.u32(at);
    const kind = table.u8(at + (wide ? 4 : 12)) & 15;
    const section = table.u16(at + (wide ? 6 : 14));
    const wanted = isFunction(kind) || kind === STT_NOTYPE || kind === STT_OBJECT;
    if (!wanted || section === 0 || name === 0 || name >= stringsSize) continue;
    const start = wide ? (table.u32(at + 12) & 0x1fffff) * 2 ** 32 + table.u32(at + 8) : table.u32(at + 4);
    const size = wide ? table.u64AsNumber(at + 16) : table.u32(at + 8);
    // Reserved section indexes (absolute symbols) have no section, so such a symbol covers its address only.
    const end = size > 0 ? start + size : Math.max(sectionEnds[section] ?? 0, start + 1);
    symbols.push({ start, end, name, kind });
  }
  return symbols;
}

function sortSymbols(symbols: readonly RawSymbol[]): Sorted {
  // The search finds the last of equal addresses, so the best name comes last.
  const sorted = symbols.toSorted((a, b) => a.start - b.start || rank(a.kind) - rank(b.kind));
  return {
    starts: Float64Array.from(sorted, (symbol) => symbol.start),
    ends: Float64Array.from(sorted, (symbol) => symbol.end),
    names: Uint32Array.from(sorted, (symbol) => symbol.name),
  };
}

/** Index of the last value not above `target`, or −1. */
function lastAtOrBefore(sorted: Float64Array, target: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= target) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
