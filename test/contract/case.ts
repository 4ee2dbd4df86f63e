// What the cases of the contract are made of: a kernel, what it is given, and how it must end on every engine.
import { expect } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { FailureCode } from '../../runtime/base/errors.ts';
import type { Platform } from '../../runtime/base/platform.ts';
import { portable } from '../../runtime/base/platform.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Runner, Task } from '../../runtime/job/task.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import type { ImportPart } from '../wasm/build.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';

/** What a task is given beside its kernel. */
export type Given = Partial<Omit<Task, 'kernel'>>;

/** How a task must end. */
export type Expected =
  | { readonly done: Uint8Array }
  /** The output as little-endian i32s. */
  | { readonly tells: readonly number[] }
  | { readonly failed: FailureCode; readonly message: string };

/** One row of the contract's tables. */
export type Case = { readonly name: string; readonly kernel: KernelParts; readonly given?: Given } & Expected;

/** Runs kernels one after the other in one sandbox, so that every case follows upon the others' leavings. */
export interface Bench {
  readonly sandbox: Runner;
  run(kernel: KernelParts | Uint8Array<ArrayBuffer>, given?: Given): Promise<Outcome>;
}

/** A clock that goes on by 1.5 ms each time it is read. */
export function tickingPlatform(): Platform {
  let reads = 0;
  return { digest: portable.digest, now: () => 1.5 * reads++ };
}

export function openBench(engine: Engine): Bench {
  const sandbox = createSandbox({ engine, platform: tickingPlatform() });
  return {
    sandbox,
    run: async (parts, given = {}) => {
      const bytes = parts instanceof Uint8Array ? parts : kernelOf(parts);
      return sandbox.run({ kernel: await admit(bytes), input: new Uint8Array(), ...given });
    },
  };
}

/** Holds an outcome against what was expected; the failure message is compared whole. */
export function expectOutcome(outcome: Outcome, expected: Expected): void {
  if ('failed' in expected) {
    expect(outcome).toMatchObject({ state: 'failed', code: expected.failed, message: expected.message });
  } else if ('tells' in expected) {
    expect(tellsOf(outcome)).toEqual(expected.tells);
  } else {
    expectBytes(outputOf(outcome), expected.done);
  }
}

/** Equal bytes. Large arrays are compared at once: element by element takes the matcher seconds. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.from(actual).equals(expected)) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  expect({ length: actual.length, at, bytes: actual.slice(at, at + 32) }).toEqual({
    length: expected.length,
    at,
    bytes: expected.slice(at, at + 32),
  });
}

/** The output of a task that must be done. */
export function outputOf(outcome: Outcome): Uint8Array {
  if (outcome.state === 'failed') throw new Error(`the task failed: ${outcome.code}: ${outcome.message}`);
  return new Uint8Array(outcome.output);
}

/** An output of little-endian i32s, as `tell` writes them. */
export function tellsOf(outcome: Outcome): readonly number[] {
  const output = outputOf(outcome);
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  return Array.from({ length: output.byteLength / 4 }, (_, index) => view.getInt32(index * 4, true));
}

/** Where `tell` puts what it tells. */
const TOLD = 64;

/** The end of a `run` that tells what each of these pieces of code leaves on the stack as an i32. */
export const tell = (...values: readonly string[]) =>
  `${values.map((value, index) => `i32.const ${TOLD} ${value} i32.store 2 ${index * 4}`).join(' ')}
   ${answer(0, `i32.const ${TOLD}`, `i32.const ${values.length * 4}`)}`;

/** The functions of the world, as imports. */
export const WORLD_IMPORTS = {
  fail: { module: 'lodger:kernel/exit@0.1.0', name: 'fail', type: 'ii>' },
  write: { module: 'lodger:kernel/log@0.1.0', name: 'write', type: 'iii>' },
  fill: { module: 'lodger:kernel/random@0.1.0', name: 'fill', type: 'ii>' },
  now: { module: 'lodger:kernel/clock@0.1.0', name: 'now', type: '>I' },
  size: { module: 'lodger:kernel/blobs@0.1.0', name: 'size', type: 'iii>' },
  read: { module: 'lodger:kernel/blobs@0.1.0', name: 'read', type: 'iiIii>' },
  fileSize: { module: 'lodger:kernel/files@0.1.0', name: 'size', type: 'iii>' },
  fileRead: { module: 'lodger:kernel/files@0.1.0', name: 'read', type: 'iiIii>' },
  fileWrite: { module: 'lodger:kernel/files@0.1.0', name: 'write', type: 'iiIiii>' },
  fileNames: { module: 'lodger:kernel/files@0.1.0', name: 'names', type: 'iii>' },
} as const satisfies Record<string, ImportPart>;

/** Where `textAt` puts a text: below the heap, above everything else that tests write. */
export const TEXT = 512;

/** A data segment with a text of ASCII letters in the given encoding. */
export function textAt(text: string, encoding: 'utf8' | 'utf16' = 'utf8', offset = TEXT) {
  const bytes = encoding === 'utf8' ? Buffer.from(text, 'utf8') : Buffer.from(text, 'utf16le');
  return { offset, bytes: [...bytes] };
}
