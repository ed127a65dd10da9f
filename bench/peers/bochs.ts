/**
 * Bochs, an interpreter in C++ and so the nearest kin of our interpreter tier. It boots from a disk through its BIOS;
 * the guest's serial port is a socket on loopback. Debian builds Bochs with its debugger, which has to be told to run,
 * and packs the display that needs no screen apart, as bochs-term.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchError, type ChildTimes, endChild, OutputWatch, within } from '../child.js';
import { GEOMETRY, writeBootDisk } from './boot-disk.js';
import { type GuestRun, imageOf, missingCommands, type Peer, versionOf } from './peer.js';

const COMMAND = 'bochs';

export const bochs: Peer = {
  name: 'Bochs',
  missing: missingCommands(COMMAND, 'gcc'),
  version: () => {
    const version = versionOf(COMMAND, ['--help'], /Bochs x86 Emulator \S+/);
    return `${version}, built with${hasDebugger() ? '' : 'out'} its debugger`;
  },
  async run(run: GuestRun): Promise<ChildTimes> {
    const folder = mkdtempSync(join(tmpdir(), 'univisor-bochs-'));
    const server = createServer();
    try {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      writeConfiguration(folder, (server.address() as AddressInfo).port, run);
      return await bootAndWatch(folder, server, run);
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function writeConfiguration(folder: string, port: number, { guest, commandLine }: GuestRun): void {
  const { cylinders, heads, sectors } = GEOMETRY;
  const image = readFileSync(imageOf(guest));
  writeBootDisk(folder, join(folder, 'disk.img'), { image, imageName: `${guest}.elf`, commandLine });
  const lines = [
    'display_library: term',
    'megs: 64',
    'cpu: model=corei7_haswell_4770',
    'romimage: file=$BXSHARE/BIOS-bochs-latest',
    'vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest',
    `ata0-master: type=disk, path=disk.img, mode=flat, cylinders=${cylinders}, heads=${heads}, spt=${sectors}`,
    'boot: disk',
    `com1: enabled=1, mode=socket-client, dev=127.0.0.1:${port}`,
    'log: bochs.log',
  ];
  writeFileSync(join(folder, 'bochsrc'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'continue'), 'c\n');
}

async function bootAndWatch(folder: string, server: Server, run: GuestRun): Promise<ChildTimes> {
  const watch = new OutputWatch(run.until);
  const child = spawn(COMMAND, ['-q', '-f', 'bochsrc', ...(hasDebugger() ? ['-rc', 'continue'] : [])], {
    cwd: folder,
    env: { ...process.env, TERM: 'xterm' },
    stdio: 'ignore',
  });
  const marked = new Promise<number>((resolve) => {
    server.on('connection', (socket) => {
      // Bochs is ended while it is connected.
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        if (watch.add(bytes, child)) resolve(watch.elapsed());
      });
    });
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new BenchError('failed', cause.message, { cause })));
    child.once('exit', (code) => {
      const log = readFileSync(join(folder, 'bochs.log'), 'latin1').slice(-2000);
      reject(new BenchError('failed', `Bochs ended with ${code}: ${log}`));
    });
  });
  // Ours to end, whether or not somebody still waits for it.
  ended.catch(() => {});
  try {
    const end = await within({ command: COMMAND, timeout: run.timeout }, Promise.race([marked, ended]));
    return watch.times(end);
  } finally {
    await endChild(child);
  }
}

let debuggerFound: boolean | undefined;

/** With a debugger it stops before the first instruction, takes commands from a file, and is slower throughout. */
function hasDebugger(): boolean {
  debuggerFound ??= versionOf(COMMAND, ['--help'], /-rc filename/) !== COMMAND;
  return debuggerFound;
}
