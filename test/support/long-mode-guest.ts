/**
 * A machine that runs 64-bit ring-0 code with interrupts: the first GiB and the last mapped as they are by large pages, all
 * vectors at `handler`, 8259s masked and at vectors 0x20 up. Ends by HLT with interrupts off.
 */
import { Machine, type MachineConfig, MemoryConsole } from '../../src/index.js';
import { buildElf, join, multibootHeader, padTo, words } from '../image/builders.js';
import { assemble } from './listing.js';

const BASE = 0x100000;
const START = BASE + 0x20;
const TABLES = 0x110000;
const IDT = 0x111000;
const PAGE_TABLES = 0x112000;
const MEBIBYTES_2 = 0x200000n;

/** From 32-bit protected mode without paging to 64-bit code; then `main`. */
const BOOT = `
              0f 01 15 20 00 11 00      ; LGDT [TABLES + 0x20]
              b8 20 06 00 00            ; MOV EAX, PAE | OSFXSR | OSXMMEXCPT
              0f 22 e0                  ; MOV CR4, EAX
              b8 00 20 11 00            ; MOV EAX, PAGE_TABLES
              0f 22 d8                  ; MOV CR3, EAX
              b9 80 00 00 c0            ; MOV ECX, IA32_EFER
              0f 32                     ; RDMSR
              0d 00 09 00 00            ; OR EAX, LME | NXE
              0f 30                     ; WRMSR
              0f 20 c0                  ; MOV EAX, CR0
              0d 00 00 00 80            ; OR EAX, PG
              0f 22 c0                  ; MOV CR0, EAX
              ea @long 08 00            ; JMP FAR 8:long
      long:   66 b8 10 00               ; MOV AX, 0x10
              8e d0 8e d8 8e c0         ; MOV SS, AX; MOV DS, AX; MOV ES, AX
              0f 01 1c 25 30 00 11 00   ; LIDT [TABLES + 0x30]
              bc 00 00 18 00            ; MOV ESP, 0x180000
              b0 11 e6 20 b0 20 e6 21   ; the 8259's ICW1 to ICW4, and its mask
              b0 04 e6 21 b0 01 e6 21
              b0 ff e6 21 e6 a1`;

function descriptors(handler: number): Uint8Array {
  const gdt = words(0, 0, 0x0000ffff, 0x00af9b00, 0x0000ffff, 0x00cf9300);
  const registers = padTo(words(23 | (TABLES << 16), TABLES >>> 16), 0x10);
  const idtr = words(0xfff | ((IDT & 0xffff) << 16), IDT >>> 16);
  const gate = words((8 << 16) | (handler & 0xffff), (handler & 0xffff0000) | 0x8e00, 0, 0);
  const idt = join(...Array.from({ length: 256 }, () => gate));
  return join(padTo(join(padTo(gdt, 0x20), registers, idtr), IDT - TABLES), idt);
}

function pageTables(): Uint8Array {
  const entries = new BigUint64Array(4 * 512);
  const [pointers, low, high] = [1, 2, 3].map((n) => BigInt(PAGE_TABLES + n * 0x1000) | 3n);
  entries[0] = pointers as bigint;
  entries[512] = low as bigint;
  entries[512 + 3] = high as bigint;
  for (let n = 0; n < 512; n++) {
    entries[1024 + n] = (BigInt(n) * MEBIBYTES_2) | 0x83n;
    entries[1536 + n] = (0xc0000000n + BigInt(n) * MEBIBYTES_2) | 0x83n;
  }
  return new Uint8Array(entries.buffer);
}

/** @param listing of what follows after the start, with a label `handler` */
export async function longModeMachine(
  listing: string,
  options: Pick<MachineConfig, 'tier' | 'clock'> = {},
): Promise<Machine> {
  const { bytes, labels } = assemble(START, `${BOOT}\n${listing}`);
  const image = buildElf({
    bits: 32,
    entry: BigInt(START),
    segments: [
      { bytes: join(padTo(multibootHeader(0), START - BASE), bytes) },
      { physicalAddress: TABLES, bytes: descriptors(labels.handler as number) },
      { physicalAddress: PAGE_TABLES, bytes: pageTables() },
    ],
  });
  const console = new MemoryConsole();
  console.close();
  return Machine.create({ image, console, memory: 4 << 20, ...options });
}
