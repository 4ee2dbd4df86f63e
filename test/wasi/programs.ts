// Programs for tests: those in C, Rust and Zig that lie here, the one in Go where Go is, and small ones made of calls.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PREVIEW1 } from '../../runtime/job/preview1.ts';
import { moduleOf } from '../wasm/build.ts';

const fixture = (name: string) => new URL(`../fixtures/programs/${name}`, import.meta.url);

export const C_PROGRAM = new Uint8Array(readFileSync(fixture('tool.wasm')));
/** The same program as a kernel, without a system around it. */
export const C_AS_KERNEL = new Uint8Array(readFileSync(fixture('tool-kernel.wasm')));
export const RUST_PROGRAM = new Uint8Array(readFileSync(fixture('tool-rs.wasm')));
/** It does what needs no files and no clock. */
export const ZIG_PROGRAM = new Uint8Array(readFileSync(fixture('tool-zig.wasm')));

/** The program in Go, built now; undefined where there is no Go. */
export function goProgram(): Uint8Array | undefined {
  const compiler = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go', 'go'].find(
    (path) => (path === 'go' || existsSync(path)) && spawnSync(path, ['version']).status === 0,
  );
  if (compiler === undefined) return undefined;
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'lodger-go-'));
  try {
    const out = join(folder, 'tool.wasm');
    const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', out, fixture('tool.go').pathname];
    const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' };
    const { status, stderr } = spawnSync(compiler, args, { cwd: folder, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return new Uint8Array(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A program that imports these calls, in this order, and does `code`, which calls them by `$name`. One page of memory; `data` at 0. */
export function programOf(
  code: string,
  calls: readonly string[],
  data: ArrayLike<number> = [],
): Uint8Array<ArrayBuffer> {
  return moduleOf({
    imports: calls.map((name) => {
      const { params, results } = PREVIEW1[name] ?? { params: '', results: 'i' };
      return { module: 'wasi_snapshot_preview1', name, type: `${params}>${results}` };
    }),
    functions: [{ type: '>', export: '_start', locals: 'iI', code }],
    memory: [1, 4],
    exports: [{ name: 'memory', kind: 2, index: 0 }],
    ...(data.length > 0 && { data: [{ offset: 0, bytes: data }] }),
  });
}
