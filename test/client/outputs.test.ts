// Outputs that are blobs: some are fetched ahead, never more than a few, and come in order with what is there already.
import { expect, test } from 'vitest';
import { type Fetch, withOutputs } from '../../host/client/outputs.ts';
import type { Received } from '../../host/wire/outcomes.ts';

const outcome = (index: number, output: Received['output']) => ({ index, output }) as Received;
async function* each(outcomes: readonly Received[]): AsyncGenerator<Received> {
  yield* outcomes;
}

/** Fetches that end when they are told to. */
function slowFetch() {
  const asked: string[] = [];
  const turns: string[] = [];
  const ends = new Map<string, (bytes: Uint8Array) => void>();
  const fails = new Map<string, (error: Error) => void>();
  const fetch: Fetch = (digest, turn) => {
    asked.push(digest);
    void turn.then(() => turns.push(digest));
    return new Promise((resolve, reject) => {
      ends.set(digest, resolve);
      fails.set(digest, reject);
    });
  };
  return { asked, turns, ends, fails, fetch };
}

async function still(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

test('outputs are fetched ahead, four at a time, and come in order though a later one is there first', async () => {
  const { asked, turns, ends, fetch } = slowFetch();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const reading = withOutputs(each(names.map((name, index) => outcome(index, name))), fetch);
  const first = reading.next();
  await still();
  expect([asked, turns]).toEqual([['a', 'b', 'c', 'd'], ['a']]);
  ends.get('b')?.(Uint8Array.of(2));
  ends.get('d')?.(Uint8Array.of(4));
  await still();
  expect(asked.length).toBe(4);
  ends.get('a')?.(Uint8Array.of(1));
  expect((await first).value).toMatchObject([{ index: 0 }, Uint8Array.of(1)]);
  expect((await reading.next()).value).toMatchObject([{ index: 1 }, Uint8Array.of(2)]);
  expect(turns).toEqual(['a', 'b']);
  ends.get('c')?.(Uint8Array.of(3));
  expect((await reading.next()).value).toMatchObject([{ index: 2 }, Uint8Array.of(3)]);
  expect((await reading.next()).value).toMatchObject([{ index: 3 }, Uint8Array.of(4)]);
  const fifth = reading.next();
  await still();
  expect(asked).toEqual(names);
  for (const name of ['e', 'f']) ends.get(name)?.(Uint8Array.of(5));
  expect((await fifth).value).toMatchObject([{ index: 4 }, Uint8Array.of(5)]);
  expect((await reading.next()).value).toMatchObject([{ index: 5 }, Uint8Array.of(5)]);
  expect((await reading.next()).done).toBe(true);
});

test('bytes that are there and blobs come in the order of their outcomes', async () => {
  const fetch: Fetch = async (digest) => Uint8Array.of(digest.length);
  const data = ['four', Uint8Array.of(1), Uint8Array.of(2), 'seven  ', 'one', Uint8Array.of(3)];
  const found: number[][] = [];
  const outcomes = data.map((output, index) => outcome(index, output));
  for await (const [{ index }, output] of withOutputs(each(outcomes), fetch)) found.push([index, ...output]);
  expect(found).toEqual([4, 1, 2, 7, 3, 3].map((byte, index) => [index, byte]));
});

test('an output is given as soon as it is there, though the next outcome is not', async () => {
  const outcomes = (async function* () {
    yield outcome(0, 'a');
    await new Promise(() => undefined);
  })();
  const reading = withOutputs(outcomes, async () => Uint8Array.of(1));
  expect((await reading.next()).value).toMatchObject([{ index: 0 }, Uint8Array.of(1)]);
});

test('what fails is thrown when its turn comes, and what came before is given', async () => {
  const { ends, fails, fetch } = slowFetch();
  const reading = withOutputs(each([outcome(0, 'a'), outcome(1, 'b')]), fetch);
  const first = reading.next();
  await still();
  fails.get('b')?.(new Error('the site is gone'));
  await still();
  ends.get('a')?.(Uint8Array.of(1));
  expect((await first).done).toBe(false);
  await expect(reading.next()).rejects.toThrow('the site is gone');
});

test('outcomes that break off are told after those that had come', async () => {
  const outcomes = (async function* () {
    yield outcome(0, 'a');
    throw new Error('the site is gone');
  })();
  const { ends, fetch } = slowFetch();
  const reading = withOutputs(outcomes, fetch);
  const first = reading.next();
  await still();
  ends.get('a')?.(Uint8Array.of(1));
  expect((await first).value).toMatchObject([{ index: 0 }, Uint8Array.of(1)]);
  await expect(reading.next()).rejects.toThrow('the site is gone');
});

test('whoever leaves does not wait for an outcome that is still to come', async () => {
  const outcomes = (async function* () {
    yield outcome(0, 'a');
    await new Promise(() => undefined);
  })();
  for await (const [, output] of withOutputs(outcomes, async () => Uint8Array.of(1))) {
    expect(output).toEqual(Uint8Array.of(1));
    break;
  }
});
