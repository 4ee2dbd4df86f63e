// How soon an agent sees that somebody is at its machine, by a clock of the test's own.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Verdict } from '../../host/agent/decide.ts';
import { parseOwnerPolicy } from '../../host/agent/policy.ts';
import { startWatch } from '../../host/agent/watch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MINUTE_MS = 60_000;

/** Watches a machine that nobody has used for an hour, and tells each verdict. */
function watching(keyAt: () => number) {
  const verdicts: { readonly at: number; readonly verdict: Verdict }[] = [];
  const policy = parseOwnerPolicy({ version: 1, onlyIdle: { userIdleMs: '3min' } });
  const now = () => Date.now();
  const watch = startWatch({
    sources: {
      wallClock: now,
      cpuTimes: () => null,
      userIdleMs: () => now() - keyAt(),
      battery: () => null,
      memoryBytesFree: () => null,
      diskBytesFree: () => null,
    },
    file: { policy, path: null, error: null, look: async () => false },
    memory: {
      firstBatch: 0,
      askedUntil: null,
      addTraffic: () => undefined,
      networkBytesToday: () => 0,
      save: async () => undefined,
    },
    ...{ folder: '', pids: () => [], now },
    onVerdict: (verdict) => verdicts.push({ at: now(), verdict }),
    onPolicy: async () => undefined,
    onFault: (error) => {
      throw error;
    },
  });
  return { watch, verdicts };
}

test('guests are told to go within 30 ms of a key, whenever it comes, and come back when nobody was there for long', async () => {
  let keyAt = Date.now() - 60 * MINUTE_MS;
  const { watch, verdicts } = watching(() => keyAt);
  for (let round = 0; round < 6; round++) {
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS + 17 * round);
    expect(verdicts.at(-1)?.verdict.work).toBe(true);
    keyAt = Date.now();
    await vi.advanceTimersByTimeAsync(100);
    const told = verdicts.find(({ at, verdict }) => at > keyAt && !verdict.work);
    expect(told?.verdict).toMatchObject({ work: false, reason: 'in use' });
    expect((told?.at ?? Number.POSITIVE_INFINITY) - keyAt).toBeLessThanOrEqual(30);
  }
  const closed = watch.close();
  await vi.runAllTimersAsync();
  await closed;
});
