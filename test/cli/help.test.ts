// The examples of `--help` are run as they stand, one after the other, as a newcomer would.
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS as ALL } from '../../host/cli/commands.ts';
import { createProgram } from '../../host/cli/program.ts';
import { folderStore } from '../../host/keep/folder-store.ts';
import { startSite } from '../client/process.ts';
import { builtKernel } from '../kernels/built.ts';
import { chainInto, INPUT, outputOfChain } from '../sandbox/chain.ts';
import { lodger, scratch } from './lodger.ts';

const SITE_COMMANDS = ['serve', 'submit', 'status', 'results', 'cancel', 'hosts', 'policy', 'accounts'];
/** A host lends its machine until it is told to end: what these say is run in test/agent. */
const LENDING = ['join', 'agent'];
/** Looks at a server between sites: what it says is run in test/federation. */
const BETWEEN_SITES = ['federation'];
const AUTHORS = ['new', 'build', 'test', 'bench', 'profile', 'inspect', 'run', 'map'];
const COMMANDS = [...AUTHORS, ...SITE_COMMANDS, ...BETWEEN_SITES, ...LENDING, 'verify', 'doctor'];

test('lodger --help names every command, and says so on standard output', async () => {
  const { exitCode, stdout, stderr } = await lodger(['--help']);
  const named = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name);
  expect(named).toEqual(COMMANDS);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('the help of an option tells its default once, and none that is empty', async () => {
  for (const name of COMMANDS) {
    const help = (await helpOf(name)).replace(/\s+/g, ' ');
    expect(help, name).not.toMatch(/\(default: \[|\(default: [^)]*\) \(default/);
  }
});

test('the example in the help of every command works', async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, 'data.txt'), 'some data');
  const job = { version: 1, kernel: 'my-kernel.wasm', inputs: { files: ['data.txt'] } };
  await writeFile(join(folder.path, 'job.json'), JSON.stringify(job));
  await writeFile(join(folder.path, 'policy.json'), JSON.stringify({ version: 1, grants: ['log'] }));
  const images = await chainInto(folderStore(folder.path), 3);
  for (const [name, digest] of [
    ['early', images.at(0)],
    ['late', images.at(-1)],
  ] as const) {
    await copyFile(join(folder.path, `${digest}.img`), join(folder.path, `${name}.img`));
  }
  await writeFile(join(folder.path, 'my-stepper.wasm'), (await builtKernel('walk')).wasm);
  await writeFile(join(folder.path, 'input.bin'), INPUT);
  await writeFile(join(folder.path, 'output.bin'), await outputOfChain());

  const site = await startSite([
    '--data',
    join(folder.path, 'site-of-calls'),
    '--listen',
    '127.0.0.1:0',
    '--threads',
    '1',
  ]);
  const env = { LODGER_SITE: site.url, LODGER_TOKEN: site.token ?? '' };
  for (const name of COMMANDS) {
    const help = await helpOf(name);
    const examples = [...help.matchAll(/^ {2}\$ lodger (.*)$/gm)].map(([, line = '']) => line.split(' '));
    expect(examples, name).not.toHaveLength(0);
    for (const args of [...LENDING, ...BETWEEN_SITES].includes(name) ? [] : examples) {
      const { exitCode, stderr } = await lodger(args, { cwd: folder.path, env });
      expect({ exitCode, stderr, args }).toMatchObject({ exitCode: 0, args });
    }
  }
  await site.kill('SIGTERM');
  expect(await readdir(folder.path)).toEqual(expect.arrayContaining(['my-kernel', 'my-kernel.wasm', 'answer.bin']));
  expect((await readFile(join(folder.path, 'answer.bin'))).length).toBeGreaterThan(0);
}, 240_000);

/** What `lodger COMMAND --help` prints. */
async function helpOf(name: string): Promise<string> {
  let text = '';
  const { commands } = await createProgram(() => undefined, ALL);
  const command = commands.find((each) => each.name() === name);
  command?.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}
