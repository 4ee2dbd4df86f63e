// A strict TypeScript program that uses the package, and the settings that it is compiled with.

export const CONSUMER = `
import { admit, createSandbox, type Kernel, LodgerError, type Outcome, type Runner } from 'lodger';
import { createPool, type Pool } from 'lodger/host';

export async function use(bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const kernel: Kernel = await admit(bytes);
  const pool: Pool = await createPool({ threads: 1 });
  const runner: Runner = pool ?? createSandbox();
  const outcome: Outcome = await runner.run({ kernel, input: bytes, limits: { wallMsMax: 1 } }, { signal });
  for await (const each of pool.map({ kernel, inputs: [bytes] })) if (each.state === 'failed') throw new Error(each.code);
  if (outcome.state === 'done') return outcome.output;
  throw new LodgerError('ERR_CLOSED', ['pool']);
}
`;

/** What a program may be as strict as; `skipLibCheck` is off, so that our declarations are checked, too. */
export const STRICTEST = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  skipLibCheck: false,
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023', 'dom'],
  types: [],
};
