// A process that runs one kernel on one engine, so that start and peak memory are that engine's alone:
// `engine-process.js ENGINE KERNEL CALLS`. Gives JSON: from bytes to the first answer, the best of later answers, peak memory.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { placeOf } from '../host/platform/engines.ts';
import { loadAddon } from '../host/platform/native.ts';
import { ownProcess } from '../host/platform/own-process.ts';
import { createWasmtime } from '../host/platform/wasmtime.ts';
import { admit } from '../runtime/admit/admit.ts';
import type { Engine } from '../runtime/engine/engine.ts';
import { compileFor } from '../runtime/sandbox/compile.ts';
import { execute } from '../runtime/sandbox/execute.ts';
import { callOf, type SubjectName } from './subjects.ts';

/** What the process measured, in ms and MiB. */
export interface Told {
  readonly startMs: number;
  readonly bestMs: number;
  readonly peakMiB: number;
  readonly output: string;
}

/** The engines that are compared. `wasmtime, unstoppable` runs kernels that count no fuel and cannot be stopped. No code is taken from disk. */
function engineOf(name: string): Engine {
  if (name === 'v8') return placeOf('v8').engine;
  return createWasmtime(loadAddon(), { stoppable: name === 'wasmtime' }) as Engine;
}

ownProcess();
const [, , name = '', subject = '', calls = '1'] = process.argv;
const place = { engine: engineOf(name), platform: placeOf('v8').platform };
const { file, call } = await callOf(subject as SubjectName);
const kernel = await admit(await readFile(file), { platform: place.platform });
const answer = () => {
  const outcome = execute(place, ready, call);
  if (outcome.state === 'failed') throw new Error(outcome.message);
  return outcome.output;
};
const begun = performance.now();
const ready = await compileFor(place.engine, kernel, { metered: name !== 'wasmtime, unstoppable' });
const output = answer();
const startMs = performance.now() - begun;
let bestMs = Number.POSITIVE_INFINITY;
for (let count = 0; count < Number(calls); count++) {
  const from = performance.now();
  answer();
  bestMs = Math.min(bestMs, performance.now() - from);
}
const peakMiB = process.resourceUsage().maxRSS / 1024;
const told: Told = { startMs, bestMs, peakMiB, output: createHash('sha256').update(output).digest('hex') };
process.stdout.write(JSON.stringify(told));
