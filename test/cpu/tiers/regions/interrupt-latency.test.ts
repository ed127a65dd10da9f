/**
 * With regions running, an interrupt is taken at the very instruction at which the interpreter takes it: the handler logs
 * where it came from, registers, and the time, and arms the next timer by a random count.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../../fuzz/random.js';
import { longModeMachine } from '../../../support/long-mode-guest.js';

const INTERRUPTS = 50;
const ENTRY = 64;
const LOG = 0x200000;
const LOG_END = LOG + INTERRUPTS * ENTRY;

const little = (value: number): string =>
  [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, '0')).join(' ');
/** MOV EDI, address; MOV DWORD [RDI], value */
const store = (address: number, value: number): string => `bf ${little(address)} c7 07 ${little(value)}`;
const END_OF_INTERRUPT = store(0xfee000b0, 0);
/** OUT by immediate port. */
const out = (port: number, value: number): string =>
  `b0 ${value.toString(16).padStart(2, '0')} e6 ${port.toString(16)}`;

interface Source {
  /** Before the first one. */
  readonly setUp: string;
  /** Makes the next one come in about EAX nanoseconds; may change EAX, RDX and RDI. */
  readonly arm: string;
  readonly end: string;
}

/** Channel 0 of the 8254 in mode 0, with a count of 1 to 4: RDI from EAX, of 12 bits. */
const ARM_8254 = `
              c1 e8 0a                  ; SHR EAX, 10
              ff c0                     ; INC EAX
              89 c7                     ; MOV EDI, EAX
              ${out(0x43, 0x30)}
              89 f8                     ; MOV EAX, EDI
              e6 40                     ; OUT 0x40, AL
              ${out(0x40, 0)}`;

const SOURCES: Record<string, Source> = {
  'the local APIC’s timer, once': {
    setUp: `${store(0xfee00320, 0x20)} ${store(0xfee003e0, 0xb)}`,
    arm: 'bf 80 03 e0 fe 89 07          ; MOV EDI, 0xfee00380; MOV [RDI], EAX',
    end: END_OF_INTERRUPT,
  },
  'the local APIC’s timer, periodically': {
    setUp: `${store(0xfee00320, 0x20020)} ${store(0xfee003e0, 0xb)} ${store(0xfee00380, 1777)}`,
    arm: '',
    end: END_OF_INTERRUPT,
  },
  'the deadline of the time-stamp counter': {
    setUp: store(0xfee00320, 0x40020),
    arm: `
              89 c7                     ; MOV EDI, EAX
              0f 31                     ; RDTSC
              01 f8 83 d2 00            ; ADD EAX, EDI; ADC EDX, 0
              51                        ; PUSH RCX
              b9 e0 06 00 00 0f 30      ; MOV ECX, IA32_TSC_DEADLINE; WRMSR
              59                        ; POP RCX`,
    end: END_OF_INTERRUPT,
  },
  'the 8259’s line': {
    setUp: out(0x21, 0xfe),
    arm: ARM_8254,
    end: out(0x20, 0x20),
  },
  'NMI by the I/O APIC': {
    setUp: `${store(0xfec00000, 0x14)} ${store(0xfec00010, 0x400)}`,
    arm: ARM_8254,
    end: '',
  },
};

/** What is interrupted: without end, and free to change what is not the handler's. */
const LOOPS: Record<string, string> = {
  'a tight loop': `
      again:  48 ff c1                  ; INC RCX
              48 01 cb                  ; ADD RBX, RCX
              eb >again                 ; JMP again`,
  'loops in a loop, with branches': `
      again:  be 07 00 00 00            ; MOV ESI, 7
      inner:  48 ff c1                  ; INC RCX
              f6 c1 05                  ; TEST CL, 5
              74 >even                  ; JZ even
              48 01 cb                  ; ADD RBX, RCX
      even:   ff ce                     ; DEC ESI
              75 >inner                 ; JNZ inner
              48 31 cb                  ; XOR RBX, RCX
              eb >again                 ; JMP again`,
  'calls and returns': `
      again:  e8 >>outer                ; CALL outer
              48 ff c1                  ; INC RCX
              eb >again                 ; JMP again
      outer:  53                        ; PUSH RBX
              e8 >>inner                ; CALL inner
              e8 >>inner                ; CALL inner
              5b                        ; POP RBX
              48 01 cb                  ; ADD RBX, RCX
              c3                        ; RET
      inner:  48 ff c6                  ; INC RSI
              f6 c3 03                  ; TEST BL, 3
              74 >leave                 ; JZ leave
              48 01 f3                  ; ADD RBX, RSI
      leave:  c3                        ; RET`,
  'indirect jumps': `
      again:  48 ff c1                  ; INC RCX
              89 ce                     ; MOV ESI, ECX
              83 e6 03                  ; AND ESI, 3
              48 8d 34 b5 @table+0      ; LEA RSI, [table + RSI * 4]
              ff e6                     ; JMP RSI
      table:  48 ff c3 90               ; INC RBX; NOP
              48 ff c3 90
              48 01 cb 90               ; ADD RBX, RCX; NOP
              eb >again                 ; JMP again`,
  strings: `
      again:  49 89 c8                  ; MOV R8, RCX
              bf 00 00 19 00            ; MOV EDI, 0x190000
              be 10 00 19 00            ; MOV ESI, 0x190010
              b9 2d 01 00 00            ; MOV ECX, 301
              f3 a4                     ; REP MOVSB
              b9 40 00 00 00            ; MOV ECX, 64
              f3 48 ab                  ; REP STOSQ
              b9 e8 03 00 00            ; MOV ECX, 1000
              f3 a6                     ; REPE CMPSB
              b9 e8 03 00 00            ; MOV ECX, 1000
              f2 66 af                  ; REPNE SCASW
              a4 48 a5                  ; MOVSB; MOVSQ
              49 8d 48 01               ; LEA RCX, [R8 + 1]
              48 01 cb                  ; ADD RBX, RCX
              eb >again                 ; JMP again`,
  'the shadows of STI and MOV SS': `
              8c d6                     ; MOV ESI, SS
      again:  48 ff c1                  ; INC RCX
              fa                        ; CLI
              48 01 cb                  ; ADD RBX, RCX
              f6 c1 07                  ; TEST CL, 7
              75 >open                  ; JNZ open
              8e d6                     ; MOV SS, ESI
              48 ff c3                  ; INC RBX
      open:   fb                        ; STI
              48 ff c3                  ; INC RBX
              8e d6                     ; MOV SS, ESI
              48 ff c3                  ; INC RBX
              fb                        ; STI
              9c fa 9d                  ; PUSHFQ; CLI; POPFQ
              48 01 cb                  ; ADD RBX, RCX
              48 ff c3                  ; INC RBX
              48 01 cb                  ; ADD RBX, RCX
              48 ff c3                  ; INC RBX
              eb >again                 ; JMP again`,
  'interrupts and NMIs that it sends itself': `
      again:  48 ff c1                  ; INC RCX
              f6 c1 ff                  ; TEST CL, 255
              75 >on                    ; JNZ on
              ${store(0xfee00300, 0x4020)}
      on:     48 ff c3                  ; INC RBX
              ba 00 00 19 00            ; MOV EDX, 0x190000
              bf 00 03 e0 fe            ; MOV EDI, 0xfee00300
              b8 00 44 00 00            ; MOV EAX, NMI to itself
              f6 c1 7f                  ; TEST CL, 127
              0f 45 fa                  ; CMOVNZ EDI, EDX
              ab                        ; STOSD
              48 ff c3                  ; INC RBX
              48 01 cb                  ; ADD RBX, RCX
              48 01 ce                  ; ADD RSI, RCX
              eb >again                 ; JMP again`,
  'numbers and memory': `
              48 c7 04 25 00 00 19 00 03 00 00 00  ; MOV QWORD [0x190000], 3
      again:  48 ff c1                  ; INC RCX
              f2 48 0f 2a c1            ; CVTSI2SD XMM0, RCX
              f2 0f 51 c8               ; SQRTSD XMM1, XMM0
              f2 48 0f 2d f1            ; CVTSD2SI RSI, XMM1
              48 0f af f1               ; IMUL RSI, RCX
              48 01 34 25 00 00 19 00   ; ADD [0x190000], RSI
              48 03 1c 25 00 00 19 00   ; ADD RBX, [0x190000]
              f0 48 0f c1 1c 25 08 00 19 00  ; LOCK XADD [0x190008], RBX
              eb >again                 ; JMP again`,
};

function guest({ setUp, arm, end }: Source, loop: string, seed: number): string {
  return `
              c7 04 25 @seed+0 ${little(seed)}  ; MOV DWORD [seed], …
              ${setUp}
              b8 d0 07 00 00            ; MOV EAX, 2000
              ${arm}
              31 c9 31 db 31 f6         ; XOR ECX, ECX; XOR EBX, EBX; XOR ESI, ESI
              fb                        ; STI
              ${loop}
      handler: 50 52 57                 ; PUSH RAX; PUSH RDX; PUSH RDI
              8b 3c 25 @log+0           ; MOV EDI, [log]
              81 ff ${little(LOG_END)}  ; CMP EDI, the log's end
              73 >finish                ; JAE finish
              48 8b 44 24 18 48 89 07   ; its RIP
              48 8b 44 24 28 48 89 47 08  ; its RFLAGS
              48 89 4f 10 48 89 5f 18   ; RCX and RBX
              48 89 77 20 4c 89 47 28   ; RSI and R8
              0f 31 89 47 30            ; the low half of the time-stamp counter
              8b 04 24 89 47 38         ; the low half of RDI
              83 04 25 @log+0 40        ; ADD DWORD [log], 64
              69 04 25 @seed+0 6d 4e c6 41  ; IMUL EAX, [seed], 1103515245
              05 39 30 00 00            ; ADD EAX, 12345
              89 04 25 @seed+0          ; MOV [seed], EAX
              c1 e8 14                  ; SHR EAX, 20
              83 c0 01                  ; ADD EAX, 1
              ${arm}
              ${end}
              5f 5a 58                  ; POP RDI; POP RDX; POP RAX
              48 cf                     ; IRETQ
      finish: fa f4                     ; CLI; HLT
      log:    ${little(LOG)}
      seed:   00 00 00 00`;
}

async function run(listing: string, tier: 'interpreter' | 'regions') {
  const machine = await longModeMachine(listing, { tier });
  const result = await machine.run({ maxInstructions: 20_000_000 });
  const log = machine.memory.bytes(LOG, LOG_END - LOG) as Uint8Array;
  const words = new BigUint64Array(log.slice().buffer);
  const entries = Array.from({ length: INTERRUPTS }, (_, n) => [...words.subarray(n * 8, n * 8 + 8)]);
  const outcome = {
    reason: result.reason,
    instructions: machine.instructions,
    entries,
    memory: await machine.memoryHash(),
  };
  return { outcome, inRegions: machine.regionStatistics?.instructions ?? 0 };
}

describe.each(Object.entries(SOURCES))('%s interrupts', (_source, source) => {
  test.each(Object.entries(LOOPS))('%s where the interpreter is interrupted', async (_loop, loop) => {
    const random = new Random(5, loop.length);
    const listing = guest(source, loop, random.next() >>> 0);
    const plain = await run(listing, 'interpreter');
    const regions = await run(listing, 'regions');
    expect(plain.outcome.reason).toBe('dead-halt');
    expect(regions.outcome).toEqual(plain.outcome);
    expect(regions.inRegions).toBeGreaterThan(500);
  });
});
