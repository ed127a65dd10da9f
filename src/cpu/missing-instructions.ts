/** Tells of instructions that the guest ran and that have no meaning yet, each kind once. */
import type { GuestMemory } from '../memory/guest-memory.js';
import { GUEST_PAGE_SIZE } from '../memory/layout.js';
import type { UnimplementedInstruction } from './bus.js';
import { decode, MAXIMUM_LENGTH } from './decode/decoder.js';
import { type CodeSize, DecodedInstruction } from './decode/instruction.js';
import * as state from './state.js';
import type { StateView } from './state-view.js';

export interface MissingInstructionsOptions {
  readonly view: StateView;
  readonly memory: GuestMemory;
  /** Features that the processor does not have. */
  readonly absent: ReadonlySet<string>;
  readonly tell: (instruction: UnimplementedInstruction) => void;
}

export class MissingInstructions {
  readonly #options: MissingInstructionsOptions;
  readonly #told = new Set<string>();

  constructor(options: MissingInstructionsOptions) {
    this.#options = options;
  }

  /** The one at RIP. @param physical where its bytes are, as far as they are in one page */
  met(physical: number): void {
    const { view, memory, absent, tell } = this.#options;
    const bytes = memory.bytes(
      physical,
      Math.min(MAXIMUM_LENGTH, GUEST_PAGE_SIZE - (physical % GUEST_PAGE_SIZE)),
    );
    const instruction = new DecodedInstruction();
    if (bytes) decode(bytes, 0, bytes.length, view.get32(state.codeSize) as CodeSize, instruction, absent);
    const { mnemonic } = instruction.entry;
    if (this.#told.has(mnemonic)) return;
    this.#told.add(mnemonic);
    tell({ mnemonic, rip: view.get64(state.rip) });
  }
}
