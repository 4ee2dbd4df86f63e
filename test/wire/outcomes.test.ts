// Outcomes on their way to whoever submitted them: several in a frame, and each of them as it was.

import * as v from 'valibot';
import { expect, test } from 'vitest';
import { DeliveredSchema, type WireDelivered } from '../../host/wire/delivered.ts';
import { frameIn } from '../../host/wire/frame.ts';
import { outcomeFrames, outcomesIn, type Received } from '../../host/wire/outcomes.ts';

const outcome = (index: number, parts: Partial<Received> = {}): Received => ({
  ...{ index, state: 'done', output: Uint8Array.of(index, 1, 2), code: '', message: '', log: null },
  ...{ fuel: 100 + index, wallMs: 1.5, memoryBytesPeak: 65_536, host: 'one', runs: 1, confidence: 1 },
  ...{ engine: { name: 'v8', version: '11' }, rewriter: 1, tariff: 1, deterministic: true },
  ...parts,
});

const messageOf = (frame: Uint8Array) => {
  const { message, data } = frameIn(frame) as NonNullable<ReturnType<typeof frameIn>>;
  return { message: v.parse(DeliveredSchema, message), data };
};
const read = (frames: readonly Uint8Array[]) =>
  frames.flatMap((frame) => {
    const { message, data } = messageOf(frame);
    return outcomesIn(message, data);
  });

const DIGEST = 'ab'.repeat(32);

test('outcomes come out of frames as they went in, those of one host in one frame', () => {
  const rows = [
    outcome(4),
    outcome(5, { state: 'failed', output: new Uint8Array(), code: 'ERR_TRAP', message: 'no', fuel: null }),
    outcome(6, { output: DIGEST, log: { lines: [[1, 'hello']], linesDropped: 3 } }),
    outcome(7, { host: 'two' }),
    outcome(8, { host: 'two', kernel: DIGEST }),
  ];
  const frames = outcomeFrames(rows);
  expect(frames).toHaveLength(3);
  expect(read(frames)).toEqual(rows);
});

test('frames of outcomes stay far below the ceiling of a frame', () => {
  const rows = Array.from({ length: 40 }, (_, index) => outcome(index, { output: new Uint8Array(60_000).fill(index) }));
  const frames = outcomeFrames(rows);
  expect(Math.max(...frames.map(({ byteLength }) => byteLength))).toBeLessThan(512 * 1024);
  const outputs = (all: readonly Received[]) => Buffer.concat(all.map(({ output }) => output as Uint8Array));
  expect(outputs(read(frames)).equals(outputs(rows))).toBe(true);
});

test('an output has memory of its own: to keep one is not to keep its neighbours', () => {
  for (const { output } of read(outcomeFrames([outcome(0), outcome(1)])))
    expect((output as Uint8Array).buffer.byteLength).toBe(3);
});

test.each<[string, (message: WireDelivered) => WireDelivered, number]>([
  ['columns of different lengths', (message) => ({ ...message, fuels: message.fuels.slice(1) }), 6],
  ['fewer bytes than outputs say', (message) => message, 5],
  ['more bytes than outputs say', (message) => message, 7],
])('an answer with %s is refused', (_, change, bytes) => {
  const [frame] = outcomeFrames([outcome(0), outcome(1)]);
  const { message } = messageOf(frame as Uint8Array);
  expect(() => outcomesIn(change(message), new Uint8Array(bytes))).toThrow(RangeError);
});
