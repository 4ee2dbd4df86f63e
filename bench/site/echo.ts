// A host in this process that answers each task with its input, and signs as a real one does. Tests of a site's state are given it.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Caller, HostConnection, Site } from '../../host/coordinator/contracts.ts';
import { node } from '../../host/platform/node.ts';
import {
  type BatchHead,
  batchBytes,
  type Entry,
  hostName,
  leafOf,
  proofBytes,
  rootOf,
} from '../../host/wire/ledger.ts';
import type { Attributes, Datum, FromHost, Holding, Lease, Report, ToHost, WireTerms } from '../../host/wire/site.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';

const hash = node.digest;
const digestOf = (datum: Datum) => (typeof datum === 'string' ? datum : toHex(hash(datum)));

/** What a task is answered with. */
export interface Answer {
  readonly code: string;
  readonly output: Datum;
  readonly fuel: number | null;
}

export interface EchoOptions {
  readonly name?: string;
  readonly kind?: Attributes['kind'];
  readonly caller?: Caller;
  /** Digests of what it says it has. */
  readonly holds?: Attributes['holds'];
  /** That it says it has. */
  readonly fuelPerSecond?: number;
  /** Slots of a pull, and pulls at once. */
  readonly slots?: number;
  readonly pulls?: number;
  readonly keys?: EchoKeys;
  readonly answer?: (job: string, task: number, input: Datum) => Answer;
  /** Which process it is, and what it says that it has when it comes. */
  readonly session?: number;
  readonly leases?: () => Holding[];
  /** Told of each message of the site, before the host acts on it; `false` keeps it from acting. */
  readonly hears?: (message: ToHost) => boolean | undefined;
}

export interface EchoKeys {
  readonly public: Uint8Array;
  readonly private: KeyObject;
}

export interface EchoHost {
  readonly id: string;
  readonly keys: EchoKeys;
  readonly reports: number;
  readonly acks: number;
  /** Why the site has closed the connection, once it has. */
  readonly closed: string | undefined;
  /** Whatever a host may want to say. */
  say(message: FromHost): void;
  /** The report of a lease, signed. */
  report(lease: Lease, slots: number): Report;
  /** The connection breaks, or is closed in good order; what was not acknowledged is said again after `join`. */
  leave(how?: 'goodbye'): void;
  join(site: Pick<Site, 'connect'>): void;
}

export const HOST_CALLER: Caller = { account: 'lender', role: 'host' };
export const OWN_CALLER: Caller = { account: 'site', role: 'operator' };

export function echoKeys(): EchoKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return { public: Uint8Array.from(Buffer.from(x ?? '', 'base64url')), private: privateKey };
}

export function echoAttributes(name = 'echo', kind: Attributes['kind'] = 'node'): Attributes {
  const grants = [{ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }, { kind: 'blobs' }];
  return {
    name,
    kind,
    program: 'echo',
    engines: [{ name: 'v8', version: '0' }],
    rewriter: 1,
    tariff: 1,
    threads: 1,
    memoryBytes: 2 ** 34,
    fuelPerSecond: 1e9,
    isolation: [],
    policy: parsePolicy({ version: 1, grants }),
    kernels: { refused: [] },
    accounts: { refused: [] },
    priceFloor: 0,
    holds: [],
  };
}

const echo = (_job: string, _task: number, output: Datum): Answer => ({ code: '', output, fuel: 100 });

/** A host that is not connected yet. */
export function createEcho(options: EchoOptions = {}): EchoHost {
  const { caller = HOST_CALLER, slots = 64, pulls = 2, keys = echoKeys(), answer = echo, hears } = options;
  const { name, kind, holds = [], fuelPerSecond = 1e9, session, leases = () => [] } = options;
  const id = hostName(keys.public, hash);
  const terms = new Map<string, WireTerms>();
  const unacknowledged = new Map<number, Report>();
  let connection: HostConnection | undefined;
  let [batch, reports, acks] = [0, 0, 0];
  let closed: string | undefined;

  const say = (message: FromHost) => connection?.hear(message);
  const hello = (nonce: Uint8Array) => {
    const proof = Uint8Array.from(sign(null, proofBytes(nonce), keys.private));
    say({
      type: 'hello',
      version: 1,
      key: Uint8Array.from(keys.public),
      proof,
      attributes: { ...echoAttributes(name, kind), holds, fuelPerSecond },
      ...(session !== undefined && { session, leases: leases() }),
    });
  };
  const reportOf = (lease: Lease, more: number): Report => {
    const { kernel } = lease.terms ?? (terms.get(lease.job) as WireTerms);
    const answers = lease.tasks.map((task, row) => answer(lease.job, task, lease.inputs[row] as Datum));
    const leaves = answers.map(({ code, output, fuel }, row) => {
      const result = (code || digestOf(output)) as Entry['output'];
      const row_ = {
        task: lease.tasks[row] as number,
        input: digestOf(lease.inputs[row] as Datum),
        output: result,
        fuel,
      };
      return leafOf({ version: 1, job: lease.job, kernel, tariff: 1, rewriter: 1, ...row_ }, hash);
    });
    const head: BatchHead = {
      version: 1,
      host: id,
      job: lease.job,
      fence: lease.fence,
      tasks: answers.length,
      fuel: answers.reduce((sum, { fuel }) => sum + (fuel ?? 0), 0),
      root: toHex(rootOf(leaves, hash)),
    };
    return {
      type: 'report',
      batch: ++batch,
      fence: lease.fence,
      job: lease.job,
      tasks: lease.tasks,
      codes: answers.map(({ code }) => code),
      outputs: answers.map(({ output }) => output),
      fuels: answers.map(({ fuel }) => fuel),
      fuelsAtLeast: answers.map(() => null),
      wallMs: answers.map(() => 1),
      memoryBytesPeak: answers.map(() => 65_536),
      logs: answers.map(() => null),
      engine: { name: 'v8', version: '0' },
      rewriter: 1,
      tariff: 1,
      deterministic: true,
      isolation: [],
      signature: Uint8Array.from(sign(null, batchBytes(head), keys.private)),
      slots: more,
    };
  };
  const hear = (message: ToHost) => {
    if (hears?.(message) === false) return;
    if (message.type === 'challenge') hello(message.nonce);
    else if (message.type === 'ack') {
      acks++;
      unacknowledged.delete(message.batch);
    } else if (message.type === 'welcome') {
      for (const report of unacknowledged.values()) say({ ...report, slots: 0 });
      for (let pull = 0; pull < pulls; pull++) say({ type: 'pull', slots });
    } else if (message.type === 'lease') {
      if (message.terms) terms.set(message.job, message.terms);
      const report = reportOf(message, slots);
      unacknowledged.set(report.batch, report);
      reports++;
      say(report);
    } else if (message.type === 'policy') say({ type: 'policy', version: message.version });
  };
  const leave = (how?: 'goodbye') => {
    const before = connection;
    connection = undefined;
    before?.closed(how);
  };
  return {
    id,
    keys,
    get reports() {
      return reports;
    },
    get acks() {
      return acks;
    },
    get closed() {
      return closed;
    },
    say,
    report: reportOf,
    leave,
    join: (site) => {
      leave();
      // What refuses at once counts as closed.
      closed = 'refused';
      // What the site says comes a turn later, as over a socket: then the connection is there.
      const here: { is?: HostConnection } = {};
      const mine = () => here.is !== undefined && connection === here.is;
      here.is = site.connect(
        caller,
        (message) => setImmediate(() => mine() && hear(message)),
        (reason) => {
          closed = reason;
          if (mine()) connection = undefined;
        },
      );
      connection = here.is;
      closed = undefined;
    },
  };
}
