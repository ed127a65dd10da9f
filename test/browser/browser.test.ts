/**
 * The library in a browser tab: a page bundled by Vite boots `hello` in headless Chromium. Skipped where there is no
 * Chromium, but never in CI.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chromium, findChromium } from './chromium.js';
import { type BundledFile, bundlePage, Site } from './site.js';

const hello = fileURLToPath(new URL('../../guests/hello/', import.meta.url));
const chromium = findChromium();
const skipped = chromium === undefined && !process.env.CI;
let files: BundledFile[];

beforeAll(async () => {
  files = await bundlePage();
}, 120_000);

it('is bundled without a module of Node', () => {
  const scripts = files.filter(({ name }) => name.endsWith('.js'));

  expect(scripts.length).toBeGreaterThan(0);
  for (const { content } of scripts) {
    expect(String(content)).not.toMatch(/["'`]node:/);
    expect(String(content)).not.toContain('__vite-browser-external');
  }
});

describe.skipIf(skipped)(`in Chromium (here: ${chromium ?? 'not installed'})`, () => {
  let browser: Chromium | undefined;
  let site: Site | undefined;

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  it('boots hello in either tier and prints its transcript', async () => {
    expect(chromium, 'chromium on the PATH').toBeDefined();
    site = new Site([...files, { name: 'hello.elf', content: readFileSync(`${hello}hello.elf`) }]);
    browser = new Chromium(chromium ?? '', await site.listen());

    const outcome = await Promise.race([site.outcome, browser.ended]);

    const expected = { output: readFileSync(`${hello}transcript.txt`, 'utf8'), ending: 'exit' };
    expect(outcome).toEqual([
      { ...expected, inRegions: false },
      { ...expected, inRegions: true },
    ]);
  }, 60_000);
});
