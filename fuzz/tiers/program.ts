/**
 * Random code in slots of 128 bytes: a few instructions of any kind, their registers often made to lead somewhere, and
 * a way on to another slot: jumps, loops, calls, returns, indirect jumps. All jumps are relative, so that the code can be
 * run wherever it is mapped. Leaves out, at supervisor level, what would take the world itself apart.
 */
import { DECODE_OK, decode } from '../../src/cpu/decode/decoder.js';
import { BASE_NONE, BASE_RIP, DecodedInstruction, INDEX_NONE } from '../../src/cpu/decode/instruction.js';
import type { Random } from '../random.js';
import { randomEncoding } from '../templates.js';
import {
  CODE,
  CODE_AGAIN,
  CODE_BYTES,
  DATA,
  DATA_BYTES,
  HIGH_BASES,
  HIGH_TABLE,
  LOW_TABLE,
  RAM,
  SLOT_BYTES,
  SLOTS,
  STACK,
  TABLES,
  TABLES_SEEN,
} from './layout.js';

const LONGEST_END = 30;
/** What no region has: now and then, so that there are regions at all. */
const SELDOM = new Set(
  `IN RDSEED MASKMOVDQU LSS INVLPG JMPF XSAVES OUTS RDTSCP SYSCALL CALLF XGETBV FXSAVE OUT INT RETF FXRSTOR IRET XSAVE
  VERW XRSTOR VMMCALL INT1 STI FNSTENV VGATHERQPS VPGATHERDD VGATHERDPD VPGATHERQD ENTER MASKMOVQ FLDENV RDTSC XSAVEOPT
  LSL INS VERR VMASKMOVDQU FNSAVE INT3 XLAT CPUID LAR XSAVEC POPF RDRAND FRSTOR VMCALL VGATHERDPS VPGATHERDQ VPGATHERQQ
  VZEROALL SYSENTER LODS LFS LGS MONITOR`.split(/\s+/),
);
/** What takes the world apart if it is allowed. */
const NEVER = new Set(
  `LTR SYSEXIT SYSRET LLDT HLT WRMSR LGDT LIDT CLTS LMSW XSETBV MWAIT INVPCID XRSTORS SWAPGS WRPKRU CLI JMPF CALLF RETF
  IRET SYSCALL SYSENTER`.split(/\s+/),
);
const STRINGS = new Set(['MOVS', 'STOS', 'LODS', 'SCAS', 'CMPS', 'MASKMOVQ', 'MASKMOVDQU', 'INS', 'OUTS']);

/** A 64-bit number's bytes. */
export function bytes64(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}

function bytes32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];
}

/** MOV r64, imm64. */
function load(register: number, value: bigint): number[] {
  return [0x48 | (register >> 3), 0xb8 | (register & 7), ...bytes64(BigInt.asUintN(64, value))];
}

/** A page of the 2 MiB that a table maps: mostly one of the code's or the data's. */
export function randomPage(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.below(512);
    case 1:
      return (DATA >> 12) + random.below(DATA_BYTES >> 12);
    default:
      return (random.pick([CODE, CODE_AGAIN]) >> 12) + random.below(CODE_BYTES >> 12);
  }
}

/** Where the system sees an entry of the tables: mostly one that maps a page. */
function entryAddress(random: Random): bigint {
  const table = random.oneIn(16) ? TABLES + random.below(7) * 0x1000 : random.pick([LOW_TABLE, HIGH_TABLE]);
  const entry = table < LOW_TABLE || random.oneIn(16) ? random.pick([0, 255, 510, 511]) : randomPage(random);
  return BigInt(TABLES_SEEN + (table - TABLES) + entry * 8);
}

/**
 * An address to read or write at: mostly plain data; else a page's end, a device, code, an entry of the tables, nothing,
 * or not canonical.
 */
export function randomAddress(random: Random): bigint {
  const plain = BigInt(DATA + random.below(DATA_BYTES / 8) * 8);
  switch (random.below(24)) {
    case 0:
      return BigInt(DATA + random.below(DATA_BYTES));
    case 1:
    case 2:
      return BigInt(DATA + 0x1000 * (1 + random.below(DATA_BYTES / 0x1000 - 1)) - random.below(40));
    case 3:
      return BigInt(0xa0000 + random.below(0x20000));
    case 4:
      return BigInt(RAM + random.below(0xd0000));
    case 5:
      return BigInt(CODE + random.below(CODE_BYTES));
    case 6:
      return random.next64();
    case 7:
      return random.pick([0n, 0xfffffffffffffff8n, 0x7ffffffffff8n, 0xffff800000000000n, 0xfffffffcn]);
    case 8:
    case 9:
    case 10:
      return random.pick(HIGH_BASES) + plain;
    case 11:
      return random.oneIn(4) ? entryAddress(random) : plain;
    default:
      return plain;
  }
}

export class ProgramWriter {
  readonly #instruction = new DecodedInstruction();

  constructor(
    private readonly random: Random,
    private readonly supervisor: boolean,
  ) {}

  /** All slots. */
  code(): Uint8Array {
    const code = new Uint8Array(CODE_BYTES).fill(0xcc);
    for (let slot = 0; slot < SLOTS; slot++) code.set(this.slot(slot), slot * SLOT_BYTES);
    return code;
  }

  /** The bytes of one slot, as long as it is filled. */
  slot(slot: number): Uint8Array {
    const { random } = this;
    const bytes = random.oneIn(3) ? load(4, BigInt(STACK + random.below(512) * 8)) : [];
    const wanted = random.below(10);
    for (let n = 0; n < wanted; n++) {
      const more = random.oneIn(60)
        ? this.#special(slot, bytes.length)
        : this.#instructionWithRegisters(slot);
      if (bytes.length + more.length + LONGEST_END > SLOT_BYTES) break;
      bytes.push(...more);
    }
    this.#end(slot, bytes);
    return Uint8Array.from(bytes);
  }

  /** A REL32 from an offset in a slot to a slot. */
  #relative(slot: number, after: number, target: number): number[] {
    return bytes32(target * SLOT_BYTES - (slot * SLOT_BYTES + after));
  }

  #near(slot: number): number {
    const { random } = this;
    const target = random.oneIn(24) ? random.below(SLOTS) : slot + random.between(-6, 5);
    return ((target % SLOTS) + SLOTS) % SLOTS;
  }

  /** Goes on in another slot. */
  #end(slot: number, bytes: number[]): void {
    const { random } = this;
    const relative = (opcode: readonly number[], target: number): void => {
      bytes.push(...opcode, ...this.#relative(slot, bytes.length + opcode.length + 4, target));
    };
    const onward = (): void => relative([0xe9], this.#near(slot));
    switch (random.below(12)) {
      case 0:
        // LEA RAX and RCX, CMOVcc, and JMP RAX or PUSH RAX, RET.
        relative([0x48, 0x8d, 0x05], this.#near(slot));
        relative([0x48, 0x8d, 0x0d], this.#near(slot));
        bytes.push(0x48, 0x0f, 0x40 | random.below(16), 0xc1);
        bytes.push(
          ...random.pick([
            [0xff, 0xe0],
            [0x50, 0xc3],
          ]),
        );
        break;
      case 1:
      case 2:
        relative([0xe8], this.#near(slot));
        onward();
        break;
      case 3:
        bytes.push(...random.pick([[0xc3], [0xc2, random.below(5) * 8, 0]]));
        break;
      case 4:
      case 5: {
        // A counted loop of this slot: AND r, 15; DEC r; JNZ.
        const register = random.pick([0, 1, 2, 3, 5, 6, 7]);
        bytes.push(0x83, 0xe0 | register, 15, 0xff, 0xc8 | register);
        relative([0x0f, 0x85], slot);
        onward();
        break;
      }
      case 6:
        // AND ECX, 7; LOOP, LOOPE or LOOPNE.
        bytes.push(0x83, 0xe1, 7);
        bytes.push(random.pick([0xe0, 0xe1, 0xe2]), (0xfe - bytes.length) & 0xff);
        onward();
        break;
      default:
        relative([0x0f, 0x80 | random.below(16)], this.#near(slot));
        onward();
    }
  }

  /** Stores into code, changes to the page tables with what makes them known and without. */
  #special(slot: number, at: number): number[] {
    const { random } = this;
    if (this.supervisor && random.oneIn(2)) {
      const page = randomPage(random);
      const table = random.pick([LOW_TABLE, HIGH_TABLE]);
      const base = table === LOW_TABLE ? 0n : random.pick(HIGH_BASES);
      // XOR of present, accessed, dirty or writable in an entry; INVLPG, MOV to CR3, or nothing.
      const flip = random.pick([1, 2, 0x20, 0x40, 0x60]);
      const entry = BigInt(TABLES_SEEN + (table - TABLES) + page * 8);
      const linear = load(3, base + BigInt(page) * 0x1000n);
      const toMemory = [...load(0, entry), 0x80, 0x30, flip, ...linear];
      if (random.oneIn(2)) return toMemory;
      return random.oneIn(3) && table === LOW_TABLE
        ? [...toMemory, 0x0f, 0x01, 0x3b]
        : [...toMemory, 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];
    }
    // MOV byte or dword [RIP + …] into a slot: mostly another one.
    const target = random.oneIn(6) ? slot : this.#near(slot);
    const within = random.below(60);
    const length = 10;
    const offset = target * SLOT_BYTES + within - (slot * SLOT_BYTES + at + length);
    return [0xc7, 0x05, ...bytes32(offset), ...bytes32(random.oneIn(2) ? random.next() : 0x90909090)];
  }

  /** One instruction, and before it as a rule what makes its registers lead somewhere. */
  #instructionWithRegisters(slot: number): number[] {
    const { random } = this;
    const bytes = this.#encoding();
    const instruction = this.#instruction;
    const { mnemonic } = instruction.entry;
    const before: number[] = [];
    if (instruction.isMemory) {
      const { base, index, displacement, displacementSize } = instruction;
      const address = randomAddress(random);
      if (base === BASE_RIP) {
        this.#aim(bytes, DATA + random.below(DATA_BYTES) - CODE - slot * SLOT_BYTES);
      } else if (!random.oneIn(6)) {
        let sum = address - BigInt(displacementSize ? displacement : 0);
        if (index !== INDEX_NONE && instruction.entry.vectorIndex === 0 && index !== base) {
          const scaled = BigInt(random.below(64));
          before.push(...load(index, scaled));
          sum -= scaled << BigInt(instruction.scaleShift);
        }
        if (base !== BASE_NONE) before.push(...load(base, sum));
      }
    } else if (STRINGS.has(mnemonic) && !random.oneIn(4)) {
      before.push(...load(6, randomAddress(random)), ...load(7, randomAddress(random)));
      before.push(0xb9, ...bytes32(random.below(random.oneIn(8) ? 600 : 20)));
    }
    return [...before, ...bytes];
  }

  /** Gives an operand relative to RIP another displacement. */
  #aim(bytes: number[], displacement: number): void {
    for (let at = bytes.length - 4; at > 0; at--) {
      const aimed = bytes.slice();
      aimed.splice(at, 4, ...bytes32(displacement));
      const status = decode(Uint8Array.from(aimed), 0, aimed.length, 64, this.#instruction);
      if (status !== DECODE_OK || this.#instruction.displacement !== displacement) continue;
      bytes.splice(0, bytes.length, ...aimed);
      return;
    }
  }

  #encoding(): number[] {
    const { random } = this;
    const plain = random.oneIn(2);
    for (;;) {
      const bytes = randomEncoding(random, true);
      const instruction = this.#instruction;
      if (decode(Uint8Array.from(bytes), 0, 15, 64, instruction) !== DECODE_OK) continue;
      const { entry } = instruction;
      if (plain && (entry.map !== '' || (entry.opcode >= 0xd8 && entry.opcode <= 0xdf))) continue;
      if (this.#isLeftOut(instruction)) continue;
      return bytes.slice(0, instruction.length);
    }
  }

  #isLeftOut({ entry, reg }: DecodedInstruction): boolean {
    const { random } = this;
    const { mnemonic, operands } = entry;
    if (SELDOM.has(mnemonic) && !random.oneIn(12)) return true;
    if (operands.some(({ source }) => source === 'relative') && !random.oneIn(8)) return true;
    if (!this.supervisor) return false;
    if (NEVER.has(mnemonic)) return true;
    // MOV to and from control and debug registers.
    const special =
      mnemonic === 'MOV' &&
      operands.some(({ registers }) => registers === 'control' || registers === 'debug');
    if (special) return true;
    // A stack segment that does not load would fail in the handlers' way back.
    return mnemonic === 'MOV' && reg === 2 && entry.opcode === 0x8e;
  }
}
