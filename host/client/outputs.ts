// Outputs that are blobs, fetched a few at a time ahead of whoever reads the outcomes.
import type { Received } from '../wire/outcomes.ts';

/** Fetched at once. What waits for its turn has `READY_BYTES` at most, or has not been read yet. */
const FETCHES_MAX = 4;
/** An output of more than this is read when it is the next, so that no more than one such is in memory. */
export const READY_BYTES = 4 * 2 ** 20;

/** Fetches a blob; one that is large is read when `turn` resolves. */
export type Fetch = (digest: string, turn: Promise<void>) => Promise<Uint8Array>;

interface Ahead {
  readonly received: Received;
  readonly output: Promise<Uint8Array>;
  /** It is the next. */
  readonly next: () => void;
}

/** Outcomes with the bytes of their outputs, in order. Throws what either side of it throws. */
export async function* withOutputs(
  outcomes: AsyncIterable<Received>,
  fetch: Fetch,
): AsyncGenerator<readonly [received: Received, output: Uint8Array]> {
  const iterator = outcomes[Symbol.asyncIterator]();
  const ahead: Ahead[] = [];
  let coming: Promise<IteratorResult<Received>> | undefined;
  let isOver = false;
  try {
    for (;;) {
      if (ahead.length === 0) {
        if (isOver && !coming) return;
        const { value, done } = await (coming ?? iterator.next());
        coming = undefined;
        if (done) return;
        // Most outcomes have their bytes with them, and go straight through.
        if (typeof value.output !== 'string') {
          yield [value, value.output];
          continue;
        }
        ahead.push(begin(value, fetch));
      }
      const [first] = ahead as [Ahead];
      first.next();
      const isHere = first.output.then(yes, yes);
      while (ahead.length < FETCHES_MAX && !isOver) {
        coming ??= caught(iterator.next());
        const come = await Promise.race([isHere, coming.then(itself, no)]);
        if (come === true) break;
        // What went wrong is thrown behind those that have come.
        if (come === false || come.done) isOver = true;
        else ahead.push(begin(come.value, fetch));
        if (come !== false) coming = undefined;
      }
      yield [first.received, await first.output];
      ahead.shift();
    }
  } finally {
    // Whoever leaves does not wait for an outcome that is still to come.
    const left = iterator.return?.();
    if (coming) left?.catch(() => undefined);
    else await left;
  }
}

const yes = () => true as const;
const no = () => false as const;
const itself = <T>(value: T) => value;

function begin(received: Received, fetch: Fetch): Ahead {
  let next = () => undefined as void;
  const turn = new Promise<void>((resolve) => {
    next = resolve;
  });
  const { output } = received;
  const bytes = typeof output === 'string' ? fetch(output, turn) : Promise.resolve(output);
  return { received, output: caught(bytes), next };
}

/** That it failed is said when its turn comes. */
function caught<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
