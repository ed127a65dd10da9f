/** An address by RBP or RSP that is not canonical is #SS in regions, too. */
import { expect, test } from 'vitest';
import { assemble } from '../../../support/listing.js';
import { KERNEL_CODE } from '../../../support/system-world.js';
import { TwinWorlds } from '../../../support/twin-worlds.js';

const around = (instruction: string): string => `
      again:  ${instruction}
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again
              4c 89 c5                  ; MOV RBP, R8
              b1 64                     ; MOV CL, 100
              eb >again                 ; JMP again`;

test.each([
  ['CLFLUSH', '0f ae 7d 00'],
  ['CLFLUSHOPT', '66 0f ae 7d 00'],
  ['CLWB', '66 0f ae 75 00'],
  ['MOV', '8b 45 00'],
])('%s', async (_name, instruction) => {
  const worlds = await TwinWorlds.create();
  const registers = { 1: 2000n, 5: 0x24000n, 8: 0x8000_0000_0000_0000n };
  const { bytes } = assemble(KERNEL_CODE, around(`${instruction} ; [RBP]`));
  expect(worlds.run(bytes, { registers })).toMatchObject({ vector: 12, errorCode: 0 });
  expect(worlds.inRegions).toBeGreaterThan(1000);
});
