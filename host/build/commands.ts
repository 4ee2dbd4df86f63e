// Bundles the commands that many small jobs are done with: they start in some 0.6 of the CPU time from a few files as from hundreds. Run by
// `npm run build`, which has put the module by itself in the same place before.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../kernels/transform/library.ts';
import { bundle } from './bundle.ts';

/** The folder of what is loaded when it is needed. It lies beside `host/pool`: there are paths from where a module is to the threads'. */
const PARTS = 'later';

/** Packages that look for nothing beside their own files. */
const PACKAGES = ['@noble/ciphers', '@noble/hashes', 'cli-progress', 'env-paths', 'eventsource-parser', 'valibot'];

/** The library for messages looks for an addon, which takes longer than all messages of a small job. */
const REPLACED = { 'host/wire/codec.ts': 'host/wire/tab-codec.ts' };

/** What commands that ask a site need and others do not. */
const OF_SITES = String.raw`[\\/]host[\\/](?:client|wire)[\\/]|[\\/]trust\.ts$|eventsource-parser`;
/** The library that draws tables is loaded for those who want one. */
const TABLES = String.raw`[\\/]table\.ts$`;

const root = packageRoot();
await rm(join(root, 'dist', 'host', PARTS), { recursive: true, force: true });
await bundle(root, {
  entry: 'host/cli/here.ts',
  folder: 'dist/host',
  packages: PACKAGES,
  replaced: REPLACED,
  output: {
    format: 'es',
    entryFileNames: 'cli/here.js',
    chunkFileNames: `${PARTS}/[name].js`,
    // What several commands need is in two files: each file of a few lines would take a millisecond of its own.
    codeSplitting: {
      groups: [
        { name: 'shared', minShareCount: 2, test: new RegExp(`^(?!.*(?:${OF_SITES}|${TABLES}))`) },
        { name: 'site', minShareCount: 2, test: new RegExp(OF_SITES) },
      ],
    },
  },
});
