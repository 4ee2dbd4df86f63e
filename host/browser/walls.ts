// The ways by which a script of a worker could reach something outside, each of them really tried. A worker in which one is open runs nothing:
// a header that is missing would otherwise leave every one of them open, and nobody would notice.

/** Throws, or rejects, where the way is closed. What it gives is not looked at. */
type Way = (origin: string) => unknown;

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

/** The address that is asked for: a script that says that it ran. */
const path = (origin: string) => `${origin}/browser/way-out.js`;

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

/** Name -> how it is tried. */
export const WAYS_OUT: Readonly<Record<string, Way>> = {
  fetch: (origin) => fetch(path(origin)),
  'fetch without CORS': (origin) => fetch(path(origin), { mode: 'no-cors' }),
  'fetch of data': () => fetch('data:text/plain,hello'),
  XMLHttpRequest: (origin) => {
    const request = new XMLHttpRequest();
    request.open('GET', path(origin), false);
    request.send();
  },
  WebSocket: (origin) => {
    const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/connect`, 'lodger.1');
    return event(socket, 'open', (each) => each.close());
  },
  EventSource: (origin) => event(new EventSource(path(origin)), 'open', (each) => each.close()),
  importScripts: (origin) => scope.importScripts(path(origin)),
  'importScripts of data': () => scope.importScripts('data:text/javascript,0'),
  'importScripts of a blob': () => scope.importScripts(URL.createObjectURL(new Blob(['0']))),
  import: (origin) => load(path(origin)),
  'import of data': () => load('data:text/javascript,export default 0'),
  'nested worker': (origin) => event(new Worker(path(origin)), 'message', (worker) => worker.terminate()),
  'nested worker of a blob': () => {
    const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(0)'])));
    return event(worker, 'message', (each) => each.terminate());
  },
  eval: () => scope.eval('0'),
  Function: () => new Function('return 0')(),
  WebTransport: (origin) => {
    if (!scope.WebTransport) return missing();
    const transport = new scope.WebTransport(path(origin).replace(/^http:/, 'https:'));
    return transport.ready;
  },
  RTCPeerConnection: () => (scope.RTCPeerConnection ? new scope.RTCPeerConnection() : missing()),
  sendBeacon: (origin) => (scope.navigator.sendBeacon ? scope.navigator.sendBeacon(path(origin)) : missing()),
  SharedWorker: (origin) => (scope.SharedWorker ? new scope.SharedWorker(path(origin)) : missing()),
};

/** Tries every way at once. The names of those that are open, or did not show that they are closed. */
export async function openWays(origin: string, ways = WAYS_OUT): Promise<string[]> {
  const names = Object.keys(ways);
  const found = await Promise.all(names.map((name) => isOpen(ways[name] as Way, origin)));
  return names.filter((_, index) => found[index]);
}

async function isOpen(way: Way, origin: string): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, WAIT_MS, true);
  });
  const tried = (async () => {
    try {
      await way(origin);
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
