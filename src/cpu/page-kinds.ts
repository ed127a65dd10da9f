/**
 * What lies behind each page of the first 4 GiB of physical addresses: RAM or a device, a byte each in the WebAssembly
 * memory, where every access looks. Beyond them are devices only.
 */
import { VIDEO_WINDOW_END, VIDEO_WINDOW_START } from '../memory/guest-memory.js';
import { GUEST_PAGE_SIZE, PAGE_KIND_BASE, PageKind } from '../memory/layout.js';

const PAGES = 1 << 20;

export class PageKinds {
  readonly #kinds: Uint8Array;
  readonly #ramPages: number;

  /** @param ramSize bytes from address 0; the legacy video window in them is a device's */
  constructor(memory: WebAssembly.Memory, ramSize: number) {
    this.#kinds = new Uint8Array(memory.buffer, PAGE_KIND_BASE, PAGES);
    this.#ramPages = ramSize / GUEST_PAGE_SIZE;
    this.#kinds.fill(PageKind.ram, 0, this.#ramPages);
    const [first, end] = [VIDEO_WINDOW_START / GUEST_PAGE_SIZE, VIDEO_WINDOW_END / GUEST_PAGE_SIZE];
    this.#kinds.fill(PageKind.device, first, end);
  }

  isRam(physical: number): boolean {
    return physical < 2 ** 32 && this.#kinds[Math.floor(physical / GUEST_PAGE_SIZE)] === PageKind.ram;
  }

  /** Puts a device over a page of RAM, or takes it away. @returns the page's number, or undefined if there is no RAM */
  setDevice(physical: number, isDevice: boolean): number | undefined {
    const page = Math.floor(physical / GUEST_PAGE_SIZE);
    if (page >= this.#ramPages) return undefined;
    const isVideo = physical >= VIDEO_WINDOW_START && physical < VIDEO_WINDOW_END;
    this.#kinds[page] = isDevice || isVideo ? PageKind.device : PageKind.ram;
    return page;
  }
}
