/**
 * Where things are in both worlds: the process that runs code natively and the guest that univisor runs have the same
 * bytes at the same virtual addresses, all below 2 GiB and none a power of two, which wild accesses like to meet. The native harness gets this table as a header file.
 * Leaves out how the trampoline uses it (trampoline.ts) and what the values of a record mean (record.ts).
 */

export const PAGE = 0x1000;

/** The trampoline's code, the same bytes in both worlds. */
export const TRAMPOLINE = 0x13570000;
/** Its variables: first the fields of the descriptor at work, in the order of `DESCRIPTOR`. */
export const VARIABLES = 0x13571000;
export const VARIABLE = {
  /** Address of the code under test. */
  code: VARIABLES,
  /** Address of the descriptor at work, and how many there are from it on. */
  descriptor: VARIABLES + 0x80,
  descriptorsLeft: VARIABLES + 0x88,
  /** RSP as the tested code left it. */
  stackPointer: VARIABLES + 0x90,
  /** RSP while flags are being cleaned. */
  frame: VARIABLES + 0x98,
  /** Five words: 1 + vector or 0, error code, CR2, RIP, RFLAGS as saved. */
  fault: VARIABLES + 0xa0,
  /** Where the trampoline goes at the end. */
  done: VARIABLES + 0xc8,
  /** RFLAGS with nothing set. */
  cleanFlags: VARIABLES + 0xd0,
  /** The trampoline's address of that name. */
  finish: VARIABLES + 0xd8,
} as const;

/**
 * Memory operands lie here. By page: - unmapped, w writable, r readable only. Operands are put in the middle of
 * writable pages, across the border of two, and across the borders to the other kinds.
 */
export const WINDOW = 0x12340000;
export const WINDOW_PAGES = '-ww-rwr-wwww-';
export const WINDOW_SIZE = WINDOW_PAGES.length * PAGE;

/** FS and GS point at nothing; an operand behind them is reached by what its registers hold. */
export const FS_BASE = 0x04000000;
export const GS_BASE = 0x08000000;

/** Linux's selectors for ring 3, which the guest's descriptor table repeats. */
export const SELECTOR = { code64: 0x33, code32: 0x23, data: 0x2b } as const;
/** Of a segment whose limit is the processor's number, bits 11:0, and its node. */
export const NUMBER_SELECTOR = 0x7b;

/** Two arenas, so that one round runs natively while the round before runs in the guest. */
export const ARENAS = [0x26000000, 0x2a000000] as const;
export const ARENA_SIZE = 0x2000000;
/** Offsets in an arena. */
export const ARENA = {
  descriptors: 0,
  code: 0x80000,
  window: 0xc0000,
  inputs: 0x100000,
  outputs: 0x1000000,
} as const;
export const DESCRIPTOR_SIZE = 512;
export const CODE_SLOT = 256;
/** Of it, the way back to the trampoline. */
export const CODE_ENDING = 21;
export const MOST_VARIANTS = (ARENA.window - ARENA.code) / CODE_SLOT;
export const INPUT_ROOM = ARENA.outputs - ARENA.inputs;
export const OUTPUT_ROOM = ARENA_SIZE - ARENA.outputs;

/** Words of a descriptor, by offset; those from `seed` on only the making of inputs reads. */
export const DESCRIPTOR = {
  code: 0,
  input: 8,
  /** 128 bytes into the first output record: the registers are pushed downwards from there. */
  outputTop: 16,
  count: 24,
  inputSize: 32,
  outputSize: 40,
  memory: 48,
  memorySize: 56,
  /** Trampoline addresses that load and save vector registers and enter the code. */
  load: 64,
  save: 72,
  enter: 80,
  seed: 88,
  /** RFLAGS bits that vary, and those that are set. */
  flagsVaried: 96,
  flagsSet: 104,
  codeSelector: 112,
  stackSelector: 120,
  vectors: 128,
  values: 136,
  /** Where in the memory the operand begins, so that lanes fall into place. */
  operand: 144,
  /** Whether floating-point exceptions may be unmasked. */
  unmasked: 152,
  fixupCount: 160,
  fixups: 168,
} as const;
/** Words that the trampoline copies to `VARIABLES`. */
export const TRAMPOLINE_WORDS = 11;
/** A fixup: operation, register, two small numbers, 32 bits, 64 bits. */
export const FIXUP_SIZE = 16;
export const MOST_FIXUPS = Math.floor((DESCRIPTOR_SIZE - DESCRIPTOR.fixups) / FIXUP_SIZE);

/** What of the vector and x87 registers a variant sets and compares. */
export const Vectors = { none: 0, xmm: 1, ymm: 2, fx: 3 } as const;
export type VectorsKind = (typeof Vectors)[keyof typeof Vectors];
/** In an input record, in an output record: of the last the processor writes 416 bytes. */
export const VECTORS_IN: Readonly<Record<VectorsKind, number>> = { 0: 0, 1: 272, 2: 528, 3: 512 };
export const VECTORS_OUT: Readonly<Record<VectorsKind, number>> = { 0: 0, 1: 272, 2: 528, 3: 416 };

/** What vector registers and memory hold: integers, or numbers of a format. */
export const Values = { integers: 0, single: 1, double: 2, extended: 3, half: 4 } as const;
export type ValuesKind = (typeof Values)[keyof typeof Values];

/** An input record: 15 registers (all but RSP), a frame as IRETQ pops it, memory, vectors. */
export const INPUT = { registers: 0, rip: 120, cs: 128, flags: 136, rsp: 144, ss: 152, memory: 160 } as const;
/** An output record: 15 registers, RFLAGS, RSP, the words of `VARIABLE.fault`, memory, vectors. */
export const OUTPUT = {
  registers: 0,
  flags: 120,
  rsp: 128,
  vector: 136,
  errorCode: 144,
  cr2: 152,
  rip: 160,
  savedFlags: 168,
  memory: 176,
} as const;

/** General registers in the order of a record; RSP is apart. */
export const RECORD_ORDER = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** Operations on a made input, in order; see harness.c. */
export const Fixup = {
  /** register := value. */
  set: 1,
  /** register := value − (register a << b): the base for an index. a = 255: no index. */
  base: 2,
  /** register := the low `a` bits of it sign-extended, b = 1: zero-extended. */
  narrow: 3,
  /** low byte := a number of [a, b]; c = 1: the whole register, 2: also sometimes random higher bits. */
  range: 4,
  /** c bytes of memory := the value; where in memory, a and b say together. */
  memorySet: 5,
  /** Memory, 64 bits at a and b: and value, or c. */
  memoryAnd: 6,
  /** In half of the cases, the c bytes of memory at a and b := the register's. */
  memoryCopy: 7,
  /** In most cases, high half (register a) of a dividend := a sign extension of `register` or 0; c: width. */
  dividend: 8,
  /** register := never 0 in the low c bits. */
  nonzero: 9,
  /** Memory, c bits at a and b: never 0. */
  memoryNonzero: 10,
  /** Every register := its low 32 bits; R8–R15 := 0. */
  legacy: 11,
  /** register := one of the selectors that ring 3 may name. */
  selector: 12,
  /** In half of the cases, register a := register, c bits. */
  copy: 13,
  /** Vector register a: lanes of c bytes in its first b bytes := small numbers, the indices of a gather. */
  indices: 14,
} as const;

/** The table as C. */
export function layoutHeader(): string {
  const lines: string[] = [];
  const add = (name: string, value: number): void => {
    lines.push(
      `#define ${name.replace(/([a-z])([A-Z0-9])/g, '$1_$2').toUpperCase()} 0x${value.toString(16)}`,
    );
  };
  const group = (prefix: string, table: Readonly<Record<string, number>>): void => {
    for (const [name, value] of Object.entries(table)) add(`${prefix}_${name}`, value);
  };
  add('TRAMPOLINE', TRAMPOLINE);
  add('VARIABLES', VARIABLES);
  group('VARIABLE', VARIABLE);
  add('WINDOW', WINDOW);
  lines.push(`#define WINDOW_PAGES "${WINDOW_PAGES}"`);
  add('NUMBER_SELECTOR', NUMBER_SELECTOR);
  add('FS_BASE', FS_BASE);
  add('GS_BASE', GS_BASE);
  add('ARENA_SIZE', ARENA_SIZE);
  lines.push(`#define ARENA_BASES { ${ARENAS.join(', ')} }`);
  group('ARENA', ARENA);
  add('DESCRIPTOR_SIZE', DESCRIPTOR_SIZE);
  group('DESCRIPTOR', DESCRIPTOR);
  add('FIXUP_SIZE', FIXUP_SIZE);
  group('VECTORS', Vectors);
  group('VALUES', Values);
  group('INPUT', INPUT);
  group('FIXUP', Fixup);
  return `${lines.join('\n')}\n`;
}
