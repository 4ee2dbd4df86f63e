// The agent: lends this machine to a site, as its owner's policy says at each moment.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { check, oneOf } from '../../runtime/base/schema.ts';
import { ENGINE_CHOICES } from '../../runtime/job/form.ts';
import { narrow } from '../../runtime/policy/narrow.ts';
import { ISOLATIONS } from '../cell/isolation.ts';
import { StrictnessSchema } from '../cell/walls.ts';
import { fileError } from '../jobs/files.ts';
import { createLender } from '../lend/lender.ts';
import { node, now } from '../platform/node.ts';
import { dataFolder } from '../platform/places.ts';
import { VERSION } from '../platform/version.ts';
import type { Agent, AgentOptions, AgentStatus, LocalSite } from './contracts.ts';
import { type AgentCrew, createCrew, machineOf, threadsOf } from './crew.ts';
import type { Verdict } from './decide.ts';
import { openKey } from './key.ts';
import { lockFolder } from './lock.ts';
import { openMemory } from './memory.ts';
import { openPlace } from './place.ts';
import type { OwnerPolicy } from './policy.ts';
import { openPolicy } from './policy-file.ts';
import { machineSources, type Sources } from './sources.ts';
import { startWatch } from './watch.ts';

const HOUR_MS = 3_600_000;
/** A pause of so many hours at most; longer ones have no end. */
const HOURS_MAX = 24 * 366;

const isFunction = (value: unknown) => typeof value === 'function';
const isLocal = (value: unknown) => isFunction((Object(value) as Partial<LocalSite>).connect);
const OptionsSchema = v.strictObject({
  site: v.union([v.string(), v.custom<LocalSite>(isLocal)], 'a URL, or { connect, blobs }'),
  token: v.exactOptional(v.string('a text')),
  ca: v.exactOptional(v.string('a text')),
  data: v.exactOptional(v.string('a folder')),
  policy: v.exactOptional(v.union([v.string(), v.looseObject({})], 'a file, or a policy')),
  isolation: v.exactOptional(oneOf(ISOLATIONS)),
  strict: v.exactOptional(StrictnessSchema),
  engine: v.exactOptional(oneOf(ENGINE_CHOICES)),
  name: v.exactOptional(v.pipe(v.string('a name'), v.maxLength(64, 'at most 64 characters'))),
  tell: v.exactOptional(v.custom<NonNullable<AgentOptions['tell']>>(isFunction, 'a function')),
  sources: v.exactOptional(v.custom<Partial<Sources>>((value) => typeof value === 'object', 'sources')),
});

/** Where an agent keeps its things unless it is told. */
export function agentFolder(): string {
  return join(dataFolder(), 'agent');
}

/**
 * Starts an agent. It goes on until it is closed, whether the site is there or not. Throws `ERR_OPTION_INVALID`, also for a policy that is
 * not valid, `ERR_FILE` for a folder that another agent has, `ERR_ISOLATION_MISSING` and `ERR_ENGINE_MISSING`.
 */
export async function createAgent(options: AgentOptions): Promise<Agent> {
  const given = check(OptionsSchema, options) as AgentOptions;
  const ends: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (let end = ends.pop(); end; end = ends.pop()) await end();
  };
  try {
    return await start(given, ends, close);
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

/** `ends` is filled with what has to be ended, in the order in which it was begun. */
async function start(
  given: AgentOptions,
  ends: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Agent> {
  const { isolation = 'process', strict = 'floor', engine = 'auto', tell = () => undefined, name } = given;
  const folder = resolve(given.data ?? agentFolder());
  const sources: Sources = { ...machineSources(), ...given.sources };
  const file = await openPolicy(given.policy);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileError('write', folder, error);
  });
  ends.push((await lockFolder(folder)).release);
  const memory = await openMemory(folder);
  ends.push(memory.save);
  const key = await openKey(join(folder, 'key.pem'));
  const { wallClock } = sources;
  const place = await openPlace(given, { folder, memory, policy: () => file.policy, wallClock });
  ends.push(place.close);
  await place.heed(file.policy);

  let crew: AgentCrew = await createCrew(file.policy, { isolation, strict, engine });
  ends.push(() => crew.close('end'));
  let policy = file.policy;
  let isFinishing = false;
  const lender = createLender({
    ...{ connect: place.connect, blobs: place.blobs, key, digest: node.digest, crew, tell },
    machine: machineOf(crew, policy, { engine, ...(name !== undefined && { name }) }),
    ...{ terms: policy.terms, firstBatch: memory.firstBatch, clock: { now, after, random: Math.random } },
    ...(place.inputDigest && { inputDigest: place.inputDigest }),
    audits: () => import('../lend/audits.ts'),
  });
  ends.push(lender.close);

  const follow = async (next: OwnerPolicy, error: string | null) => {
    tell({ event: 'owner policy', error });
    if (next === policy) return;
    const before = policy;
    policy = next;
    // What is not allowed any more ends at once, whatever becomes of the crew; what is new is allowed when that is there.
    lender.setTerms({ ...next.terms, policy: narrow(before.terms.policy, next.terms.policy) });
    await place.heed(next);
    if (threadsOf(next) !== threadsOf(before) || next.memoryBytesMax !== before.memoryBytesMax) {
      const old = crew;
      crew = await createCrew(next, { isolation, strict, engine });
      lender.setCrew(crew);
      void old.close('drain');
    } else crew.setCpuShare(next.cpuShare);
    lender.setTerms(next.terms);
  };
  let shown: Verdict = { work: true, threads: 0, cpuShare: 1 };
  const heed = (verdict: Verdict, load: number | null) => {
    lender.pause(verdict.work ? null : verdict.reason, load);
    if (verdict.work && !shown.work) tell({ event: 'resumed' });
    if (!verdict.work && (shown.work || shown.reason !== verdict.reason))
      tell({ event: 'paused', reason: verdict.reason, why: verdict.why });
    shown = verdict;
  };
  const watch = startWatch({
    ...{ sources, file, memory, folder, now, onVerdict: heed, onPolicy: follow, pids: () => crew.pids() },
    onFault: (error) => tell({ event: 'owner policy', error: error instanceof Error ? error.message : String(error) }),
  });
  ends.push(watch.close);
  const ask = (until: typeof memory.askedUntil) => {
    memory.askedUntil = until;
    watch.look();
  };

  const status = (): AgentStatus => {
    const lent = lender.status();
    const { verdict, facts } = watch;
    const [cached, neighbours] = [place.cached(), place.neighbours()];
    return {
      ...lent,
      ...{ version: VERSION, pid: process.pid, name: name ?? '', url: place.url },
      state: lent.paused === null ? 'working' : isFinishing && verdict.work ? 'finishing' : 'paused',
      why: verdict.work ? (WHY[lent.paused ?? ''] ?? '') : verdict.why,
      ...{ policyFile: file.path, policyError: file.error, threads: crew.threads, cpuShare: policy.cpuShare },
      ...{ isolation: crew.isolation, load: facts.load, userIdleMs: facts.userIdleMs },
      ...{ cacheBytes: cached.bytes, cacheFiles: cached.files, networkBytesToday: facts.networkBytesToday },
      ...{ neighbourBytesCame: neighbours.came, neighbourBytesWent: neighbours.went },
    };
  };
  return {
    status,
    pause: (hours) => ask(hours === undefined ? 'forever' : Math.ceil(wallClock() + hoursMs(hours))),
    resume: () => ask(null),
    finish: () => {
      isFinishing = true;
      return lender.finish();
    },
    close,
  };
}

/** Pauses that the machine's own rules do not know of. */
const WHY: Readonly<Record<string, string>> = {
  finishing: 'it takes nothing more, and leaves when what it has is delivered',
  'site policy': "the site's policy lets no task run here",
  'nothing allowed': 'the policy of its owner lets no task run',
};

function hoursMs(hours: number): number {
  if (hours > 0 && hours <= HOURS_MAX) return hours * HOUR_MS;
  throw new LodgerError('ERR_OPTION_INVALID', ['hours', `a number above 0, up to ${HOURS_MAX}`]);
}

function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}
