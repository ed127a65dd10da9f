/** Each way in which a run can end: its exit status, and what the user is told. */
import { expect, test } from 'vitest';
import { symbolSections } from '../image/builders.js';
import {
  CODE_ADDRESS,
  codeImage,
  leaveWith,
  printOnSerial,
  runCli,
  temporaryFolder,
  writeFileIn,
} from './support.js';

const UD2 = [0x0f, 0x0b];
const JUMP_TO_SELF = [0xeb, 0xfe];
const CLI_HLT = [0xfa, 0xf4];
/** MOV AL, FEh; OUT 64h, AL: the keyboard controller's reset line. */
const RESET = [0xb0, 0xfe, 0xe6, 0x64, 0xf4];
/** MOV DX, 604h; MOV AX, 2000h; OUT DX, AX: ACPI's soft-off. */
const POWER_OFF = [0x66, 0xba, 0x04, 0x06, 0x66, 0xb8, 0x00, 0x20, 0x66, 0xef, 0xf4];

const folder = temporaryFolder();
const image = (code: readonly number[]): string =>
  writeFileIn(
    folder,
    'guest.elf',
    codeImage(
      code,
      symbolSections([{ name: 'start', value: BigInt(CODE_ADDRESS), size: 64, kind: 2 }], 32, 3),
    ),
  );

const cases: readonly (readonly [
  what: string,
  code: readonly number[],
  options: string[],
  status: number,
  message: RegExp,
])[] = [
  ['an exit port', leaveWith(3), [], 7, /^$/],
  ['power-off', POWER_OFF, [], 0, /^$/],
  ['reset', RESET, [], 116, /asked for a reset of the machine after \d+ instructions/],
  ['a dead halt', CLI_HLT, [], 118, /halted with interrupts off after 7 instructions, and nothing is left/],
  ['the limit', JUMP_TO_SELF, ['--max-instructions', '1000'], 120, /limit of instructions, after 1,000/],
  [
    'a triple fault',
    UD2,
    [],
    122,
    /triple fault after 6 instructions: #UD \(invalid opcode\), which could not be delivered, and neither/,
  ],
  ['the timeout', JUMP_TO_SELF, ['--timeout', '0.2'], 124, /stopped at the timeout of 0\.2 s/],
];

test.for(cases)('%s', async ([, code, options, expected, message]) => {
  const guest = image([...printOnSerial('hi'), ...code]);

  const { status, stdout, stderr } = await runCli(['run', guest, ...options]);

  expect(stdout).toBe('hi');
  expect(stderr).toMatch(message);
  expect(status).toBe(expected);
});

test('a halt shows the instruction after it', async () => {
  const { stderr } = await runCli(['run', image([0xf4, ...UD2])]);

  expect(stderr).toMatch(/halted with interrupts off after 1 instruction,/);
  expect(stderr).toMatch(/\nnext: 0f 0b {2}ud2\n/);
});

test('a crash shows the instruction, the registers and the backtrace, without colours', async () => {
  const guest = image([0xb8, 0x78, 0x56, 0x34, 0x12, 0xf9, ...UD2]);

  const { stderr } = await runCli(['run', guest]);

  expect(stderr).toMatch(/rip 0000000000100026 {2}start\+0x6\n +0f 0b {2}ud2/);
  expect(stderr).toMatch(/ rax 0000000012345678 /);
  expect(stderr).toMatch(/rfl 0000000000000003 {2}CF\n/);
  expect(stderr).toMatch(/ cs 0008 /);
  expect(stderr).toMatch(/Backtrace:\n +#0 0000000000100026 {2}start\+0x6/);
  expect(stderr).not.toContain('\x1b');
});

test('a crash by a feature that the processor lacks names it, and the --cpu that has it', async () => {
  // POPCNT EAX, EAX; VADDPS YMM0, YMM0, YMM0
  const popcnt = await runCli(['run', image([0xf3, 0x0f, 0xb8, 0xc0]), '--cpu', 'v1']);
  expect(popcnt.stderr).toContain('needs POPCNT, which --cpu v1 does not have: --cpu v2 has it');
  const avx = await runCli(['run', image([0xc5, 0xfc, 0x58, 0xc0]), '--cpu', 'v2']);
  expect(avx.stderr).toContain('needs AVX, which --cpu v2 does not have: --cpu v3 has it');
  const ud2 = await runCli(['run', image(UD2), '--cpu', 'v1']);
  expect(ud2.stderr).not.toContain('needs');
});

test('--json puts the ending and the report in one object', async () => {
  const guest = image([...printOnSerial('\xff'), ...UD2]);

  const { status, stdout, stderr } = await runCli(['run', '--json', '-n', 'crash', guest]);

  expect(JSON.parse(stdout)).toMatchObject({
    name: 'crash',
    reason: 'shutdown',
    exitStatus: 122,
    instructions: expect.any(Number),
    memoryHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    outputBase64: '/w==',
    unimplemented: [],
    report: {
      exception: { vector: 6 },
      rip: '0x100027',
      backtrace: [{ address: '0x100027', symbol: 'start+0x7' }],
    },
  });
  expect(stderr).toBe('');
  expect(status).toBe(122);
});
