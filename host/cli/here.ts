// The commands that many small jobs are done with: those that run kernels on this machine, and those that ask a site. `npm run build` puts a
// bundle of this module in its place, which shares nothing with others.
import { begin } from './begin.ts';
import type { Commands } from './program.ts';

/** Each is loaded when it is called, and with this module what all of them need. */
export const HERE = {
  run: async () => (await import('./runners.ts')).addRun,
  map: async () => (await import('./runners.ts')).addMap,
  submit: async () => (await import('./submit.ts')).addSubmit,
  status: async () => (await import('./status.ts')).addStatus,
  results: async () => (await import('./results.ts')).addResults,
  cancel: async () => (await import('./cancel.ts')).addCancel,
  hosts: async () => (await import('./hosts.ts')).addHosts,
} satisfies Commands;

export function start(argv: readonly string[]): Promise<void> {
  return begin(argv, HERE);
}
