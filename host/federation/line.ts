// Another site, as a host of this one: it shows its key, is given leases as offers, and what it reports is taken as that of other hosts.
import { hash } from 'node:crypto';
import { fromHex } from '../../runtime/base/platform.ts';
import { siteAccount } from '../coordinator/belief.ts';
import type { Site, SiteConnection } from '../coordinator/contracts.ts';
import { node } from '../platform/node.ts';
import { hostName } from '../wire/ledger.ts';
import { encodeFrame, type Fence, type FromHost, type Lease, type Report, type ToHost } from '../wire/site.ts';
import type { Offer } from './messages.ts';
import type { SiteRecord } from './record.ts';

/** A batch that the other site has. */
export interface Out {
  readonly fence: Fence;
  readonly job: string;
  /** Tasks that it has not reported or given back. */
  left: number;
  /** Of the entry in the ledger; null before that is made, and once the other has begun. */
  revision: number | null;
  /** When the other was last known to have it, by the clock that never goes back. */
  seen: number;
}

export interface Line {
  /** Its name as a host of this site. */
  readonly host: string;
  readonly record: SiteRecord;
  /** By the clock that never goes back. */
  readonly seen: number;
  readonly isOpen: boolean;
  readonly out: ReadonlyMap<string, Out>;
  /** A record came, with the batches that are under way there: by `fenceKey`. */
  heard(record: SiteRecord, holds: ReadonlySet<string>, now: number): void;
  /** Leases it tasks of a job; false where there are none for it. */
  lease(job: string, slots: number): boolean;
  leaseOf(fence: Fence): Lease | undefined;
  /** Takes a report: true when it is safe on disk, false where nobody needs it. Rejects where the site cannot say now. */
  report(report: Report): Promise<boolean>;
  /** The other will not do these tasks. */
  release(fence: Fence, tasks: readonly number[]): void;
  /** It goes back to the site, whole, and is no longer the other's. */
  drop(out: Out): void;
  /** The site is gone, with what it has; its next record opens the line again. */
  lose(): void;
  close(): void;
}

export interface LineParts {
  readonly site: Site;
  readonly record: SiteRecord;
  readonly now: number;
  /** A batch that was not under way at the other site for so long is not there any more. */
  readonly lostMs: number;
  /** Has the other site sign a nonce: its greeting. */
  readonly greet: (nonce: Uint8Array) => Promise<Extract<FromHost, { type: 'hello' }>>;
  readonly offer: (line: Line, out: Out, offer: Omit<Offer, 'version' | 'asker'>) => void;
  /** The batch is not needed any more. */
  readonly withdraw: (out: Out) => void;
  readonly log: (message: string) => void;
}

/** What waits to be begun is given so many times as much: nobody has lost it yet. */
const IDLE_FACTOR = 10;

/** Tasks of this site that the other has. */
export const heldBy = ({ out }: Pick<Line, 'out'>): number =>
  [...out.values()].reduce((sum, { left }) => sum + left, 0);

export const fenceKey = ([start, number]: Fence): string => `${start}.${number}`;

export function createLine({ site, greet, offer, withdraw, log, lostMs, ...parts }: LineParts): Line {
  let { record, now: seen } = parts;
  const { name } = record;
  const out = new Map<string, Out>();
  /** Reports that the site has not written yet, by their number. */
  const waiting = new Map<number, { readonly done: () => void; readonly fail: (error: Error) => void }>();
  let batch = 0;
  let connection: SiteConnection | undefined;
  let isOpen = false;

  const say = (message: FromHost) => {
    try {
      connection?.hear(message);
    } catch (error) {
      // What no honest site says.
      log(`site ${name}: ${error instanceof Error ? error.message : String(error)}`);
      hangUp();
      throw error;
    }
  };
  const hangUp = () => {
    const before = connection;
    lost();
    before?.closed();
  };
  const lost = () => {
    connection = undefined;
    isOpen = false;
    out.clear();
    for (const { fail } of waiting.values()) fail(new Error('the connection is over'));
    waiting.clear();
  };
  const hear = (message: ToHost) => {
    switch (message.type) {
      case 'challenge':
        void greet(message.nonce)
          .then(say)
          .catch(() => hangUp());
        return;
      case 'welcome':
        isOpen = true;
        return;
      case 'lease':
        return give(message);
      case 'ack':
        waiting.get(message.batch)?.done();
        return void waiting.delete(message.batch);
      case 'cancel': {
        const one = out.get(fenceKey(message.fence));
        out.delete(fenceKey(message.fence));
        return one && withdraw(one);
      }
      case 'refused':
        return log(`site ${name} is refused: ${message.message}`);
      case 'policy':
        return;
      default:
        return message satisfies never;
    }
  };
  const give = ({ fence, job, tasks }: Lease) => {
    const lease = connection?.leaseOf(fence);
    if (!lease) return;
    const one: Out = { fence, job, left: tasks.length, revision: null, seen };
    out.set(fenceKey(fence), one);
    offer(line, one, { fence, job, tasks: tasks.length, digest: digestOf(lease) });
  };
  /** Others may have it; the site may still come with results. */
  const drop = (one: Out) => {
    const tasks = connection?.leaseOf(one.fence)?.tasks ?? [];
    out.delete(fenceKey(one.fence));
    withdraw(one);
    if (tasks.length > 0) say({ type: 'release', fence: one.fence, tasks: [...tasks], reason: 'asked' });
  };
  const settle = (fence: Fence, tasks: number) => {
    const one = out.get(fenceKey(fence));
    if (one) one.left -= tasks;
    if (one && one.left <= 0) out.delete(fenceKey(fence));
  };
  const open = () => {
    const caller = { account: siteAccount(name), role: 'host' } as const;
    // What the site says comes a turn later: then the connection is there.
    const mine: { is?: SiteConnection } = {};
    const isMine = () => mine.is !== undefined && mine.is === connection;
    mine.is = site.connectSite(
      caller,
      (message) => (isMine() ? hear(message) : queueMicrotask(() => isMine() && hear(message))),
      () => isMine() && lost(),
    );
    connection = mine.is;
  };

  const line: Line = {
    host: hostName(fromHex(record.key), node.digest),
    get record() {
      return record;
    },
    get seen() {
      return seen;
    },
    get isOpen() {
      return isOpen;
    },
    out,
    heard: (next, holds, now) => {
      record = next;
      seen = now;
      if (!connection) return open();
      if (!isOpen) return;
      say({ type: 'beat', paused: null, load: null, progress: [] });
      for (const one of [...out.values()]) {
        if (holds.has(fenceKey(one.fence))) one.seen = now;
        else if (now - one.seen > (one.revision === null ? lostMs : IDLE_FACTOR * lostMs)) drop(one);
      }
    },
    lease: (job, slots) => isOpen && connection?.lease(job, slots) === true,
    leaseOf: (fence) => connection?.leaseOf(fence),
    report: (report) =>
      new Promise((resolve, reject) => {
        if (!isOpen) return reject(new Error('there is no connection'));
        const number = ++batch;
        waiting.set(number, {
          done: () => {
            settle(report.fence, report.tasks.length);
            resolve(true);
          },
          fail: reject,
        });
        try {
          say({ ...report, batch: number, slots: 0 });
        } catch {
          resolve(false);
        }
      }),
    release: (fence, tasks) => {
      settle(fence, tasks.length);
      say({ type: 'release', fence, tasks: [...tasks], reason: 'asked' });
    },
    drop,
    lose: () => {
      const before = connection;
      lost();
      before?.lost();
    },
    close: hangUp,
  };
  return line;
}

/** By which whoever takes an offer knows the lease that belongs to it. */
export const digestOf = (lease: Lease): string => hash('sha256', encodeFrame(lease));
