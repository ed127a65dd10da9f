import { expect, it } from 'vitest';
import { boot } from '../../src/boot/boot.js';
import type { BootOptions } from '../../src/boot/boot-types.js';
import { memoryOption } from '../../src/boot/errors.js';
import { COMMAND_LINE_LIMIT } from '../../src/boot/strings.js';
import { detectImage } from '../../src/image/detect.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import {
  buildElf,
  CODE,
  multibootElf,
  multibootHeader,
  pvhElf,
  type SegmentSpec,
} from '../image/builders.js';
import { MIB } from './guest.js';

/** The error, after checking that memory was not touched. */
function refusal(image: Uint8Array, options: Partial<BootOptions> = {}, size = 2 * MIB): unknown {
  const memory = GuestMemory.standalone(size);
  let writes = 0;
  memory.observeWrites(() => writes++);
  const { plan } = detectImage(image);
  try {
    boot(plan, memory, { commandLine: '', ...options });
  } catch (error) {
    expect(writes).toBe(0);
    return error;
  }
  throw new Error('was not refused');
}

function withSegment(segment: SegmentSpec): Uint8Array {
  return buildElf({ bits: 32, gap: multibootHeader(0), segments: [{ bytes: CODE }, segment] });
}

it('refuses an image larger than RAM and says how much would do', () => {
  expect(refusal(withSegment({ physicalAddress: 0x200000, memorySize: MIB }))).toMatchObject({
    name: 'BootError',
    code: 'not-enough-memory',
    message: 'the image needs 3 MiB, machine has 2 MiB: -m 4M',
  });
  expect(refusal(withSegment({ physicalAddress: 0xfff00000, memorySize: MIB }))).toMatchObject({
    message: 'the image needs 4096 MiB, machine has 2 MiB: -m 4096M',
  });
  expect(refusal(withSegment({ physicalAddress: 0x1ff000, memorySize: 0x1001 }))).toMatchObject({
    message: 'the image needs 2.1 MiB, machine has 2 MiB: -m 4M',
  });
});

it('offers memory in sizes that people give', () => {
  expect([1, MIB, MIB + 1, 900 * MIB, 1025 * MIB].map(memoryOption)).toEqual([
    '-m 1M',
    '-m 1M',
    '-m 2M',
    '-m 1024M',
    '-m 1280M',
  ]);
});

it.each([
  ['in', 0xa8000, 0x100],
  ['into', 0x9fff0, 0x11],
  ['out of', 0xbffff, 0x10],
  ['across', 0x90000, 0x40000],
])('refuses a segment %s the video window', (_, physicalAddress, memorySize) => {
  expect(refusal(withSegment({ physicalAddress, memorySize }))).toMatchObject({
    code: 'segment-over-video-window',
    message: expect.stringContaining(`0x${physicalAddress.toString(16)}`),
  });
});

it.each(['multiboot', 'pvh'])('refuses command lines that %s cannot carry', (protocol) => {
  const image = protocol === 'pvh' ? pvhElf(64) : multibootElf(64);
  expect(refusal(image, { commandLine: 'x'.repeat(COMMAND_LINE_LIMIT) })).toMatchObject({
    code: 'command-line-too-long',
    message: expect.stringMatching(/takes 655\d\d bytes with its NUL, the limit is 65536/),
  });
  expect(refusal(image, { commandLine: 'a\0b' })).toMatchObject({ code: 'bad-command-line' });
  const modules = [{ bytes: CODE, commandLine: 'y'.repeat(COMMAND_LINE_LIMIT) }];
  expect(refusal(image, { modules })).toMatchObject({
    code: 'command-line-too-long',
    message: expect.stringContaining('module 1'),
  });
});

it.each(['multiboot', 'pvh'])('refuses when the tables of %s do not fit', (protocol) => {
  const image = protocol === 'pvh' ? pvhElf(64) : multibootElf(64);
  const modules = Array.from({ length: 20 }, () => ({ bytes: CODE, commandLine: 'z'.repeat(60_000) }));
  expect(refusal(image, { modules })).toMatchObject({
    code: 'not-enough-memory',
    message: expect.stringMatching(/needs 2\.2 MiB, machine has 2 MiB: -m 4M/),
  });
});
