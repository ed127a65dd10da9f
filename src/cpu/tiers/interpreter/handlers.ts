/**
 * Which handlers there are: one for each encoding with a meaning, in each mode, operand size and form of address,
 * and the same one for all that come to the same code.
 */
import { FunctionBuilder } from '../../../wasm/function-builder.js';
import { I32 } from '../../../wasm/values.js';
import { allOpcodes } from '../../decode/decoder.js';
import type { OpcodeEntry } from '../../decode/opcode-entry.js';
import type { Linker } from '../../emitter.js';
import { type Definition, definitionOf } from '../../semantics/context.js';
import { type Binding, bind, FORM_NAMES, Form, VARIANTS, variantIndex } from './binding.js';
import { type Ending, InterpreterContext } from './context.js';

/** Writes a handler's code, its end included. */
export type EmitHandler = (code: FunctionBuilder, record: I32, ending: Ending) => void;

export interface Handler {
  /** Mnemonic, operands, size and form, as the first encoding that has it writes them. */
  readonly name: string;
  /** In the dispatch loop rather than a function of its own. */
  readonly inLoop: boolean;
  readonly emit: EmitHandler;
}

export interface HandlerTable {
  /** In numbering order: those in the loop come first. */
  readonly handlers: readonly Handler[];
  /** For each opcode-table entry: 1 + its row, or 0 if it has no meaning. */
  readonly rows: Uint16Array;
  /** A handler number for each variant of each row; −1 where there is none. */
  readonly variants: readonly Int16Array[];
}

const SIZES = [16, 32, 64] as const;
const MODES = [false, true] as const;

function formsOf(entry: OpcodeEntry, hot: boolean, long: boolean): Form[] {
  const forms: Form[] = [];
  if (entry.form !== 'memory') forms.push(Form.register);
  if (entry.form === 'memory' || entry.form === 'both') {
    forms.push(Form.general);
    if (hot && long) forms.push(Form.near, Form.scaled);
  }
  return forms;
}

function describe(entry: OpcodeEntry, bindings: readonly Binding[], long: boolean, form: Form): string {
  const operands = bindings.map(
    (binding) => `${binding.kind === 'register' ? binding.file : binding.kind}${binding.width}`,
  );
  return [entry.mnemonic, operands.join(','), long ? 'long' : 'legacy', FORM_NAMES[form]]
    .filter(Boolean)
    .join(' ');
}

/** @param firstNumber numbers below are taken by pseudo-handlers */
export function enumerateHandlers(linker: Linker, firstNumber: number): HandlerTable {
  const entries = allOpcodes();
  const rows = new Uint16Array(entries.length);
  const found = new Map<string, Handler>();
  const use: { variants: Int16Array; index: number; key: string }[] = [];
  const all: Int16Array[] = [];

  const add = (definition: Definition, entry: OpcodeEntry, variants: Int16Array): void => {
    for (const long of MODES) {
      for (const operandSize of SIZES) {
        if (operandSize === 64 && !long) continue;
        for (const form of formsOf(entry, definition.hot ?? false, long)) {
          const bindings = bind(entry, operandSize, form !== Form.register, long);
          if (!bindings) continue;
          const emit: EmitHandler = (code, record, ending) => {
            const context = new InterpreterContext(
              code,
              linker,
              record,
              ending,
              long,
              operandSize,
              bindings,
              form,
            );
            definition.meaning(context);
            context.next();
          };
          const inLoop = (definition.hot ?? false) && long && operandSize !== 16 && form !== Form.general;
          const key = probe(emit);
          const known = found.get(key);
          if (!known || (inLoop && !known.inLoop)) {
            found.set(key, { name: describe(entry, bindings, long, form), inLoop, emit });
          }
          use.push({ variants, index: variantIndex(long, operandSize, form), key });
        }
      }
    }
  };

  entries.forEach((entry) => {
    const definition = definitionOf(entry.mnemonic);
    if (!definition) return;
    const variants = new Int16Array(VARIANTS).fill(-1);
    rows[entry.id] = all.push(variants);
    add(definition, entry, variants);
  });

  const ordered = [...found].sort((a, b) => Number(b[1].inLoop) - Number(a[1].inLoop));
  const numbers = new Map(ordered.map(([key], n) => [key, firstNumber + n]));
  for (const { variants, index, key } of use) variants[index] = numbers.get(key) as number;
  return { handlers: ordered.map(([, handler]) => handler), rows, variants: all };
}

/** The code of a handler as a function, as a key to tell equal ones. */
function probe(emit: EmitHandler): string {
  const code = new FunctionBuilder([I32.type]);
  emitFunction(code, emit);
  return String.fromCharCode(...code.encode());
}

/** A handler as a function from its record to the next one, 0 for an exception. */
export function emitFunction(code: FunctionBuilder, emit: EmitHandler): void {
  emit(code, code.parameter(I32, 0), {
    goTo: (record) => code.return(record),
    abort: () => code.return(I32.const(0)),
  });
  code.unreachable();
}
