// Programs of ordinary toolchains in granted folders: what they do there as anywhere, what is refused, and what the receipt says.
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { admit, createSandbox, type Grant, type Kernel, type Outcome, parsePolicy, type Runner } from 'lodger';
import { createPool, node, nodeEngine, nodeFolders } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTree } from '../../host/grants/tree.ts';
import { ERRNO } from '../../runtime/job/preview1.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { bytesOf, temporaryFolder } from '../grants/guests.ts';
import { C_PROGRAM, goProgram, RUST_PROGRAM } from './programs.ts';

const WHERE = ['sandbox', 'thread', 'process'] as const;
const PLACES = ENGINE_NAMES.flatMap((engine) => WHERE.map((where) => ({ engine, where })));

const go = goProgram();
const LANGUAGES = await Promise.all(
  Object.entries({ C: C_PROGRAM, Rust: RUST_PROGRAM, ...(go && { Go: go }) }).map(
    async ([language, bytes]) => [language, await admit(bytes)] as const,
  ),
);

const said = (outcome: Outcome) =>
  outcome.state === 'done' ? Buffer.from(outcome.output).toString() : `${outcome.code}: ${outcome.message}`;
const no = (name: keyof typeof ERRNO) => `errno ${ERRNO[name]}\n`;

/** One after the other, each in a task of its own: what is asked, and what comes. */
const STEPS: readonly (readonly [asked: string, answer: string])[] = [
  ['cat /data/a.txt', 'hello folder'],
  ['size /data/a.txt', '12 ok\n'],
  ['size /data/sub', '0 ok\n'],
  ['cat /data/sub/../sub//./b.txt', 'below'],
  ['list /data/sub', 'b.txt deep/ ok\n'],
  ['cat /data/none', no('NOENT')],
  ['cat /data/a.txt/b', no('NOTDIR')],
  ['cat /data/link', no('LOOP')],
  ['cat /data/way/secret', no('LOOP')],
  ['cat /data/hard', no('MLINK')],
  ['put /data/link\nx', no('LOOP')],
  ['drop /data/link', no('LOOP')],
  ['move /data/a.txt /data/link', no('LOOP')],
  ['put /read/x\nx', no('ROFS')],
  ['drop /read/a.txt', no('ROFS')],
  ['make /read/sub', no('ROFS')],
  ['put /data/new\nfresh words', 'ok\n'],
  ['add /data/new\n and more', 'ok\n'],
  ['cat /data/new', 'fresh words and more'],
  ['put /data/new\nshort', 'ok\n'],
  ['cat /data/new', 'short'],
  ['make /data/made', 'ok\n'],
  ['make /data/made', no('EXIST')],
  ['move /data/new /data/made/moved', 'ok\n'],
  ['clear /data/made', no('NOTEMPTY')],
  ['list /data/made', 'moved ok\n'],
  ['drop /data/made/moved', 'ok\n'],
  ['clear /data/made', 'ok\n'],
  ['drop /data/sub', no('ISDIR')],
  ['list /data', 'a.txt hard link sub/ way ok\n'],
];

describe.each(PLACES)('on $engine, in a $where,', ({ engine, where }) => {
  // What differs between places is not what a language makes of it.
  const languages = where === 'sandbox' ? LANGUAGES : LANGUAGES.slice(0, 1);
  let runner: Runner;
  let base: string;
  const grants = (): Grant[] => [
    { kind: 'files', at: '/data', from: join(base, 'inside'), mode: 'write' },
    { kind: 'files', at: '/read', from: join(base, 'inside'), mode: 'read' },
  ];
  beforeAll(async () => {
    base = await folderWithWaysOut();
    runner =
      where === 'sandbox'
        ? createSandbox({ engine: nodeEngine(engine), platform: node, folders: nodeFolders })
        : await createPool({ engine, threads: 1, isolation: where });
  });
  afterAll(() => runner.close());

  test.each(languages)('a program in %s works in its folders, and each way out is refused', async (_, kernel) => {
    const answers: [string, string][] = [];
    for (const [asked] of STEPS)
      answers.push([asked, said(await runner.run({ kernel, input: bytesOf(asked), grants: grants() }))]);
    expect(answers).toEqual(STEPS);
    expect(await readFile(join(base, 'outside', 'secret'), 'utf8')).toBe('the secret');
    expect(await readdir(join(base, 'outside'))).toEqual(['secret']);
  });

  test('the receipt says which folders there were and how much was read and written', async () => {
    const [[, kernel] = []] = LANGUAGES;
    const input = bytesOf(`put /data/${engine}\n${'x'.repeat(10_000)}`);
    const { receipt } = await runner.run({ kernel: kernel as Kernel, input, grants: grants() });
    const list = [`files:/data=${base}/inside:write`, `files:/read=${base}/inside:read`];
    expect(receipt).toMatchObject({
      deterministic: false,
      outside: { asked: list, given: list, files: { bytesRead: 0, bytesWritten: 10_000 } },
    });
    await runner.run({ kernel: kernel as Kernel, input: bytesOf(`drop /data/${engine}`), grants: grants() });
  });

  test.each(languages)('a program in %s reads a pinned folder, and stays deterministic', async (_, kernel) => {
    const { digest, blobs } = await readTree(join(base, 'outside'));
    const pinned: Grant[] = [{ kind: 'files', at: '/in', from: `sha256:${digest}`, mode: 'read' }];
    const run = (asked: string) => runner.run({ kernel, input: bytesOf(asked), grants: pinned, blobs });
    const outcome = await run('cat /in/secret');
    expect(said(outcome)).toBe('the secret');
    expect(outcome.receipt.deterministic).toBe(true);
    expect((await run('cat /in/secret')).receipt.fuel).toBe(outcome.receipt.fuel);
    expect(said(await run('put /in/secret\nx'))).toBe(no('ROFS'));
    expect(said(await run('list /in'))).toBe('secret ok\n');
  });
});

test('of folders that a program asks for it sees those that the policy allows, and the receipt shows both lists', async () => {
  const base = await folderWithWaysOut();
  const [inside, outside] = [join(base, 'inside'), join(base, 'outside')];
  const policy = parsePolicy({ version: 1, grants: [{ kind: 'files', at: '/data', from: inside, mode: 'read' }] });
  const sandbox = createSandbox({ platform: node, folders: nodeFolders, policy });
  const asked: Grant[] = [
    { kind: 'files', at: '/data', from: inside, mode: 'write' },
    { kind: 'files', at: '/other', from: outside, mode: 'read' },
  ];
  const run = async (kernel: Kernel, what: string) => sandbox.run({ kernel, input: bytesOf(what), grants: asked });
  for (const [, kernel] of LANGUAGES) {
    const outcome = await run(kernel, 'cat /data/a.txt');
    expect(said(outcome)).toBe('hello folder');
    expect(outcome.receipt.outside).toMatchObject({
      asked: [`files:/data=${inside}:write`, `files:/other=${outside}:read`],
      given: [`files:/data=${inside}:read`],
    });
    expect(said(await run(kernel, 'put /data/x\nx'))).toBe(no('ROFS'));
    expect(said(await run(kernel, 'cat /other/secret'))).toMatch(/^errno/);
  }
});

/** A folder with files, links out of it, and something outside. */
async function folderWithWaysOut(): Promise<string> {
  const base = await temporaryFolder();
  const inside = join(base, 'inside');
  await mkdir(join(inside, 'sub', 'deep'), { recursive: true });
  await mkdir(join(base, 'outside'));
  await writeFile(join(base, 'outside', 'secret'), 'the secret');
  await writeFile(join(inside, 'a.txt'), 'hello folder');
  await writeFile(join(inside, 'sub', 'b.txt'), 'below');
  await symlink('a.txt', join(inside, 'link'));
  await symlink('../outside', join(inside, 'way'));
  await writeFile(join(base, 'twice'), 'twice');
  await link(join(base, 'twice'), join(inside, 'hard'));
  return base;
}
