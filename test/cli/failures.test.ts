/** What cannot be is refused in a sentence that names the cause, with our own status and no stack. */
import { mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildElf, multibootElf } from '../image/builders.js';
import { runCli, temporaryFolder, writeFileIn } from './support.js';

const folder = temporaryFolder();
const good = writeFileIn(folder, 'good.elf', multibootElf(32));
const script = writeFileIn(folder, 'start.sh', '#!/bin/sh\nexec qemu\n');
const empty = writeFileIn(folder, 'empty.elf', '');
const arm = writeFileIn(folder, 'arm.elf', buildElf({ machine: 183, segments: [{}] }));
const cut = writeFileIn(folder, 'cut.elf', multibootElf(64).subarray(0, 70));
mkdirSync(`${folder}/images`);

const cases: readonly (readonly [what: string, args: string[], message: RegExp])[] = [
  ['no command', [], /give a command: run, inspect, disasm/],
  ['an unknown command', ['launch'], /there is no command launch/],
  ['a planned command', ['serve'], /the command serve is not supported yet/],
  ['an unknown option', ['run', '--kernel', good], /there is no option --kernel/],
  ['no image', ['run'], /name an image/],
  ['two images', ['run', good, 'init=/bin/sh'], /what is "init=\/bin\/sh"\?.*after --/],
  ['a missing file', ['run', `${folder}/none.elf`], /none\.elf: there is no such file/],
  ['a file as a folder', ['run', `${good}/x`], /good\.elf\/x: there is no such file/],
  ['a directory', ['run', `${folder}/images`], /images: this is a directory/],
  ['a device', ['run', '/dev/null'], /\/dev\/null: this is not a regular file/],
  ['an empty file', ['run', empty], /empty\.elf: the image is empty \(0 bytes\)/],
  ['a shell script', ['run', script], /start\.sh: this is a script, not an image/],
  ['an aarch64 ELF', ['run', arm], /arm\.elf: .*aarch64|arm\.elf: .*AArch64/i],
  ['a cut-off image', ['run', cut], /cut\.elf: /],
  ['an image to inspect', ['inspect', script], /start\.sh: this is a script/],
  ['an image to disassemble', ['disasm', arm], /arm\.elf: .*AArch64/i],
  ['too little memory', ['run', good, '-m', '1M'], /good\.elf: the image needs .* -m 2M/],
  ['memory without unit', ['run', good, '-m', '64'], /--memory: "64" .* write 64M for MiB/],
  ['memory that is no size', ['run', good, '-m', 'lots'], /--memory: "lots" is not a size/],
  ['odd memory', ['run', good, '-m', '1000K'], /memory of 1024000 bytes: it must be a multiple of 64 KiB/],
  ['an option given twice', ['run', good, '-m', '2M', '-m', '4M'], /--memory is given 2 times/],
  ['an option without value', ['run', good, '-m'], /-m needs a value/],
  ['a bad timeout', ['run', good, '--timeout', 'soon'], /--timeout: "soon" is not a time/],
  [
    'a bad count',
    ['run', good, '--max-instructions', '1e6'],
    /--max-instructions: "1e6" is not a whole number/,
  ],
  ['a bad seed', ['run', good, '--seed', '-1'], /--seed: "-1" is not a whole number/],
  ['a bad clock', ['run', good, '--clock', 'wall'], /--clock: "wall" is none of virtual, host/],
  [
    'an unknown protocol',
    ['run', good, '--protocol', 'uefi'],
    /--protocol: "uefi" is none of auto, multiboot/,
  ],
  ['a planned protocol', ['run', good, '--protocol', 'linux'], /protocol linux is not supported yet/],
  ['a missing module', ['run', good, '--initrd', `${folder}/ramdisk`], /ramdisk: there is no such file/],
  ['a module without name', ['run', good, '--initrd', `${good},`], /--initrd: .* names no file/],
  ['a debugcon that cannot be', ['run', good, '--debugcon', folder], /this is a directory/],
  ['two processors', ['run', good, '--smp', '2'], /--smp 2 is not supported yet/],
  ['an unknown symbol', ['disasm', good, '--start', 'main'], /--start: "main" is no address/],
  ['an address outside', ['disasm', good, '--start', '0x1'], /--start: "0x1" is not in the image's code/],
];

describe('refuses', () => {
  test.for(cases)('%s', async ([, args, message]) => {
    const { status, stdout, stderr } = await runCli(args);

    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^univisor: /);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    if (args[0] !== 'inspect') expect(stdout).toBe('');
    expect(status).toBe(126);
  });

  test.for(
    '-e A=b|-p 80:80|--net user|--pcap f|--drive file=f|-v a:b|-g|-s|-S|--record f|--replay f|--trace all|-o f|--profile f|--coverage f|--config f|--net:n=tap|--block:b=disk'.split(
      '|',
    ),
  )('%s by name', async (option) => {
    const { status, stderr } = await runCli(['run', good, ...option.split(' ')]);

    expect(stderr).toMatch(/^univisor: --?[a-z:SA-Z]+ is not supported yet\n$/);
    expect(status).toBe(126);
  });
});

test('UNIVISOR_DEBUG=1 shows the stack', async () => {
  const { stderr } = await runCli(['run', script], { env: { UNIVISOR_DEBUG: '1' } });

  expect(stderr).toMatch(/^ +at /m);
  expect(stderr).toMatch(/caused by ImageError/);
});

test.for(['run', 'inspect', 'disasm'])('%s has help', async (command) => {
  const { status, stdout } = await runCli([command, '--help']);

  expect(stdout).toContain(`univisor ${command} IMAGE`);
  expect(status).toBe(0);
});

test('the help lists the commands and exit statuses', async () => {
  const { stdout, status } = await runCli(['--help']);

  expect(stdout).toMatch(/univisor run.*univisor inspect.*univisor disasm.*124 +--timeout was reached/s);
  expect(status).toBe(0);
});

test('--version', async () => {
  expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
