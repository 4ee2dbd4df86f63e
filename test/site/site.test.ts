// What a site promises its submitters and hosts: each task's outcome once, in order, from what is on disk.
import { afterEach, describe, expect, test } from 'vitest';
import { createEcho, OWN_CALLER } from './echo.ts';
import { collect, inputOf, type Opened, openSite, removeFolder, submitTasks } from './opened.ts';

const opened: Opened[] = [];
const open = async (...args: Parameters<typeof openSite>) => {
  const site = await openSite(...args);
  opened.push(site);
  return site;
};

afterEach(async () => {
  for (const each of opened.splice(0)) {
    await each.close();
    await removeFolder(each.folder);
  }
});

describe('a job', () => {
  test('of a site with a host of its own is done, each outcome once and in the order of the inputs', async () => {
    const site = await open();
    createEcho({ caller: OWN_CALLER }).join(site.site);
    const job = await submitTasks(site, 500, { id: 'one', perRequest: 130 });
    const outcomes = await collect(site.site, job);
    expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 500 }, (_, index) => index));
    expect(
      outcomes.every(
        ({ state, output, index }) => state === 'done' && Buffer.from(output as Uint8Array).equals(inputOf(index)),
      ),
    ).toBe(true);
  });
});
