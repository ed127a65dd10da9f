/**
 * The flat window: what `reach` answers from a range, what `ramAccess` finds, and what is refused without a trace.
 * Linear 0–2 MiB is mapped by pages of 4 KiB, of which 0x20000–0x40000 are the user's; 2–4 MiB by one large page.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { Emitter, type Linker } from '../../../src/cpu/emitter.js';
import type { PlaceKind } from '../../../src/cpu/mmu/access.js';
import { reach } from '../../../src/cpu/mmu/window.js';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Flag } from '../../../src/cpu/state.js';
import { RAM_BASE } from '../../../src/memory/layout.js';
import { ModuleBuilder, PAGE_SIZE } from '../../../src/wasm/module-builder.js';
import { I32, I64 } from '../../../src/wasm/values.js';
import { PAGE_TABLE, PML4, SystemWorld } from '../../support/system-world.js';

const SIZES = [1, 2, 4, 8, 16, 32, 64] as const;
const KINDS = ['read', 'write', 'modify'] as const;
const HIGH_HALF = 0xffff800000000000n;
const TOP = 0xffffffff80000000n;
const BASES = [0n, HIGH_HALF, TOP] as const;
const REFUSED = -1;
const ACCESSED = 0x20n;
const DIRTY = 0x40n;
const CR2 = 0x1234n;
const PROGRAM = 0x18000;

type Privilege = 'supervisor' | 'user';
interface Interpreter {
  ramAccess(linear: bigint, size: number, access: number): number;
  moveWindow(): void;
}
const nameOf = (kind: PlaceKind, size: number, privilege: Privilege, base: bigint): string =>
  `${kind} ${size} ${privilege} ${base}`;

/** One function for each kind of access: linear address → host address, or `REFUSED`. */
function buildProbes(): WebAssembly.Module {
  const module = new ModuleBuilder();
  module.importMemory('memory', RAM_BASE / PAGE_SIZE, 65536);
  const imported = module.import<I32>('ramAccess', [I64.type, I32.type, I32.type], I32);
  const linker = {
    link: ({ name }: { name: string }) => {
      if (name !== 'ramAccess') throw new Error(`${name} is called inline`);
      return imported;
    },
  } as unknown as Linker;
  for (const kind of KINDS) {
    for (const size of SIZES) {
      for (const privilege of ['supervisor', 'user'] as const) {
        for (const base of BASES) {
          const probe = module.declare<I32>(nameOf(kind, size, privilege, base), [I64.type], I32);
          module.define(probe, (code) => {
            const leave = (): void => code.return(I32.const(REFUSED));
            const emitter = new Emitter(code, linker, leave);
            code.return(reach(emitter, code.parameter(I64, 0), size, kind, { privilege, base, access: 0, slow: leave }));
          });
          module.export(probe);
        }
      }
    }
  }
  return new WebAssembly.Module(module.encode());
}

const probes = buildProbes();

let world: SystemWorld;
let privilege: Privilege;
let base: bigint;
let calls: number;
let interpreter: Interpreter;
let functions: Record<string, (linear: bigint) => number>;

beforeEach(async () => {
  const { Instance } = WebAssembly;
  let memory: unknown;
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      memory = imports?.env?.memory;
      interpreter = this.exports as unknown as Interpreter;
    }
  };
  world = await SystemWorld.create('long').finally(() => {
    WebAssembly.Instance = Instance;
  });
  const ramAccess = (linear: bigint, size: number, access: number): number => {
    calls += 1;
    return interpreter.ramAccess(linear, size, access);
  };
  functions = new WebAssembly.Instance(probes, { env: { memory, ramAccess } as WebAssembly.ModuleImports })
    .exports as typeof functions;
  base = 0n;
  enter(0);
});

/** At this level, with nothing remembered. */
function enter(ring: 0 | 3): void {
  world.setUp();
  world.run({ code: '90', ring });
  world.cpu.state.set32(state.cpl, ring);
  privilege = ring === 3 ? 'user' : 'supervisor';
  refresh();
}

/** What follows from the state once the test has changed it. */
function refresh(): void {
  world.cpu.state.set64(state.cr2, CR2);
  world.cpu.synchronise();
}

/** Who answered, and the physical address. */
function access(kind: PlaceKind, linear: number | bigint, size = 1): string {
  calls = 0;
  const host = functions[nameOf(kind, size, privilege, base)]?.(BigInt(linear)) as number;
  expect(world.cpu.state.get32(state.pending)).toBe(0);
  if (host === REFUSED) {
    expect(world.cpu.state.get64(state.cr2)).toBe(CR2);
    return 'refused';
  }
  return `${calls ? 'walk' : 'range'} ${(host - RAM_BASE).toString(16)}`;
}

/** Runs instructions as they stand, with nothing forgotten before. */
function execute(code: string, rax = 0n): void {
  const bytes = (code.match(/[0-9a-f]{2}/g) ?? []).map((pair) => Number.parseInt(pair, 16));
  world.cpu.memory.write(PROGRAM, Uint8Array.from([...bytes, 0xf4]));
  world.cpu.state.set64(state.gpr, rax);
  world.cpu.state.set64(state.rip, BigInt(PROGRAM));
  world.cpu.run(1);
  expect(world.cpu.rip).toBe(BigInt(PROGRAM + bytes.length));
}

function entryOf(linear: number): bigint {
  return world.get64(PAGE_TABLE + (linear >> 12) * 8);
}

function setEntry(linear: number, entry: bigint): void {
  world.put64(PAGE_TABLE + (linear >> 12) * 8, entry);
}

describe('pages of 4 KiB', () => {
  test('a page is a range after the first access, but for its last bytes', () => {
    expect(access('read', 0x50000)).toBe('walk 50000');
    expect(access('read', 0x50fc0, 64)).toBe('range 50fc0');
    expect(access('read', 0x50fc0)).toBe('range 50fc0');
    expect(access('read', 0x50fc1)).toBe('walk 50fc1');
    expect(access('read', 0x50ff8, 8)).toBe('walk 50ff8');
    expect(access('read', 0x50ff9, 8)).toBe('refused');
    expect(access('read', 0x51010)).toBe('walk 51010');
    expect(access('read', 0x50ff9, 8)).toBe('range 50ff9');
  });

  test('an access that crosses is in a range when both pages are', () => {
    access('read', 0x51000);
    expect(access('read', 0x50ffc, 8)).toBe('refused');
    access('read', 0x50000);
    expect(access('read', 0x50ffc, 8)).toBe('range 50ffc');
  });

  test.each(SIZES.slice(1))('%i bytes across each border', (size) => {
    for (let before = 1; before < size; before++) {
      enter(0);
      expect(access('read', 0x51000 - before, size)).toBe('refused');
      access('write', 0x50000);
      expect(access('write', 0x51000 - before, size)).toBe('refused');
      access('read', 0x51000);
      expect(access('read', 0x51000 - before, size)).toBe(`range ${(0x51000 - before).toString(16)}`);
      expect(access('write', 0x51000 - before, size)).toBe('refused');
      access('write', 0x51000);
      expect(access('modify', 0x51000 - before, size)).toBe(`range ${(0x51000 - before).toString(16)}`);
    }
  });

  test('a crossing access that is refused marks neither page', () => {
    expect(access('write', 0x50ffc, 8)).toBe('refused');
    expect([entryOf(0x50000), entryOf(0x51000)]).toEqual([0x50003n, 0x51003n]);
  });

  test('reading lets nobody write, and marks the page accessed but not dirty', () => {
    access('read', 0x50000);
    expect(entryOf(0x50000)).toBe(0x50003n | ACCESSED);
    expect(access('modify', 0x50000)).toBe('walk 50000');
    expect(entryOf(0x50000)).toBe(0x50003n | ACCESSED | DIRTY);
    expect(access('write', 0x50000)).toBe('range 50000');
    expect(access('read', 0x50000)).toBe('range 50000');
  });

  test('a page that may be read only', () => {
    setEntry(0x50000, 0x50001n);
    expect(access('write', 0x50000)).toBe('refused');
    expect(entryOf(0x50000)).toBe(0x50001n);
    expect(access('read', 0x50000)).toBe('walk 50000');
    expect(access('modify', 0x50000)).toBe('refused');
    expect(access('read', 0x50000)).toBe('range 50000');
  });

  test('a page that is not there, behind a table not yet marked', () => {
    world.put64(PML4 + 16, 0x110007n);
    expect(access('read', 2n << 39n)).toBe('refused');
    expect(world.get64(PML4 + 16)).toBe(0x110007n);
  });

  test('a page that leads elsewhere is never in a range', () => {
    setEntry(0x50000, 0x60003n);
    expect(access('write', 0x50010)).toBe('walk 60010');
    expect(access('write', 0x50010)).toBe('walk 60010');
    expect(access('write', 0x60000)).toBe('walk 60000');
    expect(access('write', 0x60000)).toBe('range 60000');
  });

  test('once a walk shows that a page leads elsewhere no range has it', () => {
    world.put64(PML4 + 0x2020, 0x83n);
    access('read', 0x4f000);
    access('read', 0x50000);
    setEntry(0x50000, 0x60003n);
    expect(access('read', 0x850000)).toBe('walk 50000');
    expect(access('write', 0x50000, 8)).toBe('walk 60000');
    expect(access('read', 0x50000)).toBe('walk 60000');
    expect(access('read', 0x4fffc, 8)).toBe('refused');
  });

  test.each([0x800000000000n, 0x7ffffffffff9n])('%d is not canonical all through', (linear) => {
    expect(access('read', linear, 8)).toBe('refused');
  });

  test('4 GiB up the window ends', () => {
    access('read', 0x50000);
    world.put64(PML4 + 0x1000 + 32, BigInt(PML4 + 0x2000) | 7n);
    expect(access('read', 0x100050000n)).toBe('walk 50000');
    expect(access('read', 0x100050000n)).toBe('walk 50000');
  });
});

describe('privilege', () => {
  test('each has ranges of its own', () => {
    access('write', 0x30000);
    expect(access('write', 0x30000)).toBe('range 30000');
    world.cpu.state.set32(state.cpl, 3);
    privilege = 'user';
    expect(access('write', 0x30000)).toMatch(/^walk/);
    enter(3);
    expect(access('write', 0x30000)).toBe('walk 30000');
    expect(access('write', 0x30000)).toBe('range 30000');
    expect(access('read', 0x50000)).toBe('refused');
  });

  test('what AC lets the supervisor reach is not remembered', () => {
    const view = world.cpu.state;
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.smap));
    view.set32(state.systemFlags, Flag.ac | 2);
    refresh();
    expect(access('read', 0x30000)).toBe('walk 30000');
    expect(access('read', 0x30000)).toBe('walk 30000');
    view.set32(state.systemFlags, 2);
    expect(access('read', 0x30000)).toBe('refused');
  });

  test('while alignment is checked the user has no range', () => {
    enter(3);
    const view = world.cpu.state;
    for (const page of [0x30000, 0x31000]) access('write', page);
    expect(access('write', 0x30001, 8)).toBe('range 30001');
    view.set64(state.cr0, view.get64(state.cr0) | BigInt(Cr0.am));
    view.set32(state.systemFlags, Flag.ac | 2);
    refresh();
    expect(access('write', 0x30001, 8)).toBe('refused');
    expect(access('write', 0x30008, 8)).toBe('walk 30008');
    expect(access('write', 0x30008, 8)).toBe('walk 30008');
    expect(access('read', 0x30001, 16)).toBe('walk 30001');
  });

  test('POPF that begins alignment checks empties the user’s ranges', () => {
    enter(3);
    const view = world.cpu.state;
    view.set64(state.cr0, view.get64(state.cr0) | BigInt(Cr0.am));
    view.set64(state.gpr, 0x30800n, 4);
    refresh();
    for (const page of [0x30000, 0x31000]) access('write', page);
    world.put64(0x30800, BigInt(Flag.ac | 2));
    world.cpu.memory.write(0x20000, Uint8Array.of(0x9d));
    view.set64(state.rip, 0x20000n);
    expect(access('write', 0x30001, 8)).toBe('range 30001');
    world.cpu.run(1);
    expect(view.get32(state.systemFlags) & Flag.ac).toBe(Flag.ac);
    expect(access('write', 0x30001, 8)).toBe('refused');
  });
});

describe('what is no plain memory', () => {
  test('decoded code, and its page', () => {
    execute('90');
    expect(access('write', PROGRAM)).toBe('refused');
    expect(access('write', PROGRAM + 0x800)).toBe(`walk ${(PROGRAM + 0x800).toString(16)}`);
    expect(access('write', PROGRAM + 0x800)).toMatch(/^walk/);
    expect(access('read', PROGRAM)).toMatch(/^walk/);
    expect(access('read', PROGRAM)).toMatch(/^range/);
  });

  test('code that is decoded in a page that could be written', () => {
    for (const page of [PROGRAM - 0x1000, PROGRAM]) access('write', page);
    expect(access('write', PROGRAM)).toMatch(/^range/);
    expect(access('write', PROGRAM - 4, 8)).toMatch(/^range/);
    execute('90');
    expect(access('write', PROGRAM)).toBe('refused');
    expect(access('write', PROGRAM - 4, 8)).toBe('refused');
    // Its bit was not lost, but the range was: it is looked for again.
    expect(access('write', PROGRAM - 0x100)).toMatch(/^walk/);
    expect(access('write', PROGRAM - 0x100)).toMatch(/^range/);
    expect(access('write', PROGRAM - 4, 8)).toBe('refused');
    access('read', PROGRAM - 0x100);
    expect(access('read', PROGRAM - 4, 8)).toMatch(/^range/);
  });

  test('the video window and what is beyond RAM', () => {
    expect(access('read', 0xa0000)).toBe('refused');
    expect(entryOf(0xa0000)).toBe(0xa0003n);
    setEntry(0x50000, 0xfee00003n);
    expect(access('read', 0x50000)).toBe('refused');
    expect(entryOf(0x50000)).toBe(0xfee00003n);
  });

  test('a page that becomes a device’s, and RAM again', () => {
    access('read', 0x50000);
    world.cpu.setDevicePage(0x50000, true);
    expect(access('read', 0x50000)).toBe('refused');
    world.cpu.setDevicePage(0x50000, false);
    expect(access('read', 0x50000)).toBe('walk 50000');
  });

  test('a page with a breakpoint on data, from when the guest sets it', () => {
    access('read', 0x50000);
    access('read', 0x51000);
    world.cpu.state.set64(state.dr, 0x50010n, 0);
    execute('0f23f8', 0x30401n);
    expect(access('read', 0x50800)).toBe('refused');
    expect(access('read', 0x51000)).toBe('walk 51000');
    expect(access('read', 0x51000)).toBe('range 51000');
  });
});

describe('forgetting', () => {
  const SOME = 8;
  const MANY = 80;

  test.each([SOME, MANY])('a new CR3 forgets %i pages', (count) => {
    const pages = Array.from({ length: count }, (_, n) => 0x40000 + n * 0x1000);
    for (const page of pages) access('write', page);
    expect(pages.map((page) => access('write', page).slice(0, 5))).toEqual(pages.map(() => 'range'));
    execute('0f22d8', BigInt(PML4));
    expect(pages.map((page) => access('read', page).slice(0, 4))).toEqual(pages.map(() => 'walk'));
  });

  test('INVLPG of an address in a large page forgets all of it', () => {
    for (const page of [0x201000, 0x202000]) access('write', page);
    expect(access('write', 0x201ffc, 8)).toBe('range 201ffc');
    execute('0f0138', 0x3ff000n);
    expect(access('read', 0x201000)).toBe('walk 201000');
  });

  test('a fault in a page of 4 KiB forgets that page alone', () => {
    for (const page of [0x4f000, 0x50000, 0x51000]) access('read', page);
    setEntry(0x50000, 0x50001n);
    world.setGate(14, { target: BigInt(PROGRAM + 0x100) });
    fault(0x50000n);
    expect(access('read', 0x4fffc, 8)).toBe('refused');
    expect(access('read', 0x4f000)).toBe('range 4f000');
    expect(access('read', 0x51000)).toBe('range 51000');
    expect(access('read', 0x50000)).toBe('walk 50000');
  });

  test('a fault in a large page forgets all pieces of it', () => {
    for (const page of [0x50000, 0x1ff000, 0x201000, 0x3ff000]) access('write', page);
    world.put64(PML4 + 0x2008, 0x200081n);
    fault(0x202000n);
    expect(access('write', 0x201000)).toBe('refused');
    expect(access('write', 0x3ff000)).toBe('refused');
    expect(access('read', 0x201000)).toBe('walk 201000');
    expect(access('read', 0x3ff000)).toBe('walk 3ff000');
    expect(access('read', 0x50000)).toBe('range 50000');
    expect(access('read', 0x1ff000)).toBe('range 1ff000');
  });

  /** Writes there, which is a page fault. */
  function fault(linear: bigint): void {
    world.cpu.memory.write(PROGRAM, Uint8Array.of(0x88, 0x00, 0xf4));
    world.cpu.state.set64(state.gpr, linear);
    world.cpu.state.set64(state.rip, BigInt(PROGRAM));
    world.cpu.run(2);
    expect(world.cpu.state.get64(state.cr2)).toBe(linear);
    world.cpu.state.set64(state.cr2, CR2);
  }
});

describe('a window elsewhere', () => {
  test.each([HIGH_HALF, TOP])('at %d', (start) => {
    world.put64(PML4 + 256 * 8, BigInt(PML4 + 0x1000) | 7n);
    world.put64(PML4 + 511 * 8, BigInt(PML4 + 0x1000) | 7n);
    world.put64(PML4 + 0x1000 + 510 * 8, BigInt(PML4 + 0x2000) | 7n);
    access('read', 0x50000);
    world.cpu.state.set64(state.exchange, start);
    interpreter.moveWindow();
    base = start;
    expect(access('read', start + 0x50000n)).toBe('walk 50000');
    expect(access('read', start + 0x50000n)).toBe('range 50000');
    expect(access('write', start + 0x201000n)).toBe('walk 201000');
    expect(access('modify', start + 0x201fffn)).toBe('range 201fff');
    expect(access('read', 0x50000)).toBe('walk 50000');
    expect(access('read', 0x50000)).toBe('walk 50000');
    expect(access('read', start - 0x1000n)).toBe('refused');
    world.cpu.state.set64(state.exchange, 0n);
    interpreter.moveWindow();
    base = 0n;
    expect(access('read', 0x50000)).toBe('walk 50000');
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
    enter(0);
    const next = [0x110000, 0x111000, 0x112000, 0x55000];
    for (const [n, at] of tables.entries()) world.put64(at, BigInt(next[n] as number) | 3n);
    act();
    return tables.map((at) => world.get64(at));
  };
  const byRegion = marked(() => expect(access(kind, linear)).toBe('walk 55000'));
  const byInterpreter = marked(() => execute(code, linear));
  expect(byRegion).toEqual(byInterpreter);
  expect((byRegion[3] as bigint) & DIRTY).toBe(kind === 'read' ? 0n : DIRTY);
});
