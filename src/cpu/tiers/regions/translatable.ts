/** Whether an instruction can be part of a region: found out by binding it once, to nothing. */
import { FunctionBuilder } from '../../../wasm/function-builder.js';
import type { FunctionHandle } from '../../../wasm/module-builder.js';
import { I32, type Value } from '../../../wasm/values.js';
import type { DecodedInstruction } from '../../decode/instruction.js';
import type { Linker } from '../../emitter.js';
import type { Parameters, Routine } from '../../routine.js';
import { definitionOf } from '../../semantics/context.js';
import { REGION_UNITS } from '../../state.js';
import { type Exits, RegionContext } from './context.js';
import { Frame } from './frame.js';
import { NotInRegion } from './not-in-region.js';

/** Meanings that reach registers in the state by themselves. */
const STATE_WIDE = new Set([
  ...['VZEROALL', 'SYSCALL', 'SYSENTER', 'ENTER'],
  ...['PCMPESTRM', 'PCMPISTRM', 'VPCMPESTRM', 'VPCMPISTRM'],
]);

/** Gives every routine the number 0. */
const NO_LINKER: Linker = {
  link: <P extends Parameters, R extends Value | undefined>(target: Routine<P, R>) => ({
    name: target.name,
    index: 0,
    parameters: target.parameters.map(({ type }) => type),
    result: target.result as FunctionHandle<R>['result'],
  }),
};

/** @param key `state.regionKey`: which units there are */
export function isTranslatable(instruction: DecodedInstruction, key: number): boolean {
  return translateOnce(instruction, key, NO_LINKER) !== undefined;
}

/** An instruction's code without what leads out of it, and what it does with registers; undefined if there is none. */
export function translateOnce(
  instruction: DecodedInstruction,
  key: number,
  linker: Linker,
): { readonly code: FunctionBuilder; readonly frame: Frame } | undefined {
  const definition = definitionOf(instruction.entry.mnemonic);
  if (!definition || STATE_WIDE.has(instruction.entry.mnemonic)) return undefined;
  const code = new FunctionBuilder([I32.type]);
  const frame = new Frame(code);
  const nothing = (): void => {};
  const exits: Exits = {
    requireUnit: (fault) => {
      if (REGION_UNITS.some(([field, bit]) => field === fault && key & bit))
        throw new NotInRegion('a unit is off');
    },
    goTo: nothing,
    goToComputed: nothing,
    abort: nothing,
    syncBudget: nothing,
    noteHurry: nothing,
    reach: () => I32.const(0),
  };
  try {
    const context = new RegionContext(code, linker, frame, { rip: 0, instruction }, exits);
    definition.meaning(context);
    return { code, frame };
  } catch (error) {
    if (error instanceof NotInRegion) return undefined;
    throw error;
  }
}
