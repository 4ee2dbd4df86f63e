// The examples of `--help` are run as they stand, one after the other, as a newcomer would.
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderStore } from '../../host/keep/folder-store.ts';
import { builtKernel } from '../kernels/built.ts';
import { chainInto } from '../sandbox/chain.ts';
import { lodger, scratch } from './lodger.ts';

const COMMANDS = ['new', 'build', 'test', 'bench', 'profile', 'inspect', 'run', 'map', 'verify', 'doctor'];

test('lodger --help names every command, and says so on standard output', async () => {
  const { exitCode, stdout, stderr } = await lodger(['--help']);
  const named = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name);
  expect(named).toEqual(COMMANDS);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('the example in the help of every command works', { timeout: 240_000 }, async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, 'data.txt'), 'some data');
  const job = { version: 1, kernel: 'my-kernel.wasm', inputs: { files: ['data.txt'] } };
  await writeFile(join(folder.path, 'job.json'), JSON.stringify(job));
  const images = await chainInto(folderStore(folder.path), 3);
  for (const [name, digest] of [
    ['early', images.at(0)],
    ['late', images.at(-1)],
  ] as const) {
    await copyFile(join(folder.path, `${digest}.img`), join(folder.path, `${name}.img`));
  }
  await writeFile(join(folder.path, 'my-stepper.wasm'), (await builtKernel('walk')).wasm);

  for (const name of COMMANDS) {
    const { stdout } = await lodger([name, '--help']);
    const examples = [...stdout.matchAll(/^ {2}\$ lodger (.*)$/gm)].map(([, line = '']) => line.split(' '));
    expect(examples, name).not.toHaveLength(0);
    for (const args of examples) {
      const { exitCode, stderr } = await lodger(args, { cwd: folder.path });
      expect({ exitCode, stderr, args }).toMatchObject({ exitCode: 0, args });
    }
  }
  expect(await readdir(folder.path)).toEqual(expect.arrayContaining(['my-kernel', 'my-kernel.wasm', 'answer.bin']));
  expect((await readFile(join(folder.path, 'answer.bin'))).length).toBeGreaterThan(0);
});
