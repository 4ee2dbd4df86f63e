// A site whose disk has no room at a write of its state, whichever it is, and what becomes of a job there.
import { expect } from 'vitest';
import type { Store } from '../../host/coordinator/contracts.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { createEcho, OWN_CALLER } from './echo.ts';
import { inputOf, openSite, removeFolder, SUBMITTER, submitTasks, temporaryFolder } from './opened.ts';

/**
 * A store that has no room at its `nth` write and at so many behind it. Writes of a turn are one: all of them fail. `onFull` is called when
 * one does.
 */
export function fullAt(nth: number, times: number, onFull: () => void = () => undefined): (store: Store) => Store {
  let writes = 0;
  let turn: { full: boolean; waiting: ((full: boolean) => void)[] } | undefined;
  const write = async (act: () => Promise<void>): Promise<void> => {
    const at = writes++;
    if (!turn) {
      const now = { full: false, waiting: [] as ((full: boolean) => void)[] };
      turn = now;
      setImmediate(() => {
        turn = undefined;
        for (const each of now.waiting) each(now.full);
      });
    }
    const here = turn;
    here.full ||= at >= nth && at < nth + times;
    if (await new Promise<boolean>((resolve) => here.waiting.push(resolve))) {
      onFull();
      throw new LodgerError('ERR_FILE', ['write', 'state', 'the disk is full']);
    }
    await act();
  };
  return (store) => ({
    ...store,
    put: (key, value) => write(() => store.put(key, value)),
    putBytes: (key, bytes) => write(() => store.putBytes(key, bytes)),
    remove: (key) => write(() => store.remove(key)),
  });
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, 1_000 * count));

/** Does something until the site does not refuse it for its disk. */
async function insist<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof LodgerError) || !['ERR_FILE', 'ERR_CLOSED'].includes(error.code)) throw error;
      await seconds(0.1);
    }
  }
}

/** Does a job of 24 tasks at it, and expects each to be told once and right. Gives whether there was such a write. */
export async function survives(nth: number): Promise<boolean> {
  let wasFull = false;
  const folder = await temporaryFolder();
  const onFull = () => {
    wasFull = true;
  };
  const { site, close, ...rest } = await openSite({ folder, leaseMs: 1_000 }, fullAt(nth, 2, onFull));
  const host = createEcho({ caller: OWN_CALLER, slots: 4 });
  const joining = setInterval(() => {
    if (host.closed !== undefined || host.reports === 0) insist(async () => host.join(site)).catch(() => undefined);
  }, 200);
  const tasks = 24;
  await insist(() => submitTasks({ site, ...rest }, tasks, { id: 'full', perRequest: 8 }));
  const told = new Map<number, string>();
  await insist(async () => {
    for await (const group of site.outcomes(SUBMITTER, 'full', told.size, new AbortController().signal))
      for (const { index, output } of group) {
        expect(index).toBe(told.size);
        told.set(index, Buffer.from(output as Uint8Array).toString());
      }
  });
  clearInterval(joining);
  expect([...told.values()]).toEqual(
    Array.from({ length: tasks }, (_, index) => Buffer.from(inputOf(index)).toString()),
  );
  await insist(async () => expect(site.job(SUBMITTER, 'full').state).toBe('done'));
  host.leave();
  await close();
  await removeFolder(folder);
  return wasFull;
}
