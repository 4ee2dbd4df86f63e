// How the tests run: `npm test`. Long and repeated runs are in vitest.soak.config.ts.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    // Tests start threads and end them; a process of its own for each file keeps one file's threads out of the next one's counts.
    pool: 'forks',
    // Two on two cores as well, where the default is one: tests of sites and tabs wait more than they work.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Generous, since no promise of ours is a time on a machine that others use as well. Tests that install packages say more.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A test that was left out, or a file without tests, must not pass for a test that holds.
    allowOnly: false,
    passWithNoTests: false,
  },
});
