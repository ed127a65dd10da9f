/**
 * Generates the interpreter: one WebAssembly module made of the dispatch loop, the handlers and the routines they
 * call. Every handler is a function in table 0; frequent ones are also cases of the loop's `br_table`. Runs at build
 * time; at run time the CPU only reads what this wrote.
 */
import { RAM_BASE } from '../../../memory/layout.js';
import { ModuleBuilder, PAGE_SIZE } from '../../../wasm/module-builder.js';
import { I32 } from '../../../wasm/values.js';
import { DefinitionError } from '../../decode/definition-error.js';
import { type Conflict, definedConflicts, useDefinedEncodings } from '../../decode/opcode-map.js';
import { ModuleLinker } from '../../linker.js';
import { adoptDirectoryPointers } from '../../mmu/directory-pointers.js';
import { translateFetch } from '../../mmu/fetch.js';
import { changeTables } from '../../mmu/table-notes.js';
import { flushTlb } from '../../mmu/tlb.js';
import { translateLinear } from '../../mmu/translate.js';
import { moveWindow, ramAccess } from '../../mmu/window.js';
import '../../semantics/all.js';
import type { Routine } from '../../routine.js';
import { allDefinitions } from '../../semantics/context.js';
import { deliverPending } from '../../system/delivery.js';
import { updateMode } from '../../system/mode.js';
import { VARIANTS } from '../binding.js';
import { buildDispatch, buildRun, buildWatch } from './dispatch.js';
import { emitFunction, enumerateHandlers } from './handlers.js';
import { pseudoHandlers } from './pseudo-handlers.js';
import { PSEUDO_HANDLERS, PseudoHandler } from './record.js';

/** Routines that the host calls, and regions from their first. All others are exported too, for regions to call. */
const ENTRY_POINTS = [
  deliverPending,
  updateMode,
  flushTlb,
  changeTables,
  translateFetch,
  translateLinear,
  adoptDirectoryPointers,
  moveWindow,
  ramAccess,
] as const;

export interface InterpreterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By `rowIndex`: 1 + the row in `handlers`, or 0 if the encoding has no meaning. */
  readonly rows: Uint16Array;
  /** Handler numbers, `VARIANTS` a row; `PseudoHandler.unimplemented` where there is none. */
  readonly handlers: Uint16Array;
  /** By handler number. */
  readonly names: readonly string[];
  /** Encodings that the definitions brought along, for the decoder. */
  readonly encodings: readonly string[];
  /** How many handlers are in the loop. */
  readonly inLoop: number;
}

/** Says which instruction's definition it was that failed. */
function named(name: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DefinitionError(`the definition of ${name} fails: ${why}`, { cause: error });
  }
}

function conflictText({ defined, taken, opcode, map }: Conflict): string {
  const bytes = `${map} ${opcode.toString(16).padStart(2, '0').toUpperCase()}`.trim();
  return `${defined} is defined at ${bytes}, where ${taken} is: choose an opcode that is free`;
}

/** @param withLoop without it every handler runs as the function that it also is, which must make no difference */
export function generateInterpreter(withLoop = true): InterpreterModule {
  const encodings = allDefinitions().flatMap((definition) => definition.encodings);
  useDefinedEncodings(encodings);
  const [conflict] = definedConflicts();
  if (conflict) throw new DefinitionError(conflictText(conflict));
  const module = new ModuleBuilder();
  module.importMemory('memory', RAM_BASE / PAGE_SIZE, 65536);
  const linker = new ModuleLinker(module);
  const run = module.declare('run', []);
  const watch = module.declare('watch', []);
  const dispatch = module.declare<I32>('dispatch', [I32.type], I32);
  const table = enumerateHandlers(linker, PSEUDO_HANDLERS);
  const inLoop = table.handlers.filter((handler) => withLoop && handler.inLoop);
  const type = module.type([I32.type], [I32.type]);
  const functions = table.handlers.map((handler) => {
    const handle = module.declare<I32>(handler.name, [I32.type], I32);
    module.define(handle, (code) => named(handler.name, () => emitFunction(code, handler.emit)));
    return handle;
  });
  module.table('handlers', [...pseudoHandlers.map((handler) => linker.link(handler)), ...functions]);
  module.define(dispatch, (code) => buildDispatch(code, linker, inLoop));
  module.define(run, (code) => buildRun(code, linker, type, dispatch, PSEUDO_HANDLERS + inLoop.length));
  module.define(watch, (code) => buildWatch(code, linker, type, PSEUDO_HANDLERS + functions.length));
  module.export(run);
  module.export(watch);
  for (const entry of ENTRY_POINTS) linker.link(entry as unknown as Routine);
  linker.finish();
  for (const handle of linker.routines()) module.export(handle);

  const handlers = new Uint16Array(table.variants.length * VARIANTS);
  table.variants.forEach((row, n) => {
    row.forEach((number, variant) => {
      handlers[n * VARIANTS + variant] = number < 0 ? PseudoHandler.unimplemented : number;
    });
  });
  return {
    bytes: module.encode(),
    rows: table.rows,
    handlers,
    names: [...Object.keys(PseudoHandler), ...table.handlers.map((handler) => handler.name)],
    encodings,
    inLoop: inLoop.length,
  };
}
