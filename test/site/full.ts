// A site whose data lie on a disk that is full, in a process of its own: its folder is a small file system that only it sees. Says in lines
// of JSON what it was told, and ends with what became of the job.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { createSiteClient } from '../../host/client/site.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { createBallast } from './ballast.ts';
import { createEcho, OWN_CALLER } from './echo.ts';

const [, , folder = ''] = process.argv;
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
const codeOf = (error: unknown) => (error instanceof LodgerError ? `${error.code}: ${error.message}` : String(error));

const leave = createBallast(folder);

const site = await createCoordinator({ data: join(folder, 'site') });
const token = site.operatorToken ?? '';
const client = createSiteClient(site.url, token, { patienceMs: 0 });
const kernel = await client.putBlob(Buffer.from('what passes for a kernel'));
await client.ask('submit', { json: { version: 1, kernel, id: 'full' } });

/** Does something until the site has room for it, and tells what it says the first time that it has not. */
async function insist<T>(name: string, act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (tries === 0) say({ name, refused: codeOf(error) });
      if (tries === 1) leave(64 * 2 ** 20);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

// Blobs: in the middle of one there is no room for the rest.
const blob = randomBytes(8 * 2 ** 20);
leave(2 * 2 ** 20);
const digest = await insist('blob', () => client.putBlob(blob));
say({ name: 'blob', whole: Buffer.from(await client.getBlob(digest)).equals(blob) });

// And at other places: at its first byte, in its first pieces, at its last.
for (const room of [0, 8_192, 256 * 1_024, 1_000_000]) {
  const other = randomBytes(2 ** 20);
  leave(room);
  const there = await insist(`blob in ${room}`, () => client.putBlob(other));
  say({ name: `blob in ${room}`, whole: Buffer.from(await client.getBlob(there)).equals(other) });
}

// State: inputs until the store can grow no more.
const input = (task: number) => createHash('sha512').update(String(task)).digest();
const inputsOf = (from: number) => Array.from({ length: 2_000 }, (_, at) => new Uint8Array(input(from + at)));
const TASKS = 20_000;
leave(512 * 1_024);
for (let from = 0; from < TASKS; from += 2_000) {
  const batch = { from, inputs: inputsOf(from), last: from + 2_000 === TASKS };
  await insist(`inputs ${from}`, () => client.addInputs('full', batch));
}

// Results: the host delivers while there is no room for what it brings.
leave(256 * 1_024);
const host = createEcho({ caller: OWN_CALLER, slots: 64 });
const joining = setInterval(() => {
  try {
    if (host.closed !== undefined || host.reports === 0) host.join(site.site);
  } catch {
    // The site has no room to be joined at.
  }
}, 200);
const isFull = async () => {
  try {
    await client.ask('job', { params: { job: 'full' } });
    return false;
  } catch (error) {
    say({ name: 'results', refused: codeOf(error) });
    return true;
  }
};
while (!(await isFull())) await new Promise((resolve) => setTimeout(resolve, 20));
leave(64 * 2 ** 20);
let [next, wrong] = [0, 0];
await insist('outcomes', async () => {
  for await (const { index, output } of client.outcomes('full', next)) {
    if (index !== next || !input(next).equals(output as Uint8Array)) wrong++;
    next++;
  }
});
clearInterval(joining);
const { state, counts } = await insist('status', () => client.ask('job', { params: { job: 'full' } }));
say({ name: 'end', told: next, wrong, state, done: counts.done });
await client.close();
host.leave();
await site.close();
