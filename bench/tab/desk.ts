// A server on this machine for a page that is driven by nobody: its worker fetches orders and tells what came of them.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const HEADERS = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const PAGE = '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>';
const PAGE_SCRIPT = (workers: readonly string[]) =>
  workers.map((name) => `new Worker('/script.js', { type: 'module', name: '${name}' });`).join('');

export interface Desk {
  readonly origin: string;
  /** Gives a worker of the page an order; resolves with what it tells. Rejects with its error. */
  order(worker: string, order: object): Promise<object>;
  close(): void;
}

/** Orders and answers of a page, one at a time, over requests that wait. */
export function createOrders() {
  const orders: object[] = [];
  let waiting: ServerResponse | undefined;
  let tell: ((told: object) => void) | undefined;
  const pass = () => {
    if (!waiting || orders.length === 0) return;
    waiting.setHeader('content-type', 'application/json').end(JSON.stringify(orders.shift()));
    waiting = undefined;
  };
  return {
    next: (response: ServerResponse) => {
      waiting = response;
      pass();
    },
    told: async (request: IncomingMessage, response: ServerResponse) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      response.end();
      tell?.(JSON.parse(Buffer.concat(parts).toString()));
    },
    /** What the page tells next. */
    heard: () =>
      new Promise<object>((resolve) => {
        tell = resolve;
      }),
    give: (order: object) => {
      orders.push(order);
      pass();
    },
  };
}

/** `workers`: their names. Each obeys orders of its own. */
export async function openDesk(workers: readonly string[], files: Readonly<Record<string, Uint8Array>>): Promise<Desk> {
  const orders = new Map(workers.map((name) => [name, createOrders()]));
  const server = createServer((request, response) => {
    const [url = '/', worker = ''] = request.url?.split('?') ?? [];
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (url === '/next') return orders.get(worker)?.next(response);
    if (url === '/told') return void orders.get(worker)?.told(request, response);
    const bytes = url === '/' ? PAGE : url === '/page.js' ? PAGE_SCRIPT(workers) : files[url];
    const type = url === '/' ? 'text/html' : url.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
    response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': type });
    response.end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    order: async (worker, order) => {
      const theirs = orders.get(worker);
      if (!theirs) throw new Error(`no worker "${worker}"`);
      const heard = theirs.heard();
      theirs.give(order);
      const told = (await heard) as { readonly error?: string };
      if (told.error !== undefined) throw new Error(told.error);
      return told;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
