// A disk that is really full: a small file system of the test's own, in a mount namespace that nobody else sees.
import { expect, test } from 'vitest';
import { withSmallDisk } from './small-disk.ts';

test('a site on a full disk says so, keeps what it had, loses nothing, and goes on when there is room', async () => {
  const lines = await withSmallDisk('full', '96m');
  if (!lines) return;
  const refused = lines
    .filter((line) => line['refused'])
    .map(({ name, refused }) => [String(name).split(' ')[0], refused]);
  for (const name of ['blob', 'inputs', 'results'])
    expect(refused).toContainEqual([name, expect.stringMatching(/^ERR_FILE: .*(?:no space|full)/i)]);
  for (const name of ['blob', 'blob in 0', 'blob in 8192', 'blob in 262144', 'blob in 1000000']) {
    const told = { name, refused: expect.stringMatching(/^ERR_FILE: .*(?:no space|full)/i) };
    expect(lines).toContainEqual(told);
    expect(lines).toContainEqual({ name, whole: true });
  }
  expect(lines.at(-1)).toEqual({ name: 'end', told: 20_000, wrong: 0, state: 'done', done: 20_000 });
}, 180_000);
