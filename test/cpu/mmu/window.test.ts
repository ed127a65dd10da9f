/**
 * The flat window: what `reach` answers from a range, what `ramAccess` finds, and what is refused without a trace. What
 * makes ranges grow and go is in window-range.test.ts.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Flag } from '../../../src/cpu/state.js';
import { PML4 } from '../../support/system-world.js';
import { HIGH_HALF, PROGRAM, SIZES, TOP, WindowWorld } from './window-world.js';

const ACCESSED = 0x20n;
const DIRTY = 0x40n;

let window: WindowWorld;

beforeEach(async () => {
  window = await WindowWorld.create();
});

describe('pages of 4 KiB', () => {
  test('a page is a range after the first access, but for its last bytes', () => {
    expect(window.access('read', 0x50000)).toBe('walk 50000');
    expect(window.access('read', 0x50fc0, 64)).toBe('range 50fc0');
    expect(window.access('read', 0x50fc0)).toBe('range 50fc0');
    expect(window.access('read', 0x50fc1)).toBe('walk 50fc1');
    expect(window.access('read', 0x50ff8, 8)).toBe('walk 50ff8');
    expect(window.access('read', 0x50ff9, 8)).toBe('refused');
    expect(window.access('read', 0x51010)).toBe('walk 51010');
    expect(window.access('read', 0x50ff9, 8)).toBe('range 50ff9');
  });

  test('an access that crosses is in a range when both pages are', () => {
    window.access('read', 0x51000);
    expect(window.access('read', 0x50ffc, 8)).toBe('refused');
    window.access('read', 0x50000);
    expect(window.access('read', 0x50ffc, 8)).toBe('range 50ffc');
  });

  test.each(SIZES.slice(1))('%i bytes across each border', (size) => {
    for (let before = 1; before < size; before++) {
      window.enter(0);
      expect(window.access('read', 0x51000 - before, size)).toBe('refused');
      window.access('write', 0x50000);
      expect(window.access('write', 0x51000 - before, size)).toBe('refused');
      window.access('read', 0x51000);
      expect(window.access('read', 0x51000 - before, size)).toBe(`range ${(0x51000 - before).toString(16)}`);
      expect(window.access('write', 0x51000 - before, size)).toBe('refused');
      window.access('write', 0x51000);
      expect(window.access('modify', 0x51000 - before, size)).toBe(
        `range ${(0x51000 - before).toString(16)}`,
      );
    }
  });

  test('a crossing access that is refused marks neither page', () => {
    expect(window.access('write', 0x50ffc, 8)).toBe('refused');
    expect([window.entryOf(0x50000), window.entryOf(0x51000)]).toEqual([0x50003n, 0x51003n]);
  });

  test('reading lets nobody write, and marks the page accessed but not dirty', () => {
    window.access('read', 0x50000);
    expect(window.entryOf(0x50000)).toBe(0x50003n | ACCESSED);
    expect(window.access('modify', 0x50000)).toBe('walk 50000');
    expect(window.entryOf(0x50000)).toBe(0x50003n | ACCESSED | DIRTY);
    expect(window.access('write', 0x50000)).toBe('range 50000');
    expect(window.access('read', 0x50000)).toBe('range 50000');
  });

  test('a page that may be read only', () => {
    window.setEntry(0x50000, 0x50001n);
    expect(window.access('write', 0x50000)).toBe('refused');
    expect(window.entryOf(0x50000)).toBe(0x50001n);
    expect(window.access('read', 0x50000)).toBe('walk 50000');
    expect(window.access('modify', 0x50000)).toBe('refused');
    expect(window.access('read', 0x50000)).toBe('range 50000');
  });

  test('a page that is not there, behind a table not yet marked', () => {
    window.world.put64(PML4 + 16, 0x110007n);
    expect(window.access('read', 2n << 39n)).toBe('refused');
    expect(window.world.get64(PML4 + 16)).toBe(0x110007n);
  });

  test('a page that leads elsewhere is never in a range', () => {
    window.setEntry(0x50000, 0x60003n);
    expect(window.access('write', 0x50010)).toBe('walk 60010');
    expect(window.access('write', 0x50010)).toBe('walk 60010');
    expect(window.access('write', 0x60000)).toBe('walk 60000');
    expect(window.access('write', 0x60000)).toBe('range 60000');
  });

  test('once a walk shows that a page leads elsewhere no range has it', () => {
    window.world.put64(PML4 + 0x2020, 0x83n);
    window.access('read', 0x4f000);
    window.access('read', 0x50000);
    window.setEntry(0x50000, 0x60003n);
    expect(window.access('read', 0x850000)).toBe('walk 50000');
    expect(window.access('write', 0x50000, 8)).toBe('walk 60000');
    expect(window.access('read', 0x50000)).toBe('walk 60000');
    expect(window.access('read', 0x4fffc, 8)).toBe('refused');
  });

  test.each([0x800000000000n, 0x7ffffffffff9n])('%d is not canonical all through', (linear) => {
    expect(window.access('read', linear, 8)).toBe('refused');
  });

  test('4 GiB up the window ends', () => {
    window.access('read', 0x50000);
    window.world.put64(PML4 + 0x1000 + 32, BigInt(PML4 + 0x2000) | 7n);
    expect(window.access('read', 0x100050000n)).toBe('walk 50000');
    expect(window.access('read', 0x100050000n)).toBe('walk 50000');
  });
});

describe('privilege', () => {
  test('each has ranges of its own', () => {
    window.access('write', 0x30000);
    expect(window.access('write', 0x30000)).toBe('range 30000');
    window.world.cpu.state.set32(state.cpl, 3);
    window.privilege = 'user';
    expect(window.access('write', 0x30000)).toMatch(/^walk/);
    window.enter(3);
    expect(window.access('write', 0x30000)).toBe('walk 30000');
    expect(window.access('write', 0x30000)).toBe('range 30000');
    expect(window.access('read', 0x50000)).toBe('refused');
  });

  test('what AC lets the supervisor reach is not remembered', () => {
    const view = window.world.cpu.state;
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.smap));
    view.set32(state.systemFlags, Flag.ac | 2);
    window.refresh();
    expect(window.access('read', 0x30000)).toBe('walk 30000');
    expect(window.access('read', 0x30000)).toBe('walk 30000');
    view.set32(state.systemFlags, 2);
    expect(window.access('read', 0x30000)).toBe('refused');
  });

  test('while alignment is checked the user has no range', () => {
    window.enter(3);
    const view = window.world.cpu.state;
    for (const page of [0x30000, 0x31000]) window.access('write', page);
    expect(window.access('write', 0x30001, 8)).toBe('range 30001');
    view.set64(state.cr0, view.get64(state.cr0) | BigInt(Cr0.am));
    view.set32(state.systemFlags, Flag.ac | 2);
    window.refresh();
    expect(window.access('write', 0x30001, 8)).toBe('refused');
    expect(window.access('write', 0x30008, 8)).toBe('walk 30008');
    expect(window.access('write', 0x30008, 8)).toBe('walk 30008');
    expect(window.access('read', 0x30001, 16)).toBe('walk 30001');
  });

  test('POPF that begins alignment checks empties the user’s ranges', () => {
    window.enter(3);
    const view = window.world.cpu.state;
    view.set64(state.cr0, view.get64(state.cr0) | BigInt(Cr0.am));
    view.set64(state.gpr, 0x30800n, 4);
    window.refresh();
    for (const page of [0x30000, 0x31000]) window.access('write', page);
    window.world.put64(0x30800, BigInt(Flag.ac | 2));
    window.world.cpu.memory.write(0x20000, Uint8Array.of(0x9d));
    view.set64(state.rip, 0x20000n);
    expect(window.access('write', 0x30001, 8)).toBe('range 30001');
    window.world.cpu.run(1);
    expect(view.get32(state.systemFlags) & Flag.ac).toBe(Flag.ac);
    expect(window.access('write', 0x30001, 8)).toBe('refused');
  });
});

describe('what is no plain memory', () => {
  test('decoded code, and its page', () => {
    window.execute('90');
    expect(window.access('write', PROGRAM)).toBe('refused');
    expect(window.access('write', PROGRAM + 0x800)).toBe(`walk ${(PROGRAM + 0x800).toString(16)}`);
    expect(window.access('write', PROGRAM + 0x800)).toMatch(/^walk/);
    expect(window.access('read', PROGRAM)).toMatch(/^walk/);
    expect(window.access('read', PROGRAM)).toMatch(/^range/);
  });

  test('code that is decoded in a page that could be written', () => {
    for (const page of [PROGRAM - 0x1000, PROGRAM]) window.access('write', page);
    expect(window.access('write', PROGRAM)).toMatch(/^range/);
    expect(window.access('write', PROGRAM - 4, 8)).toMatch(/^range/);
    window.execute('90');
    expect(window.access('write', PROGRAM)).toBe('refused');
    expect(window.access('write', PROGRAM - 4, 8)).toBe('refused');
    // Its bit was not lost, but the range was: it is looked for again.
    expect(window.access('write', PROGRAM - 0x100)).toMatch(/^walk/);
    expect(window.access('write', PROGRAM - 0x100)).toMatch(/^range/);
    expect(window.access('write', PROGRAM - 4, 8)).toBe('refused');
    window.access('read', PROGRAM - 0x100);
    expect(window.access('read', PROGRAM - 4, 8)).toMatch(/^range/);
  });

  test('the video window and what is beyond RAM', () => {
    expect(window.access('read', 0xa0000)).toBe('refused');
    expect(window.entryOf(0xa0000)).toBe(0xa0003n);
    window.setEntry(0x50000, 0xfee00003n);
    expect(window.access('read', 0x50000)).toBe('refused');
    expect(window.entryOf(0x50000)).toBe(0xfee00003n);
  });

  test('a page that becomes a device’s, and RAM again', () => {
    window.access('read', 0x50000);
    window.world.cpu.setDevicePage(0x50000, true);
    expect(window.access('read', 0x50000)).toBe('refused');
    window.world.cpu.setDevicePage(0x50000, false);
    expect(window.access('read', 0x50000)).toBe('walk 50000');
  });

  test('a page with a breakpoint on data, from when the guest sets it', () => {
    window.access('read', 0x50000);
    window.access('read', 0x51000);
    window.world.cpu.state.set64(state.dr, 0x50010n, 0);
    window.execute('0f23f8', 0x30401n);
    expect(window.access('read', 0x50800)).toBe('refused');
    expect(window.access('read', 0x51000)).toBe('walk 51000');
    expect(window.access('read', 0x51000)).toBe('range 51000');
  });
});

describe('forgetting', () => {
  const SOME = 8;
  const MANY = 80;

  test.each([SOME, MANY])('a new CR3 forgets %i pages', (count) => {
    const pages = Array.from({ length: count }, (_, n) => 0x40000 + n * 0x1000);
    // After many misses only one in 256 is looked into.
    for (let round = 0; round < 5; round++) for (const page of pages) window.access('write', page);
    expect(pages.map((page) => window.access('write', page).slice(0, 5))).toEqual(pages.map(() => 'range'));
    window.execute('0f22d8', BigInt(PML4));
    expect(pages.map((page) => window.access('read', page).slice(0, 4))).toEqual(pages.map(() => 'walk'));
  });

  test('INVLPG of an address in a large page forgets all of it', () => {
    for (const page of [0x201000, 0x202000]) window.access('write', page);
    expect(window.access('write', 0x201ffc, 8)).toBe('range 201ffc');
    window.execute('0f0138', 0x3ff000n);
    expect(window.access('read', 0x201000)).toBe('walk 201000');
  });

  test('a fault in a page of 4 KiB forgets that page alone', () => {
    window.setEntry(0x50000, 0x50001n);
    for (const page of [0x4f000, 0x50000, 0x51000]) window.access('read', page);
    window.world.setGate(14, { target: BigInt(PROGRAM + 0x100) });
    window.fault(0x50000n);
    expect(window.access('read', 0x4fffc, 8)).toBe('refused');
    expect(window.access('read', 0x50000)).toBe('walk 50000');
    expect(window.access('read', 0x4f000)).toBe('range 4f000');
    expect(window.access('read', 0x51000)).toBe('range 51000');
  });

  test('a fault in a large page forgets all pieces of it', () => {
    window.world.put64(PML4 + 0x2008, 0x200081n);
    for (const page of [0x50000, 0x1ff000, 0x201000, 0x3ff000]) window.access('read', page);
    window.fault(0x202000n);
    expect(window.access('write', 0x201000)).toBe('refused');
    expect(window.access('write', 0x3ff000)).toBe('refused');
    expect(window.access('read', 0x201000)).toBe('walk 201000');
    expect(window.access('read', 0x3ff000)).toBe('range 3ff000');
    expect(window.access('read', 0x1ff000)).toBe('range 1ff000');
  });
});

describe('a window elsewhere', () => {
  test.each([HIGH_HALF, TOP])('at %d', (start) => {
    window.world.put64(PML4 + 256 * 8, BigInt(PML4 + 0x1000) | 7n);
    window.world.put64(PML4 + 511 * 8, BigInt(PML4 + 0x1000) | 7n);
    window.world.put64(PML4 + 0x1000 + 510 * 8, BigInt(PML4 + 0x2000) | 7n);
    window.access('read', 0x50000);
    window.moveTo(start);
    expect(window.access('read', start + 0x50000n)).toBe('walk 50000');
    expect(window.access('read', start + 0x50000n)).toBe('range 50000');
    expect(window.access('write', start + 0x201000n)).toBe('walk 201000');
    expect(window.access('modify', start + 0x201fffn)).toBe('range 201fff');
    expect(window.access('write', start + 0x3fffc0n, 64)).toBe('range 3fffc0');
    expect(window.access('read', 0x50000)).toBe('walk 50000');
    expect(window.access('read', 0x50000)).toBe('walk 50000');
    expect(window.access('read', start - 0x1000n)).toBe('refused');
    window.moveTo(0n);
    expect(window.access('read', 0x50000)).toBe('walk 50000');
  });
});

test.each([
  ['read', '8a00'],
  ['write', '8800'],
  ['modify', '0000'],
] as const)('a %s marks the tables as the interpreter does', (kind, code) => {
  const linear = (2n << 39n) + 0x5000n;
  const tables = [PML4 + 16, 0x110000, 0x111000, 0x112028];
  const marked = (act: () => void): bigint[] => {
    window.enter(0);
    const next = [0x110000, 0x111000, 0x112000, 0x55000];
    for (const [n, at] of tables.entries()) window.world.put64(at, BigInt(next[n] as number) | 3n);
    act();
    return tables.map((at) => window.world.get64(at));
  };
  const byRegion = marked(() => expect(window.access(kind, linear)).toBe('walk 55000'));
  const byInterpreter = marked(() => window.execute(code, linear));
  expect(byRegion).toEqual(byInterpreter);
  expect((byRegion[3] as bigint) & DIRTY).toBe(kind === 'read' ? 0n : DIRTY);
});
