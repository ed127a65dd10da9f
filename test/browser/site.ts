/** A page bundled by Vite with the library as it stands in src/, and served on loopback until the page has reported. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const page = fileURLToPath(new URL('page/', import.meta.url));
const library = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

export interface BundledFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

/** Bundles in memory; nothing is written. */
export async function bundlePage(): Promise<BundledFile[]> {
  const built = await build({
    root: page,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { univisor: library } },
    build: { write: false, target: 'es2022', modulePreload: false },
  });
  const outputs = Array.isArray(built) ? built : [built];
  return outputs.flatMap((one) => {
    if (!('output' in one)) throw new Error('Vite watches instead of building');
    return one.output.map((file) => ({
      name: file.fileName,
      content: file.type === 'chunk' ? file.code : file.source,
    }));
  });
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  elf: 'application/octet-stream',
};

export class Site {
  readonly #server: Server;
  /** What the page posts. */
  readonly outcome: Promise<unknown>;

  constructor(files: readonly BundledFile[]) {
    let tell: (outcome: unknown) => void = () => {};
    this.outcome = new Promise((resolve) => {
      tell = resolve;
    });
    this.#server = createServer(async (request, response) => {
      if (request.method === 'POST') {
        tell(JSON.parse(await bodyOf(request)));
        response.end();
      } else answer(files, request, response);
    });
  }

  /** @returns the page's address */
  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        resolve(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/index.html`);
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function answer(files: readonly BundledFile[], request: IncomingMessage, response: ServerResponse): void {
  const name = request.url?.slice(1) ?? '';
  const file = files.find((one) => one.name === name);
  response.statusCode = file ? 200 : 404;
  response.setHeader('content-type', TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain');
  response.end(file?.content);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of request.setEncoding('utf8')) body += piece;
  return body;
}
