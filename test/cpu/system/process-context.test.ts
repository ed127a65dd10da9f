/** Process-context identifiers: CR4.PCIDE, bit 63 of CR3, INVPCID (SDM vol. 3 §4.10; vol. 2, INVPCID). */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr4 } from '../../../src/cpu/state.js';
import { PAGE_TABLE, PML4, SystemWorld } from '../../support/system-world.js';

const GP0 = { vector: 13, errorCode: 0 };
const DESCRIPTOR = 0x5000;
const PAGE = 0x50000;

async function create(tagged = true): Promise<SystemWorld> {
  const world = await SystemWorld.create('long');
  if (tagged) world.cpu.state.set64(state.cr4, world.cpu.state.get64(state.cr4) | BigInt(Cr4.pcide));
  return world;
}

describe('CR4.PCIDE', () => {
  it('cannot be set while CR3 has a PCID', async () => {
    const world = await create(false);
    world.cpu.state.set64(state.cr3, BigInt(PML4 | 8));
    // MOV RAX,CR4; BTS EAX,17; MOV CR4,RAX
    expect(world.run({ code: '0f 20 e0 0f ba e8 11 0f 22 e0' })).toMatchObject(GP0);
  });
  it('lets CR3 have a PCID and bit 63, which does not stay', async () => {
    const world = await create();
    const value = BigInt(PML4) | 0xabcn | (1n << 63n);
    expect(world.run({ code: '0f 22 d8', registers: { 0: value } }).done).toBe(true);
    expect(world.cpu.state.get64(state.cr3)).toBe(BigInt(PML4) | 0xabcn);
    const untagged = await create(false);
    expect(untagged.run({ code: '0f 22 d8', registers: { 0: value } })).toMatchObject(GP0);
  });
  it('forbids to turn paging off', async () => {
    const world = await create();
    world.cpu.memory.write(0x5100, Uint8Array.of(0x0f, 0x22, 0xc0, 0xf4));
    // RETF to 32-bit code at 5100h, which writes CR0
    const outcome = world.run({ code: '6a 30 68 00 51 00 00 48 cb', registers: { 0: 0x11n } });
    expect(outcome).toMatchObject(GP0);
    expect(outcome.frame.rip).toBe(0x5100n);
  });
});

describe('INVPCID', () => {
  const INVPCID = '66 0f 38 82 07';
  const cases: readonly (readonly [
    string,
    { type: bigint; pcid?: bigint; address?: bigint; tagged?: boolean },
    boolean,
  ])[] = [
    ['an address of a context', { type: 0n, pcid: 0xfffn, address: 0x1234n }, true],
    ['a context', { type: 1n, pcid: 5n }, true],
    ['all', { type: 2n }, true],
    ['all but global ones', { type: 3n }, true],
    ['type 4', { type: 4n }, false],
    ['a type above 32 bits', { type: 1n << 32n }, false],
    ['a PCID of more than 12 bits', { type: 2n, pcid: 0x1000n }, false],
    ['an address that is not canonical', { type: 0n, address: 1n << 47n }, false],
    ['a context with such an address, which does not count', { type: 1n, address: 1n << 47n }, true],
    ['PCID 0 without CR4.PCIDE', { type: 0n, tagged: false }, true],
    ['another PCID without CR4.PCIDE', { type: 1n, pcid: 1n, tagged: false }, false],
    ['all with another PCID without CR4.PCIDE', { type: 2n, pcid: 1n, tagged: false }, true],
  ];
  for (const [what, { type, pcid = 0n, address = 0n, tagged = true }, accepted] of cases) {
    it(`${accepted ? 'takes' : 'refuses'} ${what}`, async () => {
      const world = await create(tagged);
      world.put64(DESCRIPTOR, pcid);
      world.put64(DESCRIPTOR + 8, address);
      const outcome = world.run({ code: INVPCID, registers: { 0: type, 7: BigInt(DESCRIPTOR) } });
      expect(outcome).toMatchObject(accepted ? { done: true } : GP0);
    });
  }
  it('forgets a translation', async () => {
    const world = await create();
    // MOV AL,[RSI]; MOV qword [RBX],0; INVPCID; MOV AL,[RSI]
    const outcome = world.run({
      code: `8a 06 48 c7 03 00 00 00 00 ${INVPCID} 8a 06`,
      registers: {
        0: 0n,
        3: BigInt(PAGE_TABLE + (PAGE >> 12) * 8),
        6: BigInt(PAGE),
        7: BigInt(DESCRIPTOR),
      },
    });
    expect(outcome).toMatchObject({ vector: 14, cr2: BigInt(PAGE) });
  });
  it('needs ring 0', async () => {
    expect((await create()).run({ code: INVPCID, ring: 3, registers: { 7: 0x28000n } })).toMatchObject(GP0);
  });
});
