/** A region as a WebAssembly module: one function, with the interpreter's routines imported as it calls them. */
import { RAM_BASE } from '../../../memory/layout.js';
import type { FunctionHandle } from '../../../wasm/module-builder.js';
import { ModuleBuilder, PAGE_SIZE } from '../../../wasm/module-builder.js';
import { I32, type Value } from '../../../wasm/values.js';
import type { Linker } from '../../emitter.js';
import type { WindowRanges } from '../../mmu/window-range.js';
import type { Parameters, Routine } from '../../routine.js';
import type { Block } from './graph.js';
import { RegionWriter } from './writer.js';

class ImportLinker implements Linker {
  readonly #known = new Map<string, FunctionHandle<Value | undefined>>();

  constructor(private readonly module: ModuleBuilder) {}

  link<P extends Parameters, R extends Value | undefined>(target: Routine<P, R>): FunctionHandle<R> {
    let handle = this.#known.get(target.name);
    if (!handle) {
      const types = target.parameters.map(({ type }) => type);
      handle = this.module.import<Value | undefined>(target.name, types, target.result);
      this.#known.set(target.name, handle);
    }
    return handle as FunctionHandle<R>;
  }
}

export interface Placement {
  /** Number of the region. */
  readonly slot: number;
  readonly validity: number;
  readonly refusal: number;
  /** `state.regionKey`. */
  readonly key: number;
  readonly ranges: WindowRanges;
}

/** Name of the function, and of the import by which it asks whether it is still right. */
export const REGION = 'region';
export const REVALIDATE = 'revalidate';

/** @param blocks of a region, its root's first */
export function compileRegion(blocks: readonly Block[], placement: Placement): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('memory', RAM_BASE / PAGE_SIZE, 65536);
  const revalidate = module.import<I32>(REVALIDATE, [I32.type], I32);
  const { slot } = placement;
  const writer = new RegionWriter(blocks, new ImportLinker(module), {
    ...placement,
    revalidate: (code) => code.callValue(revalidate, I32.const(slot)),
  });
  const body = writer.build();
  const region = module.declare<I32>(REGION, [I32.type], I32);
  module.defineEncoded(region, body, writer.code.rareBranches());
  module.export(region);
  return module.encode();
}
