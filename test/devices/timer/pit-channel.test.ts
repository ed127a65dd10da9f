import { describe, expect, it } from 'vitest';
import { PitChannel } from '../../../src/devices/timer/pit-channel.js';
import { randomNumbers } from '../support.js';

describe('PitChannel.advance', () => {
  it.each([0, 1, 2, 3, 4, 5])(
    'mode %i: many ticks at once are as many single ones, rises included',
    (mode) => {
      const next = randomNumbers(mode + 1);
      let rises = 0;
      for (let run = 0; run < 300; run++) {
        const atOnce = new PitChannel(true);
        const singly = new PitChannel(true);
        const both = (action: (channel: PitChannel) => void) => {
          action(atOnce);
          action(singly);
        };
        const bcd = next() % 2;
        both((channel) => channel.writeControl(0x10 | (mode << 1) | bcd));
        for (let step = 0; step < 12; step++) {
          const count = next() % 10; // 0 is the largest; 1 is illegal in modes 2 and 3, and must still agree
          if (next() % 3 === 0) both((channel) => channel.writeCount(count));
          const gate = next() % 3 > 0;
          if (next() % 3 === 0) both((channel) => channel.setGate(gate));
          const ticks = next() % (next() % 20 === 0 ? 70_000 : 40);
          const untilChange = singly.ticksToChange();
          const outBefore = singly.out;

          let rose = false;
          for (let tick = 1; tick <= ticks; tick++) {
            rose = singly.advance(1) || rose;
            if (tick < untilChange && singly.out !== outBefore)
              expect.fail(`changed ${untilChange - tick} early`);
          }

          if (atOnce.advance(ticks) !== rose) expect.fail(`run ${run}, step ${step}: rose is not ${rose}`);
          expect(atOnce.state).toEqual(singly.state);
          if (rose) rises++;
        }
      }
      expect(rises).toBeGreaterThan(50);
    },
  );
});
