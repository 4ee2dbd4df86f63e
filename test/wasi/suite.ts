// The public WASI test suite as it lies here: its programs, what each is run with, and which are left out.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const FOLDER = new URL('../fixtures/wasi-testsuite/', import.meta.url);
const BLOCK = 512;

/** What a test says it is run with, and what has to come of it. */
export interface Expected {
  readonly args?: readonly string[];
  readonly dirs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly exit_code?: number;
  readonly stdout?: string;
}

export interface SuiteTest {
  /** Language and name. */
  readonly name: string;
  readonly wasm: Uint8Array;
  readonly expected: Expected;
}

/** Every file of the suite by path. */
const files = new Map(unpack(brotliDecompressSync(readFileSync(new URL('suite.tar.br', FOLDER)))));

export const SUITE: readonly SuiteTest[] = [...files].flatMap(([path, wasm]) => {
  const [, name] = /^(.*)\.wasm$/.exec(path) ?? [];
  if (name === undefined) return [];
  const written = files.get(`${name}.json`);
  return [{ name, wasm, expected: written ? JSON.parse(Buffer.from(written).toString()) : {} }];
});

/** Those left out and why, as the table beside the suite says. */
export const LEFT_OUT: ReadonlyMap<string, string> = new Map(
  [...readFileSync(new URL('README.md', FOLDER), 'utf8').matchAll(/^\| `(\S+)` \| (.+) \|$/gm)].map(
    ([, name = '', why = '']) => [name, why],
  ),
);

/** Writes what a language's tests find in their folder. */
export function layOut(name: string, to: string): void {
  const from = `${name.split('/')[0]}/fs-tests.dir/`;
  for (const [path, bytes] of files) {
    if (!path.startsWith(from)) continue;
    const at = join(to, path.slice(from.length));
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, bytes);
  }
}

/** The regular files of a tar archive. */
function* unpack(archive: Uint8Array): Generator<[string, Uint8Array]> {
  for (let at = 0; archive[at]; ) {
    const text = (from: number, length: number) =>
      Buffer.from(archive.subarray(at + from, at + from + length))
        .toString()
        .replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8);
    yield [text(0, 100), archive.subarray(at + BLOCK, at + BLOCK + size)];
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
