/**
 * Assembles a WebAssembly module: types, imports, functions, one table, exports (Core Specification 2.0, §5.5).
 * Imports come before functions, for they share one index space. Memory is always imported. Which branches are hardly
 * ever taken goes into a custom section that engines may heed: the Branch Hinting proposal's "Code Metadata" appendix.
 */
import { ByteBuffer } from './byte-buffer.js';
import { FunctionBuilder } from './function-builder.js';
import { ValueType } from './types.js';
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
  body: Uint8Array;
  rareBranches: readonly number[];
}

/** A section's items as they come. */
class Vector {
  readonly items = new ByteBuffer();
  count = 0;

  /** To write the next item to. */
  next(): ByteBuffer {
    this.count += 1;
    return this.items;
  }
}

/** Bytes of a WebAssembly page. */
export const PAGE_SIZE = 65536;

export class ModuleBuilder {
  readonly #types = new Map<string, number>();
  readonly #typeCode = new Vector();
  readonly #imports = new Vector();
  readonly #functions: Definition[] = [];
  readonly #exports = new Vector();
  #importedFunctions = 0;
  #table: readonly FunctionHandle<Value | undefined>[] = [];

  /** Index of a function type, made when new. */
  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters}>${results}`;
    const known = this.#types.get(key);
    if (known !== undefined) return known;
    const code = this.#typeCode.next();
    code.byte(0x60);
    for (const types of [parameters, results]) {
      code.unsigned(types.length);
      code.append(types);
    }
    const index = this.#types.size;
    this.#types.set(key, index);
    return index;
  }

  /** Declares an imported function of module "env". */
  import<R extends Value | undefined = undefined>(
    field: string,
    parameters: readonly ValueType[],
    result?: R extends Value ? ValueClass<R> : undefined,
  ): FunctionHandle<R> {
    if (this.#functions.length > 0) throw new Error(`import ${field}: imports come before functions`);
    const type = this.type(parameters, result ? [result.type] : []);
    const code = this.#import(field, 0x00);
    code.unsigned(type);
    const index = this.#importedFunctions++;
    return { name: field, index, parameters, result: result as FunctionHandle<R>['result'] };
  }

  /** Declares the imported memory of module "env". @param minimum, maximum in pages of 64 KiB */
  importMemory(field: string, minimum: number, maximum: number): void {
    const code = this.#import(field, 0x02);
    code.byte(0x01);
    code.unsigned(minimum);
    code.unsigned(maximum);
  }

  /** Declares a function, to be given its body by `define`. */
  declare<R extends Value | undefined = undefined>(
    functionName: string,
    parameters: readonly ValueType[],
    result?: R extends Value ? ValueClass<R> : undefined,
  ): FunctionHandle<R> {
    const type = this.type(parameters, result ? [result.type] : []);
    const undefinedYet = { type, body: new Uint8Array(0), rareBranches: [] };
    const index = this.#importedFunctions + this.#functions.push(undefinedYet) - 1;
    return { name: functionName, index, parameters, result: result as FunctionHandle<R>['result'] };
  }

  define(handle: FunctionHandle<Value | undefined>, build: (code: FunctionBuilder) => void): void {
    const builder = new FunctionBuilder(handle.parameters);
    build(builder);
    this.defineEncoded(handle, builder.encode(), builder.rareBranches());
  }

  /** @param body, rareBranches as the `FunctionBuilder` gives them */
  defineEncoded(
    handle: FunctionHandle<Value | undefined>,
    body: Uint8Array,
    rareBranches: readonly number[],
  ): void {
    const definition = this.#functions[handle.index - this.#importedFunctions];
    if (!definition) throw new Error(`${handle.name} is not a function of this module`);
    definition.body = body;
    definition.rareBranches = rareBranches;
  }

  export(handle: FunctionHandle<Value | undefined>): void {
    this.#export(handle.name, 0x00, handle.index);
  }

  /** Fills table 0 with functions, from entry 0, and exports it. More may be added at run time. */
  table(exportName: string, entries: readonly FunctionHandle<Value | undefined>[]): void {
    this.#table = entries;
    this.#export(exportName, 0x01, 0);
  }

  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteBuffer();
    out.append(HEADER);
    writeSection(out, 1, this.#typeCode);
    writeSection(out, 2, this.#imports);
    const [declarations, bodies] = [new Vector(), new Vector()];
    for (const { type, body } of this.#functions) {
      declarations.next().unsigned(type);
      bodies.next().sized(body);
    }
    writeSection(out, 3, declarations);
    const [tables, elements] = [new Vector(), new Vector()];
    if (this.#table.length > 0) {
      tables.next().append([0x70, 0x00]);
      tables.items.unsigned(this.#table.length);
      elements.next().append([0x00, 0x41, 0x00, 0x0b]);
      elements.items.unsigned(this.#table.length);
      for (const { index } of this.#table) elements.items.unsigned(index);
    }
    writeSection(out, 4, tables);
    writeSection(out, 7, this.#exports);
    writeSection(out, 9, elements);
    this.#writeBranchHints(out);
    writeSection(out, 10, bodies);
    return out.take();
  }

  #writeBranchHints(out: ByteBuffer): void {
    const hints = new Vector();
    this.#functions.forEach(({ rareBranches }, n) => {
      if (rareBranches.length === 0) return;
      const of = hints.next();
      of.unsigned(this.#importedFunctions + n);
      of.unsigned(rareBranches.length);
      for (const offset of rareBranches) {
        of.unsigned(offset);
        of.sized(UNLIKELY);
      }
    });
    writeSection(out, CUSTOM, hints, BRANCH_HINTS);
  }

  /** The beginning of an import, what is imported of its kind to follow. */
  #import(field: string, kind: number): ByteBuffer {
    const code = this.#imports.next();
    code.name('env');
    code.name(field);
    code.byte(kind);
    return code;
  }

  #export(field: string, kind: number, index: number): void {
    const code = this.#exports.next();
    code.name(field);
    code.byte(kind);
    code.unsigned(index);
  }
}

/** The magic number and the version (§5.5.16). */
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00] as const;

/** A custom section (§5.5.3) begins with its name. */
const CUSTOM = 0;
const BRANCH_HINTS = 'metadata.code.branch_hint';
const UNLIKELY = Uint8Array.of(0);

/** Leaves a section out that has no items. */
function writeSection(out: ByteBuffer, id: number, { items, count }: Vector, customName?: string): void {
  if (count === 0) return;
  const content = new ByteBuffer();
  if (customName !== undefined) content.name(customName);
  content.unsigned(count);
  content.append(items.view());
  out.byte(id);
  out.sized(content.view());
}

export { ValueType };
