// Requests of a task to the origins it was granted, and the record of them: the only code that opens a socket for a guest.
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { defaults } from '../../runtime/base/defaults.ts';
import { HTTP, type HttpCeilings } from '../../runtime/base/outside.ts';
import { type HttpAnswer, type Origin, Refusal, type RequestReport, shown } from '../../runtime/job/outside.ts';
import { VERSION } from '../platform/version.ts';
import { familyOf, faultOf, hostOf } from './addresses.ts';
import { reasonOf } from './reasons.ts';

export interface RequestsOptions {
  /** The addresses of a name; the system's own way by default. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly ceilings?: HttpCeilings;
}

/** What a guest asks for. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array;
}

/** One task's. */
export interface Requests {
  /** Throws a Refusal. `signal` ends it. */
  send(asked: Asked, signal: AbortSignal): Promise<HttpAnswer>;
  /** Each request that left this machine, in order, redirects among them. */
  report(): readonly RequestReport[];
  close(): void;
}

type Record = { -readonly [Name in keyof RequestReport]: RequestReport[Name] };

/** Opens nothing before the first request. Names are resolved once for the whole task, cookies and proxies are not known. */
export function openRequests(origins: readonly Origin[], options: RequestsOptions = {}): Requests {
  const { resolve = resolveBySystem, ceilings = defaults(HTTP) } = options;
  const clients = new Map<string, Promise<Client>>();
  const records: Record[] = [];

  const open = async (url: URL) => clientAt(url, await addressesOf(hostOf(url), resolve), ceilings);
  const clientOf = (url: URL): Promise<Client> => {
    const client = clients.get(url.origin) ?? open(url);
    clients.set(url.origin, client);
    // What was not found may be found by the next request.
    client.catch(() => clients.delete(url.origin));
    return client;
  };

  const begin = (method: string, { origin }: URL, body: Uint8Array): Record => {
    if (records.length >= ceilings.requests)
      throw new Refusal(`over ${ceilings.requests} requests were sent by this task`);
    const sent = records.reduce((sum, { bytesSent }) => sum + bytesSent, body.byteLength);
    if (sent > ceilings.bytesSent) throw new Refusal(`over ${ceilings.bytesSent} bytes were sent by this task`);
    const record = { method, origin, status: 0, bytesSent: body.byteLength, bytesReceived: 0 };
    records.push(record);
    return record;
  };

  const sendOne = async ({ method, url, body }: Step, signal: AbortSignal): Promise<Step | HttpAnswer> => {
    const client = await unlessEnded(clientOf(url), signal);
    const record = begin(method, url, body);
    const response = await client.request({
      method: method as Dispatcher.HttpMethod,
      path: `${url.pathname}${url.search}`,
      headers: headersFor(body),
      body: body.byteLength > 0 ? body : null,
      signal,
    });
    const received = records.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
    const content = await readBody(response.body, record, { ceilings, left: ceilings.bytesReceived - received });
    record.status = response.statusCode;
    const next = redirected({ method, url, body }, response);
    return next ?? { status: response.statusCode, body: content };
  };

  return {
    send: async (asked, signal) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ceilings.requestMs)]);
      let step = firstStep(asked);
      let at = step.url;
      try {
        for (let redirects = 0; redirects <= ceilings.redirects; redirects++) {
          mustBeGranted(origins, step, redirects > 0);
          at = step.url;
          const came = await sendOne(step, limit);
          if ('status' in came) return came;
          step = came;
        }
      } catch (thrown) {
        throw signal.aborted ? thrown : reasonOf(thrown, at, limit.aborted ? ceilings.requestMs : undefined);
      }
      throw new Refusal(`${shown(asked.url)} was redirected over ${ceilings.redirects} times`);
    },
    report: () => records.map((record) => ({ ...record })),
    close: () => {
      for (const client of clients.values()) client.then((found) => found.destroy()).catch(() => undefined);
      clients.clear();
    },
  };
}

interface Step {
  readonly method: string;
  readonly url: URL;
  readonly body: Uint8Array;
}

function firstStep({ method, url, body }: Asked): Step {
  const parsed = parse(url, undefined);
  if (!parsed) throw new Refusal(`${shown(url)} is no address`);
  if (parsed.username !== '' || parsed.password !== '')
    throw new Refusal(`${shown(url)} has a user name or a password in it`);
  if (body.byteLength > 0 && (method === 'GET' || method === 'HEAD')) throw new Refusal(`a ${method} has no body`);
  return { method, url: parsed, body };
}

function parse(text: string, base: URL | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** A redirect out of the grants is not followed: its answer is not given, either. */
function mustBeGranted(origins: readonly Origin[], { method, url }: Step, isRedirect: boolean): void {
  const to = isRedirect ? 'it was redirected to ' : '';
  const granted = origins.find(({ origin }) => origin === url.origin);
  if (!granted) throw new Refusal(`${to}${shown(url.origin)}, an origin that is not granted`);
  if (!granted.methods.includes(method))
    throw new Refusal(
      `${to}${shown(url.origin)}, which is granted for ${granted.methods.join(', ')}, not ${shown(method)}`,
    );
}

/** Of names, all addresses have to be allowed: one that changes its mind would get its way at the next try. */
async function addressesOf(host: string, resolve: NonNullable<RequestsOptions['resolve']>): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const addresses = await resolve(host);
  for (const address of addresses) {
    const fault = faultOf(host, address);
    if (fault !== undefined)
      throw new Refusal(`${shown(host)} leads to ${address}, which is ${fault}; grant it by its address`);
  }
  if (addresses.length === 0) throw new Refusal(`${shown(host)} leads to no address`);
  return addresses;
}

async function resolveBySystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** A client whose connections go to the addresses that were looked at, and to no other. */
function clientAt({ origin }: URL, addresses: readonly string[], { headerBytes, requestMs }: HttpCeilings): Client {
  const found = addresses.map((address) => ({ address, family: familyOf(address) }));
  const pinned: LookupFunction = (_host, { all }, done) => {
    const [first] = found;
    if (all) done(null, found);
    else done(null, first?.address ?? '', first?.family);
  };
  return new Client(origin, {
    connect: { lookup: pinned, timeout: requestMs },
    maxHeaderSize: headerBytes,
    headersTimeout: requestMs,
    bodyTimeout: requestMs,
    allowH2: false,
  });
}

/** All that is sent beside what the protocol asks for. Nothing that is compressed is asked for, and nothing is unpacked. */
function headersFor(body: Uint8Array): { [name: string]: string } {
  return {
    accept: '*/*',
    'accept-encoding': 'identity',
    'user-agent': `lodger/${VERSION}`,
    ...(body.byteLength > 0 && { 'content-type': 'application/octet-stream' }),
  };
}

async function readBody(
  body: Dispatcher.ResponseData['body'],
  record: Record,
  { ceilings: { bodyBytes, bytesReceived }, left }: { readonly ceilings: HttpCeilings; readonly left: number },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    record.bytesReceived += piece.byteLength;
    // Leaving the loop destroys the stream, and its connection.
    if (record.bytesReceived > bodyBytes) throw new Refusal(`its answer has over ${bodyBytes} bytes`);
    if (record.bytesReceived > left) throw new Refusal(`over ${bytesReceived} bytes were received by this task`);
    pieces.push(piece);
  }
  const whole = new Uint8Array(record.bytesReceived);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

/** The next step, if the answer sends there. What a method becomes is what browsers make of it. */
function redirected({ method, url, body }: Step, { statusCode, headers }: Dispatcher.ResponseData): Step | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== 'string') return undefined;
  const next = parse(location, url);
  if (!next) throw new Refusal(`it was redirected to ${shown(location)}, which is no address`);
  const becomesGet = (statusCode === 303 && method !== 'HEAD') || (statusCode < 303 && method === 'POST');
  return becomesGet ? { method: 'GET', url: next, body: new Uint8Array() } : { method, url: next, body };
}

/** Rejects when the signal fires before: looking up a name cannot be ended. */
function unlessEnded<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined);
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}
