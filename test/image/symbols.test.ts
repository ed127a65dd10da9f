import { describe, expect, it } from 'vitest';
import { ElfFile } from '../../src/image/elf.js';
import type { SymbolTable } from '../../src/image/symbols.js';
import { buildElf, SHT_PROGBITS, type SymbolSpec, symbolSections } from './builders.js';

const NOTYPE = 0;
const OBJECT = 1;
const FUNC = 2;
const FILE = 4;

/** .text is section 1, covers 0x1000 bytes from `base`. */
function symbols(specs: SymbolSpec[], bits: 32 | 64 = 64, base = 0x100000n): SymbolTable {
  const sections = [
    { name: '.text', type: SHT_PROGBITS, address: base, size: 0x1000 },
    ...symbolSections(specs, bits, 3),
  ];
  return ElfFile.parse(buildElf({ bits, sections })).symbols;
}

describe.each([32, 64] as const)('symbols of an ELF%i', (bits) => {
  const table = symbols(
    [
      { name: 'start', value: 0x100000n },
      { name: 'main', value: 0x100100n, size: 0x40, kind: FUNC },
      { name: 'loop', value: 0x100110n },
      { name: 'alias', value: 0x100100n },
      { name: 'data', value: 0x100200n, size: 8, kind: OBJECT },
      { name: 'file.c', value: 0n, kind: FILE },
      { name: 'undefined', value: 0x100300n, section: 0 },
    ],
    bits,
  );

  it('are counted without files and undefined ones', () => {
    expect(table.count).toBe(5);
  });

  it('name the function around an address, whatever labels lie in it', () => {
    expect(table.symbolize(0x100100)).toEqual({ name: 'main', offset: 0 });
    expect(table.symbolize(0x100118n)).toEqual({ name: 'main', offset: 0x18 });
    expect(table.symbolize(0x10013f)).toEqual({ name: 'main', offset: 0x3f });
  });

  it('name the nearest label before where no function is', () => {
    expect(table.symbolize(0x100004)).toEqual({ name: 'start', offset: 4 });
    expect(table.symbolize(0x100140)).toEqual({ name: 'loop', offset: 0x30 });
  });

  it('name data within its size', () => {
    expect(table.symbolize(0x100207)).toEqual({ name: 'data', offset: 7 });
    expect(table.symbolize(0x100208)).toBeUndefined();
  });

  it('name nothing outside the section', () => {
    expect(table.symbolize(0xfffff)).toBeUndefined();
    expect(table.symbolize(0x101000)).toBeUndefined();
    expect(table.symbolize(Number.NaN)).toBeUndefined();
    expect(table.symbolize(-1)).toBeUndefined();
  });

  it('are found by name', () => {
    expect(table.addressOf('loop')).toBe(0x100110n);
    expect(table.addressOf('loo')).toBeUndefined();
  });
});

it('resolves addresses in the high half exactly', () => {
  const base = 0xffffffff80000000n;
  const table = symbols([{ name: 'kernel', value: base + 0x123n, size: 0x10, kind: FUNC }], 64, base);
  expect(table.symbolize(base + 0x124n)).toEqual({ name: 'kernel', offset: 1 });
  expect(table.symbolize(base + 0x122n)).toBeUndefined();
  expect(table.addressOf('kernel')).toBe(base + 0x123n);
});

it('gives names that are safe to print', () => {
  const table = symbols([{ name: '\x1b[31mred\n', value: 0x100000n, kind: NOTYPE }]);
  expect(table.symbolize(0x100000)?.name).toBe('?[31mred?');
});

it('has no symbols when there is no table, or a broken one', () => {
  expect(ElfFile.parse(buildElf({})).symbols.count).toBe(0);
  const [symtab, strtab] = symbolSections([{ name: 'a', value: 1n }], 64, 2);
  const outside = buildElf({ sections: [{ ...symtab!, size: 2 ** 40 }, strtab!] });
  expect(ElfFile.parse(outside).symbols.count).toBe(0);
  const noStrings = buildElf({ sections: [{ ...symtab!, link: 99 }, strtab!] });
  expect(ElfFile.parse(noStrings).symbols.count).toBe(0);
});
