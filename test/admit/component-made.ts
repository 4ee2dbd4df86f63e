// Makes components for tests: out of nothing kernels with wit-component, as others do, and one by hand, to be bent.
import { readFileSync } from 'node:fs';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco';
import { expect } from 'vitest';
import { extractCore } from '../../runtime/admit/component.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { StringEncoding } from '../../runtime/job/kernel.ts';
import type { Shape } from '../../runtime/job/world.ts';

const WIT = readFileSync(new URL('../../kernels/wit/kernel.wit', import.meta.url), 'utf8');

/** Core signatures of the world's imports, by `interface.function`. */
const IMPORTS = {
  'clock.now': '(result i64)',
  'exit.fail': '(param i32 i32)',
  'log.write': '(param i32 i32 i32)',
  'random.fill': '(param i32 i32)',
  'blobs.size': '(param i32 i32 i32)',
  'blobs.read': '(param i32 i32 i64 i32 i32)',
  'files.size': '(param i32 i32 i32)',
  'files.read': '(param i32 i32 i64 i32 i32)',
  'files.write': '(param i32 i32 i64 i32 i32 i32)',
  'files.names': '(param i32 i32 i32)',
  'http.request': '(param i32 i32 i32 i32 i32 i32 i32)',
} as const;

export type ImportName = keyof typeof IMPORTS;
export const IMPORT_NAMES = Object.keys(IMPORTS) as ImportName[];

const EXPORTS: Readonly<Record<Exclude<Shape, 'command'>, string>> = {
  kernel: `
    (func (export "run") (param i32 i32) (result i32) i32.const 0)
    (func (export "cabi_post_run") (param i32))`,
  stepper: `
    (func (export "begin") (param i32 i32) (result i32) i32.const 0)
    (func (export "step") (result i32) i32.const 0)
    (func (export "finish") (result i32) i32.const 0)
    (func (export "cabi_post_finish") (param i32))`,
};

export interface Made {
  readonly shape?: Exclude<Shape, 'command'>;
  readonly imports?: readonly ImportName[];
  readonly encoding?: StringEncoding;
  /** Whether the module exports `_initialize`. */
  readonly initialized?: 'yes' | 'no';
}

/** A component of a core module that does nothing, with these imports and exports. */
export async function makeComponent(made: Made): Promise<Uint8Array> {
  const { shape = 'kernel', imports = [], encoding = 'utf8', initialized = 'yes' } = made;
  const asked = imports.map((name) => {
    const [of, field] = name.split('.');
    return `(import "lodger:kernel/${of}@0.1.0" "${field}" (func ${IMPORTS[name]}))`;
  });
  const binary = await parse(`(module ${asked.join('')}
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    ${EXPORTS[shape]}
    ${initialized === 'yes' ? '(func (export "_initialize"))' : ''})`);
  const embedded = await componentEmbed({ binary, witSource: WIT, world: shape, stringEncoding: encoding });
  return componentNew(embedded, []);
}

/** What a core module imports, as `interface.function`, and exports. */
export function describeCore(core: Uint8Array): { imports: string[]; exports: string[] } {
  const module = new WebAssembly.Module(new Uint8Array(core));
  return {
    imports: WebAssembly.Module.imports(module).map(
      (entry) => `${entry.module.replace(/^lodger:kernel\/|@0\.1\.0$/g, '')}.${entry.name}`,
    ),
    exports: WebAssembly.Module.exports(module).map((entry) => entry.name),
  };
}

/** A simple component in text, as wit-component lays it out: one direct import, and three through shim and fix-up. */
export const SIMPLE = `(component
  (type $levels (instance
    (type $cases (enum "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $cases)))
    (type $write (func (param "level" $level) (param "message" string)))
    (export "write" (func (type $write)))))
  (import "lodger:kernel/log@0.1.0" (instance $log (type $levels)))
  (import "lodger:kernel/random@0.1.0" (instance $random (export "fill" (func (param "len" u32) (result (list u8))))))
  (import "lodger:kernel/exit@0.1.0" (instance $exit (export "fail" (func (param "message" string)))))
  (import "lodger:kernel/clock@0.1.0" (instance $clock (export "now" (func (result u64)))))
  (core module $main
    (import "lodger:kernel/clock@0.1.0" "now" (func (result i64)))
    (import "lodger:kernel/random@0.1.0" "fill" (func (param i32 i32)))
    (import "lodger:kernel/exit@0.1.0" "fail" (func (param i32 i32)))
    (import "lodger:kernel/log@0.1.0" "write" (func (param i32 i32 i32)))
    (memory (export "memory") 1)
    (table (export "own") 3 3 funcref)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "run") (param i32 i32) (result i32) i32.const 0)
    (func (export "cabi_post_run") (param i32))
    (func (export "_initialize")))
  (core module $shim
    (type $two (func (param i32 i32)))
    (type $three (func (param i32 i32 i32)))
    (table (export "$imports") 3 3 funcref)
    (func (export "0") (type $two) local.get 0 local.get 1 i32.const 0 call_indirect (type $two))
    (func (export "1") (type $two) local.get 0 local.get 1 i32.const 1 call_indirect (type $two))
    (func (export "2") (type $three) local.get 0 local.get 1 local.get 2 i32.const 2 call_indirect (type $three)))
  (core module $fixup
    (import "actual" "0" (func (param i32 i32)))
    (import "actual" "1" (func (param i32 i32)))
    (import "actual" "2" (func (param i32 i32 i32)))
    (import "main" "_initialize" (func))
    (import "shim" "$imports" (table 3 3 funcref))
    (elem (i32.const 0) func 0 1 2)
    (start 3))
  (alias export $clock "now" (func $now))
  (alias export $random "fill" (func $fill))
  (alias export $exit "fail" (func $fail))
  (alias export $log "write" (func $write))
  (core func $lowered-now (canon lower (func $now)))
  (core instance $shim (instantiate $shim))
  (alias core export $shim "0" (core func $fill-later))
  (alias core export $shim "1" (core func $fail-later))
  (alias core export $shim "2" (core func $write-later))
  (core instance $clocks (export "now" (func $lowered-now)))
  (core instance $randoms (export "fill" (func $fill-later)))
  (core instance $exits (export "fail" (func $fail-later)))
  (core instance $logs (export "write" (func $write-later)))
  (core instance $main (instantiate $main
    (with "lodger:kernel/clock@0.1.0" (instance $clocks))
    (with "lodger:kernel/random@0.1.0" (instance $randoms))
    (with "lodger:kernel/exit@0.1.0" (instance $exits))
    (with "lodger:kernel/log@0.1.0" (instance $logs))))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "cabi_realloc" (core func $realloc))
  (alias core export $main "cabi_post_run" (core func $post))
  (alias core export $main "run" (core func $run))
  (core func $lowered-fill (canon lower (func $fill) (memory $memory) (realloc $realloc)))
  (core func $lowered-fail (canon lower (func $fail) (memory $memory) string-encoding=utf8))
  (core func $lowered-write (canon lower (func $write) (memory $memory) string-encoding=utf8))
  (core instance $actual
    (export "0" (func $lowered-fill))
    (export "1" (func $lowered-fail))
    (export "2" (func $lowered-write)))
  (core instance (instantiate $fixup
    (with "actual" (instance $actual))
    (with "main" (instance $main))
    (with "shim" (instance $shim))))
  (type $bytes (list u8))
  (type $answer (result $bytes (error string)))
  (type $entry (func (param "input" $bytes) (result $answer)))
  (func $lifted (type $entry)
    (canon lift (core func $run) (memory $memory) (realloc $realloc) string-encoding=utf8 (post-return $post)))
  (export "run" (func $lifted)))`;

/** The places in SIMPLE before which most can be put. */
export const MAIN = '(core module $main';
export const RUN = '(export "run" (func $lifted))';

/** What SIMPLE must not become: a part of its text, what stands there instead, and what must be said about it. */
export type Bent = readonly [promise: string, from: string | RegExp, to: string, reason: string];

/** The test behind each row of bent components. */
export async function refuses(...[, from, to, reason]: Bent): Promise<void> {
  const bent = SIMPLE.replace(from, () => to);
  expect(bent).not.toBe(SIMPLE);
  expect(refusal(await parse(bent))).toContain(reason);
}

/** Code and message of the LodgerError with which the bytes are refused. Anything else that is thrown goes through. */
export function refusal(component: Uint8Array): string {
  try {
    extractCore(component);
  } catch (error) {
    if (error instanceof LodgerError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}
