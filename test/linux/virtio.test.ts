/**
 * Virtio devices by the drivers of a kernel that nobody here built (kernel.ts), whose ACPI finds them in the firmware's
 * tables. Runs where there is one, and nowhere else.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OverlayBlock } from '../../src/devices/block/overlay-block.js';
import { RawDisk } from '../../src/host/raw-disk.js';
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

it(
  'a disk holds an ext4 that the guest fills and the host finds sound',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'univisor-ext4-'));
    const path = join(folder, 'disk.img');
    writeFileSync(path, new Uint8Array(24 << 20));
    execFileSync('/sbin/mkfs.ext4', ['-q', '-F', path]);
    const disk = new RawDisk(path, false);
    try {
      const modules = [...VIRTIO, 'drivers/block/virtio_blk'];
      const boot = async (script: string, backend: RawDisk | OverlayBlock): Promise<string> => {
        const disks = [{ backend, serial: 'UNIVISOR-DISK-1', queues: 2 }];
        const { output, result } = await runLinux(script, modules, { disks });
        expect(result).toMatchObject({ reason: 'exit', status: 0 });
        return output;
      };
      const sum = /sum: [0-9a-f]{64}/;
      const fill = `
echo "serial: $(cat /sys/block/vda/serial) cache: $(cat /sys/block/vda/queue/write_cache)"
mount -t ext4 /dev/vda /mnt
dd if=/dev/urandom of=/mnt/file bs=4096 count=1000 2>/dev/null
cp -r /sys/kernel/mm /mnt/tree
echo "sum: $(sha256sum < /mnt/file)"
fstrim -v /mnt
umount /mnt`;
      const first = await boot(fill, disk);
      expect(first).toContain('serial: UNIVISOR-DISK-1 cache: write back');
      expect(first).toMatch(/\/mnt: [1-9]\d* bytes trimmed/);
      execFileSync('/sbin/fsck.ext4', ['-f', '-n', path]);
      const before = readFileSync(path);
      const look = `
mount -t ext4 /dev/vda /mnt
echo "sum: $(sha256sum < /mnt/file)"
rm /mnt/file
umount /mnt`;
      const second = await boot(look, new OverlayBlock(disk));
      expect(sum.exec(second)?.[0]).toBe(sum.exec(first)?.[0] ?? 'a sum');
      expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    } finally {
      disk.close();
      rmSync(folder, { recursive: true });
    }
  },
  3 * LINUX_TIME,
);
