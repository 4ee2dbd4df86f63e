// Answers that go on, when whoever reads them leaves, or no more are taken.
import process from 'node:process';
import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { expect, test } from 'vitest';
import type { Site } from '../../host/coordinator/contracts.ts';
import { type Followers, sendEvents, sendPieces } from '../../host/coordinator/http/streams.ts';

/** A reply that hands on what it is given to send. */
const reply = { type: () => reply, send: (stream: unknown) => stream } as unknown as FastifyReply;

test('what goes wrong behind an answer whose reader has left does not end the process', async () => {
  const unheard: unknown[] = [];
  const hear = (error: unknown) => unheard.push(error);
  process.on('unhandledRejection', hear);
  let fail: (error: Error) => void = () => undefined;
  async function* pieces() {
    yield new Uint8Array(70_000);
    await new Promise((_, reject) => {
      fail = reject;
    });
  }
  const stream = sendPieces(reply, 'application/octet-stream', pieces()) as unknown as Readable;
  await new Promise((resolve) => stream.once('data', resolve));
  stream.destroy();
  fail(new Error('the site is over'));
  for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate);
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});

test('a reader who takes pieces without end leaves turns of the loop to others', async () => {
  let given = 0;
  async function* pieces() {
    for (;;) {
      given++;
      yield new Uint8Array(1_024);
    }
  }
  const stream = sendPieces(reply, 'application/octet-stream', pieces()) as unknown as Readable;
  stream.resume();
  for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
  stream.destroy();
  expect(given).toBeGreaterThan(0);
});

test('a follower who is turned away is not counted among those who follow', () => {
  const followers: Followers = { count: 0 };
  const site = {
    watch: () => {
      throw new RangeError('too many watch');
    },
  } as unknown as Site;
  const logs = { tell: () => undefined, follow: () => () => undefined };
  const caller = { account: 'lab', role: 'submitter' } as const;
  const signal = new AbortController().signal;
  expect(() => sendEvents(reply, { site, caller, signal, followers, logs })).toThrow(RangeError);
  expect(followers.count).toBe(0);
});
