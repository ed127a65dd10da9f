/**
 * Page tables that change under regions, and are made known by INVLPG, CR3 or CR4.PGE: random scripts of entries for two
 * pages of code and two of data, gone through while the code runs hot. Faults are repaired and gone on from. What the
 * interpreter makes of it is right; accessed and dirty bits are part of what is compared.
 */
import { expect, test } from 'vitest';
import { Random } from '../../../../fuzz/random.js';
import { EAGER, type Pace } from '../../../../src/cpu/tiers/regions/pace.js';
import { assemble } from '../../../support/listing.js';
import { KERNEL_CODE, PAGE_TABLE, USER_CODE } from '../../../support/system-world.js';
import { TwinWorlds } from '../../../support/twin-worlds.js';

const STEPS = 90;
/** Several steps are gone through at a time: at the end of a run the interpreter goes the last of the way. */
const PACE: Pace = { ...EAGER, grain: 9000 };
const [CODE, DATA] = [0x22000, 0x24000];
/** By number, the pages in question, and where else each may lead. */
const pageOf = (n: number): number => CODE + n * 0x1000;
const otherOf = (n: number): number => pageOf(n) + 0x8000;
const FUNCTION = CODE + 0xfe8;
const STEP = 0x11800;
const REPAIR = 0x12000;
/** 32 bytes a step: an entry's address, what it becomes, how that is made known, the page's address. */
const SCRIPT = 0x110000;
const LOG = 0x120000;

/** 200 rounds and then a step of the script, EDX times; behind a step what comes first is where a region may begin. */
const PROGRAM = `
      round:  ff d5                     ; CALL RBP
      back:   01 c3                     ; ADD EBX, EAX
              ff c9                     ; DEC ECX
              75 >round                 ; JNZ round
              b9 c8 00 00 00            ; MOV ECX, 200
              cd 41                     ; INT 0x41
              ff ca                     ; DEC EDX
              75 >back                  ; JNZ back`;

/** What it returns tells which frames it was in. */
const FUNCTION_CODE = `
              b8 01 00 00 00            ; MOV EAX, 1
              89 0f                     ; MOV [RDI], ECX: in the first page of data
              03 47 08                  ; ADD EAX, [RDI + 8]
              f6 c2 03                  ; TEST DL, 3
              75 03                     ; JNZ over
              01 4e fe                  ; ADD [RSI - 2], ECX: in both
              90 90 90                  ; NOP; NOP; NOP
              05 00 00 10 00            ; ADD EAX, 0x100000, of which the last two bytes are in the second page
              03 87 00 10 00 00         ; ADD EAX, [RDI + 0x1000]: in the second page of data
              89 4e 20                  ; MOV [RSI + 0x20], ECX
              ff 47 04                  ; INC DWORD [RDI + 4]
              c3                        ; RET`;

/** Notes the four entries at R9, and makes the step at R8. */
const STEP_CODE = `
              50 57                     ; PUSH RAX; PUSH RDI
              48 8b 04 25 10 31 10 00 49 89 01     ; MOV RAX, [the first entry]; MOV [R9], RAX
              48 8b 04 25 18 31 10 00 49 89 41 08  ; the second
              48 8b 04 25 20 31 10 00 49 89 41 10
              48 8b 04 25 28 31 10 00 49 89 41 18
              49 83 c1 20               ; ADD R9, 32
              49 8b 38                  ; MOV RDI, [R8]
              49 8b 40 08               ; MOV RAX, [R8 + 8]
              48 89 07                  ; MOV [RDI], RAX
              49 8b 40 10               ; MOV RAX, [R8 + 16]
              49 8b 78 18               ; MOV RDI, [R8 + 24]
              49 83 c0 20               ; ADD R8, 32
              83 f8 01                  ; CMP EAX, 1
              72 >page                  ; JB page
              74 >root                  ; JE root
              0f 20 e0                  ; MOV RAX, CR4
              34 80                     ; XOR AL, PGE
              0f 22 e0                  ; MOV CR4, RAX
              eb >done                  ; JMP done
      root:   0f 20 d8 0f 22 d8         ; MOV RAX, CR3; MOV CR3, RAX
              eb >done                  ; JMP done
      page:   0f 01 3f                  ; INVLPG [RDI]
      done:   5f 58                     ; POP RDI; POP RAX
              48 cf                     ; IRETQ`;

/** #PF: notes error code, RIP, CR2 and RCX at R9, and maps the page as it was at first, which needs no INVLPG. */
const REPAIR_CODE = `
              50 57                     ; PUSH RAX; PUSH RDI
              48 8b 44 24 10 49 89 01   ; MOV RAX, [RSP + 16]; MOV [R9], RAX
              48 8b 44 24 18 49 89 41 08  ; MOV RAX, [RSP + 24]; MOV [R9 + 8], RAX
              0f 20 d0 49 89 41 10      ; MOV RAX, CR2; MOV [R9 + 16], RAX
              49 89 49 18               ; MOV [R9 + 24], RCX
              49 83 c1 20               ; ADD R9, 32
              89 c7 c1 ef 0c            ; MOV EDI, EAX; SHR EDI, 12
              48 8d 3c fd 00 30 10 00   ; LEA RDI, [PAGE_TABLE + RDI * 8]
              25 00 f0 ff ff            ; AND EAX, -4096
              83 c8 07                  ; OR EAX, 7
              48 89 07                  ; MOV [RDI], RAX
              5f 58                     ; POP RDI; POP RAX
              48 83 c4 08               ; ADD RSP, 8
              48 cf                     ; IRETQ`;

interface Step {
  readonly page: number;
  readonly entry: bigint;
  /** 0 INVLPG, 1 CR3, 2 CR4.PGE. */
  readonly flush: number;
}

function randomStep(random: Random, ring: 0 | 3): Step {
  const n = random.below(4);
  const frame = random.oneIn(3) ? otherOf(n) : pageOf(n);
  const flags =
    (random.oneIn(8) ? 0 : 1) |
    (random.oneIn(4) ? 0 : 2) |
    (random.oneIn(ring === 3 ? 8 : 2) ? 0 : 4) |
    (random.oneIn(2) ? 0x20 : 0) |
    (random.oneIn(2) ? 0x40 : 0) |
    (random.oneIn(3) ? 0x100 : 0);
  const noExecute = random.oneIn(6) ? 1n << 63n : 0n;
  return { page: pageOf(n), entry: BigInt(frame | flags) | noExecute, flush: random.below(3) };
}

function write(worlds: TwinWorlds, steps: readonly Step[]): void {
  const code = assemble(FUNCTION, FUNCTION_CODE).bytes;
  worlds.each((world) => {
    const { memory } = world.cpu;
    world.setGate(0x41, { target: BigInt(STEP), level: 3 });
    world.setGate(14, { target: BigInt(REPAIR) });
    memory.write(STEP, assemble(STEP, STEP_CODE).bytes);
    memory.write(REPAIR, assemble(REPAIR, REPAIR_CODE).bytes);
    memory.write(FUNCTION, code);
    // The others add more.
    memory.write(FUNCTION + 0x8000, code);
    memory.store(FUNCTION + 0x8001, 1, 3);
    memory.store(otherOf(1), 1, 0x50);
    steps.forEach(({ page, entry, flush }, n) => {
      const at = SCRIPT + n * 32;
      world.put64(at, BigInt(PAGE_TABLE + (page >> 12) * 8));
      world.put64(at + 8, entry);
      world.put64(at + 16, BigInt(flush));
      world.put64(at + 24, BigInt(page));
    });
  });
}

test.each([0, 3] as const)('of ring %i, at each step as without regions', async (ring) => {
  let faults = 0;
  let inRegions = 0;
  let retired = 0;
  for (let seed = 0; seed < 5; seed++) {
    const random = new Random(9, seed * 4 + ring);
    const worlds = await TwinWorlds.create(PACE);
    write(
      worlds,
      Array.from({ length: STEPS }, () => randomStep(random, ring)),
    );
    const registers = {
      ...{ 1: 200n, 2: BigInt(STEPS), 5: BigInt(FUNCTION), 6: BigInt(DATA + 0x1000), 7: BigInt(DATA + 0x10) },
      ...{ 8: BigInt(SCRIPT), 9: BigInt(LOG) },
    };
    const { bytes } = assemble(ring === 3 ? USER_CODE : KERNEL_CODE, PROGRAM);
    const outcome = worlds.run(bytes, { ring, registers, limit: 400_000 });
    expect(outcome.done).toBe(true);
    faults += (Number(outcome.registers[9]) - LOG) / 32 - STEPS;
    inRegions += worlds.inRegions;
    retired += worlds.hot.cpu.retired;
  }
  expect(faults).toBeGreaterThan(50);
  expect(inRegions).toBeGreaterThan(retired / 10);
});
