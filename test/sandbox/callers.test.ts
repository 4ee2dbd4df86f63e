// Callers without types: whatever they hand to the door `lodger`, a refusal has a code and says what it must be.
import { expect, test } from 'vitest';
import * as door from '../../runtime/index.ts';
import { kernelOf } from '../wasm/kernel.ts';

const kernel = await door.admit(kernelOf());
const task = { kernel, input: new Uint8Array() };
const job = { kernel, inputs: [new Uint8Array()] };
const sandbox = door.createSandbox();
const policy = door.parsePolicy({ version: 1 });

/** What comes from somewhere, of whatever type a call wants. */
const given = (value: unknown) => value as never;
const first = (...args: Parameters<typeof sandbox.map>) => sandbox.map(...args).next();

const CALLS: Readonly<Record<string, (value: unknown) => unknown>> = {
  'admit(%s)': (value) => door.admit(given(value)),
  'admit(bytes, { platform: %s })': (value) => door.admit(kernel.bytes, { platform: given(value) }),
  'admit(bytes, { ceilings: %s })': (value) => door.admit(kernel.bytes, { ceilings: given(value) }),
  'parseGrant(%s)': (value) => door.parseGrant(given(value)),
  'parseJob(%s)': (value) => door.parseJob(value),
  'parsePolicy(%s)': (value) => door.parsePolicy(value),
  'narrow(%s, policy)': (value) => door.narrow(given(value), policy),
  'narrow(policy, %s)': (value) => door.narrow(policy, given(value)),
  'createSandbox({ engine: %s })': (value) => door.createSandbox({ engine: given(value) }),
  'createSandbox({ platform: %s })': (value) => door.createSandbox({ platform: given(value) }),
  'createSandbox({ policy: %s })': (value) => door.createSandbox({ policy: given(value) }),
  'run(%s)': (value) => sandbox.run(given(value)),
  'run(task, { signal: %s })': (value) => sandbox.run(task, { signal: given(value) }),
  'map(%s)': (value) => first(given(value)),
  'map(job, { signal: %s })': (value) => first(job, { signal: given(value) }),
  'map(job, { onProgress: %s })': (value) => first(job, { onProgress: given(value) }),
  'map of %s': (value) => first({ kernel, inputs: given(value) }),
  'map of [%s]': (value) => first({ kernel, inputs: [given(value)] }),
};

test.each(Object.entries(CALLS))('%s refuses what it is not made for, with a code', async (_, call) => {
  for (const value of [null, 7, Number.NaN, true, 7n, Symbol('x'), {}, Object.create(null), [{}]]) {
    // No ceilings are as good as the usual ones.
    if (call === CALLS['admit(bytes, { ceilings: %s })'] && typeof value === 'object' && value !== null) continue;
    const thrown = await Promise.resolve(value)
      .then(call)
      .then(
        () => 'nothing',
        (error: unknown) => error,
      );
    expect(thrown, String(typeof value)).toBeInstanceOf(door.LodgerError);
    expect(thrown).toMatchObject({ code: expect.stringMatching(/^ERR_(?:OPTION|JOB|GRANT)_INVALID$/) });
  }
});

test.each<[string, () => Promise<unknown>]>([
  ['run', () => sandbox.run(task, given({ singal: 1 }))],
  ['map', () => first(job, given({ progress: 1 }))],
])('%s refuses an option that it does not know', async (_, call) => {
  await expect(call()).rejects.toMatchObject({
    code: 'ERR_OPTION_INVALID',
    message: expect.stringContaining('must be a known option'),
  });
});
