// A site in a process of its own that is killed by its parent in the middle of a job with a merge; tells a line a task that its host has run.
import { createHash } from 'node:crypto';
import process from 'node:process';
import { createEcho, echoKeys, OWN_CALLER } from './echo.ts';
import { collect, openSite, submitTasks } from './opened.ts';

const [, , folder = '', tasks = '400', arity = '3'] = process.argv;
const opened = await openSite({ folder });
const answer = (job: string, task: number, output: string | Uint8Array) => {
  process.stdout.write(`ran ${job} ${task}\n`);
  return { code: '', output, fuel: 100 };
};
createEcho({ caller: OWN_CALLER, slots: 8, keys: echoKeys(), answer }).join(opened.site);
const merge = { kernel: opened.kernel, arity: Number(arity), values: false };
const job = await submitTasks(opened, Number(tasks), { id: 'killed', perRequest: 100, merge });
for (const { index, state, output } of await collect(opened.site, job))
  process.stdout.write(`end ${index} ${state} ${createHash('sha256').update(output).digest('hex')}\n`);
await opened.close();
