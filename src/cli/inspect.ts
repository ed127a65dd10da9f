/** `univisor inspect`: what an image is, as text or JSON. Its status is that of a failure when it cannot be booted. */
import type { ChalkInstance } from 'chalk';
import { readImageFile } from '../host/image-file.js';
import { describeImage, type ImageDescription } from '../image/describe.js';
import { ExitStatus } from './exit-status.js';
import { concerning } from './failure.js';
import { palette } from './palette.js';
import { printJson, printText } from './print.js';

export async function inspect(path: string, json: boolean): Promise<number> {
  const description = await concerning(path, () => describeImage(readImageFile(path)));
  const status = json
    ? await printJson({ path, ...description })
    : await printText(`${inspectionText(path, description, palette('stdout'))}\n`);
  if (description.refusal === undefined) return status;
  process.stderr.write(`univisor: ${path}: ${description.refusal.message}\n`);
  return ExitStatus.failure;
}

function inspectionText(path: string, image: ImageDescription, colours: ChalkInstance): string {
  const blocks = [
    [colours.bold(path), ...table(facts(image), colours)],
    protocolLines(image, colours),
    section('Segments', segmentLines(image), colours),
    section(
      'Notes',
      image.notes.map(({ name, type, size }) => `${name}  type ${type}, ${size} bytes`),
      colours,
    ),
    section('Needs', image.needs, colours),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function facts(image: ImageDescription): [string, string][] {
  const rows: [string, string | undefined][] = [
    ['format', image.format],
    ['size', `${image.fileSize} bytes`],
    ['machine', image.machine],
    ['entry', image.entry],
    ['boots by', image.bootsBy ?? 'nothing that univisor has'],
    ['starts at', image.bootEntry],
    [
      'occupies',
      image.lowestAddress === undefined || image.highestAddress === undefined
        ? undefined
        : `0x${image.lowestAddress.toString(16)}-0x${image.highestAddress.toString(16)}`,
    ],
    ['symbols', image.symbolCount === 0 ? 'none' : String(image.symbolCount)],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}

function protocolLines(image: ImageDescription, colours: ChalkInstance): string[] {
  return image.protocols.flatMap(({ name, details, refusal }, n) => [
    ...(n > 0 ? [''] : []),
    colours.bold(`Protocol ${name}`) + (name === image.bootsBy ? ' (chosen)' : ''),
    ...table(details, colours),
    ...(refusal ? [`  ${colours.red('refused')}: ${refusal.message}`] : []),
  ]);
}

function segmentLines({ segments }: ImageDescription): string[] {
  if (segments.length === 0) return [];
  const rows = [
    ['virtual', 'physical', 'in file', 'in memory', ''],
    ...segments.map((segment) => [
      segment.virtualAddress,
      segment.physicalAddress,
      `0x${segment.fileSize.toString(16)}`,
      `0x${segment.memorySize.toString(16)}`,
      segment.permissions,
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function section(title: string, lines: readonly string[], colours: ChalkInstance): string[] {
  return lines.length === 0 ? [] : [colours.bold(title), ...lines.map((line) => `  ${line}`)];
}

function table(rows: readonly (readonly [string, string])[], colours: ChalkInstance): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${colours.dim(name.padEnd(width))}  ${value}`);
}
