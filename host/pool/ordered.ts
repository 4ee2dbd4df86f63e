// Results in input order with bounded memory: inputs are taken only while the window has room, and results wait in it for their turn.

/** What `inOrder` needs of whoever does the work. */
export interface OrderedWork<In, Out> {
  readonly inputs: Iterable<In> | AsyncIterable<In>;
  /** Begins one; the second argument counts from 0. */
  begin(input: In, index: number): Promise<Out>;
  /** What an input and its result hold of memory, in bytes. */
  weigh(value: In | Out): number;
  readonly countMax: number;
  readonly bytesMax: number;
  /** Called when the consumer left, the inputs threw or a result was an error: nothing that is under way is wanted any more. */
  abandon(): void;
}

/** One input may always be under way, however large. */
export async function* inOrder<In, Out>(work: OrderedWork<In, Out>): AsyncIterableIterator<Out> {
  const window: { readonly result: Promise<Out>; bytes: number }[] = [];
  let bytes = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};
  const change = () => {
    const next = new Promise<void>((resolve) => {
      wake = resolve;
    });
    return next;
  };
  let changed = change();
  const notify = () => {
    wake();
    changed = change();
  };

  const feed = async () => {
    let index = 0;
    for await (const input of work.inputs) {
      const size = work.weigh(input);
      while (!ended && window.length > 0 && (window.length >= work.countMax || bytes + size > work.bytesMax))
        await changed;
      if (ended) return;
      const place = { result: work.begin(input, index++), bytes: size };
      bytes += size;
      window.push(place);
      place.result.then(
        (result) => {
          bytes += work.weigh(result);
          place.bytes += work.weigh(result);
        },
        () => undefined,
      );
      notify();
    }
  };
  const fed = feed().then(
    () => {
      ended = true;
      notify();
    },
    (error: unknown) => {
      failure = { error };
      ended = true;
      notify();
    },
  );

  try {
    for (;;) {
      const head = window[0];
      if (head) {
        const result = await head.result;
        window.shift();
        bytes -= head.bytes;
        notify();
        yield result;
      } else if (failure) {
        throw failure.error;
      } else if (ended) {
        return;
      } else {
        await changed;
      }
    }
  } finally {
    ended = true;
    notify();
    work.abandon();
    await Promise.allSettled(window.map(({ result }) => result));
    void fed;
  }
}
