/**
 * Code that changes after a region was made of it: by the region itself, by another one, through another linear address,
 * by a device in the midst of an instruction, and from outside. The interpreter beside it says what is right.
 */
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../support/listing.js';
import { KERNEL_CODE, PAGE_TABLE } from '../../../support/system-world.js';
import { TwinWorlds } from '../../../support/twin-worlds.js';

const RCX = 1;
const RBX = 3;
const RBP = 5;
const RSI = 6;
const ROUNDS = 8000;
const DATA = 0x50000;
/** Where the page at 0x12000 is seen a second time. */
const ALIAS = 0x60000;

/** RDI: the byte that is to change, in a round whose number is a multiple of 256, else one that is plain data. */
const CHOOSE = `
              f6 c1 ff                  ; TEST CL, 255
              89 ef                     ; MOV EDI, EBP
              0f 44 fe                  ; CMOVZ EDI, ESI`;

/** What a sum comes to that grows by an amount each round; the amount grows in each chosen round, before or after. */
function sum(first: number, after = false): bigint {
  let [total, amount] = [0, first];
  for (let round = ROUNDS; round > 0; round--) {
    const grows = round % 256 === 0 ? 1 : 0;
    total += after ? amount : amount + grows;
    amount += grows;
  }
  return BigInt(total);
}

/** What is at `patch`, some bytes after it or at another linear address is stored to. */
const BY_STORES: Record<string, { code: string; byte: number; sum: bigint; at?: number }> = {
  'the region that runs, some instructions before the store': {
    code: `
      again:  90                        ; NOP
      patch:  b8 01 00 00 00            ; MOV EAX, 1
              01 c3                     ; ADD EBX, EAX
              ${CHOOSE}
              fe 07                     ; INC BYTE [RDI]
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again`,
    byte: 1,
    sum: sum(1, true),
  },
  'the very next instruction': {
    code: `
      again:  ${CHOOSE}
              fe 07                     ; INC BYTE [RDI]
      patch:  83 c3 05                  ; ADD EBX, 5
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again`,
    byte: 2,
    sum: sum(5),
  },
  itself: {
    code: `
      again:  ${CHOOSE}
              c6 07 07                  ; MOV BYTE [RDI], 7: it is
      patch:  83 c3 05                  ; ADD EBX, 5
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again`,
    byte: -1,
    sum: 5n * BigInt(ROUNDS),
  },
  'the next instruction as a string': {
    code: `
      again:  ${CHOOSE}
              41 89 c8                  ; MOV R8D, ECX
              8a 07                     ; MOV AL, [RDI]
              fe c0                     ; INC AL
              b9 01 00 00 00            ; MOV ECX, 1
              f3 aa                     ; REP STOSB
      patch:  83 c3 05                  ; ADD EBX, 5
              44 89 c1                  ; MOV ECX, R8D
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again`,
    byte: 2,
    sum: sum(5),
  },
  'the next instruction as an element of a string': {
    code: `
      again:  ${CHOOSE}
              8a 07                     ; MOV AL, [RDI]
              fe c0                     ; INC AL
              aa                        ; STOSB
      patch:  83 c3 05                  ; ADD EBX, 5
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again`,
    byte: 2,
    sum: sum(5),
  },
  'a function that the region calls, in another page': {
    code: `
      again:  e8 >>callee               ; CALL callee
              ${CHOOSE}
              fe 07                     ; INC BYTE [RDI]
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again
              f4                        ; HLT
              .at 0x12000
      callee: 90                        ; NOP
      patch:  83 c3 05                  ; ADD EBX, 5
              c3                        ; RET`,
    byte: 2,
    sum: sum(5, true),
  },
  'another region, in another page': {
    code: `
      start:  ba 08 00 00 00            ; MOV EDX, 8
      first:  ff ca                     ; DEC EDX
              75 >first                 ; JNZ first
              ${CHOOSE}
              fe 07                     ; INC BYTE [RDI]
              e9 >>second               ; JMP second
              .at 0x12000
      second: ba 04 00 00 00            ; MOV EDX, 4
      patch:  83 c3 05                  ; ADD EBX, 5
              ff ca                     ; DEC EDX
              75 >patch                 ; JNZ patch
              ff c9                     ; DEC ECX
              0f 85 >>start             ; JNZ start`,
    byte: 2,
    sum: 4n * sum(5),
  },
  'an instruction in its second page': {
    code: `
              e9 >>again                ; JMP again
              .at 0x11ff4
      again:  ${CHOOSE}
              fe 07                     ; INC BYTE [RDI]
      patch:  81 c3 05 00 00 00         ; ADD EBX, 5: from 0x11ffe to 0x12004
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again`,
    byte: 2,
    sum: sum(5),
  },
  'code by another linear address': {
    code: `
      again:  ${CHOOSE}
              fe 07                     ; INC BYTE [RDI]
              e8 >>patch                ; CALL patch
              01 c3                     ; ADD EBX, EAX
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again
              f4                        ; HLT
              .at 0x12000
      patch:  b8 05 00 00 00            ; MOV EAX, 5
              c3                        ; RET`,
    byte: 1,
    at: ALIAS,
    sum: sum(5),
  },
  'code that runs at another linear address': {
    code: `
      again:  ${CHOOSE}
              fe 07                     ; INC BYTE [RDI]
              ba 00 00 06 00            ; MOV EDX, the alias of patch
              ff d2                     ; CALL RDX
              01 c3                     ; ADD EBX, EAX
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again
              f4                        ; HLT
              .at 0x12000
      patch:  b8 05 00 00 00            ; MOV EAX, 5
              c3                        ; RET`,
    byte: 1,
    sum: sum(5),
  },
};

async function makeWorlds(): Promise<TwinWorlds> {
  const worlds = await TwinWorlds.create();
  worlds.each((world) => world.put64(PAGE_TABLE + (ALIAS >> 12) * 8, 0x12003n));
  return worlds;
}

function expectRegions(worlds: TwinWorlds): void {
  expect(worlds.inRegions).toBeGreaterThan(ROUNDS / 2);
  expect(worlds.made).toBeGreaterThan(5);
}

describe('a store changes', () => {
  test.each(Object.entries(BY_STORES))('%s', async (_name, { code, byte, at, sum: expected }) => {
    const worlds = await makeWorlds();
    const { bytes, labels } = assemble(KERNEL_CODE, code);
    const changing = (at ?? (labels.patch as number)) + byte;
    const registers = { [RCX]: BigInt(ROUNDS), [RBP]: BigInt(DATA), [RSI]: BigInt(changing) };
    const outcome = worlds.run(bytes, { registers, limit: 1_000_000 });
    expect(outcome.registers[RBX]).toBe(expected);
    expectRegions(worlds);
  });
});

describe('a device changes the next instruction while it is being asked, by', () => {
  test.each([
    ['OUT', 'e6 10'],
    ['OUTSB', '6e'],
    ['REP OUTSB', 'b9 03 00 00 00 f3 6e'],
    ['a MOV to its memory', '88 07'],
    ['a MOV across two of its pages', '89 87 fe 0f 00 00'],
    ['a MOV that ends in its memory', '89 47 fe'],
    ['a MOVUPS to its memory', '0f 11 07'],
    ['INC of its memory', 'fe 07'],
    ['MOVSB', 'a4'],
    ['REP MOVSB', 'b9 03 00 00 00 f3 a4'],
    ['REP STOSD', 'b9 03 00 00 00 f3 ab'],
    ['PUSH into its memory', '48 8d 67 08 50'],
    ['POP into its memory', '50 8f 07'],
  ])('%s', async (_name, asking) => {
    const worlds = await makeWorlds();
    const { bytes, labels } = assemble(
      KERNEL_CODE,
      `
              49 89 e1                  ; MOV R9, RSP
      again:  41 89 c8                  ; MOV R8D, ECX
              bf 00 00 0a 00            ; MOV EDI, 0xa0000
              be 00 00 05 00            ; MOV ESI, DATA
              ba 10 00 00 00            ; MOV EDX, 0x10
              ${asking}
      patch:  83 c3 05                  ; ADD EBX, 5
              4c 89 cc                  ; MOV RSP, R9
              44 89 c1                  ; MOV ECX, R8D
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again`,
    );
    const changing = (labels.patch as number) + 2;
    worlds.each((world) => {
      const { memory } = world.cpu;
      let asked = 0;
      world.onDeviceMemory = () => {
        asked += 1;
        if (asked % 1024 === 0) memory.store(changing, 1, (memory.read(changing, 1) ?? 0) + 1);
      };
      world.onPort = () => world.onDeviceMemory?.(0, 0);
    });
    const { done } = worlds.run(bytes, { registers: { [RCX]: BigInt(ROUNDS) }, limit: 200_000 });
    expect(done).toBe(true);
    expectRegions(worlds);
  });
});

test('writes from outside between two runs change code that regions were made of', async () => {
  const worlds = await makeWorlds();
  const { bytes, labels } = assemble(
    KERNEL_CODE,
    `
      again:  e8 >>callee               ; CALL callee
              01 c3                     ; ADD EBX, EAX
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again
              f4                        ; HLT
              .at 0x11ffe
      callee: b8 05 00 00 00            ; MOV EAX, 5: from 0x11ffe to 0x12003
              c3                        ; RET`,
  );
  worlds.run(bytes, { registers: { [RCX]: 100_000n }, limit: 1000 });
  for (let n = 1; n <= 30; n++) {
    // Now in the first page, now in the second, now by as much as fills both.
    const part = 1 + (n % 5);
    const change = part === 5 ? [n, 0, 0, 0, 0xc3] : [n];
    const at = (labels.callee as number) + (part === 5 ? 1 : part);
    worlds.each(({ cpu }) => cpu.memory.write(at, Uint8Array.from(change)));
    worlds.goOn(3000 + n);
  }
  expect(worlds.inRegions).toBeGreaterThan(ROUNDS);
  expect(worlds.made).toBeGreaterThan(20);
});
