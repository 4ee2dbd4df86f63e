// Lends a machine to a site: pulls tasks, runs them, reports them, and gives the machine back at once when its owner wants it.
import { narrow } from '../../runtime/policy/narrow.ts';
import { allowsNothing, type Policy } from '../../runtime/policy/policy.ts';
import { SITE } from '../wire/ceilings.ts';
import type { Attributes, FromHost, Holding, Pause, Report, WireTerms } from '../wire/site.ts';
import { slotsToAsk } from './asks.ts';
import type { Crew, Event, Lender, LenderOptions, Steppers, Terms } from './contracts.ts';
import { createFetching } from './fetching.ts';
import type { Assigned, Audited } from './held.ts';
import { goneFrom, holdingOf, type Part } from './holding.ts';
import { createLink, type Heard, type Welcome } from './link.ts';
import { createOutbox } from './outbox.ts';
import { createPaces } from './pace.ts';
import { type Batch, type By, batchesOf, reportOf } from './report.ts';
import { createRest } from './rest.ts';
import { type Prepared, runTask } from './running.ts';
import { createWork } from './work.ts';

/** What a connection has beside what lasts. */
interface Session {
  readonly host: string;
  readonly site: string;
  readonly beatMs: number;
  /** Slots of each request that no lease has answered. */
  asked: number[];
  unbeat: () => void;
}

/** Begins at once. Nothing that a site says is thrown out of it. */
export function createLender(options: LenderOptions): Lender {
  const { blobs, key, digest, inputDigest, clock, machine, audits, tell = () => undefined } = options;
  let { crew, terms: owners, firstBatch: batch } = options;
  let sites: { readonly policy: Policy; readonly version: number } | undefined;
  let ownersPause: Pause | null = null;
  let load: number | null = null;
  let session: Session | undefined;
  let isFinishing = false;
  let hasPace = false;
  let isClosed = false;
  let yielding: Promise<void> | undefined;
  const counts = { tasksDone: 0, tasksFailed: 0, tasksReleased: 0, fuel: 0 };
  const paces = createPaces();
  const rest = createRest(clock, () => pull());
  const finished: (() => void)[] = [];
  /** Reports are signed one after the other, so that they go out in the order of their numbers. */
  let signing = Promise.resolve();
  const unsigned = new Set<Batch>();
  /** What it said that it has when it came. */
  let named: Holding[] = [];

  const termsNow = (): Terms => (sites ? { ...owners, policy: narrow(owners.policy, sites.policy) } : owners);
  let terms = termsNow();
  const pausedNow = (): Pause | null =>
    ownersPause ?? (allowsNothing(terms.policy) ? emptyReason() : null) ?? (isFinishing ? 'finishing' : null);
  const emptyReason = (): Pause => (allowsNothing(owners.policy) ? 'nothing allowed' : 'site policy');
  const allowed = () => ({ paused: pausedNow(), terms });

  const attributes = (): Attributes => ({
    ...machine,
    ...terms,
    ...(crew.steppers && audits && { audits: true }),
    threads: crew.threads,
    fuelPerSecond: paces.fuelPerSecond(),
    holds: (blobs.holds?.() ?? []).slice(0, SITE.holds.max),
  });

  const send = (message: FromHost): boolean => link.send(message);
  const beat = () => {
    if (!session) return;
    session.unbeat();
    const paused = pausedNow();
    // The site drops its requests then, too.
    if (paused !== null) session.asked = [];
    send({ type: 'beat', paused, load, progress: work.progress().slice(0, SITE.batchTasks.max) as never });
    if (paces.hasMoved()) send({ type: 'attributes', attributes: attributes() });
    session.unbeat = clock.after(session.beatMs, beat);
  };

  /** How many more tasks there is room for now; they count as asked for. */
  const claim = (): number => {
    if (!session || pausedNow() !== null || yielding || rest.isOn) return 0;
    const asked = session.asked.reduce((sum, slots) => sum + slots, 0);
    const { threads } = crew;
    const demand = { threads, held: work.tasksHeld, asked, pulls: session.asked.length, taskMs: paces.taskMs() };
    const slots = slotsToAsk(demand);
    if (slots > 0) session.asked.push(slots);
    return slots;
  };
  const pull = () => {
    for (let slots = claim(); slots > 0; slots = claim()) send({ type: 'pull', slots });
    if (isFinishing && work.isEmpty && unsigned.size + outbox.size === 0)
      for (const resolve of finished.splice(0)) resolve();
  };

  const count = ({ job, rows }: Batch) => {
    const failed = rows.filter(({ code }) => code !== '').length;
    counts.tasksDone += rows.length - failed;
    rest.reset();
    counts.tasksFailed += failed;
    for (const { fuel, wallMs } of rows) {
      counts.fuel += fuel ?? 0;
      paces.count(fuel ?? 0, wallMs);
    }
    tell({ event: 'reported', job, tasks: rows.length, failed });
  };
  const seal = async (one: Batch, isLast: boolean, host: string) => {
    const report = await reportOf(one, { host, batch: batch++, key, digest });
    unsigned.delete(one);
    // Until the site knows how fast this machine is it gives little at a time: the first report tells, later ones wait for the beat.
    if (!hasPace && paces.hasMoved()) hasPace = send({ type: 'attributes', attributes: attributes() });
    outbox.add({ ...report, slots: isLast ? claim() : 0 });
  };
  const report = (whole: Batch, isLast: boolean) => {
    const batches = batchesOf(whole);
    for (const [place, one] of batches.entries()) {
      count(one);
      unsigned.add(one);
      const host = hostId as string;
      signing = signing.then(() => seal(one, isLast && place === batches.length - 1, host)).then(pull, tellFault);
    }
  };
  const tellFault = (error: unknown) =>
    tell({ event: 'refused', code: 'ERR_HOST_FAULT', message: error instanceof Error ? error.message : String(error) });

  const heed = (event: Event) => {
    if (event.event === 'released') {
      counts.tasksReleased += event.tasks;
      if (event.reason === 'disk' || event.reason === 'quota') rest.begin();
    }
    tell(event);
  };
  let hostId: string | undefined;
  let siteId: string | undefined;
  const closing = new AbortController();
  const { kernels } = options;
  const fetching = createFetching({
    ...{ blobs, clock, digest, digests: !inputDigest, kernels, closing: closing.signal },
  });
  const by = ({ deterministic }: WireTerms): By => {
    const [engine = { name: 'v8' as const, version: '' }] = machine.engines;
    const { rewriter, tariff, isolation } = machine;
    return { engine, rewriter, tariff, deterministic, isolation };
  };
  const steppers = {
    steppers: () => (crew.steppers as () => Promise<Steppers>)(),
    whose: (...about: Parameters<NonNullable<Crew['whose']>>) => crew.whose?.(...about),
    ...{ fetching, clock, digest, send },
  };
  /** A tab may never have one. */
  const runStepper = async (assigned: Assigned, task: Prepared) =>
    (await import('./steppers.ts')).runStepper(steppers, assigned, task);
  const runAudit = async (assigned: Audited, task: Prepared) =>
    (await (audits as NonNullable<LenderOptions['audits']>)()).runAudit({ ...steppers, by }, assigned, task);
  const tools = {
    ...{ crew: () => crew, fetching, digest, inputDigest, by, runStepper, runAudit },
  };
  const work = createWork({
    ...{ clock, send, report, tell: heed, onFreed: () => pull() },
    run: (assigned) => runTask(tools, assigned),
  });
  const outbox = createOutbox((message: Report) => void send(message));

  const welcome = ({ host, site, beatMs, policy, policyVersion }: Welcome) => {
    hostId = host;
    siteId = site;
    session = { host, site, beatMs, asked: [], unbeat: () => undefined };
    tell({ event: 'connected', host, site });
    obey(policy, policyVersion);
    outbox.resend();
    // What went back in between went to nobody.
    for (const [fence, tasks] of goneFrom(named, holds()))
      if (tasks.length > 0) send({ type: 'release', fence, tasks, reason: pausedNow() ?? 'asked' });
    beat();
    pull();
  };
  function* parts(): Generator<Part> {
    for (const { fence, tasks, ended } of work.held()) {
      yield { fence, tasks: tasks.keys() };
      yield { fence, tasks: ended.map(({ task }) => task) };
    }
    for (const { fence, rows } of unsigned) yield { fence, tasks: rows.map(({ task }) => task) };
    yield* outbox.kept();
  }
  const holds = () => holdingOf(parts());
  const obey = (policy: Policy, version: number) => {
    sites = { policy, version };
    tell({ event: 'policy', version });
    retune();
    send({ type: 'policy', version });
  };
  /** Another policy, of the owner or of the site. */
  const retune = () => {
    const before = pausedNow();
    terms = termsNow();
    if (pausedNow() !== before) beat();
    if (session) send({ type: 'attributes', attributes: attributes() });
    work.restrict(allowed());
    pull();
  };

  const hear = (message: Heard) => {
    switch (message.type) {
      case 'lease':
        session?.asked.shift();
        work.take(message, yielding ? { paused: pausedNow() ?? 'asked', terms } : allowed());
        return pull();
      case 'ack':
        outbox.acknowledge(message.batch);
        return pull();
      case 'cancel':
        work.cancel(message.fence, message.tasks);
        return pull();
      case 'policy':
        return obey(message.policy, message.version);
      default:
        return message satisfies never;
    }
  };

  /** Guests are slowed before they are stopped: a stepper may be in the middle of a long step. */
  const stopAll = async (reason: Pause) => {
    crew.hush?.(true);
    await work.yield(reason);
  };
  const pause = (reason: Pause | null, current: number | null = load) => {
    load = current;
    const before = pausedNow();
    ownersPause = reason;
    if (pausedNow() === before) return;
    beat();
    if (reason === null) return void resume();
    if (yielding) return;
    yielding = stopAll(reason).finally(() => {
      yielding = undefined;
      if (ownersPause === null) resume();
    });
  };
  const resume = () => {
    if (yielding || isClosed) return;
    crew.hush?.(false);
    pull();
  };

  const link = createLink({
    ...{ connect: options.connect, key, clock, attributes, tell, hear, onWelcome: welcome },
    session: options.firstBatch,
    holds: () => {
      named = holds();
      return named;
    },
    onClosed: () => {
      session?.unbeat();
      session = undefined;
      work.forgetTerms();
    },
  });

  return {
    pause,
    setTerms: (given) => {
      owners = given;
      retune();
    },
    setCrew: (given: Crew) => {
      crew = given;
      retune();
    },
    finish: () =>
      new Promise((resolve) => {
        isFinishing = true;
        finished.push(resolve);
        beat();
        pull();
      }),
    close: async () => {
      isClosed = true;
      rest.end();
      ownersPause ??= 'asked';
      beat();
      closing.abort();
      await stopAll(ownersPause);
      await signing;
      link.close();
    },
    status: () => ({
      ...{ connected: link.isOpen, host: hostId ?? null, site: siteId ?? null, paused: pausedNow() },
      ...{
        policyVersion: sites?.version ?? 0,
        tasksHeld: work.tasksHeld,
        reportsKept: unsigned.size + outbox.size,
        ...counts,
      },
      fuelPerSecond: paces.fuelPerSecond(),
    }),
  };
}
