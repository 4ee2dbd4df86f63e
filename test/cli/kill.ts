// Kills `lodger map --checkpoint` at random moments and starts it again, until it was killed so many times.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { folderStore } from '../../host/keep/folder-store.ts';
import { settingsText } from '../kernels/task.ts';
import { dice } from '../pool/storm.ts';
import { lodger, ROOT, scratch, start } from './lodger.ts';

const EVERY_MS = 100;

/** Shots of about a second each, at other places. */
const shot = (place: number) =>
  settingsText({
    ...{ width: 300, depth: 200, spacing: 10, steps: 3_000, dt: 0.001, record: 20, peak: 15 },
    ...{ source: [300 + 200 * place, 40], receivers: [0, 2_900, 30, 20] },
    layer: [
      [0, 1500],
      [700, 2600 + 100 * place],
    ],
  });

/** What came of it: counts that show that something was put to the test. */
export interface Killed {
  /** Tasks that went on from an image, and outcomes that were there, over all starts. */
  readonly resumed: number;
  readonly jobs: number;
}

/** Throws, by `expect`, where a job loses an image that was in its folder, or ends otherwise than one that nobody killed. */
export async function killOften(kills: number, seed: number): Promise<Killed> {
  await using folder = await scratch();
  const { path } = folder;
  await writeFile(join(path, 'job.json'), JSON.stringify(document));
  await mkdir(join(path, 'in'));
  for (const place of [0, 1, 2]) await writeFile(join(path, 'in', `${place}.txt`), shot(place));
  const args = (name: string) => ['map', 'job.json', '--output', join(path, name), '--threads', '2'];
  const begun = performance.now();
  expect(await lodger(args('unbroken'), { cwd: path })).toMatchObject({ exitCode: 0 });
  // A machine that is busy takes longer to begin, too.
  const wholeMs = performance.now() - begun;
  const wanted = await digestOf(join(path, 'unbroken'));

  const roll = dice(seed);
  let [left, jobs, resumed] = [kills, 0, 0];
  let there = new Map<number, number>();
  const kept = [...args('out'), '--checkpoint', 'kept', '--every', `${EVERY_MS}ms`];
  for (;;) {
    const { child, ended } = start(kept, { cwd: path });
    if (left > 0) {
      const over = await Promise.race([ended.then(() => true), wait((0.1 + 0.7 * roll()) * wholeMs).then(() => false)]);
      if (!over && child.kill('SIGKILL')) left--;
    }
    const { exitCode, stderr } = await ended;
    resumed += checkResumed(stderr, there);
    const forgotten = !existsSync(join(path, 'kept', 'job.json'));
    // A kill between the last file and the end of the process finds the job done, and nothing of it kept.
    if (exitCode === null && !(forgotten && existsSync(join(path, 'out')))) {
      there = newest(join(path, 'kept', 'images'));
      continue;
    }
    expect(exitCode ?? 0, stderr).toBe(0);
    expect(forgotten).toBe(true);
    expect(await digestOf(join(path, 'out'))).toBe(wanted);
    jobs++;
    there = new Map();
    if (left === 0) return { resumed, jobs };
    await rm(join(path, 'out'), { recursive: true });
  }
}

const document = {
  ...{
    version: 1,
    kernel: join(ROOT, 'dist/kernels/wave.wasm'),
    inputs: { files: [0, 1, 2].map((n) => `in/${n}.txt`) },
  },
  ...{ limits: { memoryBytesMax: '64MiB', wallMsMax: '10min' }, results: { folder: 'results' } },
};

/** Each task that went on did so from the newest image that was there; none was found damaged. How many did. */
function checkResumed(stderr: string, there: ReadonlyMap<number, number>): number {
  expect(stderr).not.toContain('left out');
  const lines = [...stderr.matchAll(/^lodger: task (\d+) goes on from step (\d+) /gm)];
  for (const [, task, step] of lines) expect(Number(step)).toBe(there.get(Number(task)));
  return lines.length;
}

/** The step of the newest image of each task. */
function newest(images: string): Map<number, number> {
  const steps = new Map<number, number>();
  for (const name of existsSync(images) ? readdirSync(images) : []) {
    const store = folderStore(join(images, name));
    const found = store.digests().map((digest) => store.peek(digest).manifest.step);
    if (found.length > 0) steps.set(Number(name), Math.max(...found));
  }
  return steps;
}

async function digestOf(results: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(results)).sort()) hash.update(name).update(await readFile(join(results, name)));
  return hash.digest('hex');
}
