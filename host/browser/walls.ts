// The ways by which a script of a worker could reach something outside, each of them really tried. A worker in which one is open runs nothing:
// a header that is missing would otherwise leave every one of them open, and nobody would notice.

/** Throws, or rejects, where the way to this address is closed. What it gives is not looked at. */
type Way = (url: string) => unknown;

interface Scope {
  eval(code: string): unknown;
  importScripts(url: string): void;
  readonly navigator: { sendBeacon?(url: string): boolean };
  readonly WebTransport?: new (url: string) => { readonly ready: Promise<unknown>; close(): void };
  readonly RTCPeerConnection?: new () => { close(): void };
  readonly SharedWorker?: new (url: string) => unknown;
}

const scope = globalThis as unknown as Scope;

/** By a name that is known only when it runs: nothing is bundled. */
const load = (url: string): Promise<unknown> => import(/* @vite-ignore */ url);

const missing = (): never => {
  throw new TypeError('not in this scope');
};

/** A way that is closed says so at once. One that has not after so long counts as open. */
const WAIT_MS = 5_000;

const event = <T extends EventTarget>(target: T, good: string, end: (target: T) => void) =>
  new Promise<void>((resolve, reject) => {
    const finish = (act: () => void) => () => {
      end(target);
      act();
    };
    target.addEventListener(good, finish(resolve), { once: true });
    target.addEventListener(
      'error',
      finish(() => reject(new TypeError('refused'))),
      { once: true },
    );
  });

/** A worker that is made of a text has the walls of its maker: it says whether it got out where they end. */
const NESTED = (url: string) =>
  `fetch(${JSON.stringify(url)}, { mode: 'no-cors' }).then(() => postMessage('out'), () => setTimeout(() => { throw 0 }))`;

/** Name -> how it is tried. */
export const WAYS_OUT: Readonly<Record<string, Way>> = {
  fetch: (url) => fetch(url),
  'fetch without CORS': (url) => fetch(url, { mode: 'no-cors' }),
  'fetch of data': () => fetch('data:text/plain,hello'),
  XMLHttpRequest: (url) => {
    const request = new XMLHttpRequest();
    request.open('GET', url, false);
    request.send();
  },
  WebSocket: (url) => {
    const socket = new WebSocket(new URL('/connect', url.replace(/^http/, 'ws')), 'lodger.1');
    return event(socket, 'open', (each) => each.close());
  },
  EventSource: (url) => event(new EventSource(url), 'open', (each) => each.close()),
  importScripts: (url) => scope.importScripts(url),
  'importScripts of data': () => scope.importScripts('data:text/javascript,0'),
  'importScripts of a blob': () => scope.importScripts(URL.createObjectURL(new Blob(['0']))),
  import: (url) => load(url),
  'import of a blob': () => load(URL.createObjectURL(new Blob(['export default 0'], { type: 'text/javascript' }))),
  'import of data': () => load('data:text/javascript,export default 0'),
  'nested worker': (url) => event(new Worker(url), 'message', (worker) => worker.terminate()),
  'nested worker of a blob': (url) => {
    const worker = new Worker(URL.createObjectURL(new Blob([NESTED(url)])));
    return event(worker, 'message', (each) => each.terminate());
  },
  eval: () => scope.eval('0'),
  Function: () => new Function('return 0')(),
  WebTransport: (url) => {
    if (!scope.WebTransport) return missing();
    const transport = new scope.WebTransport(url.replace(/^http:/, 'https:'));
    return transport.ready;
  },
  RTCPeerConnection: () => (scope.RTCPeerConnection ? new scope.RTCPeerConnection() : missing()),
  sendBeacon: (url) => (scope.navigator.sendBeacon ? scope.navigator.sendBeacon(url) : missing()),
  SharedWorker: (url) => (scope.SharedWorker ? new scope.SharedWorker(url) : missing()),
};

/** Tries every way at once. The names of those that are open, or did not show that they are closed. */
export async function openWays(url: string, ways = WAYS_OUT): Promise<string[]> {
  const names = Object.keys(ways);
  const found = await Promise.all(names.map((name) => isOpen(ways[name] as Way, url)));
  return names.filter((_, index) => found[index]);
}

async function isOpen(way: Way, url: string): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, WAIT_MS, true);
  });
  const tried = (async () => {
    try {
      await way(url);
      return true;
    } catch {
      return false;
    }
  })();
  try {
    return await Promise.race([tried, late]);
  } finally {
    clearTimeout(timer);
  }
}
