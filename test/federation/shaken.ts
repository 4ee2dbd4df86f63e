// Three sites in processes of their own do one job, while sites and the server are killed and a link is cut; and what came of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLink } from '../../bench/federation/link.ts';
import type { Dice } from '../fuzz/dice.ts';
import { inputOf } from '../site/opened.ts';
import { startNats } from './server.ts';

const SERVE = fileURLToPath(new URL('../../dist/test/federation/serve.js', import.meta.url));
/** By how much the clock of a site is wrong. */
const HOUR_MS = 3_600_000;

export interface Shaking {
  readonly tasks: number;
  /** How often something is killed or cut. */
  readonly shocks: number;
  readonly cutMs: number;
  readonly dice: Dice;
}

/** What the site that was asked says at the end. */
export interface Ended {
  readonly state: string;
  readonly counts: { readonly done: number };
  readonly receipts: number;
  /** Receipts of each other site. */
  readonly far: Readonly<Record<string, number>>;
}

/** What was not as promised, and the end; nothing wrong where all was. */
export async function shaken({ tasks, shocks, cutMs, dice }: Shaking): Promise<{ faults: string[]; ended: Ended }> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-sites-'));
  await using nats = await startNats();
  await using link = await openLink(nats.port);
  const faults: string[] = [];
  const children = new Map<string, ChildProcess>();
  let next = 0;
  let ended: Ended | undefined;
  const hear = (line: string) => {
    if (line.startsWith('end ')) {
      ended = JSON.parse(line.slice(4)) as Ended;
      return;
    }
    const [index, state, ...output] = line.split(' ');
    if (Number(index) !== next) faults.push(`task ${index} was told where ${next} was due`);
    if (state !== 'done' || output.join(' ') !== Buffer.from(inputOf(next)).toString()) faults.push(`wrong: ${line}`);
    next++;
  };
  const startSite = (name: string) => {
    const url = name === 'c' ? `nats://127.0.0.1:${link.port}` : nats.url;
    const child = spawn(process.execPath, [SERVE, folder, name, url], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        ...(name === 'a' && { TASKS: String(tasks), FROM: String(next) }),
        ...(name === 'c' && { CLOCK_MS: String(HOUR_MS) }),
      },
    });
    children.set(name, child);
    lines(child, hear);
  };
  const killSite = async (name: string) => {
    const child = children.get(name) as ChildProcess;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
    await pause(dice.below(400));
    startSite(name);
  };
  /** Each kind at least once, at moments that nobody has chosen. */
  const shock = async (round: number) => {
    const kind = ['b', 'nats', 'link', 'a', 'c'][round % 5] as string;
    if (kind === 'link') {
      link.cut();
      await pause(cutMs);
      return link.mend();
    }
    if (kind !== 'nats') return killSite(kind);
    await nats.kill();
    await pause(dice.below(800));
    return nats.start();
  };
  try {
    for (const name of ['b', 'c', 'a']) startSite(name);
    for (let round = 0; round < shocks; round++) {
      // Spread over the job, and never before the last one is over.
      const from = next + dice.below(Math.max(1, (2 * (tasks - next)) / (shocks - round + 1)));
      while (next < Math.min(from, tasks) && !ended) await pause(10);
      await shock(round);
    }
    while (!ended) await pause(20);
    if (next !== tasks) faults.push(`${next} of ${tasks} tasks were told`);
    return { faults, ended };
  } finally {
    for (const child of children.values()) {
      child.removeAllListeners();
      child.kill('SIGKILL');
      await once(child, 'close').catch(() => undefined);
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function lines(child: ChildProcess, hear: (line: string) => void): void {
  let rest = '';
  child.stdout?.on('data', (part: Buffer) => {
    const whole = (rest + part.toString()).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) hear(line);
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
