// A memory that does not grow: beyond its limit the guest is told so, below it the host is at fault and the task may succeed elsewhere.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { answer, kernelOf } from '../wasm/kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'lodger-growth-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Grows page by page until it may not, and then gives its last page's first bytes. */
const greedy = kernelOf({
  memory: [2, 1_000],
  run: {
    code: `loop i32.const 1 memory.grow i32.const 0 i32.ge_s br_if 0 end ${answer(0, 'i32.const 0', 'i32.const 4')}`,
  },
});

function endOn(pagesOfHost: number, pagesOfTask: number): unknown {
  const path = join(folder, 'greedy.wasm');
  writeFileSync(path, greedy);
  const script = fileURLToPath(new URL('./poor-host.mjs', import.meta.url));
  const flags = [`--wasm-max-mem-pages=${pagesOfHost}`, script, path, String(pagesOfTask * 65_536)];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

test('a growth below the limit that V8 refuses ends the task, and the host is at fault', () => {
  expect(endOn(10, 60)).toEqual({ state: 'failed', code: 'ERR_HOST_MEMORY', fault: 'host', pages: 10 });
});

test('a growth beyond the limit gives -1, and the task goes on', () => {
  expect(endOn(10, 8)).toEqual({ state: 'done', pages: 8 });
});
