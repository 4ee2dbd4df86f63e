// Servers of other people for tests: files and nothing else, no header of ours among them; and what connects to them is counted.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { ROOT } from '../project/files.ts';

const TYPES: Readonly<Record<string, string>> = {
  '': 'text/html',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

export interface Elsewhere {
  readonly origin: string;
  /** Requests that came, as `METHOD /path`. */
  readonly requests: string[];
  close(): void;
}

export interface Served {
  /** Pages and scripts by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** What it sends with everything. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it has a copy of a site's pages at /lodger/, and what is changed in them. */
  readonly copy?: (path: string, text: string) => string;
}

export async function openElsewhere({ files = {}, headers = {}, copy }: Served): Promise<Elsewhere> {
  const requests: string[] = [];
  const server = createServer(async ({ method, url = '/' }, response) => {
    requests.push(`${method} ${url}`);
    const path = url.endsWith('/') && url !== '/' ? `${url}index.html` : url;
    const text = files[path] ?? (copy && (await copied(path, copy)));
    response.writeHead(text === undefined ? 404 : 200, {
      'content-type': TYPES[extname(path)] ?? 'text/plain',
      ...headers,
    });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function copied(path: string, change: NonNullable<Served['copy']>): Promise<string | undefined> {
  if (!path.startsWith('/lodger/')) return undefined;
  const text = await readFile(join(ROOT, 'dist/host/pages', path.slice('/lodger'.length)), 'utf8').catch(
    () => undefined,
  );
  return text === undefined ? undefined : change(path, text);
}
