// Programs through the package's own doors: threads of a pool, and a process with walls.
import { readFileSync } from 'node:fs';
import { admit } from 'lodger';
import { createPool } from 'lodger/host';
import { expect, test } from 'vitest';

const kernel = await admit(readFileSync(new URL('../fixtures/programs/tool.wasm', import.meta.url)));
const bytes = (text: string) => new TextEncoder().encode(text);

test.each(['thread', 'process'] as const)('a pool runs a job of programs, isolated by %s', async (isolation) => {
  const pool = await createPool({ threads: 2, isolation });
  try {
    const got: unknown[] = [];
    const inputs = ['copy\n1', 'say\ntwo\n', 'exit 4\n', 'copy\n4'].map(bytes);
    for await (const outcome of pool.map({ kernel, inputs })) {
      got.push([
        outcome.state === 'done' ? Buffer.from(outcome.output).toString() : outcome.message,
        outcome.log.lines.map(({ text }) => text),
      ]);
    }
    expect(got).toEqual([
      ['1', []],
      ['', ['two']],
      ['it exited with code 4', ['it will end']],
      ['4', []],
    ]);
  } finally {
    await pool.close();
  }
});
