/** Instructions that the guest ran and univisor does not have: each is told once, by name. */
import type { UnimplementedInstruction } from '../cpu/bus.js';

export class UnimplementedReport {
  readonly #tell: ((text: string) => void) | undefined;
  readonly #first = new Map<string, bigint>();

  constructor(tell: ((text: string) => void) | undefined) {
    this.#tell = tell;
  }

  add({ mnemonic, rip }: UnimplementedInstruction): void {
    if (this.#first.has(mnemonic)) return;
    this.#first.set(mnemonic, rip);
    this.#tell?.(
      `univisor: the guest used ${mnemonic} at 0x${rip.toString(16)}, ` +
        'which univisor does not implement yet; it got #UD',
    );
  }

  /** Each instruction with the address where it was met first. */
  get instructions(): readonly { readonly mnemonic: string; readonly rip: string }[] {
    return Array.from(this.#first, ([mnemonic, rip]) => ({ mnemonic, rip: `0x${rip.toString(16)}` }));
  }
}
