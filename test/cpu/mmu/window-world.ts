/**
 * A world for accesses as regions make them: one function for each kind, of what `reach` writes, over the memory of a CPU
 * in long mode. Linear 0–2 MiB is mapped by pages of 4 KiB, of which 0x20000–0x40000 are the user's; 2–4 MiB by one
 * large page.
 */
import { expect } from 'vitest';
import { Emitter, type Linker } from '../../../src/cpu/emitter.js';
import type { PlaceKind } from '../../../src/cpu/mmu/access.js';
import { AccessKind } from '../../../src/cpu/mmu/walk.js';
import { reach } from '../../../src/cpu/mmu/window.js';
import * as state from '../../../src/cpu/state.js';
import type { StateView } from '../../../src/cpu/state-view.js';
import { RAM_BASE } from '../../../src/memory/layout.js';
import { ModuleBuilder, PAGE_SIZE } from '../../../src/wasm/module-builder.js';
import { I32, I64 } from '../../../src/wasm/values.js';
import { PAGE_TABLE, SystemWorld } from '../../support/system-world.js';

export const SIZES = [1, 2, 4, 8, 16, 32, 64] as const;
const KINDS = ['read', 'write', 'modify'] as const;
export const HIGH_HALF = 0xffff800000000000n;
export const TOP = 0xffffffff80000000n;
const BASES = [0n, HIGH_HALF, TOP] as const;
const REFUSED = -1;
const CR2 = 0x1234n;
/** Where `execute` puts instructions. */
export const PROGRAM = 0x18000;

type Privilege = 'supervisor' | 'user';
interface Interpreter {
  ramAccess(linear: bigint, size: number, access: number): number;
  moveWindow(): void;
}
const nameOf = (kind: PlaceKind, size: number, privilege: Privilege, base: bigint, near: boolean): string =>
  `${kind} ${size} ${privilege} ${base} ${near}`;

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
  const add = (kind: PlaceKind, size: number, privilege: Privilege, base: bigint, near: boolean): void => {
    const probe = module.declare<I32>(nameOf(kind, size, privilege, base, near), [I64.type], I32);
    module.define(probe, (code) => {
      const slow = (): void => code.return(I32.const(REFUSED));
      const emitter = new Emitter(code, linker, slow);
      const access = near ? AccessKind.nearStack : 0;
      code.return(
        reach(emitter, code.parameter(I64, 0), size, kind, { privilege, base, access, ranges: [], slow }),
      );
    });
    module.export(probe);
  };
  for (const kind of KINDS) {
    for (const size of SIZES) {
      for (const privilege of ['supervisor', 'user'] as const) {
        for (const base of BASES) add(kind, size, privilege, base, false);
        add(kind, size, privilege, 0n, true);
      }
    }
  }
  return new WebAssembly.Module(module.encode());
}

const probes = buildProbes();

export class WindowWorld {
  privilege: Privilege = 'supervisor';
  base = 0n;
  /** Further accesses are made as by RSP. */
  nearStack = false;
  readonly #functions: Record<string, (linear: bigint) => number>;
  readonly #interpreter: Interpreter;
  #calls = 0;

  static async create(): Promise<WindowWorld> {
    const { Instance } = WebAssembly;
    let memory: unknown;
    let interpreter: unknown;
    WebAssembly.Instance = class extends Instance {
      constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
        super(module, imports);
        memory = imports?.env?.memory;
        interpreter = this.exports;
      }
    };
    const world = await SystemWorld.create('long').finally(() => {
      WebAssembly.Instance = Instance;
    });
    return new WindowWorld(world, interpreter as Interpreter, memory);
  }

  private constructor(
    readonly world: SystemWorld,
    interpreter: Interpreter,
    memory: unknown,
  ) {
    this.#interpreter = interpreter;
    const ramAccess = (linear: bigint, size: number, access: number): number => {
      this.#calls += 1;
      return interpreter.ramAccess(linear, size, access);
    };
    this.#functions = new WebAssembly.Instance(probes, {
      env: { memory, ramAccess } as WebAssembly.ModuleImports,
    }).exports as Record<string, (linear: bigint) => number>;
    this.enter(0);
  }

  get state(): StateView {
    return this.world.cpu.state;
  }

  /** At this level, with nothing remembered. */
  enter(ring: 0 | 3): void {
    this.world.setUp();
    this.world.run({ code: '90', ring });
    this.state.set32(state.cpl, ring);
    this.privilege = ring === 3 ? 'user' : 'supervisor';
    this.refresh();
  }

  /** What follows from the state once the test has changed it. */
  refresh(): void {
    this.state.set64(state.cr2, CR2);
    this.world.cpu.synchronise();
  }

  /** Who answered, and the physical address. */
  access(kind: PlaceKind, linear: number | bigint, size = 1): string {
    this.#calls = 0;
    const name = nameOf(kind, size, this.privilege, this.base, this.nearStack);
    const host = this.#functions[name]?.(BigInt(linear)) as number;
    expect(this.state.get32(state.pending)).toBe(0);
    if (host === REFUSED) {
      expect(this.state.get64(state.cr2)).toBe(CR2);
      return 'refused';
    }
    return `${this.#calls ? 'walk' : 'range'} ${(host - RAM_BASE).toString(16)}`;
  }

  /** Runs instructions as they stand, with nothing forgotten before. */
  execute(code: string, rax = 0n): void {
    const bytes = (code.match(/[0-9a-f]{2}/g) ?? []).map((pair) => Number.parseInt(pair, 16));
    this.world.cpu.memory.write(PROGRAM, Uint8Array.from([...bytes, 0xf4]));
    this.state.set64(state.gpr, rax);
    this.state.set64(state.rip, BigInt(PROGRAM));
    this.world.cpu.run(1);
    expect(this.world.cpu.rip).toBe(BigInt(PROGRAM + bytes.length));
  }

  /** Writes there, which is a page fault. */
  fault(linear: bigint): void {
    this.world.cpu.memory.write(PROGRAM, Uint8Array.of(0x88, 0x00, 0xf4));
    this.state.set64(state.gpr, linear);
    this.state.set64(state.rip, BigInt(PROGRAM));
    this.world.cpu.run(2);
    expect(this.state.get64(state.cr2)).toBe(linear);
    this.state.set64(state.cr2, CR2);
  }

  moveTo(start: bigint): void {
    this.state.set64(state.exchange, start);
    this.#interpreter.moveWindow();
    this.base = start;
  }

  entryOf(linear: number): bigint {
    return this.world.get64(PAGE_TABLE + (linear >> 12) * 8);
  }

  setEntry(linear: number, entry: bigint): void {
    this.world.put64(PAGE_TABLE + (linear >> 12) * 8, entry);
  }
}
