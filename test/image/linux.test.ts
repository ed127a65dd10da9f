import { describe, expect, it } from 'vitest';
import { describeImage } from '../../src/image/describe.js';
import { detectImage } from '../../src/image/detect.js';
import { ImageError } from '../../src/image/errors.js';
import type { LinuxPlan, Protocol } from '../../src/image/image.js';
import { buildElf, bzImage, CODE, multibootElf, pvhElf, rawMultiboot, text } from './builders.js';

function plan(bytes: Uint8Array, protocol: Protocol = 'auto'): LinuxPlan {
  const { plan } = detectImage(bytes, protocol);
  if (plan.protocol !== 'linux') throw new Error(`it boots by ${plan.protocol}`);
  return plan;
}

function refusal(bytes: Uint8Array, protocol: Protocol = 'auto'): ImageError {
  try {
    detectImage(bytes, protocol);
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a bzImage', () => {
  const image = bzImage({ setupSectors: 3, initSize: 0x5000 });

  it('is loaded behind its setup sectors where it prefers to lie, and entered 0x200 behind its start', () => {
    const { segments, entry, carrier } = plan(image);
    expect(segments).toEqual([
      { physicalAddress: 0x200000, bytes: image.subarray(4 * 512), memorySize: 0x5000 },
    ]);
    expect([entry, carrier]).toEqual([0x200200, 'bzimage']);
  });

  it('hands on its setup header to the end that it tells, and its limits', () => {
    const { setupHeader, commandLineSize, initrdAddressMax } = plan(image);
    expect(setupHeader).toEqual(image.subarray(0x1f1, 0x202 + 0x6a));
    expect([commandLineSize, initrdAddressMax]).toEqual([2047, 0x7fffffff]);
  });

  it('with 0 setup sectors has 4', () => {
    const old = bzImage({ setupSectors: 4 });
    old[0x1f1] = 0;
    expect(plan(old).segments[0]?.bytes).toEqual(old.subarray(5 * 512));
  });

  it('needs at least the memory of its file', () => {
    expect(plan(bzImage({ initSize: 0 })).segments[0]?.memorySize).toBe(0x240);
  });

  it.each([
    ['of an older protocol', bzImage({ version: 0x20b }), 'unsupported-feature', /boot protocol 2\.11/],
    ['without a 64-bit entry', bzImage({ xLoadFlags: 2 }), 'unsupported-feature', /no 64-bit entry/],
    ['above 4 GiB', bzImage({ preferredAddress: 0xfffff200n }), 'beyond-4-gib', /0xfffff200/],
    ['that ends in its setup part', bzImage().subarray(0, 0x3ff), 'truncated', /behind its setup part/],
    ['that ends in its header', bzImage().subarray(0, 0x240), 'truncated', /setup header/],
  ])('%s is refused', (_what, bytes, code, message) => {
    expect(refusal(bytes)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('is what inspect shows', () => {
    expect(describeImage(image)).toMatchObject({
      format: 'Linux kernel (bzImage)',
      bootsBy: 'linux',
      bootEntry: '0x200200',
      protocols: [{ name: 'linux', details: [['boot protocol', '2.15']] }],
      needs: expect.arrayContaining(['A start in 64-bit mode at 0x200200.']),
    });
  });
});

describe('a vmlinux', () => {
  const image = buildElf({
    entry: 0x100010n,
    segments: [{ bytes: CODE, virtualAddress: 0xffffffff81000000n, memorySize: 0x1000 }],
  });

  it('is entered where its ELF header says, if that is asked for', () => {
    const { segments, entry, setupHeader } = plan(image, 'linux');
    expect(segments).toMatchObject([{ physicalAddress: 0x100000, memorySize: 0x1000 }]);
    expect([entry, setupHeader]).toEqual([0x100010, undefined]);
    expect(refusal(image)).toMatchObject({ code: 'no-protocol' });
  });

  it('of another processor is refused', () => {
    const other = buildElf({ bits: 32, segments: [{ bytes: CODE }] });
    expect(refusal(other, 'linux')).toMatchObject({ code: 'wrong-machine' });
  });
});

it('auto takes the protocol that an ELF names', () => {
  expect(detectImage(multibootElf(64)).plan.protocol).toBe('multiboot');
  expect(detectImage(pvhElf(64)).plan.protocol).toBe('pvh');
});

it('what is no kernel is refused when one is asked for', () => {
  expect(refusal(rawMultiboot(), 'linux')).toMatchObject({
    code: 'no-protocol',
    message: expect.stringContaining('HdrS'),
  });
  expect(refusal(text('#!/bin/sh'), 'linux')).toMatchObject({ code: 'not-an-image' });
});
