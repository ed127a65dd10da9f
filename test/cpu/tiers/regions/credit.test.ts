/** What looking for regions and making them may cost, beside what is run meanwhile: a guest with wide code is not held up. */
import { expect, it } from 'vitest';
import { EAGER, type Pace } from '../../../../src/cpu/tiers/regions/pace.js';
import { hotCpu } from '../../../support/hot-code.js';
import { runOn } from '../../../support/run-code.js';

const LOOPS = 30;
const ROUNDS = 2000;

/** MOV ECX, ROUNDS; DEC ECX; JNZ to the DEC; over and over, each loop code of its own. */
const CODE = `b9 ${[ROUNDS & 0xff, ROUNDS >> 8, 0, 0].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')} ff c9 75 fc`;

async function made(pace: Partial<Pace>): Promise<number> {
  const { cpu } = await hotCpu({}, undefined, { ...EAGER, ...pace });
  runOn(cpu, { code: Array.from({ length: LOOPS }, () => CODE).join(' '), limit: LOOPS * 3 * ROUNDS });
  return cpu.regionStatistics?.made ?? 0;
}

it('makes a region of every loop when it may cost what it will', async () => {
  expect(await made({})).toBe(LOOPS);
});

it('makes no more than its credit pays for', async () => {
  expect(await made({ credit: 0, share: 0 })).toBe(0);
  // A look costs a million.
  const few = await made({ credit: 4_000_000, share: 0 });
  expect(few).toBeGreaterThan(0);
  expect(few).toBeLessThanOrEqual(4);
});

it('earns credit by what the interpreter runs', async () => {
  const [poor, earning] = [
    await made({ credit: 4_000_000, share: 0 }),
    await made({ credit: 4_000_000, share: 100 }),
  ];
  expect(earning).toBeGreaterThan(poor);
});

it('makes a region when it would have saved what it costs, had it been there from the start', async () => {
  // MOV ECX, 0x10000; DEC ECX; JNZ to the DEC: two instructions in the region, so 2 × 1,000 to be saved.
  const loop = 'b9 00 00 01 00 ff c9 75 fc';
  const madeOf = async (limit: number): Promise<number | undefined> => {
    const { cpu } = await hotCpu({}, undefined, { ...EAGER, price: 1000 });
    runOn(cpu, { code: loop, limit });
    return cpu.regionStatistics?.made;
  };
  expect(await madeOf(1800)).toBe(0);
  expect(await madeOf(9000)).toBe(1);
});
