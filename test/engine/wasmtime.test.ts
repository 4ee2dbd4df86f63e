// Wasmtime's own part: whether it is here, what it calls itself, its limits, and how guests of two engines live in one process.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { expect, test } from 'vitest';
import { loadAddon } from '../../host/platform/native.ts';
import { ERRORS } from '../../runtime/base/errors.ts';
import { ENGINES, notTested, WASMTIME_MISSING } from '../contract/engines.ts';

const source = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the Wasmtime engine is here, or this machine is told that it was not tested', () => {
  process.stderr.write(notTested(WASMTIME_MISSING, process.env['CI']));
});

test('without the engine there is one line that says so and why, and a failure where CI is true', () => {
  expect(notTested('no library', undefined)).toBe('NOT TESTED: the Wasmtime engine. no library\n');
  expect(notTested('no library', 'false')).toBe('NOT TESTED: the Wasmtime engine. no library\n');
  expect(() => notTested('no library', 'true')).toThrow('no library');
  expect(notTested(undefined, 'true')).toBe('');
});

test("the addon's codes are codes of the table, and those that its source names", () => {
  const named = [...source('runtime/native/engine/src/code.rs').matchAll(/= "(ERR_\w+)"/g)].map(([, code]) => code);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((code) => !Object.hasOwn(ERRORS, code as string))).toEqual([]);
  if (WASMTIME_MISSING === undefined) expect(loadAddon().codes()).toEqual(named);
});

test('the version in receipts is the one that is linked', () => {
  const [, pinned] = /wasmtime = \{ version = "=([\d.]+)"/.exec(source('runtime/native/engine/Cargo.toml')) ?? [];
  const lock = source('runtime/native/Cargo.lock');
  expect(lock).toContain(`name = "wasmtime"\nversion = "${pinned}"`);
  for (const [name, makeEngine] of ENGINES) if (name === 'wasmtime') expect(makeEngine().version).toBe(pinned);
});
