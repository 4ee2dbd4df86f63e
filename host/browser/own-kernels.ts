// Makes kernels ready in a tab whose scripts are not its site's: it trusts the site for nothing, so it prepares them itself. Loaded there alone.
import type { Engine } from '../../runtime/engine/engine.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import type { Code } from './message.ts';
import type { Compile } from './runner.ts';

export function createOwn(engineVersion: string): Compile {
  const engine: Engine<Code> = createV8(engineVersion);
  const checking: Engine<Code> = {
    ...engine,
    compile: async (prepared) => {
      await engine.compile(prepared);
      return prepared.bytes;
    },
  };
  return ({ kernel, deterministic }, form) =>
    compileFor(form === 'bytes' ? checking : engine, kernel, { canonicalNaNs: deterministic });
}
