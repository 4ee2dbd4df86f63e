// The runner in the caller's own thread: jobs in order, signals between tasks, the end; and that no task sees another.
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import type { Progress } from '../../runtime/job/task.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';

const echo = await admit(kernelOf());
const input = Uint8Array.of(1, 2, 3);

/** Inputs of 1 to `count` bytes. */
function* inputs(count: number): Generator<Uint8Array> {
  for (let size = 1; size <= count; size++) yield new Uint8Array(size);
}

describe('jobs', () => {
  test('a bad input in the middle refuses the rest of the job', async () => {
    const sandbox = createSandbox();
    const sizes: number[] = [];
    const run = async () => {
      const job = { kernel: echo, inputs: [input, 'text' as unknown as Uint8Array, input] };
      for await (const outcome of sandbox.map(job)) sizes.push(outcome.receipt.bytesIn);
    };
    await expect(run()).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    expect(sizes).toEqual([3]);
  });

  test('a job is refused for its terms before its first input is asked for', async () => {
    let asked = 0;
    const lazy = (function* () {
      asked++;
      yield input;
    })();
    const results = createSandbox({ metered: false }).map({ kernel: echo, inputs: lazy, limits: { wallMsMax: 5 } });
    await expect(results.next()).rejects.toMatchObject({ code: 'ERR_LIMIT_UNENFORCED' });
    expect(asked).toBe(0);
  });

  test.each([
    ['an iterable', () => inputs(5)],
    [
      'an async iterable',
      async function* () {
        yield* inputs(5);
      },
    ],
  ])('outcomes of %s come in order, a failed one among them, with the progress', async (_, make) => {
    const fussy = await admit(
      kernelOf({
        run: {
          code: `local.get 1 i32.const 3 i32.eq if unreachable end ${answer(0, 'local.get 0', 'local.get 1')}`,
        },
      }),
    );
    const seen: Progress[] = [];
    const states: string[] = [];
    const sandbox = createSandbox();
    for await (const outcome of sandbox.map({ kernel: fussy, inputs: make() }, { onProgress: (p) => seen.push(p) })) {
      states.push(`${outcome.receipt.bytesIn} ${outcome.state}`);
    }
    expect(states).toEqual(['1 done', '2 done', '3 failed', '4 done', '5 done']);
    expect(seen.at(-1)).toEqual({ done: 4, failed: 1, started: 5, total: 5 });
  });

  test('an input is asked for only when the one before it is done', async () => {
    let asked = 0;
    const results = createSandbox().map({
      kernel: echo,
      inputs: (function* () {
        for (const one of inputs(100)) {
          asked++;
          yield one;
        }
      })(),
    });
    await results.next();
    await results.next();
    expect(asked).toBe(2);
    await results.return?.(undefined);
  });
});

describe('signals and the end', () => {
  test('an aborted signal refuses the task, with its reason', async () => {
    const reason = new Error('changed my mind');
    const run = createSandbox().run({ kernel: echo, input }, { signal: AbortSignal.abort(reason) });
    await expect(run).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason });
  });

  test('a job ends between two tasks', async () => {
    const control = new AbortController();
    const run = async () => {
      let count = 0;
      const options = { signal: control.signal };
      for await (const _ of createSandbox().map({ kernel: echo, inputs: inputs(10) }, options)) {
        if (++count === 4) control.abort();
      }
      return count;
    };
    await expect(run()).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });

  test('a closed sandbox takes no task', async () => {
    const sandbox = createSandbox();
    await sandbox.close();
    await sandbox.close();
    await expect(sandbox.run({ kernel: echo, input })).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await expect(sandbox.map({ kernel: echo, inputs: [input] }).next()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });
});

test('a kernel that could not be compiled once is tried again with the next task', async () => {
  const engine = createV8('test');
  let tries = 0;
  const compile: typeof engine.compile = async (prepared) => {
    if (tries++ === 0) throw new RangeError('out of memory');
    return engine.compile(prepared);
  };
  const sandbox = createSandbox({ engine: { ...engine, compile } as Engine });
  await expect(sandbox.run({ kernel: echo, input })).rejects.toThrow('out of memory');
  expect(await sandbox.run({ kernel: echo, input })).toMatchObject({ state: 'done' });
  await sandbox.run({ kernel: echo, input });
  expect(tries).toBe(2);
});

const PAGES = 4;
const size = PAGES * 65_536;
const still = { code: 'i32.const 8192' };
/** Gives all of its memory. The result itself lies at 16: its length in 24 to 27. */
const dumper = await admit(
  kernelOf({ memory: [PAGES, PAGES], realloc: still, run: { code: answer(0, 'i32.const 0', `i32.const ${size}`) } }),
);

describe('one task never sees another', () => {
  const fill = `i32.const 0 i32.const 170 i32.const ${size} memory.fill`;

  /** Fills all of its memory, then ends in the given way. */
  const filler = (end: string) =>
    admit(kernelOf({ memory: [PAGES, PAGES], realloc: still, run: { code: `${fill} ${end}` } }));
  const traces = (bytes: Uint8Array) => bytes.reduce((sum, byte, at) => sum + (at !== 26 && byte !== 0 ? 1 : 0), 0);

  test.each([
    ['is done', answer(0, 'i32.const 0', 'i32.const 0')],
    ['traps', 'unreachable'],
    ['fails', answer(1, 'i32.const 16384', 'i32.const 1')],
    ['breaks the ABI', 'i32.const -4'],
    ['recurses', 'local.get 0 local.get 1 call $run'],
  ])('not a byte is left when a task %s after it filled its memory', async (_, end) => {
    const sandbox = createSandbox();
    await sandbox.run({ kernel: await filler(end), input });
    const outcome = await sandbox.run({ kernel: dumper, input: new Uint8Array() });
    expect(outcome.state === 'done' && traces(outcome.output)).toBe(0);
  });

  test('the input of a task is not seen by the next', async () => {
    const sandbox = createSandbox();
    await sandbox.run({ kernel: dumper, input: new Uint8Array(100_000).fill(9) });
    const outcome = await sandbox.run({ kernel: dumper, input: new Uint8Array() });
    expect(outcome.state === 'done' && traces(outcome.output)).toBe(0);
  });

  test('nor does a task find the caller: the output is a copy, the input is left as it was', async () => {
    const sandbox = createSandbox();
    const given = Uint8Array.of(1, 2, 3);
    const outcome = await sandbox.run({ kernel: await filler(answer(0, 'i32.const 0', 'i32.const 16')), input: given });
    await sandbox.run({ kernel: await filler('unreachable'), input });
    expect(given).toEqual(Uint8Array.of(1, 2, 3));
    if (outcome.state === 'failed') throw new Error(outcome.message);
    expect(outcome.output).toEqual(new Uint8Array(16).fill(170));
    expect(outcome.output.buffer.byteLength).toBe(16);
  });
});
