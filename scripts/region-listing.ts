/**
 * The listing of a region in docs/how-the-cpu-works.md: what the region tier makes of the inner loop of guests/primes.
 * What is before the loop and behind it is left out. `npx tsx scripts/region-listing.ts`
 * writes it; a test holds it to what the tier makes now.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import '../src/cpu/semantics/all.js';
import type { Linker } from '../src/cpu/emitter.js';
import { LARGEST_ACCESS, type WindowRange } from '../src/cpu/mmu/window-range.js';
import type { Located } from '../src/cpu/tiers/regions/context.js';
import { Frame } from '../src/cpu/tiers/regions/frame.js';
import { RegionWriter } from '../src/cpu/tiers/regions/writer.js';
import { detectImage } from '../src/image/detect.js';
import { DecodedInstruction, decode, disassemble } from '../src/index.js';
import { WINDOW_RANGE_COUNT } from '../src/memory/layout.js';
import { FunctionBuilder, Variable } from '../src/wasm/function-builder.js';
import type { FunctionHandle } from '../src/wasm/module-builder.js';
import { I32, type Value } from '../src/wasm/values.js';
import { printFunction } from './print-wasm.js';

/** First and last instruction of the loop. */
const [FIRST, LAST] = [0x100250, 0x10025e];
const KERNEL_64 = 64;
const REGISTERS = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

function loop(): Located[] {
  const { segments } = detectImage(readFileSync(path('guests/primes/primes.elf')), 'auto').plan;
  const segment = segments.find(
    ({ physicalAddress: start, bytes }) => start <= FIRST && LAST < start + bytes.length,
  );
  if (!segment) throw new Error('the loop is not in the image');
  const located: Located[] = [];
  for (let rip = FIRST; rip <= LAST; rip += located.at(-1)?.instruction.length ?? 0) {
    const instruction = new DecodedInstruction();
    decode(segment.bytes, rip - segment.physicalAddress, segment.bytes.length, 64, instruction);
    located.push({ rip, instruction });
  }
  return located;
}

/** What a frame keeps in which local. */
function localNames(): ReadonlyMap<number, string> {
  const frame = new Frame(new FunctionBuilder([I32.type]));
  const names = new Map<number, string>();
  const name = (held: unknown, text: string): void => {
    if (held instanceof Variable) names.set(held.index, text);
  };
  frame.general.forEach(({ variable }, n) => {
    name(variable, REGISTERS[n] as string);
  });
  for (const [word, variable] of Object.entries(frame.flags)) name(variable, `flags_${word}`);
  for (const [field, variable] of Object.entries(frame)) name(variable, field);
  return names;
}

/** What can be reached when the region is made. */
const MEMORY: WindowRange = { first: 0x100000, bytes: 0x3f00000 - LARGEST_ACCESS + 1 };

/** The listing, in Markdown. */
export function regionListing(): string {
  const instructions = loop();
  const names = localNames();
  const functions: FunctionHandle<Value | undefined>[] = [];
  const linker: Linker = {
    link: (target) => {
      const known = functions.find(({ name }) => name === target.name);
      const handle = known ?? {
        name: target.name,
        index: functions.length,
        parameters: target.parameters.map(({ type }) => type),
        result: target.result as FunctionHandle<Value | undefined>['result'],
      };
      if (!known) functions.push(handle);
      return handle as FunctionHandle<never>;
    },
  };
  const writer = new RegionWriter([{ start: FIRST, instructions, successors: [0] }], linker, {
    refusal: 0,
    validity: 0,
    key: KERNEL_64,
    ranges: new Array(WINDOW_RANGE_COUNT).fill(MEMORY),
    revalidate: () => I32.const(0),
  });
  const lines = printFunction(writer.build(), {
    local: (n) => names.get(n) ?? `${n}`,
    function: (n) => {
      const { name, parameters, result } = functions[n] as FunctionHandle<Value | undefined>;
      return { name, parameters: parameters.length, hasResult: result !== undefined };
    },
  });
  const { notes } = writer.code;
  const first = notes[0]?.position ?? 0;
  const outermost = lines.findLastIndex(({ position, text }) => position > first && text === '  end');
  const start = lines.findLastIndex(({ position, text }) => position < first && text.trim() === 'loop');
  const shown = lines.slice(start, outermost);
  const out: string[] = [];
  let next = 0;
  for (const { position, text } of shown) {
    for (; next < notes.length && (notes[next]?.position ?? 0) <= position; next++) {
      const { rip, instruction } = instructions[next] as Located;
      out.push(`;; ${rip.toString(16)}  ${disassemble(instruction, BigInt(rip), 'intel')}`);
    }
    out.push(text);
  }
  return `\`\`\`wasm\n${out.join('\n')}\n\`\`\``;
}

const DOCUMENT = path('docs/how-the-cpu-works.md');
const MARKED = /(?<=<!-- region -->\n)[\s\S]*?(?=\n<!-- end of region -->)/;

/** The listing that the document has. */
export function listingInDocument(): string | undefined {
  return MARKED.exec(readFileSync(DOCUMENT, 'utf8'))?.[0];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(
    DOCUMENT,
    readFileSync(DOCUMENT, 'utf8').replace(MARKED, () => regionListing()),
  );
}
