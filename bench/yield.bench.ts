// How soon guests stop using the CPU when the owner of the machine takes it back, and what an agent that is paused uses itself.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAgent } from '../host/agent/agent.ts';
import type { LocalSite } from '../host/agent/contracts.ts';
import { ISOLATIONS, type Isolation } from '../host/cell/isolation.ts';
import type { Fence, ToHost } from '../host/wire/site.ts';
import { toHex } from '../runtime/base/platform.ts';
import { short } from '../runtime/base/units.ts';
import { parsePolicy } from '../runtime/policy/policy.ts';
import { kernel } from './kernels.ts';
import type { Measure, Result } from './result.ts';
import { median } from './rounds.ts';

const ROUNDS = 15;
/** Guests count as stopped when all their threads together had no more than this in the next `WINDOW_MS`. */
const REST_MS = 1;
const WINDOW_MS = 10;
const REST_MS_MAX = 5_000;
/** Windows at rest one behind the other, before the first guest. */
const STILL = 50;

export default async function measure(): Promise<Result> {
  const measures: Measure[] = [];
  for (const isolation of ISOLATIONS) measures.push(...(await yields(isolation)));
  return { name: 'yield', times: [], measures };
}

async function yields(isolation: Isolation): Promise<Measure[]> {
  const data = await mkdtemp(join(tmpdir(), 'lodger-yield-'));
  const policy = { version: 1, threads: 2, memoryFreeBytesMin: 0, diskFreeBytesMin: 0, battery: 'always' } as const;
  const agent = await createAgent({ site: await endless(), data, isolation, strict: 'any', policy });
  const [waits, cpu] = [[] as number[], [] as number[]];
  try {
    // Threads that start, a spare one among them, and code that the engine makes of what was loaded are no guests: the first come after that.
    agent.pause();
    for (let still = 0, windows = 0; still < STILL && windows < 20 * STILL; windows++)
      still = (await rest(isolation, performance.now())).ms < WINDOW_MS ? still + 1 : 0;
    for (let round = 0; round < ROUNDS; round++) {
      agent.resume();
      await sleep(400 + Math.random() * 50);
      const from = performance.now();
      agent.pause();
      const { ms, cpuMs } = await rest(isolation, from);
      waits.push(ms);
      cpu.push(cpuMs);
    }
    await sleep(500);
    const before = process.cpuUsage();
    await sleep(3_000);
    const { user, system } = process.cpuUsage(before);
    return [
      {
        measure: `owner's pause until two endless guests use no CPU, in a ${isolation}`,
        value: `median ${short(median(waits))} ms, worst ${short(Math.max(...waits))} ms of ${ROUNDS}; CPU until then ${short(Math.max(...cpu))} ms at most`,
        must: '<= 100 ms',
        holds: Math.max(...waits) <= 100,
      },
      {
        measure: `CPU of a paused agent, its kernels in a ${isolation}`,
        value: `${short((user + system) / 30_000)} % of a core`,
        must: '<= 2 %',
        holds: (user + system) / 30_000 <= 2,
      },
    ];
  } finally {
    await agent.close();
    await rm(data, { recursive: true, force: true });
  }
}

/** A site in this process that gives a host a task without an end, whatever it asks for. */
async function endless(): Promise<LocalSite> {
  const { bytes, digest } = await kernel('loop');
  const policy = parsePolicy({ version: 1 });
  const terms = { kernel: digest, account: 'bench', limits: {}, grants: [], blobs: {}, seed: 0, deterministic: true };
  let leased = 0;
  return {
    connect: (hear) => {
      const say = (message: ToHost) => queueMicrotask(() => hear(message));
      say({ type: 'challenge', nonce: new Uint8Array(32) });
      return {
        close: () => undefined,
        send: (message) => {
          const times = { leaseMs: 30_000, beatMs: 10_000 };
          if (message.type === 'hello')
            say({
              type: 'welcome',
              host: toHex(message.key).slice(0, 32),
              site: 'bench',
              ...times,
              policy,
              policyVersion: 1,
            });
          const fence: Fence = [1, ++leased];
          if (message.type === 'pull')
            say({ type: 'lease', fence, job: 'endless', terms, tasks: [leased], inputs: [new Uint8Array(1)] });
        },
      };
    },
    blobs: { get: async () => bytes, put: async () => undefined },
  };
}

/** How long it took until the guests had come to rest, and what they used until then. */
async function rest(isolation: Isolation, from: number): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const begun = guestMs(isolation);
  let [at, before] = [performance.now(), begun];
  while (at - from < REST_MS_MAX) {
    await sleep(WINDOW_MS);
    const now = guestMs(isolation);
    if (now - before <= REST_MS) break;
    [at, before] = [performance.now(), now];
  }
  return { ms: at - from, cpuMs: before - begun };
}

/** CPU time of all threads that guests run on: those of the cells, or all of this process but the first, which reads this. */
function guestMs(isolation: Isolation): number {
  const pids = isolation === 'thread' ? [process.pid] : below(process.pid);
  let sum = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      if (thread === String(process.pid)) continue;
      sum += Number(textOf(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]) / 1e6;
    }
  }
  return sum;
}

/** All processes that a process has begun, and those that these have. */
function below(pid: number): number[] {
  const own = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return own.flatMap((child) => [child, ...below(child)]);
}

/** Empty for a thread that has ended meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
