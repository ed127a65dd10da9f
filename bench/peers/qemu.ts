/**
 * QEMU's translator, TCG, on its two machines that load our images by -kernel: microvm, which is the quickest to start,
 * and pc. Both take the multiboot header. microvm has no ACPI power-off at the port that our guests use; there the
 * debug-exit device ends the run.
 */
import { type ChildTimes, timeChild } from '../child.js';
import { type GuestRun, imageOf, missingCommands, type Peer, versionOf } from './peer.js';

const COMMAND = 'qemu-system-x86_64';

function qemu(machine: 'microvm' | 'pc'): Peer {
  return {
    name: `QEMU TCG, ${machine}`,
    missing: missingCommands(COMMAND),
    version: () => versionOf(COMMAND, ['--version'], /QEMU emulator version [\d.]+/),
    run: ({ guest, commandLine, until, timeout }: GuestRun): Promise<ChildTimes> =>
      timeChild({
        command: COMMAND,
        args: [
          ...['-M', machine, '-accel', 'tcg', '-cpu', 'max', '-m', '64'],
          ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
          ...['-serial', 'stdio', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
          ...['-kernel', imageOf(guest), '-append', commandLine],
        ],
        until,
        timeout,
      }),
  };
}

export const qemuMicrovm = qemu('microvm');
export const qemuPc = qemu('pc');
