/**
 * Runs mutated images: those that the loader takes are started on the real CPU, whatever their first instruction is.
 * Each ends its small budget, halts, shuts down or leaves; none throws, hangs or grows memory. One machine's worth of
 * memory serves all, so that 100,000 of them fit.
 */
import { expect, test } from 'vitest';
import { boot } from '../../src/boot/boot.js';
import { BootError } from '../../src/boot/errors.js';
import { Cpu } from '../../src/cpu/cpu.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { PicPair } from '../../src/devices/interrupt/pic-pair.js';
import { detectImage } from '../../src/image/detect.js';
import { ImageError } from '../../src/image/errors.js';
import { mutatedImage, randomFrom } from '../image/mutate.js';

const SEED = 20261123;
/** 100,000 in CI. */
const IMAGES = Number(process.env.UNIVISOR_MUTATED_IMAGES ?? 5_000);
const BUDGET = 200;
const RAM = 4 << 20;

test(`runs or refuses ${IMAGES} mutated images (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const random = randomFrom(SEED);
  const cpu = new Cpu({
    interpreter: await loadInterpreter(),
    ramSize: RAM,
    interrupts: new PicPair(),
    bus: {
      readPort: (_port, width) => 2 ** (8 * width) - 1,
      writePort: () => {},
      readMemory: (_address, width) => 2 ** (8 * width) - 1,
      writeMemory: () => {},
    },
  });
  const outcomes = new Map<string, number>();
  const count = (outcome: string): void => {
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  };
  for (let n = 0; n < IMAGES; n++) {
    const image = mutatedImage(random);
    cpu.reset();
    try {
      cpu.start(boot(detectImage(image).plan, cpu.memory, { commandLine: 'mutated' }));
    } catch (error) {
      if (!(error instanceof ImageError || error instanceof BootError)) throw error;
      count('refused');
      continue;
    }
    count(cpu.run(BUDGET).kind);
    expect(cpu.retired).toBeLessThanOrEqual(BUDGET);
  }
  expect([...outcomes.values()].reduce((sum, some) => sum + some)).toBe(IMAGES);
  expect(outcomes.get('refused')).toBeGreaterThan(IMAGES / 10);
  expect(IMAGES - (outcomes.get('refused') ?? 0)).toBeGreaterThan(IMAGES / 10);
});
