// Kills hosts in processes of their own, as their owners start them, in the middle of a job, and looks at what its submitter was told.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '../../host/client/connect.ts';
import type { Site } from '../../host/coordinator/contracts.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { DO, guest, inputs, markOf } from '../pool/guest.ts';
import type { Kills } from './killed.ts';
import { OPERATOR, removeFolder, temporaryFolder } from './opened.ts';

const MAIN = fileURLToPath(new URL('../../dist/host/cli/main.js', import.meta.url));
const NAMES = ['first', 'second'] as const;
const JOB = 'killed';
const POLICY = { version: 1, threads: 1, battery: 'always', memoryFreeBytesMin: 0, diskFreeBytesMin: 0 };

interface Hosts {
  /**
   * Kills one of those that have tasks, without a word, and starts it again on its folder, once so many tasks are done. Resolves to whether it did:
   * when all are done nobody has any.
   */
  killOne(random: () => number, after: number): Promise<boolean>;
  close(): Promise<void>;
}

async function startHosts(
  site: Site,
  url: string,
  { token, folder }: { token: string; folder: string },
): Promise<Hosts> {
  const policy = join(folder, 'policy.json');
  await writeFile(policy, JSON.stringify(POLICY));
  const children = new Map<string, ChildProcess>();
  const start = (name: string) => {
    const args = ['--token', token, '--data', join(folder, name), '--name', name, '--policy', policy];
    const child = spawn(process.execPath, [MAIN, 'join', url, '--isolation', 'thread', '--quiet', ...args]);
    children.set(name, child);
  };
  const kill = async (name: string) => {
    const child = children.get(name);
    const gone = child && child.exitCode === null ? once(child, 'exit') : undefined;
    child?.kill('SIGKILL');
    await gone;
  };
  const busy = () => site.hosts(OPERATOR).filter(({ connected, leased }) => connected && leased > 0);
  for (const name of NAMES) start(name);
  return {
    killOne: async (random, after) => {
      for (;;) {
        const { state, counts } = site.job(OPERATOR, JOB);
        if (state !== 'open') return false;
        const [chosen] = busy().splice(Math.floor(random() * busy().length));
        if (chosen && counts.done >= after) {
          await kill(chosen.name);
          start(chosen.name);
          return true;
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    close: async () => {
      for (const name of NAMES) await kill(name);
    },
  };
}

/** What was not as promised; nothing where all was. */
export async function hostsKilled({ tasks, kills, random }: Kills): Promise<string[]> {
  const folder = await temporaryFolder();
  const {
    site,
    url,
    operatorToken: token = '',
    close,
  } = await createCoordinator({ data: join(folder, 'site'), leaseMs: 3_000 });
  const hosts = await startHosts(site, url, { token, folder });
  const runner = await connect(url, token);
  const moments = Array.from({ length: kills }, () => Math.floor(random() * tasks * 0.9)).sort((a, b) => a - b);
  const faults: string[] = [];
  let next = 0;
  let killed = 0;
  const killAll = async () => {
    for (const moment of moments) if (await hosts.killOne(random, moment)) killed++;
  };
  try {
    const kernel = await admit((await guest()).bytes, { platform: node });
    let killing: Promise<void> | undefined;
    for await (const outcome of runner.mapAs(JOB, { kernel, inputs: inputs(tasks, () => DO.burn) })) {
      killing ??= killAll();
      const mark = outcome.state === 'done' ? markOf(outcome.output) : outcome.code;
      if (mark !== next) faults.push(`task ${next} was told as ${mark}`);
      next++;
    }
    await killing;
    if (killed !== kills) faults.push(`${killed} of ${kills} kills were in the middle of the job`);
    if (next !== tasks) faults.push(`${next} of ${tasks} tasks were told`);
    await lookAtReceipts(site, tasks, faults);
    return faults;
  } finally {
    await runner.close();
    await hosts.close();
    await close();
    await removeFolder(folder);
  }
}

/** Each task is paid for once, and no host is thought of worse for having died. */
async function lookAtReceipts(site: Site, tasks: number, faults: string[]): Promise<void> {
  const seen = new Map<number, number>();
  for await (const { entry } of site.receipts(OPERATOR, JOB, 0)) seen.set(entry.task, (seen.get(entry.task) ?? 0) + 1);
  const most = Math.max(...seen.values());
  if (seen.size !== tasks || most !== 1) faults.push(`receipts are of ${seen.size} tasks, one of them ${most} times`);
  const hosts = site.hosts(OPERATOR);
  if (hosts.length !== NAMES.length) faults.push(`there are ${hosts.length} hosts of ${NAMES.length}`);
  if (hosts.some(({ banned, disagreed }) => banned || disagreed > 0)) faults.push('a host is taken for a liar');
}
