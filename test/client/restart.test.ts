// A job goes on when its site is killed and started again: each outcome comes once, in order, and none is lost.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../host/client/connect.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { scratch } from '../cli/lodger.ts';
import { guest, inputOf, markOf } from '../pool/guest.ts';
import { freePort, startSite } from './process.ts';

const TASKS = 2_000;
const KILLS = 3;
/** Each start loads all code again, which takes many times as long on a machine with much else to do. */
const TIMEOUT_MS = 180_000;

test(
  'a caller of a site that is killed three times in the middle of a job gets every outcome once',
  async () => {
    await using folder = await scratch();
    const port = await freePort();
    const args = ['--data', join(folder.path, 'site'), '--listen', `127.0.0.1:${port}`, '--threads', '1'];
    let site = await startSite(args);
    const runner = await connect(site.url, site.token ?? '', { patienceMs: 30_000 });
    const kernel = await admit((await guest()).bytes, { platform: node });
    const inputs = Array.from({ length: TASKS }, (_, mark) => inputOf(mark % 2 === 0 ? 0 : 3, mark, 64));
    const marks: number[] = [];
    try {
      for await (const outcome of runner.map({ kernel, inputs })) {
        if (outcome.state !== 'done') throw new Error(outcome.message);
        marks.push(markOf(outcome.output));
        if (marks.length % (TASKS / (KILLS + 1)) !== 0 || marks.length === TASKS) continue;
        await site.kill();
        site = await startSite(args);
        expect(site.token).toBeUndefined();
      }
      expect(marks).toEqual([...inputs.keys()]);
      const [job] = await runner.site.ask('jobs');
      expect(job).toMatchObject({ state: 'done', tasks: TASKS, counts: { done: TASKS } });
    } finally {
      await runner.close();
      await site.kill('SIGTERM');
    }
  },
  TIMEOUT_MS,
);
