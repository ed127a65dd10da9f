/** Breakpoints in the debug registers, set and removed while regions run: by the guest itself, and from outside. */
import { describe, expect, test } from 'vitest';
import * as state from '../../../../src/cpu/state.js';
import { assemble } from '../../../support/listing.js';
import { KERNEL_CODE, type SystemWorld } from '../../../support/system-world.js';
import { TwinWorlds } from '../../../support/twin-worlds.js';

const HANDLER = 0x12000;
const LOG = 0x50000;
const ROUNDS = 6000;
/** Another page's, to be broken on as well. */
const DATA = 0x30000;

/** Notes RIP, DR6 and RCX at R9; sets RF, so that the instruction is gone on with. */
const HANDLER_CODE = `
              50                        ; PUSH RAX
              48 8b 44 24 08 49 89 01   ; MOV RAX, [RSP + 8]; MOV [R9], RAX
              0f 21 f0 49 89 41 08      ; MOV RAX, DR6; MOV [R9 + 8], RAX
              49 89 49 10               ; MOV [R9 + 16], RCX
              49 83 c1 20               ; ADD R9, 32
              31 c0 0f 23 f0            ; XOR EAX, EAX; MOV DR6, RAX
              81 4c 24 18 00 00 01 00   ; OR DWORD [RSP + 24], RF
              58                        ; POP RAX
              48 cf                     ; IRETQ`;

/** Calls, stores and loads; DR7 becomes R10 in the rounds 512 to 256 of each 1024, and 0 in the others. */
const PROGRAM = `
      again:  e8 >>callee               ; CALL callee
              89 0c 25 00 00 03 00      ; MOV [DATA], ECX
      load:   03 1c 25 00 00 03 00      ; ADD EBX, [DATA]
              ff c9                     ; DEC ECX
              74 >done                  ; JZ done
              0f ba e1 09               ; BT ECX, 9
              73 >again                 ; JNC again
              f6 c1 ff                  ; TEST CL, 255
              75 >again                 ; JNZ again
              4c 89 d0                  ; MOV RAX, R10
              f6 c5 01                  ; TEST CH, 1
              75 >set                   ; JNZ set
              31 c0                     ; XOR EAX, EAX
      set:    0f 23 f8                  ; MOV DR7, RAX
              eb >again                 ; JMP again
      done:   f4                        ; HLT
              .at 0x11000
      callee: 83 c3 01                  ; ADD EBX, 1
      inner:  48 ff c6                  ; INC RSI
              c3                        ; RET`;

const { bytes, labels } = assemble(KERNEL_CODE, PROGRAM);
const at = (label: string): bigint => BigInt(labels[label] as number);

async function makeWorlds(addresses: readonly bigint[]): Promise<TwinWorlds> {
  const worlds = await TwinWorlds.create();
  worlds.each((world) => {
    world.cpu.memory.write(HANDLER, assemble(HANDLER, HANDLER_CODE).bytes);
    world.setGate(1, { target: BigInt(HANDLER) });
    for (const [n, address] of addresses.entries()) world.cpu.state.set64(state.dr, address, n);
  });
  return worlds;
}

const registers = { 1: BigInt(ROUNDS), 9: BigInt(LOG) };

describe.each([
  ['an instruction', [at('load')], 0x1n],
  ['an instruction in a function', [at('inner')], 0x1n],
  ['what is written', [BigInt(DATA)], 0xd0001n],
  ['what is read or written', [BigInt(DATA + 2)], 0x70001n],
  ['four places', [at('again'), at('inner'), BigInt(DATA), BigInt(DATA + 3)], 0x3d000055n],
] as const)('breakpoints on %s', (_what, addresses, control) => {
  test('that the guest sets and removes', async () => {
    const worlds = await makeWorlds(addresses);
    const outcome = worlds.run(bytes, {
      registers: { ...registers, 10: control },
      limit: 300_000,
    });
    expect(outcome.exit.kind).toBe('halt');
    expect(outcome.registers[1]).toBe(0n);
    expect(Number(outcome.registers[9]) - LOG).toBeGreaterThan(500 * 32);
    expect(worlds.inRegions).toBeGreaterThan(ROUNDS);
  });

  test('that are set and removed from outside', async () => {
    const worlds = await makeWorlds(addresses);
    const set = (value: bigint): void =>
      worlds.each(({ cpu }: SystemWorld) => {
        cpu.state.set64(state.dr, value, 7);
        cpu.synchronise();
      });
    worlds.run(bytes, { registers, limit: 5000 });
    for (let n = 0; n < 8; n++) {
      set(n % 2 === 0 ? control : 0n);
      worlds.goOn(2000 + n);
    }
    expect(Number(worlds.hot.cpu.state.get64(state.gpr, 9)) - LOG).toBeGreaterThan(100 * 32);
    expect(worlds.inRegions).toBeGreaterThan(1000);
  });
});
