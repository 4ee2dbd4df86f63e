// A program: `restarts.mjs ORDER ROUNDS` starts threads that run and trap on Wasmtime, and ends them, over and over.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const [, , order, rounds] = process.argv;
const dist = new URL('../../dist/', import.meta.url).href;
const load = () => import(`${dist}host/platform/native.js`).then(({ loadAddon }) => loadAddon().version());

const THREAD = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { loadAddon } = await import('${dist}host/platform/native.js');
  const addon = loadAddon();
  // A module that exports its memory and a function that traps.
  const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 16, 2, 6, 109, 101, 109, 111,
    114, 121, 2, 0, 3, 114, 117, 110, 0, 0, 10, 5, 1, 3, 0, 0, 11);
  const module = await addon.compile(bytes, { stoppable: true, linear: false });
  let trapped = 0;
  for (let i = 0; i < 20; i++) {
    const guest = module.instantiate(65536, 1000, i);
    guest.memory();
    try { guest.call(0, 0, 0, 0, 0, []); } catch (error) { if (error.code === 'ERR_TRAP') trapped++; }
    if (i % 2 === 0) guest.end();
  }
  parentPort.postMessage(trapped);
  if (workerData === 'stays') setInterval(() => undefined, 1000);`;

if (order === 'main thread first') await load();
for (let round = 0; round < Number(rounds); round++) {
  const url = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);
  // Half of the threads end by themselves, half are ended.
  const threads = ['stays', 'ends'].map((workerData) => new Worker(url, { workerData }));
  const codes = Promise.all(threads.map(async (thread) => (await once(thread, 'exit'))[0]));
  const trapped = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
  if (trapped.some((count) => count !== 20)) throw new Error(`trapped ${trapped} of 20`);
  await threads[0].terminate();
  const [terminated, ended] = await codes;
  if (terminated !== 1 || ended !== 0) throw new Error(`the threads ended with ${terminated} and ${ended}`);
  if (order !== 'main thread first' && round === 2) await load();
}
process.stdout.write('done\n');
