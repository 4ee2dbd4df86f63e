#!/usr/bin/env node
// The binary `lodger`. What runs kernels here, or asks a site, lies in few files, since a small job ends soon; each of the other commands is
// loaded when it is called.
import process from 'node:process';

const IN_FEW_FILES = ['run', 'map', 'submit', 'status', 'results', 'cancel', 'hosts'];

// Options before the command take no values.
const name = process.argv.slice(2).find((word) => !word.startsWith('-'));
const { start } = await (name !== undefined && IN_FEW_FILES.includes(name)
  ? import('./here.ts')
  : import('./commands.ts'));
await start(process.argv);
