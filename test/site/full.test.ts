// A disk that is really full: a small file system of the test's own, in a mount namespace that nobody else sees.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { removeFolder, temporaryFolder } from './opened.ts';

const FULL = fileURLToPath(new URL('../../dist/test/site/full.js', import.meta.url));
const OWN = ['--user', '--map-root-user', '--mount'];
const MOUNT = 'mount -t tmpfs -o size=96m none "$0"';

/** Why this machine gives no file system of one's own; nothing where it does. */
function refusal(): string | undefined {
  try {
    execFileSync('unshare', [...OWN, 'sh', '-c', MOUNT, '/tmp'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

test('a site on a full disk says so, keeps what it had, loses nothing, and goes on when there is room', async () => {
  const why = refusal();
  if (why !== undefined) {
    // On a machine of tests it has to be there; elsewhere it is said that nothing was shown.
    process.stderr.write(`NOT SHOWN: no file system of the test's own can be had here: ${why}\n`);
    expect(process.env['CI'] === undefined || process.platform !== 'linux').toBe(true);
    return;
  }
  const folder = await temporaryFolder();
  try {
    const command = `${MOUNT} && exec "$1" "$2" "$0"`;
    const child = spawn('unshare', [...OWN, 'sh', '-c', command, folder, process.execPath, FULL], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (part) => {
      out += part;
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const refused = lines.filter((line) => line.refused).map(({ name, refused }) => [name.split(' ')[0], refused]);
    for (const name of ['blob', 'inputs', 'results'])
      expect(refused).toContainEqual([name, expect.stringMatching(/^ERR_FILE: .*(?:no space|full)/i)]);
    for (const name of ['blob', 'blob in 0', 'blob in 8192', 'blob in 262144', 'blob in 1000000']) {
      const told = { name, refused: expect.stringMatching(/^ERR_FILE: .*(?:no space|full)/i) };
      expect(lines).toContainEqual(told);
      expect(lines).toContainEqual({ name, whole: true });
    }
    expect(lines.at(-1)).toEqual({ name: 'end', told: 20_000, wrong: 0, state: 'done', done: 20_000 });
  } finally {
    await removeFolder(folder);
  }
}, 180_000);
