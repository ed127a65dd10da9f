/**
 * Assembles a WebAssembly module: types, imports, functions, one table, exports (Core Specification 2.0, §5.5).
 * Imports come before functions, for they share one index space. Memory is always imported.
 */
import { FunctionBuilder } from './function-builder.js';
import { name, unsigned, ValueType, vector } from './types.js';
import type { Value, ValueClass } from './values.js';

/** A function that can be called, whether or not it has a body yet. */
export interface FunctionHandle<R extends Value | undefined> {
  readonly name: string;
  readonly index: number;
  readonly parameters: readonly ValueType[];
  readonly result: R extends Value ? ValueClass<R> : undefined;
}

interface Definition {
  readonly type: number;
  body: number[];
}

/** Bytes of a WebAssembly page. */
export const PAGE_SIZE = 65536;

export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeCode: number[][] = [];
  readonly #imports: number[][] = [];
  readonly #functions: Definition[] = [];
  readonly #exports: number[][] = [];
  #importedFunctions = 0;
  #table: readonly FunctionHandle<Value | undefined>[] = [];

  /** Index of a function type, made when new. */
  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters}>${results}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    this.#typeCode.push([0x60, ...vector(parameters.map((t) => [t])), ...vector(results.map((t) => [t]))]);
    return this.#types.push(key) - 1;
  }

  /** Declares an imported function of module "env". */
  import<R extends Value | undefined = undefined>(
    field: string,
    parameters: readonly ValueType[],
    result?: R extends Value ? ValueClass<R> : undefined,
  ): FunctionHandle<R> {
    if (this.#functions.length > 0) throw new Error(`import ${field}: imports come before functions`);
    const type = this.type(parameters, result ? [result.type] : []);
    this.#imports.push([...name('env'), ...name(field), 0x00, ...unsigned(type)]);
    const index = this.#importedFunctions++;
    return { name: field, index, parameters, result: result as FunctionHandle<R>['result'] };
  }

  /** Declares the imported memory of module "env". @param minimum, maximum in pages of 64 KiB */
  importMemory(field: string, minimum: number, maximum: number): void {
    this.#imports.push([
      ...name('env'),
      ...name(field),
      0x02,
      0x01,
      ...unsigned(minimum),
      ...unsigned(maximum),
    ]);
  }

  /** Declares a function, to be given its body by `define`. */
  declare<R extends Value | undefined = undefined>(
    functionName: string,
    parameters: readonly ValueType[],
    result?: R extends Value ? ValueClass<R> : undefined,
  ): FunctionHandle<R> {
    const type = this.type(parameters, result ? [result.type] : []);
    const index = this.#importedFunctions + this.#functions.push({ type, body: [] }) - 1;
    return { name: functionName, index, parameters, result: result as FunctionHandle<R>['result'] };
  }

  define(handle: FunctionHandle<Value | undefined>, build: (code: FunctionBuilder) => void): void {
    const builder = new FunctionBuilder(handle.parameters);
    build(builder);
    this.defineEncoded(handle, builder.encode());
  }

  /** @param body as `FunctionBuilder.encode` gives it */
  defineEncoded(handle: FunctionHandle<Value | undefined>, body: number[]): void {
    const definition = this.#functions[handle.index - this.#importedFunctions];
    if (!definition) throw new Error(`${handle.name} is not a function of this module`);
    definition.body = body;
  }

  export(handle: FunctionHandle<Value | undefined>): void {
    this.#exports.push([...name(handle.name), 0x00, ...unsigned(handle.index)]);
  }

  /** Fills table 0 with functions, from entry 0, and exports it. More may be added at run time. */
  table(exportName: string, entries: readonly FunctionHandle<Value | undefined>[]): void {
    this.#table = entries;
    this.#exports.push([...name(exportName), 0x01, 0x00]);
  }

  encode(): Uint8Array<ArrayBuffer> {
    const size = this.#table.length;
    const sections: [number, number[]][] = [
      [1, vector(this.#typeCode)],
      [2, vector(this.#imports)],
      [3, vector(this.#functions.map((f) => unsigned(f.type)))],
      [4, vector(size ? [[0x70, 0x00, ...unsigned(size)]] : [])],
      [7, vector(this.#exports)],
      [9, vector(size ? [this.#elements()] : [])],
      [10, vector(this.#functions.map((f) => [...unsigned(f.body.length), ...f.body]))],
    ];
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    for (const [id, content] of sections) {
      if (content[0] === 0) continue;
      out.push(id, ...unsigned(content.length));
      for (const byte of content) out.push(byte);
    }
    return Uint8Array.from(out);
  }

  #elements(): number[] {
    return [0x00, 0x41, 0x00, 0x0b, ...vector(this.#table.map((entry) => unsigned(entry.index)))];
  }
}

export { ValueType };
