// A host here, in the site's own process: it gets leases that no frame would hold, and the site's digests of the inputs in them.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Site } from '../../host/coordinator/contracts.ts';
import { HERE, SITE } from '../../host/wire/ceilings.ts';
import { createEcho, OWN_CALLER } from './echo.ts';
import { collect, openerOfTests, SUBMITTER } from './opened.ts';

const open = openerOfTests();

const INPUT_BYTES = SITE.inlineBytes.max;
/** So many fill a frame, and so many a lease here. */
const [IN_FRAME, IN_PROCESS] = [SITE.batchBytes.default, HERE.batchBytes.default].map((bytes) => bytes / INPUT_BYTES);
const TASKS = 200;

/** How many tasks of a job of large inputs a host gets at a time, at most. */
async function mostIn(site: Site, kernel: string, connect: Site['connect']): Promise<number> {
  let most = 0;
  const host = createEcho({
    ...{ caller: OWN_CALLER, pulls: 1, slots: TASKS },
    hears: (message) => {
      if (message.type === 'lease') most = Math.max(most, message.tasks.length);
      return undefined;
    },
  });
  const { id } = await site.submit(SUBMITTER, { version: 1, kernel });
  const inputs = Array.from({ length: TASKS }, (_, task) => new Uint8Array(INPUT_BYTES).fill(task));
  await site.addInputs(SUBMITTER, id, 0, inputs, true);
  host.join({ connect });
  expect(await collect(site, id)).toHaveLength(TASKS);
  return most;
}

test('is given as many bytes at a time as no frame holds, and others as many as one does', async () => {
  const { site, kernel } = await open();
  expect(await mostIn(site, kernel, (_, hear, close) => site.connectHere(hear, close))).toBe(IN_PROCESS);
  const other = await open();
  expect(await mostIn(other.site, other.kernel, other.site.connect)).toBe(IN_FRAME);
});

test('is told the digest of an input as long as its job is open', async () => {
  const { site, kernel } = await open();
  const line = site.connectHere(
    () => undefined,
    () => undefined,
  );
  const { id } = await site.submit(SUBMITTER, { version: 1, kernel });
  const blob = kernel;
  await site.addInputs(SUBMITTER, id, 0, [new TextEncoder().encode('one'), blob], false);
  expect(line.inputDigest(id, 0)).toBe(createHash('sha256').update('one').digest('hex'));
  expect(line.inputDigest(id, 1)).toBe(blob);
  expect(line.inputDigest(id, 2)).toBeUndefined();
  await site.cancel(SUBMITTER, id);
  expect(line.inputDigest(id, 0)).toBeUndefined();
});
