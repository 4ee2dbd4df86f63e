// V8 as an engine, as this Node brings it.
import { Buffer } from 'node:buffer';
import process from 'node:process';
import type { Engine } from '../../runtime/engine/engine.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import { now } from './node.ts';

export function nodeV8(): Engine<WebAssembly.Module> {
  const engine = createV8(process.versions.v8, { now });
  return {
    ...engine,
    instantiate: (ready, importsOf, memoryPagesMax) => {
      const guest = engine.instantiate(ready, importsOf, memoryPagesMax);
      guest.copyIn = copyIn;
      return guest;
    },
  };
}

/** V8 copies what threads share word by word, 16 MiB in 6.3 ms; Node's `fill` copies it in one go, in 1.4 ms. */
function copyIn(memory: Uint8Array<ArrayBuffer>, bytes: Uint8Array, at: number): void {
  const { buffer, byteLength } = bytes;
  if (!(buffer instanceof SharedArrayBuffer) || byteLength === 0) memory.set(bytes, at);
  else Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength).fill(bytes, at, at + byteLength);
}
