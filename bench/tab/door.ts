// A door before a site: all goes through to it, WebSockets too, and its page of a tab is given a script that presses buttons when it is told.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createOrders } from './desk.ts';

/** Chooses one thread at full speed, and opens the page of a tab. */
const LAUNCH = `
  for (const [name, value] of Object.entries({ threads: 1, share: 1, 'pause.battery': false })) localStorage.setItem('lodger.' + name, value);
  location.href = '/join/';`;

/** Presses what it is told, by its name, and says when: the clock of the machine, in ms. The load of this machine is not to pause it. */
const PRESS = `
  delete globalThis.PressureObserver;
  const tell = (told) => fetch('/bench/told', { method: 'POST', body: JSON.stringify(told) });
  const find = (name) => [...document.querySelectorAll('button')].find(({ textContent }) => textContent.trim() === name);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
  const press = async (name) => {
    while (!find(name)) await turn();
    const at = performance.timeOrigin + performance.now();
    find(name).click();
    return at;
  };
  addEventListener('load', async () => {
    await tell({ opened: performance.timeOrigin, at: await press('Start lending') });
    for (;;) {
      const { name } = await (await fetch('/bench/next')).json();
      await tell({ at: await press(name) });
    }
  });`;

export interface Pressed {
  /** When the page's navigation began; of the first press alone. */
  readonly opened: number;
  readonly at: number;
}

export interface Door {
  readonly origin: string;
  /** Resolves when the next page has opened and pressed "Start lending". */
  begun(): Promise<Pressed>;
  press(name: string): Promise<Pressed>;
  close(): void;
}

export async function openDoor(site: string): Promise<Door> {
  const { hostname, port } = new URL(site);
  const orders = createOrders();
  const scripts: Readonly<Record<string, string>> = { '/bench/launch.js': LAUNCH, '/bench/press.js': PRESS };
  const server = createServer((asked, answer) => {
    const { url = '/' } = asked;
    const script = scripts[url];
    if (script !== undefined) return void answer.setHeader('content-type', 'text/javascript').end(script);
    if (url === '/bench/next') return orders.next(answer);
    if (url === '/bench/told') return void orders.told(asked, answer);
    if (url === '/bench/launch') return void answer.setHeader('content-type', 'text/html').end(page('launch'));
    pass(asked, answer, { hostname, port });
  });
  server.on('upgrade', (asked, socket, head) => {
    const through = connect(Number(port), hostname);
    const lines = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}`);
    through.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    through.write(head);
    through.pipe(socket).pipe(through);
    for (const each of [through, socket]) each.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    begun: () => orders.heard() as Promise<Pressed>,
    press: (name) => {
      const heard = orders.heard();
      orders.give({ name });
      return heard as Promise<Pressed>;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const page = (script: string) =>
  `<!doctype html><title>bench</title><script type="module" src="/bench/${script}.js"></script>`;

function pass(
  asked: IncomingMessage,
  answer: ServerResponse,
  to: { readonly hostname: string; readonly port: string },
) {
  const { method, url = '/' } = asked;
  const isPage = url === '/join/';
  const headers = { ...asked.headers, ...(isPage && { 'accept-encoding': 'identity' }) };
  const through = request({ ...to, method, path: url, headers }, async (given) => {
    if (!isPage) {
      answer.writeHead(given.statusCode ?? 500, given.headers);
      return void given.pipe(answer);
    }
    let html = '';
    for await (const part of given.setEncoding('utf8')) html += part;
    const { 'content-length': _, ...kept } = given.headers;
    answer.writeHead(given.statusCode ?? 500, kept);
    answer.end(html.replace('<head>', '<head><script type="module" src="/bench/press.js"></script>'));
  });
  through.on('error', () => answer.destroy());
  asked.pipe(through);
}
