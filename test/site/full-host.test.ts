// A host whose disk is really full: a small file system of the test's own, in a mount namespace that nobody else sees.
import { expect, test } from 'vitest';
import { withSmallDisk } from './small-disk.ts';

test('a host on a full disk says so, gives its tasks back, and does them when there is room', async () => {
  const lines = await withSmallDisk('full-host', '64m');
  if (!lines) return;
  const [start, full, released, end, ...more] = lines;
  const noRoom = expect.stringMatching(/^ERR_FILE: .*(?:no space|full)/i);
  expect(start).toEqual({ name: 'start', refused: noRoom });
  expect(full).toEqual({ name: 'full', why: expect.stringMatching(/disk/), told: 'it is paused: disk' });
  expect(released).toEqual({ name: 'released', reasons: ['disk'] });
  expect(end).toEqual({ name: 'end', right: 4, counts: { done: 4, failed: 0 }, runs: 4 });
  expect(more).toEqual([]);
}, 120_000);
