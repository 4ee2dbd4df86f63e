// A job of a simulated federation, as the site that asks keeps it: what is open, what each site may lease, holds and has given back.
import type { Wanted } from '../../../host/federation/choose.ts';
import { FUEL_PER_SECOND } from './network.ts';

/** Seconds of a host of speed 1. */
export const TASK = { seconds: 60, sigma: 0.3, bytes: 16 * 1024 };
export interface Job {
  readonly open: number[];
  readonly counted: Uint8Array;
  left: number;
  /** By site: tasks that it may still lease, that it holds, that it has given back, and whether it has the kernel. */
  readonly quota: Float64Array;
  readonly held: Int32Array;
  readonly given: Int32Array;
  readonly fetched: Uint8Array;
}

/** Every `askers`-th task of all, from the `asker`-th on. */
export function createJob(
  asker: number,
  { tasks, askers, sites }: { readonly tasks: number; readonly askers: number; readonly sites: number },
): Job {
  const mine: number[] = [];
  for (let task = tasks - 1; task >= 0; task -= 1) if (task % askers === asker) mine.push(task);
  return {
    open: mine,
    counted: new Uint8Array(tasks),
    left: mine.length,
    quota: new Float64Array(sites),
    held: new Int32Array(sites),
    given: new Int32Array(sites),
    fetched: new Uint8Array(sites),
  };
}

/** What is open of it, as it is put to `choose`. */
export const wantedOf = (job: Job): Wanted => ({
  tasks: job.open.length,
  fuelPerTask: TASK.seconds * FUEL_PER_SECOND,
  bytesPerTask: TASK.bytes,
  deadline: null,
  confidence: 0.999,
  deterministic: true,
  memoryBytes: 0,
  grants: [],
  isolation: [],
  sites: {},
});
