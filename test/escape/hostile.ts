// Hostile guests: a table row each, run in one sandbox of each engine, and after each of them an honest task that must find nothing of it.
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { ErrorCode, FailureCode } from '../../runtime/base/errors.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { expectBytes, type Given, outputOf, tellsOf } from '../contract/case.ts';
import { ENGINES } from '../contract/engines.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';

/** How an attack must end: refused before anything runs, failed as the job's own fault, or answered with harmless numbers. */
export type End =
  | { readonly refused: ErrorCode; readonly says: string }
  | { readonly failed: FailureCode; readonly says: string }
  | { readonly tells: readonly number[] }
  | { readonly bytes: number };

export type Hostile = {
  /** What the guest tries. */
  readonly name: string;
  readonly guest: KernelParts | Uint8Array<ArrayBuffer>;
  readonly given?: Given;
} & End;

const PAGE = 65_536;

/** Writes its input into a fresh memory and gives the whole first page back, input and all. */
const honest = kernelOf({ run: { code: answer(0, 'i32.const 0', `i32.const ${PAGE}`) } });

/** What `honest` must give: its result at 16, its input at 1024, and nothing else. */
function honestPage(input: Uint8Array): Uint8Array {
  const page = new Uint8Array(PAGE);
  new DataView(page.buffer).setUint32(24, PAGE, true);
  page.set(input, 1024);
  return page;
}

const WELCOME = Uint8Array.of(1, 2, 3, 4, 5);

/** Declares one test a guest and engine. `promise` is the promise that they attack. */
export function hostiles(promise: string, guests: readonly Hostile[]): void {
  describe.each(ENGINES)(`${promise}, on %s`, (_, makeEngine) => {
    const sandbox = createSandbox({ engine: makeEngine() });
    for (const { name, guest, given = {}, ...end } of guests) {
      test(name, async () => {
        const bytes = guest instanceof Uint8Array ? guest : kernelOf(guest);
        const task = async () => sandbox.run({ kernel: await admit(bytes), input: new Uint8Array(), ...given });
        if ('refused' in end) {
          await expect(task()).rejects.toMatchObject({
            name: 'LodgerError',
            code: end.refused,
            message: expect.stringContaining(end.says),
          });
        } else if ('failed' in end) {
          expect(await task()).toMatchObject({
            state: 'failed',
            code: end.failed,
            fault: 'job',
            message: expect.stringContaining(end.says),
          });
        } else if ('bytes' in end) expect(outputOf(await task()).length).toBe(end.bytes);
        else expect(tellsOf(await task())).toEqual(end.tells);

        const after = await sandbox.run({ kernel: await admit(honest), input: WELCOME });
        expectBytes(outputOf(after), honestPage(WELCOME));
      });
    }
  });
}
