// A site as small as the protocol lets it be, for tests of hosts: it leases, checks every report and its signature, and keeps what it heard.
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { batchBytes, hostName, leafOf, proofBytes, rootOf } from '../../host/wire/ledger.ts';
import {
  encodeFrame,
  type Fence,
  type FromHost,
  PROTOCOL,
  parseFromHost,
  type Report,
  type ToHost,
  type WireTerms,
} from '../../host/wire/site.ts';
import type { Policy } from '../../runtime/policy/policy.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';

export const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

interface Waiting {
  readonly job: string;
  readonly task: number;
  readonly input: Uint8Array | string;
  readonly image: string | null;
}

export interface Result {
  readonly code: string;
  readonly output: Uint8Array | string;
  readonly fuel: number | null;
}

/** One host's connection, as the site holds it. */
interface Peer {
  send(message: ToHost): void;
  close(): void;
  host: string;
  key: Uint8Array;
  nonce: Uint8Array;
  pulls: number[];
  told: Set<string>;
  paused: boolean;
  fences: Fence[];
}

export interface TinySite {
  readonly heard: readonly FromHost[];
  readonly results: ReadonlyMap<string, Result>;
  /** Reports that came again after they had been taken. */
  readonly again: number;
  /** Faults of the host: what a real site would close the connection for. */
  readonly faults: readonly string[];
  readonly blobs: Map<string, Uint8Array>;
  readonly blobRequests: readonly string[];
  /** While it is false, reports are taken and not acknowledged. */
  acknowledges: boolean;
  /** What the next `GET` of this blob gives instead: some bytes, or only so many of them before the connection breaks. */
  readonly spoil: Map<string, Uint8Array | number>;
  put(bytes: Uint8Array): string;
  add(job: string, terms: WireTerms, inputs: readonly (Uint8Array | string)[], images?: readonly string[]): void;
  say(message: ToHost): void;
  sayBytes(bytes: Uint8Array): void;
  setPolicy(policy: Policy): void;
  drop(): void;
  connect(
    hear: (message: ToHost) => void,
    closed: (reason: string) => void,
  ): { send(message: FromHost): void; close(): void };
  /** Serves it on loopback; again on the same port after `stop`. */
  listen(port?: number): Promise<string>;
  stop(): Promise<void>;
  until<T>(what: string, look: () => T | undefined | false): Promise<T>;
}

export function tinySite({ leaseTasks = 64, beatMs = 100 } = {}): TinySite {
  const heard: FromHost[] = [];
  const results = new Map<string, Result>();
  const seen = new Set<number>();
  const faults: string[] = [];
  const blobs = new Map<string, Uint8Array>();
  const blobRequests: string[] = [];
  const parts = new Map<string, Buffer>();
  const spoil = new Map<string, Uint8Array | number>();
  const terms = new Map<string, WireTerms>();
  const leases = new Map<string, Waiting[]>();
  const images = new Map<string, string>();
  const peers = new Set<Peer>();
  const sockets = new Set<WebSocket>();
  const watchers = new Set<() => void>();
  let waiting: Waiting[] = [];
  let policy = parsePolicy(everything());
  let [policyVersion, leased, again] = [1, 0, 0];
  let server: Server | undefined;

  const tick = () => {
    for (const look of [...watchers]) look();
  };
  const name = (fence: Fence, task: number) => `${fence.join(' ')} ${task}`;
  const lease = (peer: Peer) => {
    while (peer.pulls.length > 0 && waiting.length > 0 && !peer.paused) {
      const slots = peer.pulls.shift() ?? 0;
      const job = waiting[0]?.job ?? '';
      const taken = waiting.filter((one) => one.job === job).slice(0, Math.min(slots, leaseTasks));
      waiting = waiting.filter((one) => !taken.includes(one));
      const fence: Fence = [1, ++leased];
      leases.set(fence.join(' '), taken);
      peer.fences.push(fence);
      const known = peer.told.has(job) ? {} : { terms: terms.get(job) as WireTerms };
      peer.told.add(job);
      const [tasks, inputs] = [taken.map(({ task }) => task), taken.map(({ input }) => input)];
      const from = taken.map(({ image }) => image);
      peer.send({ type: 'lease', fence, job, ...known, tasks, inputs, images: from });
    }
  };
  const leaseAll = () => {
    for (const peer of peers) lease(peer);
  };
  const giveBack = (fence: Fence, tasks: readonly number[]) => {
    const held = leases.get(fence.join(' ')) ?? [];
    const back = held.filter(({ task }) => tasks.includes(task));
    waiting.push(...back.map((one) => ({ ...one, image: images.get(`${one.job} ${one.task}`) ?? one.image })));
  };
  /** A lease may have been under way when the connection broke. */
  const leave = (peer: Peer) => {
    peers.delete(peer);
    for (const fence of peer.fences) {
      const held = leases.get(fence.join(' ')) ?? [];
      giveBack(
        fence,
        held.map(({ task }) => task).filter((task) => !results.has(`${held[0]?.job} ${task}`)),
      );
    }
    leaseAll();
  };
  const check = (peer: Peer, report: Report) => {
    const { kernel } = terms.get(report.job) as WireTerms;
    const held = leases.get(report.fence.join(' ')) ?? [];
    const leaves = report.tasks.map((task, row) => {
      const input = held.find((one) => one.task === task)?.input;
      if (input === undefined) faults.push(`task ${task} was not leased under ${report.fence}`);
      const output = report.outputs[row] as Uint8Array | string;
      const done = typeof output === 'string' ? output : sha(output);
      if (typeof output === 'string' && !blobs.has(output)) faults.push(`output ${output} is not here`);
      const entry = {
        ...{ version: 1 as const, job: report.job, task, kernel, fuel: report.fuels[row] ?? null },
        input: typeof input === 'string' ? input : sha(input ?? new Uint8Array()),
        output: (report.codes[row] || done) as `ERR_${string}`,
        ...{ tariff: report.tariff, rewriter: report.rewriter },
      };
      return leafOf(entry, hash);
    });
    const fuel = report.fuels.reduce((sum: number, each) => sum + (each ?? 0), 0);
    const root = Buffer.from(rootOf(leaves, hash)).toString('hex');
    const { job, fence } = report;
    const text = batchBytes({ version: 1, host: peer.host, job, fence, tasks: report.tasks.length, fuel, root });
    if (!signed(peer.key, text, report.signature)) faults.push(`report ${report.batch} is not signed by its host`);
  };
  const take = (peer: Peer, report: Report) => {
    if (seen.has(report.batch)) again++;
    else {
      check(peer, report);
      if (site.acknowledges) seen.add(report.batch);
      for (const [row, task] of report.tasks.entries()) {
        const [code = '', output = ''] = [report.codes[row], report.outputs[row]];
        const key = `${report.job} ${task}`;
        if (!results.has(key)) results.set(key, { code, output, fuel: report.fuels[row] ?? null });
      }
    }
    if (site.acknowledges) peer.send({ type: 'ack', batch: report.batch });
    if (report.slots > 0) peer.pulls.push(report.slots);
  };
  const hear = (peer: Peer, message: FromHost) => {
    heard.push(message);
    switch (message.type) {
      case 'hello': {
        peer.key = message.key;
        peer.host = hostName(message.key, hash);
        if (!signed(message.key, proofBytes(peer.nonce), message.proof)) faults.push('the proof is wrong');
        const welcome = { leaseMs: 30_000, beatMs, policy, policyVersion };
        peer.send({ type: 'welcome', host: peer.host, site: 'tiny', ...welcome });
        break;
      }
      case 'pull':
        peer.pulls.push(message.slots);
        if (peer.pulls.length > 2) faults.push('more than two pulls');
        break;
      case 'report':
        take(peer, message);
        break;
      case 'beat':
        peer.paused = message.paused !== null && message.paused !== 'finishing';
        if (peer.paused) peer.pulls = [];
        break;
      case 'release':
        giveBack(message.fence, message.tasks);
        break;
      case 'image': {
        const one = (leases.get(message.fence.join(' ')) ?? []).find(({ task }) => task === message.task);
        if (!one) faults.push(`an image of ${name(message.fence, message.task)}, which was not leased`);
        else images.set(`${one.job} ${one.task}`, message.image);
        for (const blob of [message.image, message.parent])
          if (blob !== null && !blobs.has(blob)) faults.push(`image ${blob} is not here`);
        break;
      }
      default:
    }
    leaseAll();
    tick();
  };
  const welcome = (send: (message: ToHost) => void, close: () => void): Peer => {
    const nonce = new Uint8Array(randomBytes(32));
    const fresh = {
      host: '',
      key: new Uint8Array(),
      nonce,
      pulls: [],
      told: new Set<string>(),
      paused: false,
      fences: [],
    };
    const peer: Peer = { send, close, ...fresh };
    peers.add(peer);
    send({ type: 'challenge', nonce });
    return peer;
  };
  const takeBlob = async (digest: string, request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const [, from = 0, total = 0] = (/^bytes (\d+)-\d+\/(\d+)$/.exec(request.headers['content-range'] ?? '') ?? []).map(
      Number,
    );
    const bytes = Buffer.concat([parts.get(digest)?.subarray(0, from) ?? Buffer.alloc(0), ...pieces]);
    if (bytes.byteLength < total) {
      parts.set(digest, bytes);
      return void response.writeHead(308, { 'upload-offset': bytes.byteLength }).end();
    }
    parts.delete(digest);
    if (sha(bytes) === digest) blobs.set(digest, bytes);
    response.writeHead(sha(bytes) === digest ? 201 : 422).end();
    tick();
  };
  const serveBlob = async (request: IncomingMessage, response: ServerResponse) => {
    const digest = (request.url ?? '').split('/').at(-1) ?? '';
    blobRequests.push(`${request.method} ${digest.slice(0, 8)} ${request.headers.range ?? ''}`.trim());
    if (request.method === 'PUT') return takeBlob(digest, request, response);
    if (request.method === 'HEAD' && !blobs.has(digest))
      return void response.writeHead(404, { 'upload-offset': parts.get(digest)?.byteLength ?? 0 }).end();
    const wrong = spoil.get(digest);
    spoil.delete(digest);
    const bytes = wrong instanceof Uint8Array ? wrong : blobs.get(digest);
    if (!bytes) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.byteLength - from });
    if (typeof wrong !== 'number')
      return void response.end(request.method === 'HEAD' ? undefined : bytes.subarray(from));
    response.write(bytes.subarray(from, from + wrong), () => setTimeout(() => response.destroy(), 20));
  };

  const site: TinySite = {
    ...{ heard, results, faults, blobs, blobRequests, spoil, acknowledges: true },
    get again() {
      return again;
    },
    put: (bytes) => {
      blobs.set(sha(bytes), bytes);
      return sha(bytes);
    },
    add: (job, given, inputs, from = []) => {
      terms.set(job, given);
      waiting.push(...inputs.map((input, task) => ({ job, task, input, image: from[task] ?? null })));
      leaseAll();
    },
    say: (message) => {
      for (const peer of peers) peer.send(message);
    },
    sayBytes: (bytes) => {
      for (const socket of sockets) socket.send(bytes);
    },
    setPolicy: (given) => {
      policy = given;
      policyVersion++;
      site.say({ type: 'policy', version: policyVersion, policy });
    },
    drop: () => {
      for (const peer of [...peers]) peer.close();
    },
    connect: (tell, closed) => {
      const peer = welcome(tell, () => {
        peers.delete(peer);
        closed('dropped');
      });
      return { send: (message) => hear(peer, message), close: () => void peers.delete(peer) };
    },
    listen: async (port = 0) => {
      server = createServer((request, response) => void serveBlob(request, response));
      const hub = new WebSocketServer({ server, path: '/connect', handleProtocols: () => PROTOCOL });
      hub.on('connection', (socket) => {
        sockets.add(socket);
        const peer = welcome(
          (message) => socket.send(encodeFrame(message)),
          () => socket.terminate(),
        );
        socket.on('message', (data: Buffer) => hear(peer, parseFromHost(data)));
        socket.on('close', () => {
          sockets.delete(socket);
          leave(peer);
        });
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    stop: async () => {
      for (const socket of sockets) socket.terminate();
      server?.closeAllConnections();
      await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
      server = undefined;
    },
    until: (what, look) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watch);
          reject(new Error(`${what}: not within 20 s; faults: ${faults.join('; ')}`));
        }, 20_000);
        const poll = setInterval(() => watch(), 50);
        const watch = () => {
          const found = look();
          if (found === undefined || found === false) return;
          clearTimeout(timer);
          clearInterval(poll);
          watchers.delete(watch);
          resolve(found);
        };
        watchers.add(watch);
        watch();
      }),
  };
  return site;
}

/** A policy under which nothing is refused for its limits. */
export function everything() {
  return {
    version: 1,
    limits: { memoryBytesMax: 2 ** 32, fuelMax: Number.MAX_SAFE_INTEGER, wallMsMax: 86_400_000 },
    grants: [{ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }, { kind: 'blobs' }],
  };
}

export function termsOf(kernel: string, more: Partial<WireTerms> = {}): WireTerms {
  const none = { limits: {}, grants: [], blobs: {}, seed: 0, deterministic: true };
  return { kernel, account: 'alice', ...none, ...more };
}

function signed(key: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  const spki = createPublicKey({ key: Buffer.concat([SPKI_HEAD, key]), format: 'der', type: 'spki' });
  return verify(null, text, spki, signature);
}
