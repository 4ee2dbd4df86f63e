// What `lodger new` writes works on the first try.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { ASC_VERSION } from '../../host/build/compile.ts';
import { newKernel } from '../../host/build/template.ts';
import manifest from '../../package.json' with { type: 'json' };
import { admit, createSandbox, parseJob } from '../../runtime/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-new-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a place that is taken is refused, and nothing in it is touched', () => {
  test('a folder that is not empty', async () => {
    const dir = join(folder, 'taken');
    await mkdir(dir);
    await writeFile(join(dir, 'kernel.ts'), 'mine');
    await expect(newKernel(dir)).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: `cannot make a kernel in "${dir}": the folder is not empty`,
    });
    expect(await readdir(dir)).toEqual(['kernel.ts']);
    expect(await readFile(join(dir, 'kernel.ts'), 'utf8')).toBe('mine');
  });

  test('a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'mine');
    await expect(newKernel(file)).rejects.toMatchObject({ code: 'ERR_FILE' });
    expect(await readFile(file, 'utf8')).toBe('mine');
  });
});

describe('a new kernel', () => {
  let dir: string;
  let files: readonly string[];
  beforeAll(async () => {
    dir = join(folder, 'Hello World');
    files = await newKernel(dir);
  });

  test('has a source, a test with its data, a job, and what npm and editors need', async () => {
    const names = files.map((file) => relative(dir, file)).sort();
    const whole = ['README.md', 'expected.txt', 'input.txt', 'job.json', 'kernel.ts', 'package.json', 'tsconfig.json'];
    expect(names).toEqual([...whole, join('tests', 'counts.json'), join('tests', 'words.ts')].sort());
    expect((await readdir(dir)).sort()).toEqual([...whole, 'tests'].sort());
  });

  test('is called after its folder, and asks for the versions that made it', async () => {
    const own = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
    expect(own.name).toBe('hello-world');
    expect(own.scripts).toEqual({ build: 'lodger build .', test: 'lodger test .' });
    expect(own.devDependencies).toEqual({ assemblyscript: ASC_VERSION, lodger: manifest.version });
    for (const file of files) expect(await readFile(file, 'utf8')).not.toMatch(/\b(?:NAME|VERSION|ASC_VERSION)\b/);
  });

  test('has a job file that is valid and names the kernel that is built', async () => {
    const job = parseJob(JSON.parse(await readFile(join(dir, 'job.json'), 'utf8')));
    expect(job.kernel).toEqual({ path: 'hello-world.wasm' });
  });

  test('builds and gives the expected output', async () => {
    const { wasm, warnings } = await buildKernel({ source: dir });
    expect(warnings).toEqual([]);
    const sandbox = createSandbox();
    const input = new Uint8Array(await readFile(join(dir, 'input.txt')));
    const outcome = await sandbox.run({ kernel: await admit(wasm), input });
    await sandbox.close();
    expect(outcome).toMatchObject({ state: 'done' });
    if (outcome.state !== 'done') return;
    expect(Buffer.from(outcome.output).toString()).toBe(await readFile(join(dir, 'expected.txt'), 'utf8'));
  });
});

test('an empty folder is as good as none', async () => {
  const dir = join(folder, 'empty');
  await mkdir(dir);
  expect((await newKernel(dir)).length).toBeGreaterThan(0);
});
