// The README against the code: every table and every block in it is true. What it installs and builds is run in package.test.ts.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { COMMANDS } from '../../host/cli/commands.ts';
import { createProgram } from '../../host/cli/program.ts';
import { ADMISSION } from '../../runtime/base/admission.ts';
import { type Ceiling, POOL, TASK } from '../../runtime/base/limits.ts';
import { parseJob } from '../../runtime/job/job.ts';
import { WORLD } from '../../runtime/job/world.ts';
import { parseGrant } from '../../runtime/policy/grant.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { ROOT, textOf } from './files.ts';
import { block, marks, table, unmarkedBlocks } from './readme.ts';
import { LAYERS } from './rules.ts';

const code = (text: string) => `\`${text}\``;
const json = JSON.parse(textOf('package.json'));

test('every code block and table is compared with something', () => {
  expect(marks()).toEqual([
    ...[
      'start',
      'write',
      'kernel',
      'program-commands',
      'program-job',
      'embed',
      'embed-output',
      'pool',
      'typed-kernel',
      'typed-host',
      'typed-output',
    ],
    ...[
      'stepper-kernel',
      'stepper-host',
      'stepper-output',
      'commands',
      'suite',
      'sandbox',
      'site',
      'site-calls',
      'connect',
      'volunteer',
      'sites',
    ],
    ...[
      'job',
      'job-fields',
      'merge-kernel',
      'merge-job',
      'join',
      'owner',
      'grants',
      'grant-examples',
      'limits',
      'ceilings',
      'errors',
    ],
    ...['dependencies', 'dev-dependencies', 'crates', 'layout'],
  ]);
  // `npm ci && npm test` is what runs this very test.
  expect(unmarkedBlocks()).toEqual(['npm ci && npm start\nnpm ci && npm test\n']);
});

test('a sandbox on Wasmtime is made as it says', async () => {
  const kernel = `await (await import('lodger')).admit((await import('node:fs')).readFileSync('dist/kernels/echo.wasm'))`;
  const use = `console.log((await sandbox.run({ kernel: ${kernel}, input: new Uint8Array(3) })).receipt.engine.name)`;
  const program = ['--input-type=module', '-e', `${block('sandbox')}\n${use}`];
  const ended = promisify(execFile)(process.execPath, program, { cwd: ROOT });
  if (WASMTIME_MISSING === undefined) expect(await ended).toMatchObject({ stdout: 'wasmtime\n' });
  else await expect(ended).rejects.toMatchObject({ stderr: expect.stringContaining('ERR_ENGINE_MISSING') });
});

test.each([
  ['typed kernel is built, given plain values and refused others', 'typed', 'book'],
  ['stepper is built, paused and gone on with', 'stepper', 'pi'],
])('the %s as it says', async (_, blocks, name) => {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'node_modules', 'lodger'));
  const [source, out] = [`${name}.ts`, `${name}.wasm`].map((file) => join(folder, file)) as [string, string];
  await writeFile(source, block(`${blocks}-kernel`));
  await buildKernel({ source, out });
  expect(existsSync(`${out}.d.ts`)).toBe(blocks === 'typed');
  await writeFile(join(folder, 'host.mjs'), block(`${blocks}-host`));
  const { stdout } = await promisify(execFile)(process.execPath, ['host.mjs'], { cwd: folder });
  await rm(folder, { recursive: true });
  expect(stdout).toBe(block(`${blocks}-output`));
});

test('what npm start shows is what it shows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-'));
  const run = promisify(execFile);
  const [program = '', ...args] = json.scripts.start.split(' && ').at(-1).split(' ');
  expect(program).toBe('node');
  const { stdout, stderr } = await run(process.execPath, [...args, '--once', '--output', folder], { cwd: ROOT });
  await rm(folder, { recursive: true });
  const untimed = (text: string) => text.replace(/ in [\d.]+ \w+, [\d.]+ GCUPS/, '').trimEnd();
  expect(untimed(block('start'))).not.toBe(block('start').trimEnd());
  expect(untimed(stdout)).toBe(untimed(block('start')));
  expect(stderr).toMatch(/^receipts +\d+ signed in \d+ batch(?:es)?, .* fuel, each checked$/m);
  expect(stderr).toMatch(/^lodger: the site answered at http:\/\/127\.0\.0\.1:\d+$/m);
});

test.each([
  ['limits', TASK],
  ['ceilings', ADMISSION],
] as const)('the table of %s is that of the code', (name, ceilings) => {
  const rows = Object.entries(ceilings).map(([limit, ceiling]) => ceilingRow(limit, ceiling));
  expect(table(name), `the rows are\n${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`).toEqual(rows);
});

test('the table of pool options is that of the code', () => {
  const { threads, cpuShare, queueMax, windowBytesMax, kernelsKept } = POOL;
  const rows = Object.entries({ cpuShare, queueMax, windowBytesMax, kernelsKept }).map(([name, each]) =>
    ceilingRow(name, each),
  );
  const [, , highest = '', reason = ''] = ceilingRow('threads', threads);
  expect(table('pool')).toEqual([
    ['`threads`', 'the number of cores', highest, 'each is a thread of this process'],
    ...rows,
  ]);
  expect(reason).toBe('0 stands for the number of cores');
});

test('the table of commands has every command with every option', async () => {
  const { commands } = await createProgram(() => undefined, COMMANDS);
  const rows = commands.map((command) => {
    const names = command.registeredArguments.map((argument) => argument.name().toUpperCase());
    const options = command.options.map(({ short, long }) => code([short, long].filter(Boolean).join(', ')));
    return [code(`lodger ${[command.name(), ...names].join(' ')}`), command.description(), options.join(' ')];
  });
  expect(table('commands')).toEqual(rows);
});

test('the commands for many sites are there, with the options that they are given', async () => {
  const { commands } = await createProgram(() => undefined, COMMANDS);
  for (const line of block('sites').trimEnd().split('\n')) {
    const [, name, ...words] = line.split(' ');
    const { options = [] } = commands.find((command) => command.name() === name) ?? {};
    const given = words.filter((word) => word.startsWith('--'));
    expect(options.map(({ long }) => long)).toEqual(expect.arrayContaining(given));
  }
});

test('the job file of the example is one, and uses every field', () => {
  const written = JSON.parse(block('job'));
  expect(parseJob(written).view).toBe('hits');
  const { properties } = JSON.parse(textOf('schemas/job.schema.json'));
  expect(Object.keys(written).sort()).toEqual(Object.keys(properties).sort());
  expect(table('job-fields').map(([name]) => name)).toEqual(Object.keys(properties).map(code));
  expect(existsSync(join(ROOT, written.$schema.replace('./node_modules/lodger/', '')))).toBe(true);
});

test('the table of grants has every grant, as its text is read, and says which give the same answer again', () => {
  const granted = Object.values(WORLD).filter(({ grant }) => grant !== null);
  const rows = table('grants');
  expect(rows.map(([grant, , , same]) => [grant, same])).toEqual(
    granted.map(({ grant, deterministic }) => [code(String(grant)), deterministic ? 'yes' : 'no']),
  );
  for (const [grant = '', text = ''] of rows) expect(code(parseGrant(text.slice(1, -1)).kind)).toBe(grant);
});

test('the examples of grants are read as grants, by a command that there is', () => {
  const lines = block('grant-examples').trim().split('\n');
  const grants = lines.flatMap((line) =>
    [...line.matchAll(/--grant (\S+)/g)].map(([, text = '']) => parseGrant(text).kind),
  );
  expect(grants).toEqual(['files', 'files', 'files', 'http', 'http']);
  for (const line of lines) expect(line).toMatch(/^lodger run \w+\.wasm --grant /);
});

test('the tables of dependencies name what package.json does', () => {
  const named = (name: string) =>
    table(name)
      .flatMap(([packages = '']) => packages.split(', '))
      .sort();
  const { dependencies, peerDependencies, devDependencies } = json;
  expect(named('dependencies')).toEqual(
    Object.keys({ ...dependencies, ...peerDependencies })
      .map(code)
      .sort(),
  );
  // What a site needs is in the other table; it is installed here for the tests.
  const forSites = Object.keys(peerDependencies).filter((name) => name !== 'assemblyscript');
  const own = Object.keys(devDependencies).filter((name) => !forSites.includes(name));
  expect(named('dev-dependencies')).toEqual(own.map(code).sort());
  expect(block('write')).toContain(` assemblyscript@${peerDependencies.assemblyscript}\n`);
});

test('the table of crates names what the native parts are made from', () => {
  const named = table('crates').flatMap(([crates = '']) => crates.split(', '));
  const used = ['engine', 'jail'].flatMap((part) => {
    const [, ...sections] = textOf(`runtime/native/${part}/Cargo.toml`).split(/^(?=\[)/m);
    const lists = sections.filter((section) => /^\[(?:target\..*\.)?(?:build-)?dependencies\]/.test(section));
    return lists.flatMap((list) => [...list.matchAll(/^([\w-]+) = /gm)].map(([, crate = '']) => code(crate)));
  });
  expect([...named].sort()).toEqual([...new Set(used)].sort());
});

test('the table of folders has every folder, from the bottom to the top', () => {
  const below = ['runtime', 'kernels', 'host'].flatMap((top) =>
    readdirSync(ROOT + top, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${top}/${entry.name}`),
  );
  const listed = table('layout').map(([folder = '']) => folder.slice(1, -1));
  expect([...listed].sort()).toEqual([...below, 'bench', 'schemas', 'test'].sort());
  const place = (folder: string) => LAYERS.findIndex((layer) => layer.includes(folder));
  const places = listed.map(place).filter((index) => index >= 0);
  expect(places).toEqual([...places].sort((one, other) => one - other));
});

test('the table of the suite has every kernel with a job, each with a README', () => {
  const jobs = readdirSync(`${ROOT}kernels`)
    .filter((name) => name !== 'template' && existsSync(join(ROOT, 'kernels', name, 'job.json')))
    .sort();
  expect(
    table('suite')
      .map(([name]) => name)
      .sort(),
  ).toEqual(jobs.map(code));
  for (const name of jobs.filter((each) => each !== 'align'))
    expect(textOf(`kernels/${name}/README.md`)).toContain(`# ${name}: `);
});

function ceilingRow(name: string, { default: usual, max, unit, reason }: Ceiling): string[] {
  const [measure = ''] = unit.split(' ');
  return measure === 'bytes' || measure === 'ms'
    ? [code(name), exact(usual, measure), exact(max, measure) + unit.slice(measure.length), reason]
    : [code(name), usual.toLocaleString('en'), `${max.toLocaleString('en')} ${unit}`, reason];
}

/** A size or time in the largest unit that leaves it whole. */
function exact(value: number, measure: 'bytes' | 'ms'): string {
  const units: readonly (readonly [string, number])[] =
    measure === 'bytes'
      ? [
          ['GiB', 2 ** 30],
          ['MiB', 2 ** 20],
          ['KiB', 2 ** 10],
        ]
      : [
          ['days', 86_400_000],
          ['s', 1_000],
        ];
  const [unit, factor] = units.find(([, each]) => value % each === 0 && value > 0) ?? [measure, 1];
  return `${(value / factor).toLocaleString('en')} ${unit}`;
}
