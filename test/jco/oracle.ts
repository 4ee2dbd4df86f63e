// The oracle: a kernel run as a component by jco's own glue, with stand-ins for what a job grants.
// Nothing here comes from the runtime under test, but for the names of traps, which no two hosts word alike.
import { createCipheriv, createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { createV8 } from '../../runtime/engine/v8.ts';
import type { LogLine } from '../../runtime/job/outcome.ts';
import type { Shape } from '../../runtime/job/world.ts';
import type { Ending, Given } from '../kernels/ending.ts';

export interface Oracle {
  run(input: Uint8Array, given: Given): Ending;
}

type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;

/** The exports of a transpiled kernel. An `err` is thrown: its payload, bare. */
interface Instance {
  run(input: Uint8Array): Uint8Array;
  begin(input: Uint8Array): void;
  step(): number;
  finish(): Uint8Array;
}

interface Transpiled {
  instantiate(core: (name: string) => WebAssembly.Module, imports: Imports): Instance;
}

/** Stands for the host's part of `exit.fail`, which never returns. */
class Exit extends Error {}

/** Transpiles a component; each run gets an instance of its own. */
export async function createOracle(component: Uint8Array, shape: Shape): Promise<Oracle> {
  const { files } = await transpile(component, {
    name: 'kernel',
    instantiation: 'sync',
    base64Cutoff: 0,
    noTypescript: true,
    noComponentErrorWrapping: true,
  });
  const { instantiate } = await importSource(files['kernel.js'] ?? new Uint8Array());
  const modules = new Map(
    Object.entries(files).flatMap(([name, bytes]) =>
      name.endsWith('.wasm') ? [[name, new WebAssembly.Module(new Uint8Array(bytes))] as const] : [],
    ),
  );
  const core = (name: string) => modules.get(name) ?? raise(`no core module ${name}`);

  return {
    run: (input, given) => {
      const log: LogLine[] = [];
      try {
        const kernel = instantiate(core, importsOf(given, log));
        return { state: 'done', output: shape === 'kernel' ? kernel.run(input) : walk(kernel, input), log };
      } catch (thrown) {
        return { state: 'failed', ...explain(thrown), log };
      }
    },
  };
}

/** A stepper from its beginning to its end. */
function walk(kernel: Instance, input: Uint8Array): Uint8Array {
  kernel.begin(input);
  while (kernel.step() < 1);
  return kernel.finish();
}

function explain(thrown: unknown): { code: string; message: string } {
  if (thrown instanceof Exit) return { code: 'ERR_EXIT', message: thrown.message };
  if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
    const { code, message } = createV8('any').explain(thrown);
    return { code, message };
  }
  // A string of a kernel in utf16 comes as a String object.
  if (typeof thrown === 'string' || thrown instanceof String) return { code: 'ERR_EXIT', message: String(thrown) };
  throw thrown;
}

/** The world's imports. jco looks them up without their version. */
function importsOf(given: Given, log: LogLine[]): Imports {
  const draw = randomStream(given);
  const blob = (name: string) =>
    Object.hasOwn(given.blobs, name) ? (given.blobs[name] as Uint8Array) : raise(`no blob named "${name}" was granted`);
  let now = 0n;
  return {
    'lodger:kernel/exit': {
      fail: (message: string) => {
        throw new Exit(message);
      },
    },
    'lodger:kernel/log': { write: (level: LogLine['level'], text: string) => log.push({ level, text: String(text) }) },
    'lodger:kernel/random': { fill: draw },
    'lodger:kernel/clock': { now: () => now++ },
    'lodger:kernel/blobs': {
      size: (name: string) => BigInt(blob(name).length),
      read: (name: string, offset: bigint, length: number) => blob(name).slice(Number(offset), Number(offset) + length),
    },
  };
}

/** ChaCha20 of RFC 8439 by OpenSSL: the key SHA-256(seed, index), both 64-bit little-endian; counter and nonce zero. */
function randomStream({ seed, index }: Given): (length: number) => Uint8Array {
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64LE(BigInt(seed), 0);
  numbers.writeBigUInt64LE(BigInt(index), 8);
  const key = createHash('sha256').update(numbers).digest();
  const cipher = createCipheriv('chacha20', key, Buffer.alloc(16));
  return (length) => new Uint8Array(cipher.update(Buffer.alloc(length)));
}

/** A stand-in's way to give the `err` of a result: the payload is thrown. */
function raise(payload: string): never {
  throw payload;
}

async function importSource(source: Uint8Array): Promise<Transpiled> {
  const folder = mkdtempSync(join(tmpdir(), 'lodger-oracle-'));
  try {
    const file = join(folder, 'kernel.mjs');
    writeFileSync(file, source);
    return await import(/* @vite-ignore */ pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
