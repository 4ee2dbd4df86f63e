// What a cell may say of a stepper's task, and what ends it: an image is believed no further than it can be checked.
import { beforeAll, expect, test } from 'vitest';
import { boardCell, type Talk } from '../../host/cell/steps.ts';
import { node } from '../../host/platform/node.ts';
import { callersKeeper, createBoarding } from '../../host/pool/steps.ts';
import type { ToCell } from '../../host/wire/cell.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { ImageNotice, ImageStore } from '../../runtime/job/steps.ts';
import { permitTask } from '../../runtime/sandbox/permit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { memoryStore } from '../../runtime/snapshot/store.ts';
import { builtKernel } from '../kernels/built.ts';

const grants = [{ kind: 'log' as const }, { kind: 'random' as const }];
const input = new Uint8Array(Uint32Array.of(4_000).buffer);
/** Of the task, and of one with another seed. */
let own: { readonly digest: string; readonly bytes: Uint8Array };
let other: typeof own;
let talkTo: (store: ImageStore) => { readonly talk: Talk; readonly said: ToCell[]; wish(): Promise<unknown> };

beforeAll(async () => {
  const kernel = await admit((await builtKernel('walk')).wasm);
  const sandbox = createSandbox({ platform: node });
  const imageOf = async (seed: number) => {
    const store = memoryStore();
    const steps = sandbox.start({ kernel, input, grants, seed }, { checkpoint: { store } });
    const { digest } = (await steps.pause()) as ImageNotice;
    return { digest, bytes: store.get(digest) as Uint8Array };
  };
  [own, other] = [await imageOf(0), await imageOf(1)];
  const permit = permitTask({ platform: node, metered: true }, { kernel, input, grants });
  talkTo = (store) => {
    const said: ToCell[] = [];
    const steps = createBoarding(callersKeeper({ checkpoint: { store } }), () => undefined);
    const entry = {
      ...{ task: 1, contract: { number: 1, permit }, index: 0, input, submittedAt: 0, attempts: 1 },
      ...({ stage: 'fresh', withdrawn: undefined, settled: false, settle: () => undefined, steps } as const),
    };
    const talk = boardCell(entry, { say: (message) => said.push(message), expect: () => undefined });
    return { talk, said, wish: () => steps.wish({ kind: 'image' }) };
  };
});

const notice = { step: 1, share: 0.5, fuel: 9, answers: false };

test('an image is stored, the cell is told so, and the next one may follow', async () => {
  const store = memoryStore();
  const { talk, said } = talkTo(store);
  for (let turn = 1; turn <= 2; turn++) {
    talk.image(own.digest, own.bytes);
    talk.notice(notice);
    await expect.poll(() => said.filter(({ type }) => type === 'stored').length).toBe(turn);
  }
  expect(store.get(own.digest)).toEqual(own.bytes);
});

test.each<[string, (talk: Talk) => void, string]>([
  ['an image under the name of another', (talk) => talk.image(other.digest, own.bytes), 'the name of another'],
  ['an image of another task', (talk) => talk.image(other.digest, other.bytes), 'of another task'],
  ['bytes that are no image', (talk) => talk.image(own.digest, new Uint8Array(99)), 'does not begin like one'],
  [
    'more images than a notice has',
    (talk) => {
      for (let turn = 0; turn < 3; turn++) talk.image(own.digest, own.bytes);
    },
    'more images than a notice has',
  ],
  ['the answer to a wish that nobody had', (talk) => talk.notice({ ...notice, answers: true }), 'was not told'],
  [
    'image after image, before the first one is stored',
    (talk) => {
      for (let turn = 0; turn < 2; turn++) {
        talk.image(own.digest, own.bytes);
        talk.notice(notice);
      }
    },
    'before the last one was stored',
  ],
])('%s is no message', (_, act, reason) => {
  expect(() => act(talkTo(memoryStore()).talk)).toThrow(reason);
});

test('progress beyond what can be told is dropped, not kept', async () => {
  let stored: () => void = () => undefined;
  const put = () =>
    new Promise<void>((resolve) => {
      stored = resolve;
    });
  const { talk, wish } = talkTo({ ...memoryStore(), put });
  const image = wish();
  talk.image(own.digest, own.bytes);
  talk.notice({ ...notice, answers: true });
  for (let turn = 0; turn < 100_000; turn++) talk.notice(notice);
  await expect.poll(() => stored.length).toBe(1);
  stored();
  expect(await image).toMatchObject({ digest: own.digest });
});
