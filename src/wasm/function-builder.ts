/**
 * Builds the body of one WebAssembly function as structured statements over typed values.
 * Locals are recycled when the `scope` that made them ends, so that a function of many parts keeps few.
 */
import type { FunctionHandle } from './module-builder.js';
import { unsigned, type ValueType } from './types.js';
import { F64, I32, I64, i32, type Value, type ValueClass } from './values.js';
import { V128 } from './vector.js';

/** A branch target: the end of a block, or the start of a loop. */
export interface Label {
  readonly depth: number;
}

/** A local that can be assigned; `get` is its value where the result is used. */
export class Variable<T extends Value> {
  constructor(
    private readonly code: number[],
    readonly index: number,
    readonly make: ValueClass<T>,
  ) {}
  get(): T {
    return new this.make([0x20, ...unsigned(this.index)]);
  }
  set(value: T): void {
    append(this.code, value.code);
    this.code.push(0x21, ...unsigned(this.index));
  }
}

function append(code: number[], more: readonly number[]): void {
  for (const byte of more) code.push(byte);
}

export class FunctionBuilder {
  readonly #code: number[] = [];
  readonly #locals: ValueType[] = [];
  readonly #free = new Map<ValueType, number[]>();
  #scope: { type: ValueType; index: number }[] = [];
  #depth = 0;
  readonly #notes: { position: number; readonly text: string }[] = [];

  constructor(readonly parameters: readonly ValueType[]) {}

  /** How many blocks, loops and ifs are open. */
  get depth(): number {
    return this.#depth;
  }

  /** The n-th parameter. */
  parameter<T extends Value>(make: ValueClass<T>, n: number): T {
    if (this.parameters[n] !== make.type) throw new TypeError(`parameter ${n} has another type`);
    return new make([0x20, ...unsigned(n)]);
  }

  /** Computes a value now and keeps it, so that it can be used many times. */
  let<T extends Value>(value: T): T {
    const variable = this.variable(value.constructor as ValueClass<T>);
    variable.set(value);
    return variable.get();
  }

  /** A local to assign to. Without an initial value it holds whatever its last user left. */
  variable<T extends Value>(make: ValueClass<T>, initial?: T): Variable<T> {
    const free = this.#free.get(make.type);
    let index = free?.pop();
    if (index === undefined) {
      index = this.parameters.length + this.#locals.length;
      this.#locals.push(make.type);
    }
    this.#scope.push({ type: make.type, index });
    const variable = new Variable(this.#code, index, make);
    if (initial) variable.set(initial);
    return variable;
  }

  /** Runs `body`; locals made inside are free again afterwards. */
  scope(body: () => void): void {
    const outer = this.#scope;
    this.#scope = [];
    body();
    for (const { type, index } of this.#scope) {
      const free = this.#free.get(type);
      if (free) free.push(index);
      else this.#free.set(type, [index]);
    }
    this.#scope = outer;
  }

  /** Remembers that what follows is what this says, for listings. */
  note(text: string): void {
    this.#notes.push({ position: this.#code.length, text });
  }

  /** Notes by their place in the code, which is what `encode` gives behind the locals. */
  get notes(): readonly { readonly position: number; readonly text: string }[] {
    return this.#notes;
  }

  /** Writes code at the function's beginning, before what is written already. */
  prologue(body: () => void): void {
    if (this.#depth > 0) throw new Error('a prologue within a block');
    const before = this.#code.splice(0);
    body();
    for (const note of this.#notes) note.position += this.#code.length;
    append(this.#code, before);
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    append(this.#code, condition.code);
    this.#code.push(0x04, 0x40);
    this.#depth += 1;
    then();
    if (otherwise) {
      this.#code.push(0x05);
      otherwise();
    }
    this.#end();
  }

  /** Branching to the label leaves the block. */
  block(body: (label: Label) => void): void {
    this.#code.push(0x02, 0x40);
    this.#depth += 1;
    body({ depth: this.#depth });
    this.#end();
  }

  /** Branching to the label starts again; falling off the end leaves. */
  loop(body: (label: Label) => void): void {
    this.#code.push(0x03, 0x40);
    this.#depth += 1;
    body({ depth: this.#depth });
    this.#end();
  }

  /** `while (condition) body`, the condition computed before each turn. */
  while(condition: () => I32, body: () => void): void {
    this.block((exit) => {
      this.loop((again) => {
        this.branchIf(exit, condition().eqz());
        body();
        this.branch(again);
      });
    });
  }

  branch(label: Label): void {
    this.#code.push(0x0c, ...unsigned(this.#depth - label.depth));
  }

  branchIf(label: Label, condition: I32): void {
    append(this.#code, condition.code);
    this.#code.push(0x0d, ...unsigned(this.#depth - label.depth));
  }

  /**
   * One body for each value 0 … n−1 of `index`; any other value, and one without a body, runs `fallback`. A body that
   * does not branch away continues after the whole switch.
   */
  switch(index: I32, bodies: readonly ((() => void) | undefined)[], fallback: () => void): void {
    const present = bodies.flatMap((body) => (body ? [body] : []));
    let next = 0;
    const targets = bodies.map((body) => (body ? next++ : present.length));
    this.block((done) => {
      const open = (n: number): void => {
        if (n === 0) {
          append(this.#code, index.code);
          this.#code.push(0x0e, ...unsigned(bodies.length));
          for (const target of [...targets, present.length]) this.#code.push(...unsigned(target));
          return;
        }
        this.#code.push(0x02, 0x40);
        this.#depth += 1;
        open(n - 1);
        this.#end();
        this.scope(present[n - 1] as () => void);
        this.branch(done);
      };
      this.block(() => open(present.length));
      this.scope(fallback);
    });
  }

  return(value?: Value): void {
    if (value) append(this.#code, value.code);
    this.#code.push(0x0f);
  }

  unreachable(): void {
    this.#code.push(0x00);
  }

  /** Calls a function for its effect; a result is dropped. */
  call(target: FunctionHandle<Value | undefined>, ...args: Value[]): void {
    append(this.#code, callCode(target, args));
    if (target.result) this.#code.push(0x1a);
  }

  /** Calls a function now and keeps its result. */
  callValue<T extends Value>(target: FunctionHandle<T>, ...args: Value[]): T {
    return this.let(new (target.result as ValueClass<T>)(callCode(target, args)));
  }

  /** Calls entry `index` of table 0; `type` is a module type index. */
  callIndirect<T extends Value>(result: ValueClass<T>, type: number, index: I32, ...args: Value[]): T {
    const code = args.flatMap((argument) => [...argument.code]);
    return new result([...code, ...index.code, 0x11, ...unsigned(type), 0x00]);
  }

  store(address: I32, value: Value, offset = 0): void {
    const opcode = STORE_OPCODES.get(value.type) as number[];
    this.#store(opcode, address, value, offset);
  }

  /** Stores the low 8 bits. */
  store8(address: I32, value: I32 | I64, offset = 0): void {
    this.#store([value instanceof I64 ? 0x3c : 0x3a], address, value, offset);
  }

  /** Stores the low 16 bits. */
  store16(address: I32, value: I32 | I64, offset = 0): void {
    this.#store([value instanceof I64 ? 0x3d : 0x3b], address, value, offset);
  }

  /** Stores the low 32 bits of a 64-bit value. */
  store32(address: I32, value: I64, offset = 0): void {
    this.#store([0x3e], address, value, offset);
  }

  memoryCopy(destination: I32, source: I32, length: I32): void {
    append(this.#code, [...destination.code, ...source.code, ...length.code, 0xfc, 10, 0, 0]);
  }

  memoryFill(destination: I32, byte: I32 | number, length: I32 | number): void {
    append(this.#code, [...destination.code, ...i32(byte).code, ...i32(length).code, 0xfc, 11, 0]);
  }

  /** The function's body in the binary format, without its size. */
  encode(): number[] {
    const runs: number[][] = [];
    let count = 0;
    this.#locals.forEach((type, n) => {
      count += 1;
      if (this.#locals[n + 1] !== type) {
        runs.push([...unsigned(count), type]);
        count = 0;
      }
    });
    const out = unsigned(runs.length);
    for (const run of runs) append(out, run);
    append(out, this.#code);
    out.push(0x0b);
    return out;
  }

  #store(opcode: readonly number[], address: I32, value: Value, offset: number): void {
    append(this.#code, address.code);
    append(this.#code, value.code);
    this.#code.push(...opcode, 0, ...unsigned(offset));
  }

  #end(): void {
    this.#code.push(0x0b);
    this.#depth -= 1;
  }
}

const STORE_OPCODES = new Map<ValueType, number[]>([
  [I32.type, [0x36]],
  [I64.type, [0x37]],
  [0x7d, [0x38]],
  [F64.type, [0x39]],
  [V128.type, [0xfd, 11]],
]);

function callCode(target: FunctionHandle<Value | undefined>, args: readonly Value[]): number[] {
  const wanted = target.parameters;
  if (args.length !== wanted.length || args.some((argument, n) => argument.type !== wanted[n])) {
    throw new TypeError(`${target.name}: the arguments do not fit its parameters`);
  }
  return [...args.flatMap((argument) => [...argument.code]), 0x10, ...unsigned(target.index)];
}
