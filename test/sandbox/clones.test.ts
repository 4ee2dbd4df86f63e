// Linked clones of a real task: all go on from one image, each with data of its own.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { ImageNotice, ImageStore } from '../../runtime/job/steps.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { IMAGE_PAGE } from '../../runtime/snapshot/memory-copy.ts';
import { memoryStore } from '../../runtime/snapshot/store.ts';
import { builtKernel } from '../kernels/built.ts';

const CLONES = 30;
const CHANGED = 25;
const PAGES = 4_096;

/** Which pages a clone works on: of its own choice. */
function partOf(clone: number): Uint8Array {
  const pages = Array.from({ length: CHANGED }, (_, n) => (clone * 131 + n * 17) % PAGES);
  return new Uint8Array(Uint32Array.of(CHANGED, ...pages).buffer);
}

test('30 clones of one image take different data, end as whole runs do, and store their own pages only', async () => {
  const kernel = await admit((await builtKernel('cloned')).wasm);
  const sandbox = createSandbox({ platform: node });
  const input = new Uint8Array(Uint32Array.of(2_654_435_761).buffer);
  const given = (part: Uint8Array) => {
    const digest = createHash('sha256').update(part).digest('hex');
    return { kernel, grants: [{ kind: 'blobs' as const, name: 'part', digest }], blobs: { part } };
  };
  const base = memoryStore();
  const first = sandbox.start({ ...given(partOf(0)), input }, { checkpoint: { store: base } });
  const { digest, step } = (await first.pause()) as ImageNotice;
  expect(step).toBe(1);

  let stored = 0;
  const outputs = new Set<string>();
  for (let clone = 0; clone < CLONES; clone++) {
    const terms = given(partOf(clone));
    const own = memoryStore();
    const sizes: number[] = [];
    const store: ImageStore = {
      get: (name) => own.get(name) ?? base.get(name),
      put: (name, bytes) => {
        sizes.push(bytes.byteLength);
        return own.put(name, bytes);
      },
      delete: (name) => own.delete(name),
    };
    const outcome = await sandbox.resume(digest, terms, { checkpoint: { store, everyFuel: 1 } }).outcome;
    if (outcome.state === 'failed') throw new Error(outcome.message);
    if (clone % 6 === 0) {
      const whole = await sandbox.run({ ...terms, input });
      expect(whole).toMatchObject({ output: outcome.output, receipt: { fuel: outcome.receipt.fuel } });
    }
    outputs.add(Buffer.from(outcome.output).toString('hex'));
    expect(sizes).toHaveLength(2);
    stored += Math.max(...sizes);
  }
  expect(outputs.size).toBe(CLONES);
  // Beside its own pages: what it read the blob into, its globals, and the head of an image.
  expect(stored).toBeLessThan(CLONES * (CHANGED + 4) * IMAGE_PAGE);
  await sandbox.close();
}, 120_000);
