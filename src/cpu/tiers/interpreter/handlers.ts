/**
 * Which handlers there are: one for each encoding with a meaning, in each mode, operand size, vector length and form
 * of address, and the same one for all that come to the same code.
 */
import { FunctionBuilder } from '../../../wasm/function-builder.js';
import { I32 } from '../../../wasm/values.js';
import { allOpcodes } from '../../decode/decoder.js';
import type { OpcodeEntry } from '../../decode/opcode-entry.js';
import type { Linker } from '../../emitter.js';
import { type Definition, definitionOf, type Hot } from '../../semantics/context.js';
import { type Binding, bind, FORM_NAMES, Form, rowIndex, VARIANTS, variantIndex } from '../binding.js';
import { type Ending, InterpreterContext, NotInLoop } from './context.js';

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
  /** By `rowIndex`: 1 + the row, or 0 if the encoding has no meaning. */
  readonly rows: Uint16Array;
  /** A handler number for each variant of each row; −1 where there is none. */
  readonly variants: readonly Int16Array[];
}

const SIZES = [16, 32, 64] as const;
const MODES = [false, true] as const;

/** Whether an encoding can have an operand size: near branches and the stack have no 32-bit one in 64-bit code. */
function hasOperandSize(entry: OpcodeEntry, operandSize: number, long: boolean): boolean {
  if (!long) return operandSize !== 64;
  if (entry.vex) return operandSize !== 16;
  if (entry.operandSizeRule === 'force64') return operandSize === 64;
  return entry.operandSizeRule !== 'default64' || operandSize !== 32;
}

function vectorLengthsOf(entry: OpcodeEntry): readonly (128 | 256)[] {
  if (!entry.vex || entry.l === 0) return [128];
  return entry.l === 1 ? [256] : [128, 256];
}

function formsOf(entry: OpcodeEntry, hot: Hot | undefined, long: boolean): Form[] {
  const forms: Form[] = [];
  if (entry.form !== 'memory') forms.push(Form.register);
  if (entry.form === 'memory' || entry.form === 'both') {
    forms.push(Form.general);
    if (long && hot && hot.forms !== 'registers') forms.push(Form.near);
    if (long && hot?.forms === 'all') forms.push(Form.scaled);
  }
  return forms;
}

/** Whether a handler is one of those that the definition wants in the loop. */
function isHot(hot: Hot | undefined, bindings: readonly Binding[], long: boolean, form: Form): boolean {
  if (!hot || !long || form === Form.general) return false;
  if (bindings.some((binding) => binding.kind === 'register' && binding.file === 'mmx')) return false;
  const width = bindings[0]?.width ?? 64;
  return width > 16 || width === 0 || (width === 8 && (hot.bytes ?? false));
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
  const rows = new Uint16Array(entries.length * 2);
  const found = new Map<string, Handler>();
  const use: { variants: Int16Array; index: number; key: string }[] = [];
  const all: Int16Array[] = [];

  const add = (
    definition: Definition,
    entry: OpcodeEntry,
    vectorLength: 128 | 256,
    variants: Int16Array,
  ): void => {
    const wanted = entry.vex ? undefined : definition.hot;
    for (const long of MODES) {
      for (const operandSize of SIZES) {
        if (!hasOperandSize(entry, operandSize, long)) continue;
        for (const form of formsOf(entry, wanted, long)) {
          const bindings = bind(entry, operandSize, form !== Form.register, long, vectorLength);
          if (!bindings) continue;
          const emit: EmitHandler = (code, record, ending) => {
            const encoding = { long, operandSize, vex: entry.vex, vectorLength, bindings, form };
            const context = new InterpreterContext(code, linker, record, ending, encoding);
            definition.meaning(context);
            context.next();
          };
          const hot = operandSize !== 16 && isHot(wanted, bindings, long, form);
          const key = probe(emit);
          const known = found.get(key);
          if (!known || (hot && !known.inLoop)) {
            const inLoop = hot && canBeInLoop(emit);
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
    for (const vectorLength of vectorLengthsOf(entry)) {
      const variants = new Int16Array(VARIANTS).fill(-1);
      rows[rowIndex(entry, vectorLength)] = all.push(variants);
      add(definition, entry, vectorLength, variants);
    }
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

/** Whether a handler's code can leave the loop before it writes anything. */
function canBeInLoop(emit: EmitHandler): boolean {
  const code = new FunctionBuilder([I32.type]);
  const nowhere = (): void => {};
  try {
    emit(code, code.parameter(I32, 0), { goTo: nowhere, abort: nowhere, bail: nowhere });
    return true;
  } catch (error) {
    if (error instanceof NotInLoop) return false;
    throw error;
  }
}

/** A handler as a function from its record to the next one, 0 for an exception. */
export function emitFunction(code: FunctionBuilder, emit: EmitHandler): void {
  emit(code, code.parameter(I32, 0), {
    goTo: (record) => code.return(record),
    abort: () => code.return(I32.const(0)),
  });
  code.unreachable();
}
