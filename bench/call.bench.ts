// What a call costs: in a live instance against jco's glue, and in a fresh instance against bare WebAssembly.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { componentNew, transpile } from '@bytecodealliance/jco';
import { node } from '../host/platform/node.ts';
import { nodeV8 } from '../host/platform/node-v8.ts';
import { Exports } from '../runtime/abi/exports.ts';
import { importsOf } from '../runtime/abi/imports.ts';
import type { Kernel } from '../runtime/job/kernel.ts';
import { fillLimits } from '../runtime/job/limits.ts';
import { compileFor } from '../runtime/sandbox/compile.ts';
import { execute } from '../runtime/sandbox/execute.ts';
import { openRoom } from '../runtime/sandbox/running.ts';
import { runBare } from './bare.ts';
import { kernel } from './kernels.ts';
import { type Result, ratio } from './result.ts';
import { interleave } from './rounds.ts';

const INPUT = new Uint8Array(1024).fill(3);
const OPERATIONS = 200;

export default async function measure(): Promise<Result> {
  const [live, fresh] = [await kernel('echo', 'incremental'), await kernel('echo')];
  const glue = await jcoCall(live);
  const ours = await liveCall(live);
  const sandboxed = await freshCall(fresh);
  const bare = bareCall(fresh);
  for (const call of [glue, ours, sandboxed, bare]) {
    if (Buffer.compare(call(), INPUT) !== 0) throw new Error('the variants do not give the same output');
  }
  const repeat = (name: string, call: () => Uint8Array) => ({
    name,
    operations: OPERATIONS,
    once: () => {
      for (let i = 0; i < OPERATIONS; i++) call();
    },
  });
  const times = await interleave(
    [
      repeat('live: our driver', ours),
      repeat("live: jco's glue", glue),
      repeat('fresh: sandbox', sandboxed),
      repeat('fresh: bare WebAssembly', bare),
      repeat('fresh: sandbox again (noise floor)', sandboxed),
    ],
    { rounds: 15, samples: 10 },
  );
  return {
    name: 'call',
    times,
    measures: [
      ratio('call of 1 KiB in a live instance, against jco', times, ['live: our driver', "live: jco's glue"], 0.25),
      ratio(
        'fresh instance + call, against bare WebAssembly',
        times,
        ['fresh: sandbox', 'fresh: bare WebAssembly'],
        0.3,
      ),
    ],
  };
}

/** The same kernel as a component, through the code that jco generates for it. */
async function jcoCall(live: Kernel): Promise<() => Uint8Array> {
  const component = await componentNew(live.core, []);
  const { files } = await transpile(component, {
    name: 'echo',
    instantiation: { tag: 'sync' },
    base64Cutoff: 0,
  } as never);
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  try {
    const modules = new Map<string, WebAssembly.Module>();
    for (const [name, bytes] of Object.entries(files) as [string, Uint8Array<ArrayBuffer>][]) {
      if (name.endsWith('.wasm')) modules.set(name, new WebAssembly.Module(bytes));
      if (name.endsWith('.js') && dirname(name) === '.') await writeFile(join(folder, 'echo.mjs'), bytes);
    }
    const { instantiate } = await import(pathToFileURL(join(folder, 'echo.mjs')).href);
    const fail = (message: string) => {
      throw new Error(message);
    };
    const instance = instantiate((path: string) => modules.get(path), { 'lodger:kernel/exit': { fail } });
    return () => instance.run(INPUT);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function liveCall(live: Kernel): Promise<() => Uint8Array> {
  const engine = nodeV8();
  const ready = await compileFor(engine, live, { metered: false });
  const call = { input: INPUT, limits: fillLimits(), blobs: {}, seed: 0, index: 0, digests: false };
  const room = openRoom({ platform: node }, ready, call);
  const guest = engine.instantiate(ready, () => importsOf(room), 4_096);
  room.guest = guest;
  new Exports(guest, ready.facts).whole(INPUT, call.limits.outputBytesMax);
  const begun = { ...ready.facts, optional: ready.facts.optional.filter((name) => name !== '_initialize') };
  return () => new Exports(guest, begun).whole(INPUT, call.limits.outputBytesMax);
}

async function freshCall(fresh: Kernel): Promise<() => Uint8Array> {
  const place = { engine: nodeV8(), platform: node };
  const ready = await compileFor(place.engine, fresh);
  const call = { input: INPUT, limits: fillLimits(), blobs: {}, seed: 0, index: 0, digests: false };
  return () => {
    const outcome = execute(place, ready, call);
    if (outcome.state === 'failed') throw new Error(outcome.message);
    return outcome.output;
  };
}

/** By hand, without a check: the module as submitted, its own memory, the same calls. */
function bareCall(fresh: Kernel): () => Uint8Array {
  const module = new WebAssembly.Module(fresh.core as Uint8Array<ArrayBuffer>);
  return () => runBare(module, INPUT);
}
