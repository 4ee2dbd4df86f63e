// How a kernel's failures reach the host: as messages where there is one, as traps where there is none.
import { describe, expect, test } from 'vitest';
import { builtKernel } from './built.ts';
import { GuestFailure, startGuest } from './guest.ts';

const RUNTIMES = ['stub', 'incremental'] as const;

describe.each(RUNTIMES)('with the runtime %s', (runtime) => {
  test.each([
    [0, 'fail', 'café € "quoted"'],
    [1, 'throw new Error', 'position XY is short'],
    [2, 'a failed assertion with a message', 'too small'],
    [3, 'a failed assertion without one', /^aborted \(failing\.ts:21\)$/],
    [4, 'an index out of range', /^Index out of range \(~lib\/staticarray\.ts:\d+\)$/],
    [6, 'reading too far', 'input is cut short: f64 at byte 0 needs 8 bytes, 1 are left'],
    [7, 'an array too large for the runtime', /^Invalid length \(~lib\/.*:\d+\)$/],
    [8, 'fail without a message', ''],
    [11, 'a writer of negative size', 'a writer cannot have a capacity of -1'],
    [12, 'an index out of range of the input', /^Index out of range \(~lib\/typedarray\.ts:\d+\)$/],
  ])('way %i, %s, ends the task with its message', async (way, _, message) => {
    const { wasm } = await builtKernel('failing', runtime);
    const failure = caught(() => startGuest(wasm).run(Uint8Array.of(way)));
    expect(failure).toBeInstanceOf(GuestFailure);
    if (typeof message === 'string') expect(failure.message).toBe(message);
    else expect(failure.message).toMatch(message);
  });

  test.each([
    [5, 'unreachable', /unreachable/],
    [10, 'division by zero', /divide by zero/],
  ])('way %i, %s, is a trap', async (way, _, message) => {
    const { wasm } = await builtKernel('failing', runtime);
    const failure = caught(() => startGuest(wasm).run(Uint8Array.of(way)));
    expect(failure).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(failure.message).toMatch(message);
  });
});

test('endless recursion ends at the engine’s stack', async () => {
  const { wasm } = await builtKernel('failing');
  expect(caught(() => startGuest(wasm).run(Uint8Array.of(9)))).toBeInstanceOf(RangeError);
});

describe('inlined array accessors keep their checks', () => {
  const input = (kind: number, write: number, at: number) => {
    const bytes = new Uint8Array(8);
    bytes[0] = kind;
    bytes[1] = write;
    new DataView(bytes.buffer).setInt32(4, at, true);
    return bytes;
  };
  const KINDS = [
    [0, 'Array'],
    [1, 'StaticArray'],
    [2, 'Float64Array'],
    [3, 'Uint8Array'],
  ] as const;

  test.each(KINDS)('kind %i, %s: nothing outside it is read or written', async (kind, name) => {
    const { wasm } = await builtKernel('arrays');
    for (const at of [3, 4, 1_000, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(() => startGuest(wasm).run(input(kind, 0, at))).toThrow(/^Index out of range \(~lib\//);
      // An Array grows when it is written behind its end; the others do not.
      const grows = name === 'Array' && at >= 3 && at <= 1_000;
      if (!grows) expect(() => startGuest(wasm).run(input(kind, 1, at))).toThrow(GuestFailure);
    }
  });

  test.each(KINDS)('kind %i, %s: what is inside is read and written', async (kind) => {
    const { wasm } = await builtKernel('arrays');
    const got = (write: number, at: number) =>
      new DataView(startGuest(wasm).run(input(kind, write, at)).buffer).getFloat64(0, true);
    expect(got(0, 1)).toBe(2);
    expect([got(1, 0), got(1, 2)]).toEqual([7, 7]);
  });

  test('no call is left in a loop over an array', async () => {
    const { wasm } = await builtKernel('arrays');
    const { buildKernel } = await import('../../host/build/build.ts');
    const { wasm: debug } = await buildKernel({ source: 'test/fixtures/kernels/arrays.ts', target: 'debug' });
    expect(Buffer.from(debug).includes('Float64Array#fill')).toBe(true);
    expect(Buffer.from(debug).includes('Float64Array#__get')).toBe(false);
    expect(wasm.length).toBeLessThan(debug.length);
  });
});

describe.each(['stub', 'minimal', 'incremental'] as const)('a stepper with the runtime %s', (runtime) => {
  test.each([
    [0, 1, 0n],
    [1, 1, 1n],
    [1_000, 1, 500_500n],
    [1_001, 2, 501_501n],
    [50_000, 50, 1_250_025_000n],
  ])('sums 1 to %i in %i steps', async (n, steps, sum) => {
    const guest = startGuest((await builtKernel('stepper', runtime)).wasm);
    guest.begin(new Uint8Array(Uint32Array.of(n).buffer));
    const shares: number[] = [];
    while (shares.at(-1) !== 1) shares.push(guest.step());
    expect(shares.length).toBe(steps);
    expect(new DataView(guest.finish().buffer).getBigUint64(0, true)).toBe(sum);
  });
});

test.each(['minimal', 'incremental'] as const)(
  'a stepper with the runtime %s leaves no garbage behind',
  async (runtime) => {
    const guest = startGuest((await builtKernel('stepper', runtime)).wasm);
    guest.begin(new Uint8Array(Uint32Array.of(2_000_000).buffer));
    while (guest.step() !== 1);
    expect(guest.memory.buffer.byteLength).toBeLessThan(2 ** 20);
  },
);

function caught(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
