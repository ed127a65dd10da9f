/**
 * Builds small images field by field, so that a test shows what it feeds in. Leaves out checks: a builder
 * writes whatever it is told, wrong or not.
 */

export interface SegmentSpec {
  type?: number;
  flags?: number;
  virtualAddress?: bigint;
  physicalAddress?: number;
  bytes?: Uint8Array;
  memorySize?: number;
  align?: number;
}

export interface SectionSpec {
  name: string;
  type: number;
  flags?: number;
  address?: bigint;
  bytes?: Uint8Array;
  /** Overrides the length of `bytes`. */
  size?: number;
  link?: number;
  align?: number;
}

export interface ElfSpec {
  bits?: 32 | 64;
  machine?: number;
  type?: number;
  entry?: bigint;
  segments?: SegmentSpec[];
  sections?: SectionSpec[];
  /** Bytes right after the program headers, such as a multiboot header outside any segment. */
  gap?: Uint8Array;
}

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOTE = 7;

/** HLT, over and over. */
export const CODE = new Uint8Array(64).fill(0xf4);

export function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  values.forEach((value, index) => {
    new DataView(bytes.buffer).setUint32(index * 4, value, true);
  });
  return bytes;
}

export function text(value: string): Uint8Array {
  return Uint8Array.from(value, (character) => character.charCodeAt(0));
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function padTo(bytes: Uint8Array, length: number): Uint8Array {
  return join(bytes, new Uint8Array(Math.max(0, length - bytes.length)));
}

/** Magic, flags, checksum, then the fields given: address fields first, video fields from the sixth. */
export function multibootHeader(flags: number, ...fields: number[]): Uint8Array {
  return words(0x1badb002, flags, -(0x1badb002 + flags), ...fields);
}

export function note(name: string, type: number, desc: Uint8Array, align: 4 | 8 = 4): Uint8Array {
  const padded = (length: number): number => Math.ceil(length / align) * align;
  const head = join(words(name.length + 1, desc.length, type), text(`${name}\0`));
  return padTo(join(padTo(head, padded(head.length)), desc), padded(head.length) + padded(desc.length));
}

export function pvhNote(entry: number): Uint8Array {
  return note('Xen', 18, words(entry));
}

export interface SymbolSpec {
  name: string;
  value: bigint;
  size?: number;
  /** STT_NOTYPE 0, STT_OBJECT 1, STT_FUNC 2. */
  kind?: number;
  section?: number;
}

/** A .symtab and its .strtab; `link` is the index that .strtab will have. */
export function symbolSections(symbols: SymbolSpec[], bits: 32 | 64, link: number): SectionSpec[] {
  const names = ['', ...symbols.map(({ name }) => name)];
  const strings = text(names.map((name) => `${name}\0`).join(''));
  let offset = 1;
  const entries = symbols.map(({ name, value, size = 0, kind = 0, section = 1 }) => {
    const at = name === '' ? 0 : offset;
    offset += name.length + 1;
    const [low, high] = [Number(value & 0xffffffffn), Number(value >> 32n)];
    return bits === 64
      ? words(at, kind | (section << 16), low, high, size, 0)
      : words(at, low, size, kind | (section << 16));
  });
  const table = join(new Uint8Array(bits === 64 ? 24 : 16), ...entries);
  return [
    { name: '.symtab', type: SHT_SYMTAB, bytes: table, link },
    { name: '.strtab', type: SHT_STRTAB, bytes: strings },
  ];
}

/** ELF header, program headers, gap, segments' bytes, sections' bytes, section names, section headers. */
export function buildElf(spec: ElfSpec): Uint8Array {
  const { bits = 64, segments = [], gap = new Uint8Array(0) } = spec;
  const wide = bits === 64;
  const headerSize = wide ? 64 : 52;
  const parts: Uint8Array[] = [new Uint8Array(headerSize + segments.length * (wide ? 56 : 32)), gap];
  let size = parts[0]!.length + gap.length;
  const append = (bytes: Uint8Array): number => {
    const offset = Math.ceil(size / 16) * 16;
    parts.push(new Uint8Array(offset - size), bytes);
    size = offset + bytes.length;
    return offset;
  };
  const segmentOffsets = segments.map(({ bytes = new Uint8Array(0) }) => append(bytes));
  const sections = spec.sections && [
    { name: '', type: 0 },
    ...spec.sections,
    {
      name: '.shstrtab',
      type: SHT_STRTAB,
      bytes: text(['', ...spec.sections.map((s) => s.name), '.shstrtab', ''].join('\0')),
    },
  ];
  const sectionOffsets = sections?.map(({ bytes = new Uint8Array(0) }: SectionSpec) => append(bytes)) ?? [];
  const tableOffset = sections ? append(new Uint8Array(sections.length * (wide ? 64 : 40))) : 0;

  const elf = join(...parts);
  const view = new DataView(elf.buffer);
  const address = (at: number, value: bigint | number): void => {
    if (wide) view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    else view.setUint32(at, Number(BigInt.asUintN(32, BigInt(value))), true);
  };
  elf.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  view.setUint16(16, spec.type ?? 2, true);
  view.setUint16(18, spec.machine ?? (wide ? 62 : 3), true);
  view.setUint32(20, 1, true);
  address(24, spec.entry ?? 0x100000n);
  address(wide ? 32 : 28, headerSize);
  address(wide ? 40 : 32, tableOffset);
  const tail = wide ? 52 : 40;
  const tailFields = [headerSize, wide ? 56 : 32, segments.length, wide ? 64 : 40, sections?.length ?? 0];
  [...tailFields, (sections?.length ?? 1) - 1].forEach((value, index) => {
    view.setUint16(tail + index * 2, value, true);
  });

  segments.forEach((segment, index) => {
    const at = headerSize + index * (wide ? 56 : 32);
    const { physicalAddress = 0x100000, bytes = new Uint8Array(0), flags = 7 } = segment;
    const fields = [
      segmentOffsets[index] ?? 0,
      segment.virtualAddress ?? physicalAddress,
      physicalAddress,
      bytes.length,
      segment.memorySize ?? bytes.length,
    ];
    view.setUint32(at, segment.type ?? PT_LOAD, true);
    view.setUint32(at + (wide ? 4 : 24), flags, true);
    fields.forEach((value, field) => {
      address(at + (wide ? 8 + field * 8 : 4 + field * 4), value);
    });
    address(at + (wide ? 48 : 28), segment.align ?? 4);
  });
  let name = 0;
  sections?.forEach((section: SectionSpec, index) => {
    const at = tableOffset + index * (wide ? 64 : 40);
    view.setUint32(at, name, true);
    name += section.name.length + 1;
    view.setUint32(at + 4, section.type, true);
    address(at + 8, section.flags ?? 0);
    address(at + (wide ? 16 : 12), section.address ?? 0n);
    address(at + (wide ? 24 : 16), sectionOffsets[index] ?? 0);
    address(at + (wide ? 32 : 20), section.size ?? section.bytes?.length ?? 0);
    view.setUint32(at + (wide ? 40 : 24), section.link ?? 0, true);
    address(at + (wide ? 48 : 32), section.align ?? 1);
  });
  return elf;
}

/** An ELF whose one segment at 1 MiB begins with a multiboot header. */
export function multibootElf(bits: 32 | 64, flags = 0, ...fields: number[]): Uint8Array {
  const bytes = join(multibootHeader(flags, ...fields), CODE);
  return buildElf({ bits, entry: 0x100020n, segments: [{ bytes, memorySize: bytes.length + 0x1000 }] });
}

export function pvhElf(bits: 32 | 64, entry = 0x100000): Uint8Array {
  return buildElf({ bits, segments: [{ bytes: CODE }, { type: PT_NOTE, bytes: pvhNote(entry) }] });
}

/** A raw image whose header lies `offset` bytes into the file and the segment, at 1 MiB. */
export function rawMultiboot(
  offset = 0,
  fields: Partial<Record<'loadEnd' | 'bssEnd' | 'entry', number>> = {},
): Uint8Array {
  const { loadEnd = 0, bssEnd = 0, entry = 0x100000 + offset + 0x20 } = fields;
  const header = multibootHeader(0x10000, 0x100000 + offset, 0x100000, loadEnd, bssEnd, entry);
  return join(new Uint8Array(offset), header, CODE);
}

export interface BzImageSpec {
  version?: number;
  xLoadFlags?: number;
  setupSectors?: number;
  preferredAddress?: bigint;
  initSize?: number;
  commandLineSize?: number;
  initrdAddressMax?: number;
  /** What is loaded; its 64-bit entry is at 0x200. */
  kernel?: Uint8Array;
}

/** A bzImage of boot protocol 2.15: setup sectors, then what is loaded. */
export function bzImage(spec: BzImageSpec = {}): Uint8Array {
  const { setupSectors = 1, kernel = padTo(new Uint8Array(0x200).fill(0xcc), 0x240) } = spec;
  const setup = new Uint8Array((setupSectors + 1) * 512);
  const view = new DataView(setup.buffer);
  setup[0x1f1] = setupSectors;
  view.setUint16(0x1fe, 0xaa55, true);
  setup.set([0xeb, 0x6a], 0x200);
  setup.set(text('HdrS'), 0x202);
  view.setUint16(0x206, spec.version ?? 0x20f, true);
  setup[0x211] = 1;
  view.setUint32(0x22c, spec.initrdAddressMax ?? 0x7fffffff, true);
  view.setUint16(0x236, spec.xLoadFlags ?? 1, true);
  view.setUint32(0x238, spec.commandLineSize ?? 2047, true);
  view.setBigUint64(0x258, spec.preferredAddress ?? 0x200000n, true);
  view.setUint32(0x260, spec.initSize ?? 0x1000, true);
  return join(setup, kernel);
}
