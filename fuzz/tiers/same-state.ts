/** Whether two processors are in the same state but for memory, whichever tier each of them ran in. */
import type { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';

/** What two tiers need not have in common: lazy flags, which are compared as an image, caches, and what is left over. */
const OWN = new Set<state.Field>([
  ...[state.flagZero, state.flagSign, state.flagCarry],
  ...[state.budget, state.deferred, state.granted, state.retired, state.mappings],
  ...[state.regionInstructions, state.regionExits, state.watching, state.watched],
  ...[
    state.tlbFills,
    state.tlbFilled,
    state.jumpFills,
    state.jumpFilled,
    state.largestPage,
    state.unmarked,
    state.refetch,
  ],
  ...[state.bounce, state.bounceSize, state.bounceSplit, state.bouncePhysical, state.exchange],
  ...[state.pageBase, state.cr2BeforeFetch, state.mxcsrRaised, state.vectorElements, state.fpuRaised],
  ...[state.pendingCode, state.taskFault, state.pageIsLarge],
]);
const SHARED = state.stateFields.filter((field) => !OWN.has(field));
/** The same as 32-bit words. */
const SHARED_WORDS = Uint32Array.from(
  SHARED.flatMap(({ address, stride, count }) =>
    Array.from({ length: (stride * count) / 4 }, (_, n) => address / 4 + n),
  ),
);

/** All of a processor's WebAssembly memory, the state at its start. */
export function wholeMemory(cpu: Cpu): ArrayBuffer {
  return cpu.memory.bytes(0, 1)?.buffer as ArrayBuffer;
}

export function sameState(mine: Cpu, its: Cpu): boolean {
  const [words, others] = [new Uint32Array(wholeMemory(mine)), new Uint32Array(wholeMemory(its))];
  for (const word of SHARED_WORDS) if (words[word] !== others[word]) return false;
  return mine.retired === its.retired && arithmeticFlags(mine) === arithmeticFlags(its);
}

/** What differs, by name. */
export function differencesInState(mine: Cpu, its: Cpu): string[] {
  const found: string[] = [];
  const compare = (name: string, one: number, other: number): void => {
    if (one !== other) found.push(`${name}: ${one.toString(16)}, not ${other.toString(16)}`);
  };
  compare('retired', mine.retired, its.retired);
  compare('flags', arithmeticFlags(mine), arithmeticFlags(its));
  const [bytes, others] = [new Uint8Array(wholeMemory(mine)), new Uint8Array(wholeMemory(its))];
  for (const { name, address, stride, count } of SHARED) {
    for (let n = 0; n < count; n++) {
      const one = hex(bytes, address + n * stride, stride);
      const other = hex(others, address + n * stride, stride);
      if (one !== other) found.push(`${name}[${n}]: ${one}, not ${other}`);
    }
  }
  return found;
}

/** RFLAGS' six arithmetic flags. */
function arithmeticFlags({ state: view }: Cpu): number {
  const carry = view.get64(state.flagCarry);
  const sign = view.get64(state.flagSign);
  let ones = 0;
  for (let n = 0n; n < 8n; n++) ones ^= Number((sign >> n) & 1n);
  const zero = view.get64(state.flagZero) === 0n ? 1 : 0;
  const top = Number(carry >> 62n);
  const overflow = ((top >> 1) ^ top) & 1;
  const rest = ((ones ^ 1) << 2) | (Number((carry >> 3n) & 1n) << 4) | (zero << 6);
  return (top >> 1) | rest | (Number(sign >> 63n) << 7) | (overflow << 11);
}

function hex(bytes: Uint8Array, address: number, length: number): string {
  let text = '';
  for (let n = length - 1; n >= 0; n--) text += (bytes[address + n] as number).toString(16).padStart(2, '0');
  return text;
}
