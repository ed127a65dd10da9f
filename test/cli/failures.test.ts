/** What cannot be is refused in a sentence that names the cause, with our own status and no stack. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, openSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildElf, multibootElf } from '../image/builders.js';
import { codeImage, leaveWith, runCli, temporaryFolder, writeFileIn } from './support.js';

const HELLO = 'guests/hello/hello.elf';
const folder = temporaryFolder();
const good = writeFileIn(folder, 'good.elf', multibootElf(32));
const script = writeFileIn(folder, 'start.sh', '#!/bin/sh\nexec qemu\n');
const empty = writeFileIn(folder, 'empty.elf', '');
const arm = writeFileIn(folder, 'arm.elf', buildElf({ machine: 183, segments: [{}] }));
const cut = writeFileIn(folder, 'cut.elf', multibootElf(64).subarray(0, 70));
mkdirSync(`${folder}/images`);
spawnSync('mkfifo', [`${folder}/fifo`]);
symlinkSync('loop', `${folder}/loop`);
/** Its only segment is code that the file lacks; it has no sections. */
const codeless = writeFileIn(folder, 'codeless.elf', multibootElf(32).subarray(0, -4));

const cases: readonly (readonly [what: string, args: string[], message: RegExp])[] = [
  ['no command', [], /give a command: run, inspect, disasm/],
  ['an unknown command', ['launch'], /there is no command launch\n/],
  ['a misspelled command', ['inspct'], /there is no command inspct: did you mean inspect\?/],
  ['an image for a command', [good], /did you mean univisor run .*good\.elf\?/],
  ['an option for a command', ['--frob'], /there is no option --frob\n/],
  ['an option before its command', ['--timeout=1', 'run'], /goes after its command: univisor run --timeout/],
  ['a planned command', ['serve'], /the command serve is not supported yet/],
  ['an unknown option', ['run', '--kernel', good], /there is no option --kernel\n/],
  ['a misspelled option', ['run', '--memroy', '1G', good], /no option --memroy: did you mean --memory\?/],
  ['a shortened option', ['disasm', good, '--synt=att'], /no option --synt: did you mean --syntax\?/],
  ['one dash for two', ['run', '-memory=64M', good], /no option -memory: did you mean --memory\?/],
  ['stdin for an image', ['run', '-'], /name an image file: .* - for stdin/],
  ['an image after --', ['run', '--', good], /name an image before --/],
  ['no image', ['run'], /name an image; --help/],
  ['an image taken for a value', ['run', '--append', good], /name an image; --append took ".*" as its value/],
  ['two images', ['run', good, 'init=/bin/sh'], /what is "init=\/bin\/sh"\?.*after --/],
  ['a missing file', ['run', `${folder}/none.elf`], /none\.elf: there is no such file/],
  ['a file as a folder', ['run', `${good}/x`], /good\.elf\/x: there is no such file/],
  ['a directory', ['run', `${folder}/images`], /images: this is a directory/],
  ['a device', ['run', '/dev/null'], /\/dev\/null: this is a device and not a regular file/],
  ['a FIFO', ['run', `${folder}/fifo`], /fifo: this is a pipe and not a regular file/],
  ['a FIFO for a module', ['run', good, '--initrd', `${folder}/fifo`], /fifo: this is a pipe/],
  ['a circle of links', ['run', `${folder}/loop`], /loop: its symbolic links lead in a circle/],
  ['a long name', ['run', 'x'.repeat(300)], /x: the name is too long/],
  ['an empty file', ['run', empty], /empty\.elf: the image is empty \(0 bytes\)/],
  ['a shell script', ['run', script], /start\.sh: this is a script, not an image/],
  ['an aarch64 ELF', ['run', arm], /arm\.elf: .*aarch64|arm\.elf: .*AArch64/i],
  ['a cut-off image', ['run', cut], /cut\.elf: /],
  ['an image to inspect', ['inspect', script], /start\.sh: this is a script/],
  ['an image to disassemble', ['disasm', arm], /arm\.elf: .*AArch64/i],
  ['cut-off code to disassemble', ['disasm', codeless], /segment 0 should lie at .* cut short/],
  [
    'an empty range',
    ['disasm', good, '--start', '0x100000', '--stop', '0x100000'],
    /good\.elf: nothing to disassemble between 0x100000 and 0x100000/,
  ],
  [
    'a device that is none',
    ['run', good, '--device', 'fw-cfg,floppy'],
    /--device: "floppy" is none of .*fw-cfg/,
  ],
  ['too little memory', ['run', good, '-m', '1M'], /good\.elf: the image needs .* -m 2M/],
  ['memory without unit', ['run', good, '-m', '64'], /--memory: "64" .* write 64M for MiB/],
  ['memory that is no size', ['run', good, '-m', 'lots'], /--memory: "lots" is not a size/],
  ['memory in bytes', ['run', good, '-m', '67108864'], /it has no unit: write 64M for so many bytes/],
  ['memory in KiB', ['run', good, '-m', '65536'], /it has no unit: write 65536K for KiB/],
  ['odd memory', ['run', good, '-m', '1100K'], /"1100K" is not a multiple of 64K: write 1088K/],
  ['too much memory', ['run', good, '-m4G'], /--memory: "4G" is too much: RAM is 1M to 3G/],
  ['hardly any memory', ['run', good, '-m', '1000K'], /"1000K" is too little: RAM is 1M to 3G/],
  ['no memory', ['run', good, '-m', '0'], /--memory: "0" is too little: RAM is 1M to 3G/],
  ['memory beyond all numbers', ['run', good, '-m', '9999999999T'], /"9999999999T" is too much: RAM is 1M/],
  [
    'a device named twice',
    ['run', good, '--device', 'com2,fw-cfg,com2'],
    /"com2,fw-cfg,com2" names com2 twice/,
  ],
  ['a drive without a file', ['run', good, '--drive', 'format=raw'], /--drive: .*names no file/],
  ['a drive with an unknown word', ['run', good, '--drive', 'file=f,if=virtio'], /has "if=virtio"/],
  [
    'a drive neither on nor off',
    ['run', good, '--drive', 'file=f,readonly=1'],
    /readonly neither on nor off/,
  ],
  [
    'a drive of another format',
    ['run', good, '--drive', 'file=f,format=qcow2'],
    /qcow2 is not supported yet/,
  ],
  [
    'a drive that is not there',
    ['run', good, '--drive', 'file=/none/a,,b.img'],
    /\/none\/a,b\.img: there is no/,
  ],
  ['a drive of half a sector', ['run', good, '--drive', `file=${good}`], /whole sectors of 512/],
  ['no device', ['run', good, '--device='], /--device: "" is none of com2/],
  ['an empty name', ['run', good, '--name='], /--name: "" is no name/],
  ['a debugcon without name', ['run', good, '--debugcon='], /--debugcon: "" is no name/],
  ['a value for a flag', ['run', good, '--json=no'], /--json takes no value: --json=no/],
  ['an option given twice', ['run', good, '-m', '2M', '-m', '4M'], /--memory is given 2 times/],
  ['an option without value', ['run', good, '-m'], /-m needs a value\n/],
  ['an option for a value', ['run', good, '--append', '-v'], /needs a value; .* --append=-v/],
  ['a timeout too long', ['run', good, '--timeout', '99999999999'], /the limit is 1000000000 seconds/],
  ['a bad timeout', ['run', good, '--timeout', 'soon'], /--timeout: "soon" is not a time/],
  [
    'a bad count',
    ['run', good, '--max-instructions', '1e6'],
    /--max-instructions: "1e6" is not a whole number/,
  ],
  ['a bad seed', ['run', good, '--seed', '-1'], /--seed: "-1" is not a whole number/],
  ['a bad processor', ['run', good, '--cpu', 'v4'], /--cpu: "v4" is none of v1, v2, v3/],
  ['a bad clock', ['run', good, '--clock', 'wall'], /--clock: "wall" is none of virtual, host/],
  ['a bad tier', ['run', good, '--tier', 'fast'], /--tier: "fast" is none of auto, interpreter, regions/],
  ['a value for --stats', ['run', good, '--stats=no'], /--stats takes no value: --stats=no/],
  [
    'an unknown protocol',
    ['run', good, '--protocol', 'uefi'],
    /--protocol: "uefi" is none of auto, multiboot/,
  ],
  ['a planned protocol', ['run', good, '--protocol', 'solo5'], /protocol solo5 is not supported yet/],
  ['a missing module', ['run', good, '--initrd', `${folder}/ramdisk`], /ramdisk: there is no such file/],
  ['a module without name', ['run', good, '--initrd', `${good},`], /--initrd: .* names no file/],
  ['a debugcon that cannot be', ['run', good, '--debugcon', folder], /debug console .*: this is a directory/],
  ['a debugcon nowhere', ['run', good, '--debugcon', '/none/x'], /console \/none\/x: the folder .* does not/],
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
    '-e A=b|-p 80:80|--net user|--pcap f|-v a:b|-g|-s|-S|--record f|--replay f|--trace all|-o f|--profile f|--coverage f|--config f|--net:n=tap|--block:b=disk'.split(
      '|',
    ),
  )('%s by name', async (option) => {
    const { status, stderr } = await runCli(['run', good, ...option.split(' ')]);

    expect(stderr).toMatch(/^univisor: --?[a-z:SA-Z]+ is not supported yet\n$/);
    expect(status).toBe(126);
  });
});

test.for([
  ['run', HELLO],
  ['run', '--json', HELLO],
  ['run', '--json', script],
  ['inspect', HELLO],
  ['disasm', HELLO],
])('a full disk is a failure: %j', async (args) => {
  const { status, stderr } = await runCli(args, { stdout: openSync('/dev/full', 'w') });

  expect(stderr).toBe('univisor: stdout could not be written: no space left on device\n');
  expect(status).toBe(126);
});

test('a full disk under the debug console is a failure', async () => {
  const guest = writeFileIn(folder, 'debug.elf', codeImage([0xb0, 0x41, 0xe6, 0xe9, ...leaveWith(0)]));

  const { status, stderr } = await runCli(['run', guest, '--debugcon', '/dev/full']);

  expect(stderr).toMatch(/debug console \/dev\/full could not be written: no space left on device/);
  expect(status).toBe(126);
});

test.for([
  ['run', '--json', script],
  ['run', script, '--json', '--frob'],
])('--json puts a failure in its one object: %j', async (args) => {
  const { status, stdout, stderr } = await runCli(args);

  expect(JSON.parse(stdout)).toEqual({
    reason: 'failure',
    message: expect.stringMatching(/this is a script|no option --frob/),
    exitStatus: 126,
  });
  expect([status, stderr]).toEqual([126, '']);
});

test('UNIVISOR_DEBUG=1 shows the stack', async () => {
  const { stderr } = await runCli(['run', script], { env: { UNIVISOR_DEBUG: '1' } });

  expect(stderr).not.toMatch(/bin-\d+/);
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

test('the help offers what there is', async () => {
  const { stdout } = await runCli(['run', '--help']);

  expect(stdout).toContain('Size of RAM, 1M to 3G');
  expect(stdout).toMatch(/How to boot: auto, multiboot, pvh, linux\n/);
});

test('--version', async () => {
  expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
