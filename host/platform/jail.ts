// Where the jail of this machine is: the program that puts the walls of a cell around a process. It is built together with the addon.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { LIBRARY, PLATFORM } from './native.ts';

/** Where one that was built here lies. */
export const JAIL = join(dirname(LIBRARY), `lodger-jail.${PLATFORM}`);

/** Its path, or why there is none. */
export function findJail(): { readonly path: string } | { readonly missing: string } {
  if (process.platform !== 'linux') return { missing: `there is a jail on Linux only, not on ${process.platform}` };
  if (existsSync(JAIL)) return { path: JAIL };
  return { missing: 'it was not built; where Rust is, "npm run build:native" in a checkout builds it' };
}
