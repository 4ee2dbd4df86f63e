// Comparing two endings: what must be the same, and what is nobody's fault.
import { expect, test } from 'vitest';
import type { FailureCode } from '../../runtime/base/errors.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { difference, type Ending, isLate } from './compare.ts';

const receipt = { calls: { 'log.write': 1 }, memoryBytesPeak: 65_536, bytesOut: 3, wallMs: 1 } as never;
const log = { lines: [{ level: 'info', text: 'a' }], linesDropped: 0 } as const;
const done = (change: object = {}, memory?: Uint8Array): Ending => ({
  outcome: { state: 'done', output: Uint8Array.of(1, 2, 3), log, receipt, ...change } as Outcome,
  ...(memory && { memory }),
});
const failed = (code: FailureCode, message = 'm', memory?: Uint8Array): Ending => ({
  outcome: { state: 'failed', code, fault: 'job', message, log, receipt },
  ...(memory && { memory }),
});
const withReceipt = (change: object) => ({ receipt: { ...(receipt as object), ...change } });

test.each<[Ending, Ending, string]>([
  [done(), failed('ERR_TRAP'), 'ending: "done" and "ERR_TRAP, m"'],
  [failed('ERR_ABI'), failed('ERR_TRAP'), 'ending: "ERR_ABI, m" and "ERR_TRAP, m"'],
  [failed('ERR_TRAP', 'a'), failed('ERR_TRAP', 'b'), 'ending: "ERR_TRAP, a" and "ERR_TRAP, b"'],
  [failed('ERR_TRAP'), failed('ERR_WALL_SPENT'), 'ending: "ERR_TRAP, m" and "ERR_WALL_SPENT, m"'],
  [done(), done({ log: { lines: [], linesDropped: 0 } }), 'log: '],
  [done(), done({ log: { ...log, linesDropped: 1 } }), 'log: '],
  [done(), done(withReceipt({ calls: { 'log.write': 2 } })), 'calls: '],
  [done(), done(withReceipt({ memoryBytesPeak: 131_072 })), 'memoryBytesPeak: 65536 and 131072'],
  [done(), done({ output: Uint8Array.of(1, 2, 4) }), 'output: 03 and 04 at 2'],
  [done(), done({ output: Uint8Array.of(1, 2) }), 'output: 3 and 2 bytes'],
  [done({}, Uint8Array.of(1)), done({}, Uint8Array.of(2)), 'memory: 01 and 02 at 0'],
  [failed('ERR_TRAP', 'm', Uint8Array.of(1)), failed('ERR_TRAP', 'm', Uint8Array.of(2)), 'memory: 01 and 02 at 0'],
])('%o and %o differ', (one, other, text) => {
  for (const metered of [true, false]) expect(difference(one, other, { metered })).toContain(text);
});

test.each<[string, Ending, Ending]>([
  ['the same', done({}, Uint8Array.of(1)), done({}, Uint8Array.of(1))],
  ['times', done(), done(withReceipt({ wallMs: 99 }))],
  ['a memory that nobody could see', done({}, Uint8Array.of(1)), done()],
  ['when a wall limit ended it', failed('ERR_WALL_SPENT', 'a'), failed('ERR_WALL_SPENT', 'b')],
])('%s is no difference', (_, one, other) => {
  for (const metered of [true, false]) expect(difference(one, other, { metered })).toBeUndefined();
});

test('where a recursion ended is a difference where both counted the stack, and only there', () => {
  const spent = failed('ERR_STACK_SPENT');
  expect(difference(spent, done(), { metered: true })).toContain('ending: ');
  expect(difference(spent, failed('ERR_TRAP'), { metered: true })).toContain('ending: ');
  expect(difference(spent, failed('ERR_STACK_SPENT', 'm'), { metered: true })).toBeUndefined();
  expect(difference(spent, done(), { metered: false })).toBeUndefined();
});

test('a task that was late on one engine only gets more time', () => {
  expect(isLate(done(), failed('ERR_WALL_SPENT'))).toBe(true);
  expect(isLate(failed('ERR_WALL_SPENT'), failed('ERR_WALL_SPENT'))).toBe(false);
  expect(isLate(done(), failed('ERR_TRAP'))).toBe(false);
});
