/**
 * Which translations a processor may still hold: every one that a walk could have made since the last instruction that
 * invalidates it, and walks may begin at any table that was remembered (SDM vol. 3 §4.10). 4-level paging. It never
 * forgets on its own, so what it allows is all that is allowed.
 */
import { naiveWalk, type Outcome, outcomeOf, type Page, type ReadEntry } from './naive-walker.js';
import type { Attempt, Machine, Rights } from './rights-reference.js';

interface Translation {
  readonly context: number;
  readonly linear: bigint;
  readonly page: Page;
}

/** An upper entry remembered: its table maps what shares the linear address's bits from `shift` up. */
interface Table {
  readonly context: number;
  readonly prefix: bigint;
  readonly shift: number;
  readonly level: number;
  readonly table: bigint;
  readonly rights: Rights;
}

const SHIFTS = [39, 30, 21, 12];
const FRAME = 0xffffffffff000n;

function keyed<T>(value: T): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each));
}

export class TranslationCache {
  #translations = new Map<string, Translation>();
  #tables = new Map<string, Table>();

  /** @param addresses all the linear addresses that will be asked about */
  constructor(
    private readonly addresses: readonly bigint[],
    private readonly read: ReadEntry,
  ) {}

  /** Everything that may now have been remembered: to be called after each change of tables or of CR3. */
  speculate(root: bigint, context: number, globalPages: boolean): void {
    for (const linear of this.addresses) {
      const begin = { level: 0, rights: { writable: true, user: true, noExecute: false } };
      this.#follow(linear, root, context, globalPages, begin);
      for (const each of [...this.#tables.values()]) {
        if (each.context !== context || linear >> BigInt(each.shift) !== each.prefix) continue;
        this.#follow(linear, each.table, context, globalPages, each);
      }
    }
  }

  #follow(
    linear: bigint,
    root: bigint,
    context: number,
    globalPages: boolean,
    from: { readonly level: number; readonly rights: Rights },
  ): void {
    const { steps, end } = naiveWalk('4-level', root, linear, true, this.read, from);
    let { rights } = from;
    for (const [n, { entry, shift }] of steps.entries()) {
      const leadsOn = n < steps.length - 1 || end === 'absent';
      if (!leadsOn) break;
      rights = {
        writable: rights.writable && (entry & 2n) !== 0n,
        user: rights.user && (entry & 4n) !== 0n,
        noExecute: rights.noExecute || entry >> 63n !== 0n,
      };
      const level = SHIFTS.indexOf(shift) + 1;
      const table = { context, prefix: linear >> BigInt(shift), shift, level, table: entry & FRAME, rights };
      this.#tables.set(keyed(table), table);
    }
    if (typeof end === 'string') return;
    const page = { ...end, global: end.global && globalPages };
    const translation = { context, linear, page };
    this.#translations.set(keyed(translation), translation);
  }

  /** Keeps only what the conditions hold for. */
  #keep(translation: (each: Translation) => boolean, table: (each: Table) => boolean): void {
    this.#translations = new Map([...this.#translations].filter(([, each]) => translation(each)));
    this.#tables = new Map([...this.#tables].filter(([, each]) => table(each)));
  }

  #covers({ linear, page }: Translation, address: bigint): boolean {
    return linear >> BigInt(page.shift) === address >> BigInt(page.shift);
  }

  /** INVLPG, and what a page fault does by itself. */
  invalidatePage(address: bigint, context: number): void {
    this.#keep(
      (each) => !(this.#covers(each, address) && (each.context === context || each.page.global)),
      (each) => each.context !== context,
    );
  }

  /** INVPCID of one address: global translations stay. */
  invalidateAddress(address: bigint, context: number): void {
    this.#keep(
      (each) => each.page.global || each.context !== context || !this.#covers(each, address),
      (each) => each.context !== context,
    );
  }

  /** MOV to CR3, or INVPCID of one context. */
  invalidateContext(context: number): void {
    this.#keep(
      (each) => each.page.global || each.context !== context,
      (each) => each.context !== context,
    );
  }

  /** INVPCID of all contexts. */
  invalidateAllButGlobal(): void {
    this.#keep(
      (each) => each.page.global,
      () => false,
    );
  }

  /** INVPCID of everything, or a change of CR4.PGE. */
  invalidateAll(): void {
    this.#keep(
      () => false,
      () => false,
    );
  }

  /** All that an access may come to. */
  outcomes(linear: bigint, context: number, machine: Machine, attempt: Attempt, root: bigint): Outcome[] {
    const now = naiveWalk('4-level', root, linear, true, this.read).end;
    const held = [...this.#translations.values()]
      .filter((each) => each.linear === linear && (each.context === context || each.page.global))
      .map((each) => each.page);
    return [now, ...held].map((end) => outcomeOf(end, linear, machine, attempt));
  }
}
