// What the page of a tab and its I/O worker say to each other.
import type { Event, LenderStatus } from '../lend/contracts.ts';
import type { Pause } from '../wire/site.ts';

/** What a visitor lends. */
export interface Lent {
  readonly threads: number;
  /** Share of each core, 0.05 to 1. */
  readonly share: number;
}

export type ToIoWorker =
  | {
      readonly type: 'begin';
      /** The site's origin. */
      readonly site: string;
      readonly name: string;
      readonly lent: Lent;
      /** The address of the script of kernel workers. */
      readonly kernelWorker: string;
    }
  | { readonly type: 'lent'; readonly lent: Lent }
  | { readonly type: 'pause'; readonly pause: Pause | null }
  | { readonly type: 'leave' };

/** A task that ended here. */
export interface Ended {
  readonly kernel: string;
  readonly task: number;
  readonly state: 'done' | 'failed';
  readonly code: string;
  readonly at: number;
  readonly fuel: number | null;
  readonly wallMs: number;
  readonly memoryBytes: number;
  /** Digest of its output; empty for one that failed. */
  readonly output: string;
}

/** A task that runs here. */
export interface Current {
  readonly kernel: string;
  /** Whose it is. */
  readonly account: string;
  readonly task: number;
  /** In ms since 1970. */
  readonly since: number;
  /** Of a stepper: how much is done, 0 to 1. */
  readonly share: number | null;
}

export interface VisitStatus extends LenderStatus {
  readonly running: readonly Current[];
  readonly ended: readonly Ended[];
  /** Whether memory is shared with kernel workers: without it only steppers and short tasks run, and stop between steps. */
  readonly isolated: boolean;
  /** Whether kernel workers are in frames, for want of a header of their own. */
  readonly framed: boolean;
}

export type FromIoWorker =
  | { readonly type: 'status'; readonly status: VisitStatus }
  | { readonly type: 'event'; readonly event: Event }
  /** Lending did not begin, or cannot go on. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** Opens a frame with a kernel worker, and ends one. */
  | { readonly type: 'frame'; readonly frame: number; readonly script: string; readonly port: MessagePort }
  | { readonly type: 'unframe'; readonly frame: number }
  | { readonly type: 'left' };
