// One task of a project's kernel in a sandbox, and settings as the text that kernels read.
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { builtKernel } from './built.ts';

export type Settings = Readonly<Record<string, number | readonly number[] | readonly (readonly number[])[]>>;

/** Runs a task: output, or a throw with the message of its failure. */
export type Run = (input: string | Uint8Array, seed?: number) => Promise<Uint8Array>;

/** Builds `kernels/<name>` and gives what runs it. */
export async function runnerOf(name: string): Promise<Run> {
  const kernel = await admit((await builtKernel(`kernels/${name}`)).wasm);
  const sandbox = createSandbox({ platform: node });
  return async (input, seed = 1) => {
    const outcome = await sandbox.run({ kernel, input: bytesOf(input), grants: [{ kind: 'random' }], seed });
    if (outcome.state === 'done') return outcome.output;
    throw new Error(`${outcome.code}: ${outcome.message}`);
  };
}

/** A line a setting; a list of lists is a line each. */
export function settingsText(settings: Settings): string {
  return Object.entries(settings)
    .flatMap(([name, value]) => {
      const values = typeof value === 'number' ? [[value]] : (value as readonly (number | readonly number[])[]);
      const lines = values.some((each) => typeof each === 'number') ? [values] : values;
      return lines.map((line) => `${name} = ${(line as readonly number[]).join(' ')}\n`);
    })
    .join('');
}

export function bytesOf(input: string | Uint8Array): Uint8Array {
  return typeof input === 'string' ? new TextEncoder().encode(input) : input;
}
