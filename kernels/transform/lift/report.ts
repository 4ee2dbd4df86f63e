// Why a loop was not lifted, and what its author can do about it: every reason with its remedy, in one table.

/** Reason -> what is said and what helps; `%s` is the detail. */
export const REASONS = {
  nest: { text: 'it holds another loop', remedy: 'mark and look at the innermost loop' },
  counter: {
    text: 'it is not counted',
    remedy: 'write it as "for (let i = first; i < end; i += step)" with i of type i32 or u32, set nowhere else',
  },
  bound: {
    text: 'its end or its step may change while it runs',
    remedy: 'compute them into constants before the loop',
  },
  none: {
    text: 'no index of an array in it follows its counter',
    remedy:
      'index by sums of the counter, constants and what does not change in the loop, in an array that does not change either',
  },
  call: {
    text: 'it calls %s, which may change anything',
    remedy: 'move the call out of the loop, or let it take and give plain values',
  },
  grows: {
    text: 'an Array in it may grow',
    remedy: 'write into a StaticArray or a typed array, or at an index that follows the counter',
  },
  store: {
    text: 'it writes memory without a check',
    remedy: 'write a[i] = x: in a lifted loop the check costs nothing',
  },
  unknown: {
    text: 'it does what the transform does not know',
    remedy: 'move calls through function values, allocations and memory instructions out of the loop',
  },
} as const;

/** One reason with what it is about. */
export interface Reason {
  readonly code: keyof typeof REASONS;
  readonly detail?: string;
}

/** What became of one loop of the author's. */
export type LoopReport = { readonly file: string; readonly line: number } & (
  | {
      readonly state: 'lifted';
      /** Array accesses without a check, and those that keep it. */
      readonly proven: number;
      readonly checked: number;
      /** Elements handled at a time, 1 without vectors. */
      readonly lanes: number;
    }
  | { readonly state: 'kept'; readonly reason: string; readonly remedy: string }
);

/** Reason and remedy in words. */
export function explainReason({ code, detail = '' }: Reason): { readonly reason: string; readonly remedy: string } {
  const { text, remedy } = REASONS[code];
  return { reason: text.replace('%s', detail), remedy };
}
