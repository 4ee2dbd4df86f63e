// Another copy of the built package, in a folder of its own, so that a test can take from it what not every machine has.
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Surroundings, scratch } from '../cli/lodger.ts';

export interface Copy extends Required<Pick<Surroundings, 'cwd' | 'main'>> {
  at(...names: readonly string[]): string;
  remove(): Promise<void>;
}

/** Without native code, and without the packages that it needs. */
export async function copyOfPackage(): Promise<Copy> {
  const folder = await scratch();
  const at = (...names: readonly string[]) => join(folder.path, ...names);
  await mkdir(at('dist'));
  for (const part of ['host', 'kernels', 'runtime'])
    await cp(join(ROOT, 'dist', part), at('dist', part), { recursive: true });
  await cp(join(ROOT, 'package.json'), at('package.json'));
  return {
    cwd: folder.path,
    main: at('dist', 'host', 'cli', 'main.js'),
    at,
    remove: () => folder[Symbol.asyncDispose](),
  };
}
