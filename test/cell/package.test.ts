// The native library of a published package: a cell has it as it would have one that was built here.
import { cp, link, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FLOOR } from '../../host/cell/walls.ts';
import { findJail } from '../../host/platform/jail.ts';
import { LIBRARY, LIBRARY_PACKAGE } from '../../host/platform/native.ts';
import { lodger, ROOT } from '../cli/lodger.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { copyOfPackage } from './copy.ts';

const jail = findJail();

test('a kernel runs on Wasmtime in a cell whose library came from a package', async () => {
  if ('missing' in jail || WASMTIME_MISSING !== undefined) return;
  const copy = await copyOfPackage();
  onTestFinished(copy.remove);
  const { at } = copy;
  // The jail is there, the library is not.
  await mkdir(at('dist', 'native'));
  await cp(jail.path, at('dist', 'native', basename(jail.path)));
  await mkdir(at('node_modules'));
  for (const name of await readdir(join(ROOT, 'node_modules')))
    await symlink(join(ROOT, 'node_modules', name), at('node_modules', name));
  const published = at('node_modules', LIBRARY_PACKAGE);
  await mkdir(published);
  await link(LIBRARY, join(published, 'library.node')).catch(() => cp(LIBRARY, join(published, 'library.node')));
  await writeFile(join(published, 'package.json'), JSON.stringify({ name: LIBRARY_PACKAGE, main: 'library.node' }));

  const walls = [...FLOOR, 'lock'];
  const { stdout, stderr, exitCode } = await lodger(
    [
      'run',
      'dist/kernels/echo.wasm',
      '--input',
      'package.json',
      '--engine',
      'wasmtime',
      '--strict',
      walls.join(),
      '--json',
    ],
    copy,
  );
  expect(exitCode, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    state: 'done',
    receipt: { engine: { name: 'wasmtime' }, isolation: expect.arrayContaining(walls) },
  });
});
