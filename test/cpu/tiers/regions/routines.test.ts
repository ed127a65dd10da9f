/**
 * The lists of routines.ts and translatable.ts are what the code does: a region keeps registers in locals and the count
 * of instructions to itself, so no routine that it calls may read or write those, nor call the host unless it is known to.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../../fuzz/random.js';
import { randomEncoding } from '../../../../fuzz/templates.js';
import '../../../../src/cpu/semantics/all.js';
import { DECODE_OK, decode } from '../../../../src/cpu/decode/decoder.js';
import { DecodedInstruction } from '../../../../src/cpu/decode/instruction.js';
import type { Routine } from '../../../../src/cpu/routine.js';
import * as state from '../../../../src/cpu/state.js';
import { isHarmless, reachesHost } from '../../../../src/cpu/tiers/regions/routines.js';
import { translateOnce } from '../../../../src/cpu/tiers/regions/translatable.js';
import { type Effects, effectsOf, NotingLinker, touched } from './effects.js';

/** Translations of many encodings, one of each kind: what they call and which registers of the state they touch. */
const called = new Set<Routine>();
const wrong: string[] = [];
const random = new Random(1);
const seen = new Set<string>();
const mnemonics = new Set<string>();
for (let n = 0; n < 60_000; n++) {
  const instruction = new DecodedInstruction();
  const bytes = Uint8Array.from(randomEncoding(random, true));
  if (decode(bytes, 0, 15, 64, instruction) !== DECODE_OK) continue;
  const { entry, operandSize, vectorLength, prefixes, isMemory } = instruction;
  const kind = [entry.id, operandSize, vectorLength, prefixes & 7, isMemory].join();
  if (seen.has(kind)) continue;
  seen.add(kind);
  const linker = new NotingLinker();
  const translation = translateOnce(instruction, 64, linker);
  if (!translation) continue;
  mnemonics.add(entry.mnemonic);
  for (const routine of linker.calls) called.add(routine);
  const { registers, vectors } = touched(translation.code.encode());
  // Of a VEX form, bits 255:128 are in the state, at an offset from the same address: see its legacy form.
  const loose = entry.vex ? [] : [...vectors].filter((vector) => !translation.frame.vectors[vector]?.written);
  if (registers.size > 0 || loose.length > 0) wrong.push(`${entry.mnemonic}: ${[...registers, ...loose]}`);
}

const effects = new Map<Routine, Effects>();
function known(routine: Routine): Effects {
  let found = effects.get(routine);
  if (!found) {
    found = effectsOf(routine);
    effects.set(routine, found);
  }
  return found;
}

/** A routine and all that it calls. */
function closure(first: Routine): Set<Routine> {
  const all = new Set([first]);
  for (const routine of all) for (const callee of known(routine).calls) all.add(callee);
  return all;
}

test('most instructions can be part of a region', () => {
  expect(mnemonics.size).toBeGreaterThan(850);
});

test('no meaning that can be part of a region touches registers in the state by itself', () => {
  expect(wrong).toEqual([]);
});

describe('routines that regions call', () => {
  const routines = [...called].sort((a, b) => a.name.localeCompare(b.name));

  test('there are many', () => {
    expect(routines.length).toBeGreaterThan(100);
  });

  test('touch no register that a region may have in a local', () => {
    const touching = routines.flatMap((routine) =>
      [...closure(routine)]
        .filter((each) => known(each).registers.size + known(each).vectors.size > 0)
        .map(
          (each) => `${routine.name} by ${each.name}: ${[...known(each).registers, ...known(each).vectors]}`,
        ),
    );
    expect(touching).toEqual([]);
  });

  test('write nothing but exceptions met if an instruction can be begun again after them', () => {
    const harmless = routines.filter(({ name }) => isHarmless(name));
    const stored = harmless.flatMap((routine) =>
      [...closure(routine)].flatMap((each) => [...known(each).stores]),
    );
    expect(new Set(stored)).toEqual(new Set([state.fpuRaised.address]));
    expect(harmless.length).toBe(10);
  });

  test('reach the host only if they are known to', () => {
    const reaching = routines.filter((routine) => [...closure(routine)].some(({ build }) => !build));
    expect(reaching.map(({ name }) => name).filter((name) => !reachesHost(name))).toEqual([]);
    expect(reaching.length).toBeGreaterThan(10);
  });
});
