// What is delivered to a job, and what follows from it: the events that the life of its tasks is folded from.

import type { Mark } from '../wire/ledger.ts';
import type { Range, Standing } from './contracts.ts';
import type { Claim } from './intervals.ts';

/** Whoever delivers something. `kind`, `late` and `before` are the host's when it delivers to this job for the first time. */
export interface Deliverer {
  readonly host: string;
  readonly owner: string;
  readonly kind: Standing['kind'];
  /** Whether its key is younger than the job. */
  readonly late: boolean;
  /** Checks that it had passed over its life. */
  readonly before: number;
}

/** The beginning of a stepper's task, or what came behind another part, up to a step at which its host left it. */
export interface Part extends Deliverer {
  readonly to: Mark;
}

/** A run as it was delivered. */
export interface Delivery extends Deliverer {
  readonly answer: string;
  /** Of a stepper's result with marks. */
  readonly claim?: Claim;
  /** What other hosts had made of the task when this one went on from it. */
  readonly parts?: readonly Part[];
}

/** What followed. Tasks in `wanted` need one more run each, unless they are out at the moment. */
export interface Effects {
  readonly wanted: Range[];
  readonly held: number[];
  /** Final: `host` is the first one that gave the answer, `wrong` the probability that it is not right, `hosts` those whose runs were believed. */
  readonly accepted: { task: number; answer: string; wrong: number; host: string; hosts: string[]; audited?: number }[];
  /** To be banned, and told to the other jobs that they delivered to. */
  readonly convicted: string[];
  /** A check more for each of them, or a part of one. */
  readonly passed: { host: string; share: number }[];
  /** Fuel of intervals that were run again and believed, by whom. */
  readonly audited: { host: string; fuel: number }[];
  /** The run came too late or from a host that is banned. */
  dropped: boolean;
}

/** Made for each row: written out, since to spread another object into it takes longer than all of it. */
export const noEffects = (): Effects => ({
  wanted: [],
  held: [],
  accepted: [],
  convicted: [],
  passed: [],
  audited: [],
  dropped: false,
});
