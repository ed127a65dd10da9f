/** The console's promises to a device (devices/backends.ts): order kept, nothing lost, the source held back. */
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { StreamInput } from '../../src/host/input.js';
import { CollectedOutput, readerHasGone, StreamOutput } from '../../src/host/output.js';
import { TerminalConsole } from '../../src/host/terminal-console.js';

const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A console on a stream, and a device that takes as much as it has room for. */
function rig(room = Number.POSITIVE_INFINITY) {
  const stream = new PassThrough();
  const console = new TerminalConsole({
    input: new StreamInput(() => stream),
    output: new CollectedOutput(1024),
  });
  const device = { room, received: '' };
  console.connect((bytes) => {
    const taken = bytes.subarray(0, device.room);
    device.room -= taken.length;
    device.received += new TextDecoder().decode(taken);
    return taken.length;
  });
  return { stream, console, device };
}

describe('input', () => {
  test('arrives in order as the device has room', async () => {
    const { stream, console, device } = rig(3);
    stream.write('abcde');
    stream.write('fgh');
    await tick();
    expect(device.received).toBe('abc');

    device.room = 4;
    console.ready();
    expect(device.received).toBe('abcdefg');

    device.room = 4;
    console.ready();
    expect(device.received).toBe('abcdefgh');
  });

  test('holds its source back while the queue is full', async () => {
    const { stream, console, device } = rig(0);
    for (let n = 0; n < 64; n++) stream.write(Buffer.alloc(16_384, 'x'));
    await tick();
    expect(stream.readableLength + stream.writableLength).toBeGreaterThan(900_000);

    device.room = Number.POSITIVE_INFINITY;
    console.ready();
    for (let n = 0; n < 50 && device.received.length < 64 * 16_384; n++) await tick();
    expect(device.received.length).toBe(64 * 16_384);
  });

  test('closes when its source ends', async () => {
    const { stream, console } = rig();
    let told = 0;
    console.onClosed = () => told++;
    await tick();
    expect(console.closed).toBe(false);

    stream.end();
    await tick();
    expect([console.closed, told]).toEqual([true, 1]);
  });
});

describe('output', () => {
  test('asks the guest to wait while the stream is full', async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    const output = new StreamOutput(stream);
    output.write(new TextEncoder().encode('more than four'));

    const drained = output.drained();
    expect(drained).toBeInstanceOf(Promise);
    stream.resume();
    await drained;
    expect(output.drained()).toBeUndefined();
  });

  test('drops what comes after a failure, and tells of it once', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const output = new StreamOutput(stream);
    const failures: Error[] = [];
    output.onFailed = (error) => failures.push(error);
    output.write(Uint8Array.of(1, 2, 3));
    const drained = output.drained();

    stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await drained;
    output.write(Uint8Array.of(4));
    await output.finish();

    expect(failures.map(readerHasGone)).toEqual([true]);
  });

  test('collected: keeps the first bytes and counts the rest', () => {
    const output = new CollectedOutput(3);
    output.write(Uint8Array.of(1, 2));
    output.write(Uint8Array.of(3, 4));

    expect([...output.bytes, output.dropped]).toEqual([1, 2, 3, 1]);
  });
});
