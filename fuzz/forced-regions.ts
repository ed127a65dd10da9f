/**
 * Regions of whatever is run, at once: where a run of the processor begins and then every so many instructions, a region
 * is made of the code that follows, along all the ways that it can be seen to go. Leaves out indirect jumps.
 */

import { DECODE_OK, decode, MAXIMUM_LENGTH } from '../src/cpu/decode/decoder.js';
import { DecodedInstruction } from '../src/cpu/decode/instruction.js';
import * as state from '../src/cpu/state.js';
import { EAGER } from '../src/cpu/tiers/regions/pace.js';
import { Profile } from '../src/cpu/tiers/regions/profile.js';
import { type RegionHost, RegionTier } from '../src/cpu/tiers/regions/region-tier.js';
import { RAM_BASE } from '../src/memory/layout.js';

/** Instructions of which a region is made at most. */
const LOOKED_AT = 64;
/** Instructions run one by one on the way to where a region is wanted. */
const FARTHEST = 20_000;
/** Instructions after which the next region is made. */
const GRAIN = 200;
/** Regions made of one place before the next reset: of code that changes all the time there would be no end. */
const MOST = 100;
const ENDS = new Set(['RET', 'RETF', 'IRET', 'JMPF', 'HLT']);

/** Where the code at a RIP may go. */
function staticProfile(host: RegionHost, root: number): Profile {
  const profile = new Profile();
  const waiting = [root];
  const seen = new Set<number>();
  while (waiting.length > 0 && seen.size < LOOKED_AT) {
    const rip = waiting.pop() as number;
    if (seen.has(rip)) continue;
    seen.add(rip);
    const instruction = instructionAt(host, rip);
    if (!instruction) continue;
    const { entry, length, immediateLow } = instruction;
    const note = (to: number): void => {
      profile.note(rip, to);
      waiting.push(to);
    };
    if (entry.operands.some(({ source }) => source === 'relative')) {
      note(rip + length + immediateLow);
      if (entry.mnemonic === 'CALL') waiting.push(rip + length);
    }
    if (entry.mnemonic !== 'JMP' && entry.mnemonic !== 'CALL' && !ENDS.has(entry.mnemonic))
      note(rip + length);
  }
  return profile;
}

function instructionAt(host: RegionHost, rip: number): DecodedInstruction | undefined {
  const bytes = new Uint8Array(host.memory.buffer);
  const window = new Uint8Array(MAXIMUM_LENGTH);
  for (let n = 0; n < MAXIMUM_LENGTH; n++) {
    const physical = host.translate(rip + n);
    if (physical === undefined || !host.isRam(physical)) break;
    window[n] = bytes[RAM_BASE + physical] as number;
  }
  const instruction = new DecodedInstruction();
  return decode(window, 0, MAXIMUM_LENGTH, 64, instruction, host.absent) === DECODE_OK
    ? instruction
    : undefined;
}

export class ForcedTier extends RegionTier {
  readonly #made = new Map<number, number>();

  /** @param wanted if given, the one RIP that regions are made at: a run goes there one by one */
  constructor(
    private readonly host: RegionHost,
    private readonly wanted?: number,
  ) {
    super(host, { ...EAGER, grain: wanted === undefined ? GRAIN : 1 << 20 });
  }

  override note(): void {
    if (this.wanted !== undefined) {
      for (let n = 0; n < FARTHEST && this.#rip() !== this.wanted; n++) this.host.watch(1);
    }
    const root = this.#rip();
    const made = this.#made.get(root) ?? 0;
    if (made >= MOST && this.wanted === undefined) return;
    if (this.makeHere(staticProfile(this.host, root))) this.#made.set(root, made + 1);
  }

  override reset(): void {
    super.reset();
    this.#made.clear();
  }

  #rip(): number {
    return Number(BigInt.asIntN(64, this.host.state.get64(state.rip)));
  }
}
