// Tells whoever waits for a job at a site why it stands still: nothing of it is under way, and nothing has come.
import type { SiteClient } from '../client/site.ts';
import { printable } from './say.ts';

/** It is looked at so often; between two looks that find the same, it stood still. */
const LOOK_MS = 10_000;

export interface Watched {
  readonly site: Pick<SiteClient, 'ask'>;
  readonly job: string;
  /** The task whose outcome is waited for. */
  readonly next: () => number;
  /** Told each reason once, until another one takes its place. */
  readonly say: (line: string) => void;
  /** Waits; false once nobody waits for the job any more. */
  readonly rest: (ms: number) => Promise<boolean>;
}

export async function watchStill({ site, job, next, say, rest }: Watched): Promise<void> {
  let [before, told] = ['', ''];
  while (await rest(LOOK_MS)) {
    try {
      const { counts, state, sealed } = await site.ask('job', { params: { job } });
      const now = JSON.stringify([counts, next()]);
      const isStill = now === before && state === 'open' && sealed && counts.leased === 0;
      before = now;
      if (!isStill) continue;
      const task = next();
      const { why } = await site.ask('task', { params: { job, task } });
      if (why !== told) say(`lodger: task ${task} of job ${job} waits: ${printable(why)}`);
      told = why;
    } catch {
      // The job is not there yet, or the site is away: what matters is told elsewhere.
    }
  }
}
