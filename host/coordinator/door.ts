// The door to a site: the packages that only a site needs are installed by those who run one, and loaded when one is started.
import { createRequire } from 'node:module';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Coordinator } from './coordinator.ts';
import type { CoordinatorOptions } from './options.ts';

type Module = typeof import('./coordinator.ts');

/** Package -> version, as `package.json` has them. */
const { peerDependencies } = createRequire(import.meta.url)('lodger/package.json') as {
  readonly peerDependencies: Readonly<Record<string, string>>;
};

/**
 * Starts a site, or starts one again from its folder. Throws `ERR_PEER_MISSING` where a package that only sites need is not installed,
 * `ERR_OPTION_INVALID`, and `ERR_FILE` for a folder that cannot be used, or is in use by another process. `load` is for tests.
 */
export async function createCoordinator(
  options: CoordinatorOptions,
  load: () => Promise<Module> = () => import('./coordinator.ts'),
): Promise<Coordinator> {
  const { openCoordinator } = await load().catch((error: unknown) => {
    throw missingPeer(error, 'a site', isOfSite) ?? error;
  });
  return openCoordinator(options);
}

/** Packages of a site; the compiler, and what only sites need that join others, are no part of it. */
const isOfSite = (name: string): boolean => name !== 'assemblyscript' && !name.startsWith('@nats-io/');

/** What is missing, if it is an optional package: all that belong to it at once, since whoever lacks one lacks the others. */
export function missingPeer(error: unknown, what: string, belongs: (name: string) => boolean): LodgerError | undefined {
  const { code, message = '' } = Object(error) as { code?: string; message?: string };
  const name = Object.keys(peerDependencies).find((each) => message.includes(`'${each}'`));
  if (code !== 'ERR_MODULE_NOT_FOUND' || name === undefined) return undefined;
  const needed = Object.entries(peerDependencies).filter(([each]) => belongs(each));
  const all = needed.map(([each, version]) => `${each}@${version}`).join(' ');
  return new LodgerError('ERR_PEER_MISSING', [what, name, all], { cause: error });
}
