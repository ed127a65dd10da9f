/**
 * How an encoding's operands are bound to a record: which field holds what. The module builder asks while it
 * generates handlers, the code cache while it fills records; both read the same description.
 */
import { resolveWidth } from '../decode/instruction.js';
import type { OpcodeEntry, OperandSpec } from '../decode/opcode-entry.js';

/** How the memory operand's address is computed; register forms have none. */
export const Form = { register: 0, general: 1, near: 2, scaled: 3 } as const;
export type Form = (typeof Form)[keyof typeof Form];
const FORMS = 4;
export const FORM_NAMES = ['', 'general', 'base+displacement', 'base+index+displacement'] as const;

export type RegisterSlot = 'a' | 'b' | 'c' | 'd';

export type Binding =
  | {
      readonly kind: 'register';
      readonly spec: OperandSpec;
      readonly file: OperandSpec['registers'];
      readonly slot: RegisterSlot;
      readonly width: number;
    }
  | { readonly kind: 'memory' | 'offset'; readonly width: number }
  | { readonly kind: 'immediate' | 'relative' | 'string'; readonly width: number }
  | { readonly kind: 'constant'; readonly width: number; readonly value: number };

const SLOTS: readonly RegisterSlot[] = ['a', 'b', 'c', 'd'];

/** The bindings of an entry's operands, or undefined if it has more registers than a record has slots. */
export function bind(
  entry: OpcodeEntry,
  operandSize: 16 | 32 | 64,
  isMemory: boolean,
  long: boolean,
  vectorLength: 128 | 256,
): Binding[] | undefined {
  const context = { operandSize, long, wide: operandSize === 64, vectorLength } as const;
  let used = 0;
  const bindings: Binding[] = [];
  for (const spec of entry.operands) {
    const width = resolveWidth(spec.width, context);
    switch (spec.source) {
      case 'immediate':
      case 'immediate2':
      case 'far':
        bindings.push({ kind: 'immediate', width });
        break;
      case 'relative':
        bindings.push({ kind: 'relative', width });
        break;
      case 'constant':
        bindings.push({ kind: 'constant', width, value: spec.fixed });
        break;
      case 'moffs':
        bindings.push({ kind: 'offset', width: resolveWidth(spec.memoryWidth, context) });
        break;
      case 'stringSource':
      case 'stringDestination':
        bindings.push({ kind: 'string', width: resolveWidth(spec.memoryWidth, context) });
        break;
      default: {
        if (spec.source === 'rm' && isMemory) {
          bindings.push({ kind: 'memory', width: resolveWidth(spec.memoryWidth, context) });
          break;
        }
        const slot = SLOTS[used++];
        if (!slot) return undefined;
        bindings.push({ kind: 'register', spec, file: spec.registers, slot, width });
      }
    }
  }
  return bindings;
}

/** Handlers of one encoding and vector length: by mode, operand size and form. */
export const VARIANTS = 2 * 3 * FORMS;

/** Where an encoding's row number stands in the table of rows, by vector length. */
export function rowIndex(entry: OpcodeEntry, vectorLength: 128 | 256): number {
  return entry.id * 2 + (vectorLength === 256 ? 1 : 0);
}

export function variantIndex(long: boolean, operandSize: number, form: Form): number {
  const size = operandSize === 16 ? 0 : operandSize === 32 ? 1 : 2;
  return ((long ? 3 : 0) + size) * FORMS + form;
}
