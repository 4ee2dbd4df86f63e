// The script of a tab's I/O worker: holds the connection to the site, checks digests, compiles, and has kernel workers run what it is given.

import type { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { portable } from '../../runtime/base/platform.ts';
import { TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import { REWRITER_VERSION } from '../../runtime/prepare/form.ts';
import type { Clock, Lender, Machine, Terms } from '../lend/contracts.ts';
import { createLender } from '../lend/lender.ts';
import { CROSS_ORIGIN, type Pause } from '../wire/site.ts';
import type { Frames } from './framed.ts';
import { openKey } from './key.ts';
import { openRunner } from './open-runner.ts';
import type { Compile, TabRunner } from './runner.ts';
import { openSite } from './site.ts';
import { createSiteKernels } from './site-kernels.ts';
import { createTurn } from './turn.ts';
import type { FromIoWorker, Lent, ToIoWorker } from './visit.ts';
import { watchRunner } from './watch.ts';

/** The page is told no more often. */
const STATUS_MS = 250;
const MiB = 2 ** 20;
/** Kernels that a tab without shared memory remembers as too long. */
const REFUSED_MAX = 64;

/** What a tab lets tasks use, whatever the site asks for. */
const TERMS: Terms = {
  policy: parsePolicy({
    version: 1,
    limits: { memoryBytesMax: 256 * MiB, wallMsMax: TASK.wallMsMax.max, fuelMax: TASK.fuelMax.max },
    grants: [{ kind: 'log' }, { kind: 'random' }, { kind: 'blobs' }, { kind: 'files', pinned: true }],
  }),
  kernels: { refused: [] },
  accounts: { refused: [] },
  priceFloor: 0,
};

const post = (message: FromIoWorker, transfer: Transferable[] = []) =>
  (globalThis as unknown as Worker).postMessage(message, transfer);
const fail = ({ code, message }: LodgerError) => post({ type: 'failed', code, message });

const clock: Clock = {
  now: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

interface Visit {
  readonly lender: Lender;
  readonly runner: TabRunner;
  lend(lent: Lent): void;
}

let visit: Visit | undefined;
/** What the page wants; it may say so before lending has begun. */
let wanted: { readonly pause: Pause | null; readonly lent?: Lent } = { pause: null };

globalThis.onmessage = async ({ data }: MessageEvent<ToIoWorker>) => {
  try {
    if (data.type === 'begin') await begin(data);
    else if (data.type === 'lent') lend(data.lent);
    else if (data.type === 'pause') pause(data.pause);
    else await leave();
  } catch (error) {
    const { code = 'ERR_HOST_FAULT', message } = error as { code?: string; message: string };
    post({ type: 'failed', code, message });
  }
};

function lend(lent: Lent): void {
  wanted = { ...wanted, lent };
  visit?.lend(lent);
}

function pause(reason: Pause | null): void {
  wanted = { ...wanted, pause: reason };
  visit?.lender.pause(reason);
}

async function begin({ site: origin, name, lent, kernelWorker }: Extract<ToIoWorker, { type: 'begin' }>) {
  if (visit) return;
  const engineVersion = engineOf(navigator.userAgent);
  /** Without shared memory: kernels whose tasks take too long for a tab that cannot stop them. */
  const refused = new Set<string>();
  const site = openSite(origin);
  // Who sends this very script could send one that does not count: of that site, what it has prepared is taken, too.
  const kernels =
    origin === location.origin ? createSiteKernels({ ask: site.prepared, get: site.blobs.get }) : undefined;
  const opening = openRunner({
    ...{ kernelWorker, frames, engineVersion, onError: fail, compile: kernels?.compile ?? ownCompile(engineVersion) },
    ...{ threads: lent.threads, share: lent.share, platform: { ...portable, turn: createTurn() } },
    onLong: ({ digest }) => {
      if (refused.has(digest)) return;
      refused.add(digest);
      lender.setTerms({ ...TERMS, kernels: { refused: [...refused].slice(-REFUSED_MAX) } });
    },
  });
  // Beside each other: the first task is to begin soon after the visitor wants it. None begins before the walls are shown.
  const [{ runner, framed, isolated }, key] = await Promise.all([opening, openKey(), site.visit()]);
  const watched = watchRunner(runner);
  let now = lent;
  const crewOf = () => ({
    ...{ ...watched, threads: now.threads },
    hush: (isQuiet: boolean) => runner.setShare(isQuiet ? 0.05 : now.share),
  });
  const lender = createLender({
    ...{ connect: site.connect, blobs: site.blobs, key, digest: portable.digest, clock },
    ...(kernels && { kernels: kernels.source }),
    ...{ crew: crewOf(), terms: TERMS, firstBatch: Date.now() * 1_000 },
    machine: machineOf(name, engineVersion, wallsOf({ isolated, framed })),
    tell: (event) => post({ type: 'event', event }),
  });
  const lend = (next: Lent) => {
    now = next;
    runner.setShare(next.share);
    runner.setThreads(next.threads);
    lender.setCrew(crewOf());
  };
  visit = { lender, runner, lend };
  if (wanted.pause !== null) lender.pause(wanted.pause);
  if (wanted.lent) lend(wanted.lent);
  const status = () => ({ ...lender.status(), ...watched.read(), isolated, framed });
  setInterval(() => post({ type: 'status', status: status() }), STATUS_MS);
}

/** What prepares kernels is loaded with the first. */
function ownCompile(engineVersion: string): Compile {
  let own: Compile | undefined;
  return async (permit, form) => {
    own ??= (await import('./own-kernels.ts')).createOwn(engineVersion);
    return own(permit, form);
  };
}

async function leave(): Promise<void> {
  const left = visit;
  visit = undefined;
  await left?.lender.close();
  await left?.runner.close();
  post({ type: 'left' });
  globalThis.close();
}

let framesOpened = 0;
/** Workers have no document: their page makes frames for them. */
const frames: Frames = {
  open: (script, port) => {
    const frame = framesOpened++;
    post({ type: 'frame', frame, script, port }, [port]);
    return () => post({ type: 'unframe', frame });
  },
};

/** What stands around a task, as jobs can ask for it. */
function wallsOf({ isolated, framed }: { readonly isolated: boolean; readonly framed: boolean }): string[] {
  return ['tab', ...(isolated ? [CROSS_ORIGIN] : []), ...(framed ? ['frame'] : [])];
}

function machineOf(name: string, engineVersion: string, isolation: readonly string[]): Machine {
  const { deviceMemory = 4 } = navigator as { deviceMemory?: number };
  return {
    ...{ name, kind: 'tab', program: `lodger in ${engineVersion}`, engines: [{ name: 'v8', version: engineVersion }] },
    ...{ rewriter: REWRITER_VERSION, tariff: TARIFF_VERSION, memoryBytes: deviceMemory * 1024 * MiB },
    isolation: [...isolation],
  };
}

/** `Chrome/143.0.0.0` or the like: what the browser says of itself. */
function engineOf(userAgent: string): string {
  return (/(?:Firefox|Edg|Chrome|Version)\/[\d.]+/.exec(userAgent)?.[0] ?? 'browser').slice(0, 64);
}
