// Callers without types: whatever they hand to a pool, a refusal has a code and says what it must be.
import { LodgerError } from 'lodger';
import { createPool } from 'lodger/host';
import { afterAll, expect, test } from 'vitest';
import { DO, guest, inputOf } from './guest.ts';

const kernel = await guest();
const pool = await createPool({ threads: 1 });
afterAll(() => pool.close('end'));

const task = { kernel, input: inputOf(DO.echo, 1) };
const job = { kernel, inputs: [inputOf(DO.echo, 1)] };
/** What comes from somewhere, of whatever type a call wants. */
const given = (value: unknown) => value as never;
const first = (...args: Parameters<typeof pool.map>) => pool.map(...args).next();

const CALLS: Readonly<Record<string, (value: unknown) => unknown>> = {
  'createPool(%s)': (value) => createPool(given(value)),
  'createPool({ engine: %s })': (value) => createPool({ engine: given(value) }),
  'run(%s)': (value) => pool.run(given(value)),
  'run({ grants: %s })': (value) => pool.run({ ...task, grants: given(value) }),
  'run({ limits: %s })': (value) => pool.run({ ...task, limits: given(value) }),
  'run({ limits: { wallMsMax: %s } })': (value) => pool.run({ ...task, limits: { wallMsMax: given(value) } }),
  'run({ seed: %s })': (value) => pool.run({ ...task, seed: given(value) }),
  'run({ digests: %s })': (value) => pool.run({ ...task, digests: given(value) }),
  'run(task, %s)': (value) => pool.run(task, given(value)),
  'run(task, { signal: %s })': (value) => pool.run(task, { signal: given(value) }),
  'map(%s)': (value) => first(given(value)),
  'map(job, { signal: %s })': (value) => first(job, { signal: given(value) }),
  'map(job, { onProgress: %s })': (value) => first(job, { onProgress: given(value) }),
  'map of %s': (value) => first({ kernel, inputs: given(value) }),
  'map of [%s]': (value) => first({ kernel, inputs: [given(value)] }),
};

/** Values that a call may well take. */
const FINE: Readonly<Record<string, (value: unknown) => boolean>> = {
  'createPool(%s)': (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'run({ limits: %s })': (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'run({ limits: { wallMsMax: %s } })': (value) => value === 7,
  'run({ seed: %s })': (value) => value === 7,
  'run({ digests: %s })': (value) => value === true,
  'run(task, %s)': (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

test.each(Object.entries(CALLS))('%s refuses what it is not made for, with a code', async (name, call) => {
  // Once the pool knows tasks of this kernel, equal ones take a shorter way.
  await pool.run(task);
  for (const value of [null, 7, Number.NaN, true, 7n, Symbol('x'), {}, Object.create(null), [{}]]) {
    if (FINE[name]?.(value)) continue;
    const thrown = await Promise.resolve(value)
      .then(call)
      .then(
        () => 'nothing',
        (error: unknown) => error,
      );
    expect(thrown, `${typeof value} ${String(Object.prototype.toString.call(value))}`).toBeInstanceOf(LodgerError);
    expect(thrown).toMatchObject({ code: expect.stringMatching(/^ERR_(?:OPTION|JOB|GRANT)_INVALID$/) });
  }
});
