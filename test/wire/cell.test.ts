// What a pool believes of a cell: only what is a message, whole and of the right types.
import { expect, test } from 'vitest';
import { parseFromCell } from '../../host/wire/cell.ts';

const receipt = {
  version: 1,
  kernel: 'a'.repeat(64),
  engine: { name: 'v8', version: '11' },
  rewriter: 2,
  wallMs: 1.5,
  bytesIn: 1,
  bytesOut: 1,
  calls: { 'log.write': 2 },
  deterministic: true,
  attempts: 1,
};
const log = { lines: [{ level: 'info', text: 'x' }], linesDropped: 0 };
const done = { state: 'done', log, receipt };
const failed = { state: 'failed', code: 'ERR_TRAP', fault: 'job', message: 'trap: x', log, receipt };

test.each([
  [{ type: 'ready', unlocked: '' }],
  [{ type: 'pong' }],
  [{ type: 'refused', task: 1, code: 'ERR_ABORTED', message: 'x' }],
  [{ type: 'outcome', task: 1, outcome: failed }],
])('%o is understood', (message) => {
  expect(parseFromCell(message)).toEqual(message);
});

test('an outcome has the bytes that came with it as its output', () => {
  const message = { type: 'outcome', task: 1, outcome: done };
  const output = Uint8Array.of(1, 2);
  expect(parseFromCell(message, output)).toEqual({ ...message, outcome: { ...done, output } });
});

test.each([
  ['no object', 7],
  ['a type that there is not', { type: 'exit' }],
  ['a task without a number', { type: 'outcome', outcome: done }],
  ['a code that there is not', { type: 'refused', task: 1, code: 'ERR_WRONG', message: 'x' }],
  ['a code that every object inherits', { type: 'refused', task: 1, code: 'constructor', message: 'x' }],
  ['a failure that is a refusal', { type: 'outcome', task: 1, outcome: { ...failed, code: 'ERR_CLOSED' } }],
  ['an output among the rest', { type: 'outcome', task: 1, outcome: { ...done, output: 'x' } }],
  [
    'a receipt with a name too many',
    { type: 'outcome', task: 1, outcome: { ...done, receipt: { ...receipt, paid: 1 } } },
  ],
  [
    'walls that a cell claims for itself',
    { type: 'outcome', task: 1, outcome: { ...done, receipt: { ...receipt, isolation: ['root'] } } },
  ],
  ['fuel below zero', { type: 'outcome', task: 1, outcome: { ...done, receipt: { ...receipt, fuel: -1 } } }],
  ['time without end', { type: 'outcome', task: 1, outcome: { ...done, receipt: { ...receipt, wallMs: Infinity } } }],
  ['a message as long as a book', { type: 'refused', task: 1, code: 'ERR_TRAP', message: 'x'.repeat(100_000) }],
])('%s is not', (_, message) => {
  expect(() => parseFromCell(message)).toThrow(RangeError);
});
