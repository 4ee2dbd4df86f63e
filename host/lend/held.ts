// What a host holds: leases, and in each the tasks that have not ended, with what it takes to stop them.
import type { Digest } from '../../runtime/base/platform.ts';
import type { Mark } from '../wire/ledger.ts';
import type { Audit, Datum, Fence, Lease, WireTerms } from '../wire/site.ts';
import type { Ran } from './report.ts';

/** One task of a lease, until it is reported, given back or cancelled. */
export interface Assigned {
  readonly held: Held;
  readonly index: number;
  /** From which its seed comes: `index`, or another where the job is a part of another site's. */
  readonly number: number;
  readonly input: Datum;
  /** The blob of the image that it goes on from. */
  readonly image: Digest | null;
  /** What was said of it, where it has to be that. */
  readonly said: Mark | null;
  /** Where only a part of it is to be run: which. */
  readonly audit: Audit | null;
  /** Ends the guest. Nobody asks for its outcome then. */
  readonly control: Stop;
  /** Of a stepper: stops it between two steps, and resolves when its image is at the site or cannot be. */
  leave?: () => Promise<void>;
  share: number;
}

/** An AbortController that makes its signal when somebody asks for it: that costs more than all else of a small task. */
export interface Stop {
  readonly aborted: boolean;
  readonly signal: AbortSignal;
  /** What an abort does beside the signal. */
  onAbort: () => void;
  abort(): void;
}

export function createStop(): Stop {
  let control: AbortController | undefined;
  let aborted = false;
  const stop: Stop = {
    get aborted() {
      return aborted;
    },
    get signal() {
      control ??= new AbortController();
      if (aborted) control.abort();
      return control.signal;
    },
    onAbort: () => undefined,
    abort: () => {
      if (aborted) return;
      aborted = true;
      control?.abort();
      stop.onAbort();
    },
  };
  return stop;
}

/** One of which only a part is to be run. */
export type Audited = Assigned & { readonly audit: Audit };

export interface Held {
  readonly fence: Fence;
  readonly job: string;
  readonly terms: WireTerms;
  readonly tasks: Map<number, Assigned>;
  /** Ended, and not reported yet. */
  ended: Ran[];
  endedBytes: number;
  /** Takes the timer of the next report back. */
  unplan: (() => void) | undefined;
}

export const keyOf = ([start, number]: Fence): string => `${start} ${number}`;

/** A lease that came. Throws a RangeError for columns of unequal length and for tasks that are named twice. */
export function heldOf({ fence, job, tasks, inputs, numbers, images, said, audits }: Lease, terms: WireTerms): Held {
  const isWhole = [inputs, numbers, images, said, audits].every(
    (column) => column === undefined || column.length === tasks.length,
  );
  if (tasks.length === 0 || !isWhole) throw new RangeError('the columns of a lease are not of one length');
  const held: Held = { fence, job, terms, tasks: new Map(), ended: [], endedBytes: 0, unplan: undefined };
  for (const [place, index] of tasks.entries()) {
    const [input, image] = [inputs[place] as Datum, images?.[place] ?? null];
    const number = numbers?.[place] ?? index;
    const more = { image, said: said?.[place] ?? null, audit: audits?.[place] ?? null };
    held.tasks.set(index, { held, index, number, input, ...more, control: createStop(), share: 0 });
  }
  if (held.tasks.size !== tasks.length) throw new RangeError('a lease names a task twice');
  return held;
}
