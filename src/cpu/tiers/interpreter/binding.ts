/**
 * How an encoding's operands are bound to a record: which field holds what. The module builder asks while it
 * generates handlers, the code cache while it fills records; both read the same description.
 */
import type { OpcodeEntry, OperandSpec, Width } from '../../decode/opcode-entry.js';

/** How the memory operand's address is computed; register forms have none. */
export const Form = { register: 0, general: 1, near: 2, scaled: 3 } as const;
export type Form = (typeof Form)[keyof typeof Form];
export const FORMS = 4;
export const FORM_NAMES = ['', 'general', 'base+displacement', 'base+index+displacement'] as const;

export type RegisterSlot = 'a' | 'b' | 'c';

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

/** Bits of an operand for an operand size; 0 for what has no size a handler needs to know. */
export function resolveWidth(width: Width, operandSize: number, long: boolean): number {
  if (typeof width === 'number') return width;
  switch (width) {
    case 'v':
      return operandSize;
    case 'z':
      return Math.min(operandSize, 32);
    case 'y':
      return operandSize === 64 ? 64 : 32;
    case 'n':
      return long ? 64 : 32;
    case 'p':
      return 16 + operandSize;
    case 's':
      return long ? 80 : 48;
    case 'a':
      return 2 * operandSize;
    case 'x':
      return 128;
    case 'half':
      return 64;
    case 'quarter':
      return 32;
    case 'eighth':
      return 16;
    default:
      return 0;
  }
}

const SLOTS: readonly RegisterSlot[] = ['a', 'b', 'c'];

/** The bindings of an entry's operands, or undefined if it has more registers than a record has slots. */
export function bind(
  entry: OpcodeEntry,
  operandSize: number,
  isMemory: boolean,
  long: boolean,
): Binding[] | undefined {
  let used = 0;
  const bindings: Binding[] = [];
  for (const spec of entry.operands) {
    const width = resolveWidth(spec.width, operandSize, long);
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
        bindings.push({ kind: 'offset', width });
        break;
      case 'stringSource':
      case 'stringDestination':
        bindings.push({ kind: 'string', width: resolveWidth(spec.memoryWidth, operandSize, long) });
        break;
      default: {
        if (spec.source === 'rm' && isMemory) {
          bindings.push({ kind: 'memory', width: resolveWidth(spec.memoryWidth, operandSize, long) });
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

/** Handlers of one encoding: by mode, operand size and form. */
export const VARIANTS = 2 * 3 * FORMS;

export function variantIndex(long: boolean, operandSize: number, form: Form): number {
  const size = operandSize === 16 ? 0 : operandSize === 32 ? 1 : 2;
  return ((long ? 3 : 0) + size) * FORMS + form;
}
