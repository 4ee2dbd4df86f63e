// A site as small as the protocol lets it be, for tests of hosts: it leases, checks every report and its signature, and keeps what it heard.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { hostName, proofBytes } from '../../host/wire/ledger.ts';
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
import { createBlobServer, sha } from './site-blobs.ts';
import { faultsOf, hash, signed } from './site-checks.ts';
import { everything } from './terms.ts';

/** Agents run at the lowest priority: beside others that want every core they get next to nothing for a while. */
const WAIT_MS = 50_000;

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
  const take = (peer: Peer, report: Report) => {
    if (seen.has(report.batch)) again++;
    else {
      const held = leases.get(report.fence.join(' ')) ?? [];
      const { kernel } = terms.get(report.job) as WireTerms;
      faults.push(
        ...faultsOf(report, {
          ...peer,
          kernel,
          inputOf: (task) => held.find((one) => one.task === task)?.input,
          blobs,
        }),
      );
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
  const blobServer = createBlobServer({ blobs, spoil, onPut: () => tick() });

  const site: TinySite = {
    ...{ heard, results, faults, blobs, spoil, blobRequests: blobServer.requests, acknowledges: true },
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
      server = createServer((request, response) => void blobServer.answer(request, response));
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
          reject(new Error(`${what}: not within ${WAIT_MS} ms; faults: ${faults.join('; ')}`));
        }, WAIT_MS);
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
