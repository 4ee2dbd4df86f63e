// Long and repeated runs: `npm run soak`. Not part of `npm test`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.soak.ts'],
    environment: 'node',
    pool: 'forks',
    // One file at a time: what a soak counts is the threads and the memory of the whole machine.
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    hookTimeout: 120_000,
    allowOnly: false,
  },
});
