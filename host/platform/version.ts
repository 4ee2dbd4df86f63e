// The package's version, said once: in package.json.
import { createRequire } from 'node:module';

const manifest = createRequire(import.meta.url)('lodger/package.json') as { readonly version: string };

/** The version of this package, as `0.1.0`. */
export const VERSION = manifest.version;
