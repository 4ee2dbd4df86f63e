// V8 as an engine, as this Node brings it.
import process from 'node:process';
import type { Engine } from '../../runtime/engine/engine.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import { now } from './node.ts';

export function nodeV8(): Engine<WebAssembly.Module> {
  return createV8(process.versions.v8, { now });
}
