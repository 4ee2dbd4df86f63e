// What hosts bring is taken in a little a turn of the loop, so that others are answered in between.
import { expect, test } from 'vitest';
import { createTurns } from '../../host/coordinator/http/turns.ts';

const NO_TIME = { turnMs: 0 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what waits is done in order, one piece a turn where each takes long, and who comes meanwhile is not held up', async () => {
  const turns = createTurns(NO_TIME);
  const done: string[] = [];
  for (const each of ['a', 'b', 'c']) turns.add(() => done.push(each));
  expect(done).toEqual([]);
  for (const each of [1, 2, 3]) {
    await turn();
    done.push(`pull ${each}`);
  }
  expect(done).toEqual(['a', 'pull 1', 'b', 'pull 2', 'c', 'pull 3']);
});

test('short pieces are done in one turn', async () => {
  const turns = createTurns({ turnMs: 60_000 });
  let done = 0;
  for (let piece = 0; piece < 100; piece++) turns.add(() => done++);
  await turn();
  expect(done).toBe(100);
});

test('where more bytes would wait than may, the oldest are done at once, in order', async () => {
  const turns = createTurns({ turnMs: 0, bytesMax: 100 });
  const done: number[] = [];
  for (let piece = 0; piece < 5; piece++) turns.add(() => done.push(piece), 40);
  expect(done).toEqual([0, 1, 2]);
  turns.add(() => done.push(5), 101);
  expect(done).toEqual([0, 1, 2, 3, 4, 5]);
  await turn();
  expect(done).toHaveLength(6);
});

test('what a piece adds waits behind the others', async () => {
  const turns = createTurns(NO_TIME);
  const done: string[] = [];
  turns.add(() => {
    done.push('first');
    turns.add(() => done.push('third'));
  });
  turns.add(() => done.push('second'));
  for (let each = 0; each < 3; each++) await turn();
  expect(done).toEqual(['first', 'second', 'third']);
});
