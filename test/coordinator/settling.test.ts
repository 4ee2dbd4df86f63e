// What follows from a run, as it is written and shown.
import { expect, test } from 'vitest';
import type { Effects } from '../../host/coordinator/delivery.ts';
import { newJob } from '../../host/coordinator/job.ts';
import { createReplicas } from '../../host/coordinator/replicas.ts';
import { gather, nothingDecided } from '../../host/coordinator/settling.ts';

test('a task that is held and made final by one and the same run is shown as done, so that its job ends', () => {
  const terms = { confidence: 0.999, wait: true, deterministic: true, trustedHosts: false } as const;
  const record = { manifest: { kernel: '0' }, account: 'ann', submitted: 0, state: 'open' };
  const job = newJob('job', record as never, createReplicas({ ...terms, draw: () => 0 }));
  // The last task that is out is held, and then nothing stands against any of those that are.
  const accepted = [0, 1].map((task) => ({ task, answer: 'a/1', wrong: 0, host: 'ada', hosts: ['ada'] }));
  const effects: Effects = { wanted: [], held: [1], accepted, convicted: [], passed: [], audited: [], dropped: false };
  const decided = nothingDecided();
  gather(job, decided, effects, { event: 0, host: 'ada' });
  expect([...decided.states].sort()).toEqual([
    [0, 'done'],
    [1, 'done'],
  ]);
});
