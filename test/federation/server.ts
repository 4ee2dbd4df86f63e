// A nats-server of a test's own, and tests that need one.
import process from 'node:process';
import { expect, test } from 'vitest';
import { hasNats } from '../../bench/federation/nats.ts';

export { type NatsServer, startNats } from '../../bench/federation/nats.ts';

const MISSING = 'nats-server is not installed: the tests of many sites cannot run here';

/** A test that needs a server. Where none is installed it says so, and fails in CI. */
export function natsTest(name: string, act: () => Promise<void>, timeoutMs = 60_000): void {
  test(
    name,
    async () => {
      if (hasNats) return act();
      process.stderr.write(`${MISSING}\n`);
      expect(process.env['CI'], MISSING).not.toBe('true');
      return undefined;
    },
    timeoutMs,
  );
}
