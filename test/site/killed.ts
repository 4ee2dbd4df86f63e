// Kills a site again and again in the middle of a job, and looks at what its submitter was told and what is there in the end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { collect, inputOf, openSite, removeFolder, SUBMITTER, temporaryFolder } from './opened.ts';

const SERVE = fileURLToPath(new URL('../../dist/test/site/serve.js', import.meta.url));

export interface Kills {
  readonly tasks: number;
  readonly kills: number;
  /** A number in [0, 1), again and again. */
  readonly random: () => number;
}

/** What was not as promised; nothing where all was. */
export async function killed({ tasks, kills, random }: Kills): Promise<string[]> {
  const folder = await temporaryFolder();
  const faults: string[] = [];
  let next = 0;
  try {
    for (let start = 0; ; start++) {
      const child = spawn(process.execPath, [SERVE, folder, String(tasks)], {
        env: { ...process.env, FROM: String(next) },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // After so many outcomes more, or a moment later: in the middle of whatever it does then.
      const until =
        start < kills ? next + Math.floor((random() * 2 * (tasks - next)) / (kills - start + 1)) : tasks + 1;
      const told = await follow(child, until, (line) => {
        const [index, state, ...output] = line.split(' ');
        if (Number(index) !== next) faults.push(`start ${start}: task ${index} was told where ${next} was due`);
        if (state !== 'done' || output.join(' ') !== Buffer.from(inputOf(next)).toString())
          faults.push(`wrong: ${line}`);
        next++;
      });
      if (told === 'ended') break;
    }
    if (next !== tasks) faults.push(`${next} of ${tasks} tasks were told`);
    await secondReader(folder, tasks, faults);
    return faults;
  } finally {
    await removeFolder(folder);
  }
}

/** Reads lines until so many tasks were told, then kills the process; or until it ends by itself. */
async function follow(child: ChildProcess, until: number, hear: (line: string) => void): Promise<'killed' | 'ended'> {
  const gone = once(child, 'exit');
  let rest = '';
  let isOver = false;
  child.stdout?.on('data', (part: Buffer) => {
    const lines = (rest + part.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('end ')) isOver = true;
      else hear(line);
      if (!isOver && Number(line.split(' ')[0]) >= until) child.kill('SIGKILL');
    }
  });
  const [code, signal] = (await gone) as [number | null, string | null];
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the site ended with ${code ?? signal}`);
  return isOver ? 'ended' : 'killed';
}

/** Whoever reads the whole job again finds the same. */
async function secondReader(folder: string, tasks: number, faults: string[]): Promise<void> {
  const { site, close } = await openSite({ folder });
  const outcomes = await collect(site, 'killed');
  const { counts, state } = site.job(SUBMITTER, 'killed');
  if (outcomes.length !== tasks || outcomes.some(({ index }, at) => index !== at))
    faults.push(`a second reader finds ${outcomes.length} of ${tasks} tasks`);
  if (state !== 'done' || counts.done !== tasks) faults.push(`the job is ${state} with ${counts.done} done`);
  const seen = new Map<number, number>();
  for await (const { entry } of site.receipts(SUBMITTER, 'killed', 0))
    seen.set(entry.task, (seen.get(entry.task) ?? 0) + 1);
  if (seen.size !== tasks || [...seen.values()].some((times) => times !== 1))
    faults.push(`receipts are of ${seen.size} tasks, one at most ${Math.max(...seen.values())} times`);
  await close();
}
