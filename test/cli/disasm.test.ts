/** `univisor disasm` and `univisor inspect` on an image of known bytes. */
import { expect, test } from 'vitest';
import { symbolSections } from '../image/builders.js';
import { CODE_ADDRESS, codeImage, runCli, temporaryFolder, writeFileIn } from './support.js';

const CODE = [0x89, 0xd8, 0x40, 0xc3, 0xeb, 0xfa, 0x0f, 0x04];
const symbols = [
  { name: 'start', value: BigInt(CODE_ADDRESS), size: 4, kind: 2 },
  { name: 'end', value: BigInt(CODE_ADDRESS + 4), size: 4, kind: 2 },
];
const image = writeFileIn(temporaryFolder(), 'code.elf', codeImage(CODE, symbolSections(symbols, 32, 3)));

async function disasm(...options: string[]): Promise<string[]> {
  const { stdout, stderr } = await runCli(['disasm', image, ...options]);
  expect(stderr).toBe('');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ {2,}/g, '  ').trim());
}

test('all of the code, with labels', async () => {
  expect(await disasm()).toEqual([
    'Disassembly of .text:',
    '',
    '0000000000100020 <start>:',
    '100020:  89 d8  mov  eax,ebx',
    '100022:  40  inc  eax',
    '100023:  c3  ret',
    '',
    '0000000000100024 <end>:',
    '100024:  eb fa  jmp  100020 <start>',
    '100026:  0f  (bad)',
    '100027:  04  (bad)',
  ]);
});

test('one symbol, in AT&T notation', async () => {
  expect((await disasm('--start', 'start', '--syntax', 'att')).slice(3)).toEqual([
    '100020:  89 d8  mov  %ebx,%eax',
    '100022:  40  inc  %eax',
    '100023:  c3  ret',
  ]);
});

test('from an address to another, as 64-bit code', async () => {
  expect((await disasm('--start', '0x100022', '--stop', '0x100024', '--bits', '64')).slice(1)).toEqual([
    '100022:  40 c3  ret',
  ]);
});

test('at most so many, as JSON', async () => {
  const { stdout } = await runCli(['disasm', image, '--count', '2', '--json']);

  expect(JSON.parse(stdout)).toEqual([
    { address: '0x100020', section: '.text', symbol: 'start', bytes: '89 d8', text: 'mov    eax,ebx' },
    { address: '0x100022', section: '.text', bytes: '40', text: 'inc    eax' },
  ]);
});

test('inspect shows what was recognised, as text and as JSON', async () => {
  const text = await runCli(['inspect', image]);
  const json = await runCli(['inspect', image, '--json']);

  expect(text.stdout).toMatch(/boots by +multiboot\n +starts at +0x100020/);
  expect(text.stdout).toMatch(/Segments\n.*\n +0x100000 +0x100000 .* rwx/);
  expect(JSON.parse(json.stdout)).toMatchObject({
    bootsBy: 'multiboot',
    bootEntry: '0x100020',
    symbolCount: 2,
  });
  expect([text.status, json.status]).toEqual([0, 0]);
});
