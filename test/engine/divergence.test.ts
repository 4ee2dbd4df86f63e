// Same bytes, same fuel and same end on V8's baseline and optimising compilers and on Wasmtime, where they could differ.
import { setFlagsFromString } from 'node:v8';
import { afterAll, describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { DIVERGING, GIVEN, GROWTH } from './diverging.ts';

/** Engines, V8 with either of its compilers: it compiles a function when it is first called, by the flags of that moment. */
const WAYS = ENGINES.flatMap(([name, makeEngine]) =>
  (name === 'v8' ? ['--liftoff --liftoff-only', '--no-liftoff-only --no-liftoff'] : ['']).map((flag) => ({
    flag,
    makeEngine,
  })),
);
afterAll(() => {
  setFlagsFromString('--no-liftoff-only');
  setFlagsFromString('--liftoff');
});

async function endsOf(bytes: Uint8Array): Promise<Outcome[]> {
  const kernel = await admit(bytes);
  const outcomes: Outcome[] = [];
  for (const { flag, makeEngine } of WAYS) {
    for (const each of flag.split(' ').filter(Boolean)) setFlagsFromString(each);
    // Compiled anew for each way.
    outcomes.push(await createSandbox({ engine: makeEngine() }).run({ kernel, input: new Uint8Array(), ...GIVEN }));
  }
  return outcomes;
}

async function expectOneEnd(bytes: Uint8Array): Promise<Outcome> {
  const [first, ...others] = (await endsOf(bytes)).map(({ receipt, ...rest }) => {
    const { engine: _, wallMs: __, cpuMs: ___, ...same } = receipt;
    return { ...rest, receipt: same };
  });
  for (const other of others) expect(other).toEqual(first);
  return first as Outcome;
}

describe('the same on all engines and compilers:', () => {
  test.each(DIVERGING)('$name', async ({ ends, kernels }) => {
    for (const bytes of kernels) {
      const outcome = await expectOneEnd(bytes);
      if (ends === 'done') expect(outcome).toMatchObject({ state: 'done' });
      if (ends !== 'stack') continue;
      expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_STACK_SPENT' });
      expect(outcome.log.lines.length).toBeGreaterThan(50);
    }
  });

  test('what growth tells', async () => {
    const [growing] = DIVERGING.find(({ name }) => name.startsWith('growth'))?.kernels ?? [];
    const outcome = await expectOneEnd(growing as Uint8Array);
    const output = outcome.state === 'done' ? outcome.output : new Uint8Array();
    const told = new DataView(output.buffer, output.byteOffset);
    expect(GROWTH.map((_, index) => told.getInt32(16 * index, true))).toEqual(GROWTH.map(([, tells]) => tells));
  });
});
