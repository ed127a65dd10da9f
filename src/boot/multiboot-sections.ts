/**
 * The ELF section headers in guest memory, with the symbol and string tables they point to (flag 5 of the
 * multiboot information). Leaves out other sections that no segment loads, such as debugging information:
 * GRUB loads them all, but they are large and a guest does not read them; their sh_addr stays 0.
 * Multiboot Specification 0.6.96, 3.3, "syms".
 */

import type { SectionHeaders } from '../image/image.js';
import { BlockLayout } from './block.js';
import type { Write } from './boot-types.js';
import type { BootContext } from './context.js';
import { HIGH_START, LOW_START } from './placement.js';

/** Undefined when there is no room: the headers are an offer, and the image must start without them too. */
export function placeSectionHeaders(
  headers: SectionHeaders,
  { placement, imageEnd, memory }: BootContext,
): Write | undefined {
  const layout = new BlockLayout();
  const table = layout.reserve(headers.table.length);
  const contents = headers.contents.map(({ index, bytes }) => {
    return { index, bytes, offset: layout.reserve(bytes.length, 8) };
  });
  // Above the image first: a kernel that knows nothing of the tables may use low memory at once.
  const address = placement.allocate(layout.size, 16, [
    { start: Math.max(imageEnd, HIGH_START), end: memory.size },
    { start: LOW_START, end: HIGH_START },
  ]);
  if (address === undefined) return undefined;
  const block = layout.at(address);
  block.copy(table, headers.table);
  for (const { index, bytes, offset } of contents) {
    const field = table + index * headers.entrySize + headers.addressField.offset;
    if (headers.addressField.size === 8) block.u64(field, address + offset);
    else block.u32(field, address + offset);
    block.copy(offset, bytes);
  }
  return block;
}
