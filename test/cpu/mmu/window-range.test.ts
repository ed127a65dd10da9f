/**
 * Ranges of the window: how far they reach, and that nothing is reached by one once it may not be. 2–4 MiB is one large
 * page of the tables in window-world.ts, LARGE its entry.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Flag, Register } from '../../../src/cpu/state.js';
import { PML4 } from '../../support/system-world.js';
import { WindowWorld } from './window-world.js';

const LARGE = PML4 + 0x2008;
const PRESENT = 0x1n;
const WRITABLE = 0x2n;
const USER = 0x4n;
const ACCESSED = 0x20n;
const DIRTY = 0x40n;
const SIZE_BIT = 0x80n;

const INVLPG = '0f0138';
const MOV_TO_CR0 = '0f22c0';
const MOV_TO_CR3 = '0f22d8';
const MOV_TO_CR4 = '0f22e0';

let window: WindowWorld;

beforeEach(async () => {
  window = await WindowWorld.create();
});

describe('how far a range reaches', () => {
  test('over all of a large page after one access', () => {
    expect(window.access('write', 0x301000)).toBe('walk 301000');
    for (const [linear, size] of [
      [0x200000, 1],
      [0x2ffffc, 8],
      [0x3fffc0, 64],
      [0x3fffc0, 1],
    ] as const) {
      expect(window.access('write', linear, size)).toBe(`range ${linear.toString(16)}`);
    }
  });

  test('not to the last bytes, nor beyond', () => {
    window.access('read', 0x301000);
    expect(window.access('read', 0x3fffc1)).toBe('walk 3fffc1');
    expect(window.access('read', 0x3ffff8, 8)).toBe('walk 3ffff8');
    expect(window.access('read', 0x3ffffc, 8)).toBe('refused');
    expect(window.access('read', 0x400000)).toBe('refused');
    expect(window.access('read', 0x1fffff)).toBe('walk 1fffff');
  });

  test('a large page that was only read may not be written, nor is it dirty', () => {
    window.access('read', 0x301000);
    expect(window.world.get64(LARGE) & (ACCESSED | DIRTY)).toBe(ACCESSED);
    expect(window.access('modify', 0x302000)).toBe('walk 302000');
    expect(window.world.get64(LARGE) & DIRTY).toBe(DIRTY);
    expect(window.access('modify', 0x303000)).toBe('range 303000');
  });

  test('from a large page to a page beside it', () => {
    window.access('write', 0x1ff000);
    window.access('write', 0x200000);
    expect(window.access('write', 0x1ffffc, 8)).toBe('range 1ffffc');
  });

  test('a device in a large page is left out', () => {
    window.world.cpu.setDevicePage(0x300000, true);
    window.access('read', 0x201000);
    expect(window.access('read', 0x2fffc0)).toBe('range 2fffc0');
    expect(window.access('read', 0x2ffff8, 8)).toBe('walk 2ffff8');
    expect(window.access('read', 0x2ffffc, 8)).toBe('refused');
    expect(window.access('read', 0x300000)).toBe('refused');
    expect(window.access('read', 0x301000)).toBe('walk 301000');
  });

  test('a large page that leads elsewhere has none', () => {
    window.world.put64(LARGE, SIZE_BIT | WRITABLE | PRESENT);
    expect(window.access('write', 0x250000)).toBe('walk 50000');
    expect(window.access('write', 0x250000)).toBe('walk 50000');
    expect(window.access('write', 0x251000)).toBe('walk 51000');
  });

  test('one is near RSP, the other is where data was last', () => {
    window.state.set64(state.gpr, 0x60010n, Register.rsp);
    window.access('write', 0x50000);
    window.nearStack = true;
    expect(window.access('write', 0x60000)).toBe('walk 60000');
    expect(window.access('write', 0x60000)).toBe('range 60000');
    expect(window.access('write', 0x50000)).toBe('range 50000');
    window.nearStack = false;
    expect(window.access('write', 0x60000)).toBe('range 60000');
    expect(window.access('write', 0x70000)).toBe('walk 70000');
    expect(window.access('write', 0x70000)).toBe('range 70000');
    expect(window.access('write', 0x60000)).toBe('range 60000');
    expect(window.access('write', 0x50000)).toBe('walk 50000');
  });

  test('where accesses alternate, only one miss in 256 changes the range', () => {
    const answers = new Map<string, number>();
    for (let n = 0; n < 4096; n++) {
      const answer = window.access('read', n % 2 ? 0x50000 : 0x70000).split(' ')[0] as string;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
    expect(answers.get('range')).toBeGreaterThan(1900);
  });
});

/** What takes from the guest what it could reach, in ways that it has to be done by. */
const CHANGES: readonly [name: string, change: () => void][] = [
  ['INVLPG of the page', () => window.execute(INVLPG, 0x301000n)],
  ['INVLPG of another address in it', () => window.execute(INVLPG, 0x2fe123n)],
  ['a new CR3', () => window.execute(MOV_TO_CR3, BigInt(PML4))],
  ['CR4.PGE', () => window.execute(MOV_TO_CR4, window.state.get64(state.cr4) | BigInt(Cr4.pge))],
];

describe.each(CHANGES)('after %s', (_name, change) => {
  test('a page that is gone', () => {
    for (const kind of ['read', 'write'] as const) window.access(kind, 0x301000);
    expect(window.access('write', 0x301000)).toMatch(/^range/);
    window.world.put64(LARGE, 0n);
    change();
    for (const kind of ['read', 'write', 'modify'] as const) {
      expect(window.access(kind, 0x301000)).toBe('refused');
      expect(window.access(kind, 0x205000)).toBe('refused');
    }
  });

  test('a page that may not be written any more', () => {
    window.access('write', 0x301000);
    window.world.put64(LARGE, 0x200000n | SIZE_BIT | PRESENT);
    change();
    expect(window.access('write', 0x301000)).toBe('refused');
    expect(window.access('write', 0x205000)).toBe('refused');
    expect(window.access('read', 0x205000)).toBe('walk 205000');
    expect(window.access('read', 0x301000)).toBe('range 301000');
  });

  test('a page that leads elsewhere', () => {
    window.access('write', 0x301000);
    window.world.put64(LARGE, SIZE_BIT | WRITABLE | PRESENT);
    change();
    expect(window.access('write', 0x250000)).toBe('walk 50000');
  });

  test('a page whose dirty bit was cleared is marked again', () => {
    window.access('write', 0x301000);
    window.world.put64(LARGE, 0x200000n | SIZE_BIT | WRITABLE | PRESENT);
    change();
    expect(window.access('write', 0x301000)).toBe('walk 301000');
    expect(window.world.get64(LARGE) & (ACCESSED | DIRTY)).toBe(ACCESSED | DIRTY);
  });

  test('the stack’s range too', () => {
    window.nearStack = true;
    window.state.set64(state.gpr, 0x301000n, Register.rsp);
    window.access('write', 0x301000);
    expect(window.access('write', 0x301000)).toMatch(/^range/);
    window.world.put64(LARGE, 0n);
    change();
    expect(window.access('write', 0x301000)).toBe('refused');
  });
});

describe('what else takes from a range', () => {
  test('a fault in a page, which forgets it as INVLPG does', () => {
    for (const page of [0x50000, 0x51000]) window.access('write', page);
    window.setEntry(0x51000, 0x51001n);
    for (const page of [0x50000, 0x51000]) window.access('read', page);
    expect(window.access('read', 0x50ffc, 8)).toBe('range 50ffc');
    window.fault(0x51000n);
    expect(window.access('read', 0x50ffc, 8)).toBe('refused');
    expect(window.access('read', 0x51000)).toBe('walk 51000');
  });

  test('CR0.WP', () => {
    const cr0 = window.state.get64(state.cr0);
    window.execute(MOV_TO_CR0, cr0 & ~BigInt(Cr0.wp));
    window.world.put64(LARGE, 0x200000n | SIZE_BIT | PRESENT);
    expect(window.access('write', 0x301000)).toBe('walk 301000');
    expect(window.access('write', 0x205000)).toBe('range 205000');
    window.execute(MOV_TO_CR0, cr0 | BigInt(Cr0.wp));
    expect(window.access('write', 0x205000)).toBe('refused');
    expect(window.access('write', 0x301000)).toBe('refused');
  });

  test('CR4.SMAP', () => {
    window.world.put64(LARGE, 0x200000n | SIZE_BIT | USER | WRITABLE | PRESENT);
    expect(window.access('read', 0x301000)).toBe('walk 301000');
    expect(window.access('read', 0x205000)).toBe('range 205000');
    window.execute(MOV_TO_CR4, window.state.get64(state.cr4) | BigInt(Cr4.smap));
    expect(window.access('read', 0x205000)).toBe('refused');
    expect(window.access('read', 0x301000)).toBe('refused');
  });

  test('a large page that AC alone let the supervisor reach', () => {
    window.world.put64(LARGE, 0x200000n | SIZE_BIT | USER | WRITABLE | PRESENT);
    window.state.set64(state.cr4, window.state.get64(state.cr4) | BigInt(Cr4.smap));
    window.state.set32(state.systemFlags, Flag.ac | 2);
    window.refresh();
    for (let n = 0; n < 2; n++) expect(window.access('write', 0x301000)).toBe('walk 301000');
    window.state.set32(state.systemFlags, 2);
    expect(window.access('write', 0x301000)).toBe('refused');
    expect(window.access('read', 0x205000)).toBe('refused');
  });

  test('another privilege', () => {
    for (const kind of ['read', 'write'] as const) window.access(kind, 0x301000);
    expect(window.access('write', 0x205000)).toBe('range 205000');
    window.state.set32(state.cpl, 3);
    window.privilege = 'user';
    window.world.cpu.synchronise();
    for (const kind of ['read', 'write'] as const) {
      expect(window.access(kind, 0x205000)).toBe('refused');
      expect(window.access(kind, 0x301000)).toBe('refused');
    }
  });

  test('alignment checks, of the user’s', () => {
    window.world.put64(LARGE, 0x200000n | SIZE_BIT | USER | WRITABLE | PRESENT);
    window.enter(3);
    window.world.put64(LARGE, 0x200000n | SIZE_BIT | USER | WRITABLE | PRESENT);
    for (const table of [PML4, PML4 + 0x1000]) {
      window.world.put64(table, window.world.get64(table) | USER);
    }
    window.access('write', 0x301000);
    expect(window.access('write', 0x205001, 8)).toBe('range 205001');
    window.state.set64(state.cr0, window.state.get64(state.cr0) | BigInt(Cr0.am));
    window.state.set32(state.systemFlags, Flag.ac | 2);
    window.refresh();
    expect(window.access('write', 0x205001, 8)).toBe('refused');
    for (let n = 0; n < 2; n++) expect(window.access('write', 0x205008, 8)).toBe('walk 205008');
  });

  test('a breakpoint on data', () => {
    window.access('read', 0x301000);
    window.state.set64(state.dr, 0x205010n, 0);
    window.execute('0f23f8', 0x30401n);
    expect(window.access('read', 0x205800)).toBe('refused');
    expect(window.access('read', 0x301000)).toBe('walk 301000');
    expect(window.access('read', 0x205800)).toBe('refused');
  });

  test('a device', () => {
    window.access('read', 0x301000);
    window.world.cpu.setDevicePage(0x205000, true);
    expect(window.access('read', 0x205000)).toBe('refused');
    expect(window.access('read', 0x204ffc, 8)).toBe('refused');
  });
});

describe('code in a large page', () => {
  const CODE = 0x305000;

  /** Runs a NOP there. */
  function runCode(): void {
    window.world.cpu.memory.write(CODE, Uint8Array.of(0x90, 0xf4));
    window.state.set64(state.rip, BigInt(CODE));
    window.world.cpu.run(1);
  }

  test('decoded after the range was found', () => {
    window.access('write', 0x301000);
    window.access('read', 0x301000);
    expect(window.access('write', CODE)).toMatch(/^range/);
    runCode();
    expect(window.access('write', CODE)).toBe('refused');
    expect(window.access('modify', CODE - 4, 8)).toBe('refused');
    expect(window.access('read', CODE)).toMatch(/^range/);
    expect(window.access('write', 0x301000)).toBe('walk 301000');
  });

  test('decoded before', () => {
    runCode();
    window.access('write', 0x301000);
    window.access('read', 0x301000);
    expect(window.access('write', CODE - 0x40)).toMatch(/^range/);
    expect(window.access('write', CODE - 4, 8)).toBe('refused');
    expect(window.access('write', CODE)).toBe('refused');
    expect(window.access('write', CODE + 0x1000)).toMatch(/^walk/);
    expect(window.access('read', CODE)).toMatch(/^range/);
  });

  test('in the stack’s range', () => {
    window.nearStack = true;
    window.state.set64(state.gpr, 0x301000n, Register.rsp);
    window.access('write', 0x301000);
    expect(window.access('write', CODE)).toMatch(/^range/);
    runCode();
    expect(window.access('write', CODE)).toBe('refused');
  });
});
