/** Puts the results into docs/benchmarks.md, between two comments. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './peers/peer.js';

const PAGE = join(root, 'docs/benchmarks.md');
const BEGIN = '<!-- results: npm run bench -- --write -->\n';
const END = '<!-- end of the results -->\n';

export function writePage(text: string): void {
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(PAGE, withResults(page, text));
}

export function withResults(page: string, text: string): string {
  const begin = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf(END);
  return `${page.slice(0, begin)}\n${text}\n${page.slice(end)}`;
}
