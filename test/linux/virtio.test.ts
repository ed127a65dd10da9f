/**
 * Virtio devices by the drivers of a kernel that nobody here built (kernel.ts), whose ACPI finds them in the firmware's
 * tables. Runs where there is one, and nowhere else.
 */
import { expect, it } from 'vitest';
import { LINUX_TIME, runLinux } from './kernel.js';

const VIRTIO = ['virtio_ring', 'virtio', 'virtio_mmio'].map((name) => `drivers/virtio/${name}`);

it(
  'the entropy device gives bytes that follow from the seed',
  async () => {
    const script = `
cat /sys/class/misc/hw_random/rng_current
echo "random: $(dd if=/dev/hwrng bs=4096 count=16 iflag=fullblock | sha256sum)"
grep virtio /proc/interrupts`;
    const random = async (seed: number): Promise<string> => {
      const modules = [...VIRTIO, 'drivers/char/hw_random/virtio-rng'];
      const { output, result } = await runLinux(script, modules, { seed, devices: ['virtio-rng'] });
      expect(result).toMatchObject({ reason: 'exit', status: 0 });
      expect(output).toMatch(/virtio_rng\.0\r?\n/);
      expect(output).toMatch(/ 5: +[1-9]\d* .*virtio0/);
      return /random: [0-9a-f]{64}/.exec(output)?.[0] ?? output;
    };
    const first = await random(1);
    expect(await random(1)).toBe(first);
    expect(await random(2)).not.toBe(first);
  },
  3 * LINUX_TIME,
);
