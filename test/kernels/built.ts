// The test kernels, each built once a test file.
import { type BuildOptions, type Built, buildKernel } from '../../host/build/build.ts';

const built = new Map<string, Promise<Built>>();

/** Builds `test/fixtures/kernels/<name>.ts`, or a kernel of the project by its folder. */
export function builtKernel(name: string, runtime: NonNullable<BuildOptions['runtime']> = 'stub'): Promise<Built> {
  const source = name.includes('/') ? name : `test/fixtures/kernels/${name}.ts`;
  const key = `${source} ${runtime}`;
  const made = built.get(key) ?? buildKernel({ source, runtime });
  built.set(key, made);
  return made;
}
