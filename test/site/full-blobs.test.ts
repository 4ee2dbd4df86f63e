// A disk without room at a write of a blob, whichever it is: at each that there is, one after the other, whole or in its middle.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, expect, test, vi } from 'vitest';
import type { LodgerError } from '../../runtime/base/errors.ts';
import { serveSite } from '../coordinator/served.ts';
import { createEcho, OWN_CALLER } from './echo.ts';
import { OPERATOR } from './opened.ts';

/** How many calls that take room there have been, and which of them finds none. */
const disk = vi.hoisted(() => ({ calls: 0, full: -1 }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const noRoom = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const isFull = () => disk.calls++ === disk.full;
  const isBlobs = (path: unknown) => String(path).includes('/blobs/');
  /** A disk that gets full takes the first part of what is written. */
  const halfOf = (bytes: Uint8Array) => bytes.subarray(0, bytes.byteLength >> 1);
  type Handle = Awaited<ReturnType<typeof real.open>>;
  const filling = (handle: Handle): Handle =>
    new Proxy(handle, {
      get: (_, name) => {
        const act = handle[name as keyof Handle] as unknown;
        if (typeof act !== 'function') return act;
        if (!['write', 'writev', 'writeFile', 'appendFile', 'sync', 'datasync'].includes(String(name)))
          return act.bind(handle);
        return async (...given: unknown[]) => {
          if (!isFull()) return act.apply(handle, given);
          const [bytes] = given.flat();
          if (bytes instanceof Uint8Array) await handle.write(halfOf(bytes));
          throw noRoom();
        };
      },
    });
  return {
    ...real,
    open: async (...given: Parameters<typeof real.open>) => {
      const writes = isBlobs(given[0]) && given[1] !== 'r';
      if (writes && isFull()) throw noRoom();
      const handle = await real.open(...given);
      return writes ? filling(handle) : handle;
    },
    rename: async (...given: Parameters<typeof real.rename>) => {
      if (isBlobs(given[1]) && isFull()) throw noRoom();
      return real.rename(...given);
    },
  };
});

const served = await serveSite();
const host = createEcho({ caller: OWN_CALLER });
host.join(served.site.site);
afterAll(async () => {
  host.leave();
  await served[Symbol.asyncDispose]();
});

/** Sends a blob, and again where the disk was full. Gives what was refused. */
async function bring(
  bytes: Uint8Array,
  how: 'alone' | 'in a group' = 'alone',
): Promise<{ readonly digest: string; readonly refused: LodgerError[] }> {
  const client = served.client();
  const refused: LodgerError[] = [];
  const digest = createHash('sha256').update(bytes).digest('hex');
  for (;;) {
    try {
      if (how === 'alone') return { digest: await client.putBlob(bytes), refused };
      await client.putBlobs(new Map([[digest, bytes]]));
      return { digest, refused };
    } catch (error) {
      refused.push(error as LodgerError);
      if (refused.length > 3) throw error;
    }
  }
}

/** A job whose kernel and input come to a disk that is full at a write. Gives whether there was such a write. */
async function survives(full: number): Promise<boolean> {
  Object.assign(disk, { calls: 0, full });
  const [input, another] = [randomBytes(700_000), randomBytes(300_000)];
  const [kernel, brought] = [await bring(randomBytes(100)), await bring(input)];
  const grouped = await bring(another, 'in a group');
  const wasFull = disk.calls > full;
  disk.full = -1;
  const refused = [...kernel.refused, ...brought.refused, ...grouped.refused];
  expect(refused.map(({ code, message }) => `${code}: ${message}`)).toEqual(
    wasFull ? [expect.stringMatching(/^ERR_FILE: .*(?:no space left|the disk is full)/)] : [],
  );
  const id = `full-${full}`;
  const client = served.client();
  await client.ask('submit', { json: { version: 1, kernel: kernel.digest, id } });
  await client.addInputs(id, { from: 0, inputs: [brought.digest, grouped.digest], last: true });
  const outputs: unknown[] = [];
  for await (const { state, output } of client.outcomes(id, 0)) outputs.push([state, output]);
  expect(outputs).toEqual([brought, grouped].map(({ digest }) => ['done', digest]));
  expect(Buffer.from(await client.getBlob(grouped.digest)).equals(another)).toBe(true);
  expect(Buffer.from(await client.getBlob(brought.digest)).equals(input)).toBe(true);
  expect(served.site.site.job(OPERATOR, id).counts.done).toBe(2);
  return wasFull;
}

test('a site without room at any write of a blob says so, keeps no half of one, and takes it when there is room', async () => {
  let writes = 0;
  while (await survives(writes)) writes++;
  expect(writes).toBeGreaterThan(9);
}, 60_000);
