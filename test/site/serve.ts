// A site in a process of its own that is killed by its parent: with an echo host in it, so that it works as soon as it is there.
import process from 'node:process';
import { createEcho, echoKeys, OWN_CALLER } from './echo.ts';
import { collectInto, openSite, SUBMITTER, submitTasks } from './opened.ts';

const [, , folder = '', tasks = '2000', slots = '8'] = process.argv;
const opened = await openSite({ folder });
// A key of each start: results of hosts that were killed with the site are not brought again.
createEcho({ caller: OWN_CALLER, slots: Number(slots), keys: echoKeys() }).join(opened.site);
await submitTasks(opened, Number(tasks), { id: 'killed', perRequest: 300 });
await collectInto(opened.site, 'killed', Number(process.env['FROM'] ?? 0), (outcome) => {
  process.stdout.write(`${outcome.index} ${outcome.state} ${Buffer.from(outcome.output as Uint8Array).toString()}\n`);
});
process.stdout.write(`end ${JSON.stringify(opened.site.job(SUBMITTER, 'killed').counts)}\n`);
await opened.close();
