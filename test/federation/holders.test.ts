// Blobs that several sites have: each gives them to the others, for the word of the site whose job names them, and for nothing else.
import { createHash, randomBytes, sign } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { isPermitted, permitBytes } from '../../host/federation/permit.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { echoKeys } from '../site/echo.ts';
import { submitTasks } from '../site/opened.ts';
import { natsTest, startNats } from './server.ts';
import { joinSite, until } from './sites.ts';

const BYTES = randomBytes(2 * 2 ** 20);
const DIGEST = createHash('sha256').update(BYTES).digest('hex');

/** A host that keeps what it is given: jobs go on, and what they name stays. */
const keeping = { hears: ({ type }: { readonly type: string }) => (type === 'lease' ? false : undefined) };

natsTest(
  'a large blob of a job comes to a second site from the first one that has it, not from the one that asks',
  async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    await using south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping });
    const { site, blobs } = north.coordinator;
    for (const bytes of [BYTES, new TextEncoder().encode('a kernel')])
      await blobs.put(createHash('sha256').update(bytes).digest('hex'), bytes);
    const given = [north, south].map(({ coordinator }) => vi.spyOn(coordinator.blobs, 'read'));
    await submitTasks({ site, kernel: north.kernel }, 300, { sites: {}, blobs: { data: DIGEST } });
    await until(() => south.coordinator.hasFor('@north', DIGEST));
    await using west = await joinSite(nats.url, 'west', { hosts: 1, echo: keeping });
    await until(() => west.coordinator.blobs.has(DIGEST));
    expect(given.map(({ mock }) => mock.calls.filter(([digest]) => digest === DIGEST).length)).toEqual([1, 1]);
  },
);

test.each([
  ['another owner', { owner: 'east' }],
  ['another reader', { reader: 'east' }],
  ['another blob', { digest: 'ab'.repeat(32) }],
])('leave to read a blob is not leave for %s', (_what, other) => {
  const keys = echoKeys();
  const permitted = { owner: 'north', reader: 'west', digest: DIGEST };
  const permit = sign(null, permitBytes(permitted), keys.private);
  expect(isPermitted(permitted, permit, toHex(keys.public))).toBe(true);
  expect(isPermitted({ ...permitted, ...other }, permit, toHex(keys.public))).toBe(false);
});
