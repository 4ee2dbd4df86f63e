// The package's version, said once in package.json, and its files.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const load = createRequire(import.meta.url);
const manifest = load('lodger/package.json') as { readonly version: string };

/** The version of this package, as `0.1.0`. */
export const VERSION = manifest.version;

/** Where a file of the package is. */
export const packageFile = (path: string): string => join(dirname(load.resolve('lodger/package.json')), path);
