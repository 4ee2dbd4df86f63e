// Runs a script of these tests with a folder that is a small file system of its own, in a mount namespace that nobody else sees.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { removeFolder, temporaryFolder } from './opened.ts';

const OWN = ['--user', '--map-root-user', '--mount'];
const mount = (size: string) => `mount -t tmpfs -o size=${size} none "$0"`;

/** Why this machine gives no file system of one's own; nothing where it does. */
function refusal(): string | undefined {
  try {
    execFileSync('unshare', [...OWN, 'sh', '-c', mount('1m'), '/tmp'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/**
 * Runs `dist/test/site/NAME.js` with the small folder and one that has room, and gives its lines of JSON. Undefined, and said so, where the
 * machine has no such file systems: on a machine of tests it has to be there.
 */
export async function withSmallDisk(
  name: string,
  size: string,
): Promise<readonly Record<string, unknown>[] | undefined> {
  const why = refusal();
  if (why !== undefined) {
    process.stderr.write(`NOT SHOWN: no file system of the test's own can be had here: ${why}\n`);
    expect(process.env['CI'] === undefined || process.platform !== 'linux').toBe(true);
    return undefined;
  }
  const [small, large] = [await temporaryFolder(), await temporaryFolder()];
  const script = fileURLToPath(new URL(`../../dist/test/site/${name}.js`, import.meta.url));
  try {
    const command = `${mount(size)} && exec "$1" "$2" "$0" "$3"`;
    const child = spawn('unshare', [...OWN, 'sh', '-c', command, small, process.execPath, script, large], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (part) => {
      out += part;
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    return out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  } finally {
    await removeFolder(small);
    await removeFolder(large);
  }
}
