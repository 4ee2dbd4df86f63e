// What whoever waits for a job is told while nothing comes of it.
import { expect, test } from 'vitest';
import { watchStill } from '../../host/cli/still.ts';
import { LodgerError } from '../../runtime/base/errors.ts';

interface Look {
  readonly leased?: number;
  readonly done?: number;
  readonly why?: string;
  readonly fails?: true;
}

/** What is said when the site looks like this, one look after the other. */
async function said(...looks: Look[]): Promise<string[]> {
  const lines: string[] = [];
  let look: Look | undefined;
  const ask = async (route: string) => {
    if (look?.fails) throw new LodgerError('ERR_SITE_UNREACHABLE', ['http://there', 'it is away']);
    if (route === 'task') return { why: look?.why ?? 'no host is connected' };
    return { state: 'open', sealed: true, counts: { leased: look?.leased ?? 0, done: look?.done ?? 0 } };
  };
  await watchStill({
    ...{ site: { ask: ask as never }, job: 'j', next: () => look?.done ?? 0, say: (line) => lines.push(line) },
    rest: async () => {
      look = looks.shift();
      return look !== undefined;
    },
  });
  return lines;
}

test('a job that stands still is told of once, with the reason of the task that is waited for', async () => {
  expect(await said({ done: 3 }, { done: 3 }, { done: 3 })).toEqual([
    'lodger: task 3 of job j waits: no host is connected',
  ]);
});

test('another reason is told, and what steers terminals is shown as codes', async () => {
  expect(await said({}, {}, { why: 'the host is paused: \u001b[2J' })).toEqual([
    'lodger: task 0 of job j waits: no host is connected',
    'lodger: task 0 of job j waits: the host is paused: \\u001b[2J',
  ]);
});

test.each<[string, Look[]]>([
  ['has only just begun', [{}]],
  ['has tasks under way', [{ leased: 1 }, { leased: 1 }]],
  ['goes on', [{}, { done: 1 }, { done: 2 }]],
  ['cannot be asked for', [{ fails: true }, { fails: true }]],
])('of a job that %s nothing is said', async (_, looks) => {
  expect(await said(...looks)).toEqual([]);
});
