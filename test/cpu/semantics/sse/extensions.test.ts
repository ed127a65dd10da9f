/** SSE3 to SSE4.2, AES, PCLMULQDQ and SHA, in MMX, SSE and VEX forms, against what a processor gave. */
import { describe, expect, it, test } from 'vitest';
import { Vector } from '../../../../src/cpu/state.js';
import { runCode } from '../../../support/run-code.js';
import { replayRecording } from '../vector-recording.js';

describe('SSE3 and later', () => replayRecording(new URL('extensions.txt', import.meta.url)));

const RDI = 7;

// [RDI], all of 16 bytes but where a width is told
test.each([
  ['PSHUFB', '66 0f 38 00 07', Vector.gp],
  ['MPSADBW', '66 0f 3a 42 07 00', Vector.gp],
  ['MOVNTDQA', '66 0f 38 2a 07', Vector.gp],
  ['VMOVNTDQA', 'c4 e2 79 2a 07', Vector.gp],
  ['PCLMULQDQ', '66 0f 3a 44 07 00', Vector.gp],
  ['SHA1MSG1', '0f 38 c9 07', Vector.gp],
  ['LDDQU', 'f2 0f f0 07', undefined],
  ['PCMPISTRI', '66 0f 3a 63 07 00', undefined],
  ['PCMPESTRM', '66 0f 3a 60 07 00', undefined],
  ['PMOVSXBW, 8 bytes,', '66 0f 38 20 07', undefined],
  ['MOVDDUP, 8 bytes,', 'f2 0f 12 07', undefined],
  ['ROUNDSD, 8 bytes,', '66 0f 3a 0b 07 00', undefined],
  ['VPSHUFB', 'c4 e2 71 00 07', undefined],
])('%s at an odd address', async (_name, code, vector) => {
  const { exception } = await runCode({ code, avx: true, registers: { [RDI]: 0x20001n } });
  expect(exception?.vector).toBe(vector);
});

// NaNs with payloads 1 to 4, times 1: recorded, since each lane adds in an order of its own.
it('DPPS chooses another NaN in each lane', async () => {
  const nans = 0x7fc00004_7fc00003_7fc00002_7fc00001n;
  const ones = 0x3f800000_3f800000_3f800000_3f800000n;
  const { xmm } = await runCode({ code: '66 0f 3a 40 c1 ff', xmm: { 0: nans, 1: ones } });
  expect(xmm(0)).toBe(0x7fc00003_7fc00004_7fc00001_7fc00002n);
});
