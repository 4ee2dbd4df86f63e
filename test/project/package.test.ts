// The package as people get it: packed, installed into an empty folder, and used there as the README says.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LIBRARY, PLATFORM } from '../../host/platform/native.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { CONSUMER, STRICTEST } from './consumer.ts';
import { ROOT, textOf } from './files.ts';
import { block } from './readme.ts';

const PACKED_BYTES_MAX = 1024 * 1024;
const UNPACKED_BYTES_MAX = 4096 * 1024;
/** With everything that a program which depends on Lodger gets to carry. */
const INSTALLED_BYTES_MAX = 14 * 1024 * 1024;

const NEEDED = [
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|asconfig\.json)$/,
  /^dist\/(?:runtime|host|kernels\/transform)\/[\w/-]+(?:\.d\.c?ts|\.c?js)$/,
  /^kernels\/lib\/[\w-]+\.(?:ts|json)$/,
  /^kernels\/(?:template(?:\/tests)?|wit)\/[\w.-]+$/,
  /^schemas\/[\w.-]+\.json$/,
  /^host\/federation\/config\/\w+\.conf$/,
  /^dist\/host\/pages\/(?:[\w/-]+\.(?:js|css)|(?:console|join)\/index\.html)$/,
];

const MINUTES = 60_000;
const { peerDependencies } = JSON.parse(textOf('package.json'));

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let scratch = '';
let packed: Packed;
let tarball = '';
/** A folder with `lodger` and what it depends on. */
let bare = '';
/** The same with the compiler. */
let author = '';

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lodger-package-'));
  const answer = JSON.parse((await npm(ROOT, 'pack', '--json', '--pack-destination', scratch)).stdout);
  // npm 11 and before gives a list, later ones an object by name.
  packed = Object.values<Packed>(answer)[0] as Packed;
  tarball = join(scratch, packed.filename);
  [bare, author] = [await emptyProject('bare'), await emptyProject('author')];
  await npm(bare, ...INSTALL, tarball);
}, 5 * MINUTES);

afterAll(() => rm(scratch, { recursive: true, force: true }));

test('the tarball holds what is needed and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths.filter((path) => !NEEDED.some((form) => form.test(path)))).toEqual([]);
  for (const form of NEEDED)
    expect(
      paths.some((path) => form.test(path)),
      String(form),
    ).toBe(true);
});

test('the tarball stays small', () => {
  expect(packed.size).toBeLessThanOrEqual(PACKED_BYTES_MAX);
  expect(packed.unpackedSize).toBeLessThanOrEqual(UNPACKED_BYTES_MAX);
});

test('of a tab there is what pages load, and the door that shows it', () => {
  const paths = packed.files.map(({ path }) => path).filter((path) => path.startsWith('dist/host/browser/'));
  expect(paths.sort()).toEqual(['dist/host/browser/volunteer.d.ts', 'dist/host/browser/volunteer.js']);
});

test('publint has nothing to say about the tarball', async () => {
  const bytes = await readFile(tarball);
  const { messages } = await publint({ pack: { tarball: Uint8Array.from(bytes).buffer }, strict: true });
  expect(messages).toEqual([]);
});

test('the types of every door resolve for ESM', async () => {
  const attw = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  // The door for kernels is AssemblyScript, which only asc reads.
  const flags = ['--profile', 'esm-only', '--exclude-entrypoints', './kernel', '--no-definitely-typed'];
  const { exitCode, stdout } = await run(process.execPath, [attw, tarball, ...flags, '--format', 'json'], scratch);
  expect(JSON.parse(stdout).analysis.types).toMatchObject({ kind: 'included' });
  expect(exitCode, stdout).toBe(0);
});

test('a program that depends on lodger gets no compiler, no jco, no browser, and little to carry', async () => {
  const installed = await packagesOf(join(bare, 'node_modules'));
  expect(installed).toContain('lodger');
  expect(
    installed.filter((name) =>
      /assemblyscript|binaryen|bytecodealliance|playwright|puppeteer|typescript|vitest|vite|preact|lmdb|fastify/.test(
        name,
      ),
    ),
  ).toEqual([]);
  expect(await bytesBelow(join(bare, 'node_modules'))).toBeLessThanOrEqual(INSTALLED_BYTES_MAX);
});

test('a site says which packages it needs where they are not installed', async () => {
  const { exitCode, stderr } = await lodger(bare, 'serve', '--listen', '127.0.0.1:0', '--data', join(bare, 'site'));
  expect(exitCode).toBe(2);
  expect(stderr).toContain('[ERR_PEER_MISSING]');
  for (const name of ['fastify', 'lmdb', 'pino']) expect(stderr).toContain(`${name}@${peerDependencies[name]}`);
});

test('Wasmtime comes with a package for the platform, where one is installed, and the remedy is said where none is', async () => {
  const platform = join(bare, 'node_modules', `lodger-${PLATFORM}`);
  const refused = await lodger(bare, 'run', join(ROOT, 'dist/kernels/echo.wasm'), '--engine', 'wasmtime');
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[ERR_ENGINE_MISSING]') });
  if (WASMTIME_MISSING !== undefined) return;
  await mkdir(platform);
  const main = `lodger.${PLATFORM}.node`;
  await writeFile(
    join(platform, 'package.json'),
    JSON.stringify({ name: `lodger-${PLATFORM}`, version: '0.1.0', main }),
  );
  await cp(LIBRARY, join(platform, main));
  const { stdout } = await lodger(bare, 'doctor');
  expect(stdout).toMatch(/^yes {2}engine wasmtime +Wasmtime \d/m);
  await rm(platform, { recursive: true });
});

test('a strict TypeScript program compiles against the tarball', async () => {
  const doors = ['lodger', 'lodger/host', 'lodger/browser'];
  expect(await compile(bare, doors, CONSUMER)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});

test('a TypeScript program that takes an outcome for an output does not compile', async () => {
  const wrong = CONSUMER.replace("if (outcome.state === 'done') ", '');
  const { exitCode, stdout } = await compile(bare, ['lodger', 'lodger/host'], wrong);
  expect(exitCode).not.toBe(0);
  expect(stdout).toContain("Property 'output' does not exist on type 'Outcome'");
});

test('without the compiler, build says what to install and ends with 2', async () => {
  await lodger(bare, 'new', 'refused');
  const { exitCode, stdout, stderr } = await lodger(bare, 'build', 'refused');
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain('ERR_PEER_MISSING');
  expect(stderr).toContain(`npm install --save-dev assemblyscript@${peerDependencies.assemblyscript}`);
  expect(await readdir(join(bare, 'refused'))).not.toContain('refused.wasm');
});

test(
  "the README's kernel is made, built and run by its own lines, and its embedding runs without the compiler",
  async () => {
    const [install = '', ...lines] = block('write').trim().split('\n');
    // The package is not in a registry while it is tested: the tarball stands for its name.
    await npm(
      author,
      ...INSTALL,
      ...install
        .split(' ')
        .slice(2)
        .map((word) => (word === 'lodger' ? tarball : word)),
    );
    let last: Ended | undefined;
    for (const line of lines) {
      const [npx, name, ...args] = line.split(' ');
      expect([npx, name]).toEqual(['npx', 'lodger']);
      last = await lodger(author, ...args);
      expect(last, line).toMatchObject({ exitCode: 0 });
    }
    const [, promised] = /The last line prints `(.+?)`/.exec(textOf('README.md')) ?? [];
    expect(last?.stdout).toBe(`${promised}\n`);

    await cp(join(author, 'hello'), join(bare, 'hello'), { recursive: true });
    await writeFile(join(bare, 'embed.js'), block('embed'));
    const embedded = await run(process.execPath, ['embed.js'], bare);
    expect(embedded).toEqual({ exitCode: 0, stdout: block('embed-output'), stderr: '' });
  },
  5 * MINUTES,
);

test(
  'the test that comes with a new kernel passes, and fails when the kernel is another',
  async () => {
    const folder = join(author, 'hello');
    expect(await npm(folder, 'test')).toMatchObject({ exitCode: 0 });
    await writeFile(join(folder, 'kernel.ts'), block('kernel'));
    expect((await npm(folder, 'test')).exitCode).not.toBe(0);
  },
  5 * MINUTES,
);

test(
  'the kernel in the README reverses its input, and refuses none',
  async () => {
    await mkdir(join(author, 'reverse'));
    await writeFile(join(author, 'reverse/kernel.ts'), block('kernel'));
    await writeFile(join(author, 'reverse/abc'), 'abc');
    expect(await lodger(author, 'build', 'reverse')).toMatchObject({ exitCode: 0 });
    const kernel = 'reverse/reverse.wasm';
    expect(await lodger(author, 'run', kernel)).toMatchObject({ exitCode: 1, stdout: '' });
    expect(await lodger(author, 'run', kernel, '--input', 'reverse/abc')).toMatchObject({ exitCode: 0, stdout: 'cba' });
  },
  5 * MINUTES,
);

test('the door for transforms has types where the compiler is installed', async () => {
  // The compiler's own declarations contradict each other, so declarations are not checked here.
  const door = "import { InlineAccessors, KernelAbi } from 'lodger/transform';\n";
  const right = `${door}export const transforms = [new KernelAbi(), new InlineAccessors()];`;
  const options = { ...STRICTEST, skipLibCheck: true };
  expect(await compile(author, ['lodger/transform'], right, options)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  const wrong = `${door}export const transforms: string = KernelAbi;`;
  expect((await compile(author, ['lodger/transform'], wrong, options)).stdout).toContain('TS2322');
});

const INSTALL = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];

async function emptyProject(name: string): Promise<string> {
  const folder = join(scratch, name);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return folder;
}

/** Compiles the text in the folder, with every name of the doors in scope. */
async function compile(
  folder: string,
  doors: readonly string[],
  text: string,
  compilerOptions: object = STRICTEST,
): Promise<Ended> {
  const whole = doors.map((door, index) => `export * as door${index} from '${door}';`).join('\n');
  await writeFile(join(folder, 'program.ts'), `${whole}\n${text}`);
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  return run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.', '--pretty', 'false'], folder);
}

/** `npx lodger` in the folder; npx itself is left out, since it takes a second. */
function lodger(folder: string, ...args: readonly string[]): Promise<Ended> {
  return run(join(folder, 'node_modules/.bin/lodger'), args, folder);
}

async function npm(folder: string, ...args: readonly string[]): Promise<Ended> {
  const ended = await run('npm', args, folder);
  if (ended.exitCode !== 0 && args[0] !== 'test') throw new Error(`npm ${args.join(' ')}: ${ended.stderr}`);
  return ended;
}

async function run(file: string, args: readonly string[], cwd: string): Promise<Ended> {
  // What npm and vitest tell their children about this project is not to reach the other one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:npm_|VITEST|NODE_ENV)/.test(name)),
  );
  try {
    const { stdout, stderr } = await promisify(execFile)(file, args, { cwd, env, maxBuffer: 64 * 2 ** 20 });
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { exitCode: code, stdout, stderr };
  }
}

async function packagesOf(folder: string): Promise<string[]> {
  const paths = await readdir(folder, { recursive: true, encoding: 'utf8' });
  const manifests = paths.filter((path) =>
    /(?:^|node_modules[/\\])(?:@[^/\\]+[/\\])?[^/\\]+[/\\]package\.json$/.test(path),
  );
  return manifests.map((path) => dirname(path).replaceAll('\\', '/'));
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
