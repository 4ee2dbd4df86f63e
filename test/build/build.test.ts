// What `buildKernel` makes: exactly the world's exports and imports, the same bytes anywhere, names and lines when asked for.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { componentEmbed, componentNew } from '@bytecodealliance/jco';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { COMPONENT_TYPE } from '../../kernels/transform/component-type.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { builtKernel } from '../kernels/built.ts';

const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const moduleOf = (wasm: Uint8Array) => new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-build-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a kernel exports what the world asks for, and nothing else', () => {
  const RUN = ['_initialize', 'cabi_post_run', 'cabi_realloc', 'memory', 'run'];
  test.each([
    ['kernels/echo', 'stub', RUN],
    ['kernels/echo', 'minimal', RUN],
    ['kernels/echo', 'incremental', RUN],
    ['stepper', 'stub', ['_initialize', 'begin', 'cabi_post_finish', 'cabi_realloc', 'finish', 'memory', 'step']],
  ] as const)('%s with the runtime %s', async (name, runtime, names) => {
    const { wasm } = await builtKernel(name, runtime);
    const exported = WebAssembly.Module.exports(moduleOf(wasm)).map((each) => each.name);
    expect(exported.sort()).toEqual([...names]);
  });

  test.each([
    ['256KiB', 4],
    ['65537', 2],
  ])('a memory of the size that its author says a usual task needs: %s', async (size, pages) => {
    const source = join(folder, 'sized.ts');
    const text = `// @memory ${size}\nexport function run(input: Uint8Array): Uint8Array { return input; }\n`;
    await writeFile(source, text);
    const { report } = await admit((await buildKernel({ source })).wasm);
    expect(report.memoryPagesMin).toBe(pages);
  });

  test('no memory of a size that is none, or too small for its own data', async () => {
    const source = join(folder, 'sized.ts');
    const run = 'export function run(input: Uint8Array): Uint8Array { return input; }\n';
    await writeFile(source, `// @memory lots\n${run}`);
    await expect(buildKernel({ source })).rejects.toThrow('option "@memory" must be a size such as 64MiB');
    await writeFile(
      source,
      `// @memory 64KiB\nconst table = memory.data(200000);\n${run.replace('{ return', '{ store<u8>(table, 1); return')}`,
    );
    await expect(buildKernel({ source })).rejects.toMatchObject({ code: 'ERR_BUILD_FAILED' });
  });

  test('an author’s further exports stay inside', async () => {
    const source = join(folder, 'more.ts');
    const text = 'export const more = 1;\nexport function run(input: Uint8Array): Uint8Array { return input; }\n';
    await writeFile(source, text);
    const { wasm } = await buildKernel({ source });
    expect(
      WebAssembly.Module.exports(moduleOf(wasm))
        .map((each) => each.name)
        .sort(),
    ).toEqual(RUN);
  });

  test('a run that comes from another file is one, too', async () => {
    const source = join(folder, 'index.ts');
    await writeFile(source, "export { run } from './more';\n");
    const { wasm } = await buildKernel({ source: folder });
    expect(
      WebAssembly.Module.exports(moduleOf(wasm))
        .map((each) => each.name)
        .sort(),
    ).toEqual(RUN);
  });
});

describe('a kernel imports what it uses, and nothing else', () => {
  test.each([
    ['kernels/echo', ['exit.fail']],
    ['cursor', ['exit.fail']],
    ['caps', ['blobs.read', 'blobs.size', 'clock.now', 'exit.fail', 'log.write', 'random.fill']],
    ['outside', ['exit.fail', 'files.names', 'files.read', 'files.size', 'files.write', 'http.request']],
  ])('%s', async (name, wanted) => {
    const { wasm } = await builtKernel(name);
    const imported = WebAssembly.Module.imports(moduleOf(wasm)).map((each) => `${each.module}.${each.name}`);
    expect(imported.sort()).toEqual(wanted.map((each) => `lodger:kernel/${each.replace('.', '@0.1.0.')}`));
  });
});

describe('the component-type section', () => {
  test.each(['kernel', 'stepper'] as const)(
    'of the world %s is byte for byte what jco makes of kernel.wit',
    async (world) => {
      const witSource = await readFile('kernels/wit/kernel.wit', 'utf8');
      const embedded = await componentEmbed({ binary: EMPTY_MODULE, witSource, world, stringEncoding: 'utf16' });
      const [section] = WebAssembly.Module.customSections(moduleOf(embedded), 'component-type');
      expect(Buffer.from(section ?? new ArrayBuffer(0)).toString('base64')).toBe(COMPONENT_TYPE[world]);
    },
  );

  test.each([
    ['kernels/echo', 'kernel'],
    ['stepper', 'stepper'],
  ] as const)('is in %s once, as the world %s', async (name, world) => {
    const sections = WebAssembly.Module.customSections(moduleOf((await builtKernel(name)).wasm), 'component-type');
    expect(sections.map((each) => Buffer.from(each).toString('base64'))).toEqual([COMPONENT_TYPE[world]]);
  });

  test.each(['kernels/echo', 'stepper', 'caps', 'outside'])(
    'makes a component of %s with one call of jco',
    async (name) => {
      const component = await componentNew((await builtKernel(name)).wasm, []);
      expect([...component.slice(0, 8)]).toEqual([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
    },
  );
});

describe('builds are reproducible', () => {
  test.each(['release', 'debug'] as const)(
    'a %s build has the same bytes from any folder, and no path of it',
    async (target) => {
      const builds: string[] = [];
      for (const place of ['here', join('there', 'deeper and deeper')]) {
        const own = join(folder, target, place);
        await mkdir(own, { recursive: true });
        await cp('test/fixtures/kernels/failing.ts', join(own, 'kernel.ts'));
        const { wasm, map = '' } = await buildKernel({ source: own, target });
        for (const content of [Buffer.from(wasm).toString('latin1'), map]) {
          expect(content).not.toContain(folder);
          expect(content).not.toContain(process.cwd());
        }
        builds.push(createHash('sha256').update(wasm).update(map).digest('hex'));
      }
      expect(builds[0]).toBe(builds[1]);
    },
  );

  test('line ends of a checkout do not change the bytes', async () => {
    const text = await readFile('kernels/echo/kernel.ts', 'utf8');
    const source = join(folder, 'kernel.ts');
    await writeFile(source, text.replaceAll('\n', '\r\n'));
    expect((await buildKernel({ source })).digest).toBe((await builtKernel('kernels/echo')).digest);
  });

  test('builds that are begun together do not disturb each other', async () => {
    const names = ['kernels/echo', 'test/fixtures/kernels/stepper.ts', 'kernels/echo'];
    const built = await Promise.all(names.map((source) => buildKernel({ source })));
    const wanted = [await builtKernel('kernels/echo'), await builtKernel('stepper'), await builtKernel('kernels/echo')];
    expect(built.map((each) => each.digest)).toEqual(wanted.map((each) => each.digest));
  });

  test('an author’s own copy of the package does not take the library’s place', async () => {
    const own = join(folder, 'copy');
    await mkdir(join(own, 'node_modules', 'lodger'), { recursive: true });
    await writeFile(join(own, 'node_modules', 'lodger', 'kernel.ts'), 'export class Reader {}\n');
    await cp('test/fixtures/kernels/stepper.ts', join(own, 'kernel.ts'));
    expect((await buildKernel({ source: own })).digest).toBe((await builtKernel('stepper')).digest);
  });
});

describe('what is written', () => {
  test('is the kernel under its digest, and for a debug build its map, whole', async () => {
    const out = join(folder, 'made', 'k.wasm');
    await mkdir(join(folder, 'made'));
    const { wasm, digest, map, path, warnings } = await buildKernel({ source: 'kernels/echo', target: 'debug', out });
    expect(path).toBe(out);
    expect(warnings).toEqual([]);
    expect(new Uint8Array(await readFile(out))).toEqual(new Uint8Array(wasm));
    expect(createHash('sha256').update(wasm).digest('hex')).toBe(digest);
    expect(await readFile(`${out}.map`, 'utf8')).toBe(map);
    expect((await readdir(join(folder, 'made'))).sort()).toEqual(['k.wasm', 'k.wasm.map']);
  });

  test('of a debug build are names and the author’s lines', async () => {
    const { wasm, map = '{}' } = await buildKernel({ source: 'test/fixtures/kernels/failing.ts', target: 'debug' });
    expect(WebAssembly.Module.customSections(moduleOf(wasm), 'name')).toHaveLength(1);
    expect(Buffer.from(wasm).includes('failing/down')).toBe(true);
    const { sources, sourcesContent } = JSON.parse(map) as { sources: string[]; sourcesContent: string[] };
    expect(sourcesContent[sources.indexOf('failing.ts')]).toBe(
      await readFile('test/fixtures/kernels/failing.ts', 'utf8'),
    );
  });

  test('of a release build is no map and no name', async () => {
    const { wasm, map } = await builtKernel('kernels/echo');
    expect(map).toBeUndefined();
    expect(WebAssembly.Module.customSections(moduleOf(wasm), 'name')).toEqual([]);
  });
});

test('asc’s own command line, with the door lodger/transform, makes the same bytes', async () => {
  const own = join(folder, 'by hand');
  await mkdir(join(own, 'node_modules'), { recursive: true });
  await symlink(process.cwd(), join(own, 'node_modules', 'lodger'));
  await cp('kernels/echo/kernel.ts', join(own, 'kernel.ts'));
  const asc = resolve('node_modules', 'assemblyscript', 'bin', 'asc.js');
  const options = ['--transform', 'lodger/transform', '--config', resolve('asconfig.json'), '--runtime', 'stub'];
  await promisify(execFile)(process.execPath, [asc, 'kernel.ts', '-o', 'k.wasm', ...options], { cwd: own });
  const digest = createHash('sha256')
    .update(await readFile(join(own, 'k.wasm')))
    .digest('hex');
  expect(digest).toBe((await builtKernel('kernels/echo')).digest);
});

test('what the compiler warns of is kept, with its place', async () => {
  const source = join(folder, 'warns.ts');
  const text = "export function run(input: Uint8Array): Uint8Array {\n  WARNING('mind the gap');\n  return input;\n}\n";
  await writeFile(source, text);
  const { warnings } = await buildKernel({ source });
  expect(warnings).toEqual([`${source}:2:3: 'mind the gap'`]);
});
