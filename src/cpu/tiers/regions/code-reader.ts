/**
 * Reads the guest's code for regions: what instruction is at a RIP now, and whether it can be part of a region. What it
 * has read the code cache watches from then on.
 */
import { GUEST_PAGE_SIZE, RAM_BASE } from '../../../memory/layout.js';
import { DECODE_OK, decode, MAXIMUM_LENGTH } from '../../decode/decoder.js';
import { DecodedInstruction } from '../../decode/instruction.js';
import type { CodeCache } from '../interpreter/code-cache.js';
import type { Located } from './context.js';
import { isTranslatable } from './translatable.js';

/** What reading takes of the CPU. */
export interface CodeSource {
  readonly memory: WebAssembly.Memory;
  readonly cache: CodeCache;
  /** Features that the processor does not have. */
  readonly absent: ReadonlySet<string>;
  /** Physical address of a linear one, or undefined if it could not be fetched from now. */
  translate(linear: number): number | undefined;
  isRam(physical: number): boolean;
}

/** What was found at a RIP, and the pages, linear and physical, that it was found in. */
interface Read {
  readonly key: number;
  readonly located: Located | undefined;
  readonly pages: ReadonlyMap<number, number>;
}

export class CodeReader {
  readonly #host: CodeSource;
  readonly #bytes: Uint8Array;
  readonly #translatable = new Map<string, boolean>();
  readonly #read = new Map<number, Read>();

  constructor(host: CodeSource) {
    this.#host = host;
    this.#bytes = new Uint8Array(host.memory.buffer);
  }

  /** How many kinds of instructions are remembered. */
  get size(): number {
    return this.#translatable.size;
  }

  clear(): void {
    this.#translatable.clear();
  }

  /** To be called when the guest may have run since: its code and the mapping may be others. */
  readAnew(): void {
    this.#read.clear();
  }

  /** The instruction at a RIP, if it can be part of a region. @param pages linear → physical; more are added */
  fetch(rip: number, key: number, pages: Map<number, number>): Located | undefined {
    let read = this.#read.get(rip);
    if (read?.key !== key) {
      const itsPages = new Map<number, number>();
      read = { key, located: this.#fetch(rip, key, itsPages), pages: itsPages };
      this.#read.set(rip, read);
    }
    for (const [linear, physical] of read.pages) pages.set(linear, physical);
    return read.located;
  }

  #fetch(rip: number, key: number, pages: Map<number, number>): Located | undefined {
    const offset = offsetInPage(rip);
    if (this.#host.cache.mayBreakAt(offset)) return undefined;
    const first = this.#page(rip - offset, pages);
    if (first === undefined) return undefined;
    const instruction = new DecodedInstruction();
    const inPage = Math.min(MAXIMUM_LENGTH, GUEST_PAGE_SIZE - offset);
    const window = new Uint8Array(MAXIMUM_LENGTH);
    window.set(this.#bytes.subarray(RAM_BASE + first + offset, RAM_BASE + first + offset + inPage));
    let status = decode(window, 0, inPage, 64, instruction, this.#host.absent);
    if (status !== DECODE_OK && inPage < MAXIMUM_LENGTH) {
      const second = this.#page(rip + inPage, pages);
      if (second === undefined) return undefined;
      window.set(
        this.#bytes.subarray(RAM_BASE + second, RAM_BASE + second + MAXIMUM_LENGTH - inPage),
        inPage,
      );
      status = decode(window, 0, MAXIMUM_LENGTH, 64, instruction, this.#host.absent);
      if (status === DECODE_OK) this.#host.cache.watch(second, instruction.length - inPage);
    }
    if (status !== DECODE_OK || !this.#canBePart(instruction, key)) return undefined;
    if (!leadsSomewhere(rip, instruction)) return undefined;
    this.#host.cache.watch(first + offset, Math.min(inPage, instruction.length));
    return { rip, instruction };
  }

  #page(linear: number, pages: Map<number, number>): number | undefined {
    const known = pages.get(linear);
    if (known !== undefined) return known;
    const physical = this.#host.translate(linear);
    if (physical === undefined || !this.#host.isRam(physical)) return undefined;
    pages.set(linear, physical);
    return physical;
  }

  #canBePart(instruction: DecodedInstruction, key: number): boolean {
    const { entry, operandSize, addressSize, vectorLength, prefixes, isMemory } = instruction;
    const kind = [entry.id, operandSize, addressSize, vectorLength, prefixes, isMemory, key].join();
    const known = this.#translatable.get(kind);
    if (known !== undefined) return known;
    const answer = isTranslatable(instruction, key);
    this.#translatable.set(kind, answer);
    return answer;
  }
}

/** False of a jump to an address that is not canonical: no code can be there. */
function leadsSomewhere(rip: number, { entry, length, immediateLow }: DecodedInstruction): boolean {
  if (!entry.operands.some(({ source }) => source === 'relative')) return true;
  const target = rip + length + immediateLow;
  return target >= -(2 ** 47) && target < 2 ** 47;
}

/** Offset in its page, also of a negative address. */
export function offsetInPage(rip: number): number {
  return ((rip % GUEST_PAGE_SIZE) + GUEST_PAGE_SIZE) % GUEST_PAGE_SIZE;
}
