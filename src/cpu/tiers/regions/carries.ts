/**
 * What is known, where a region is being written, of the operation that last set the flags: a comparison and the
 * branch on it then become one. Nothing is known where paths meet.
 */
import { type I32, I64 } from '../../../wasm/values.js';
import { type CarryOperation, signExtend } from '../../semantics/flags.js';
import type { Frame } from './frame.js';

interface Known {
  readonly operation: CarryOperation;
  readonly width: number;
}

export class Carries {
  #known: Known | undefined;

  constructor(private readonly frame: Frame) {}

  forget(): void {
    this.#known = undefined;
  }

  /** What is known, to be put back when another path is written. */
  get mark(): unknown {
    return this.#known;
  }
  set mark(mark: unknown) {
    this.#known = mark as Known | undefined;
  }

  /** Keeps an addition as the subtraction that it turns around: its carries are the borrows of result − b = a. */
  keep(operation: CarryOperation, a: I64, b: I64, result: I64, width: number): void {
    const { flags } = this.frame;
    flags.a.set(operation === 'add' ? result : a);
    flags.b.set(b);
    flags.result.set(operation === 'add' ? a : result);
    flags.shift.set(I64.const(64 - width));
    this.#known = { operation, width };
  }

  /** A condition of an even code (O B Z BE S P L LE, in pairs), if it follows from the operands directly. */
  condition(pair: number): I32 | undefined {
    if (this.#known?.operation !== 'subtract') return undefined;
    const { width } = this.#known;
    const [a, b] = [this.frame.flags.a.get(), this.frame.flags.b.get()];
    const narrow = width === 32;
    const signed = (value: I64): I64 => signExtend(value, width);
    switch (pair) {
      case 1:
        return narrow ? a.wrap().ltU(b.wrap()) : a.ltU(b);
      case 2:
        return narrow ? a.wrap().eq(b.wrap()) : a.eq(b);
      case 3:
        return narrow ? a.wrap().leU(b.wrap()) : a.leU(b);
      case 6:
        return narrow ? a.wrap().ltS(b.wrap()) : signed(a).ltS(signed(b));
      case 7:
        return narrow ? a.wrap().leS(b.wrap()) : signed(a).leS(signed(b));
      default:
        return undefined;
    }
  }
}
