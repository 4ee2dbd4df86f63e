#!/usr/bin/env node
// The binary `lodger`. What runs kernels here lies in few files, since a small job ends soon; each of the other commands is loaded when it
// is called.
import process from 'node:process';

// Options before the command take no values.
const name = process.argv.slice(2).find((word) => !word.startsWith('-'));
const { start } = await (name === 'map' || name === 'run' ? import('./here.ts') : import('./commands.ts'));
await start(process.argv);
