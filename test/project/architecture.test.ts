// The shape of the project: who imports whom, what no file contains, how long a file is.
import { expect, test } from 'vitest';
import { sourceFiles, textOf } from './files.ts';
import { faultsOf, LAYERS, PACKAGES, packageOf } from './rules.ts';
import { codeOf, importsOf } from './scan.ts';

const FIRST = '// What this file is for, in one line.\n';
// Written in pieces, so that this file does not break the rules by naming what breaks them.
const open = '$'.concat('{');
const later = ['TO', 'DO'].join('');
const silenced = ['@ts-', 'ignore'].join('');
const machine = ['', 'home', 'me', 'x'].join('/');

test.each([
  // Directions.
  ['runtime/base/a.ts', `import { b } from '../job/b.ts';`, '"runtime/base" must not import "runtime/job"'],
  ['runtime/policy/a.ts', `import type { B } from '../job/b.ts';`, '"runtime/policy" must not import "runtime/job"'],
  ['runtime/wasm/a.ts', `import { b } from '../job/b.ts';`, '"runtime/wasm" must not import "runtime/job"'],
  ['runtime/sandbox/a.ts', `export * from '../../host/index.ts';`, '"runtime/sandbox" must not import "host"'],
  ['runtime/abi/a.ts', `const b = await import('../engine/v8.ts');`, '"runtime/abi" must not import "runtime/engine"'],
  ['runtime/abi/a.ts', `type B = import('../engine/v8.ts').B;`, '"runtime/abi" must not import "runtime/engine"'],
  ['runtime/admit/deep/a.ts', `import '../../abi/b.ts';`, '"runtime/admit" must not import "runtime/abi"'],
  ['host/pool/a.ts', `import { b } from '../build/b.ts';`, '"host/pool" must not import "host/build"'],
  ['host/platform/a.ts', `export { b } from\n  '../pool/b.ts';`, '"host/platform" must not import "host/pool"'],
  ['host/index.ts', `export { b } from './cli/main.ts';`, '"host" must not import "host/cli"'],
  ['host/a.ts', `import manifest from '../package.json';`, 'folder "" has no place'],
  ['bench/a.ts', `import { b } from '../test/b.ts';`, '"bench" must not import "test"'],
  ['runtime/new/a.ts', `import { b } from '../base/b.ts';`, 'folder "runtime/new" has no place'],
  ['host/cli/a.ts', `import { b } from '../new/b.ts';`, 'folder "host/new" has no place'],
  // Packages.
  ['runtime/base/a.ts', `import { hash } from 'node:crypto';`, '"runtime/base" must not import "node"'],
  ['runtime/base/a.ts', `import fs from 'fs';`, '"runtime/base" must not import "fs"'],
  ['host/cli/a.ts', `import Piscina from 'piscina';`, '"host/cli" must not import "piscina"'],
  ['host/pool/a.ts', `import { Command } from 'commander';`, '"host/pool" must not import "commander"'],
  ['host/jobs/a.ts', `import bar from "cli-progress";`, '"host/jobs" must not import "cli-progress"'],
  ['host/jobs/a.ts', `import Table from 'cli-table3';`, '"host/jobs" must not import "cli-table3"'],
  ['host/cli/a.ts', `const asc = import('assemblyscript/asc');`, '"host/cli" must not import "assemblyscript"'],
  ['runtime/job/a.ts', `import { chacha20 } from '@noble/ciphers/chacha.js';`, 'must not import "@noble/ciphers"'],
  ['host/cli/a.ts', 'const b = await import(name);', 'an import names what it imports'],
  ['host/cli/a.cts', `const Piscina = require('piscina');`, '"host/cli" must not import "piscina"'],
  ['kernels/template/a.mjs', `import { test } from 'vitest';`, '"kernels/template" must not import "vitest"'],
  ['kernels/align/a.ts', `import { b } from '../lib/b';`, 'a kernel must not import "../lib/b"'],
  ['kernels/lib/a.ts', `import { b } from 'lodger/kernel';`, 'a kernel must not import "lodger/kernel"'],
  ['kernels/echo/a.ts', `import { b } from 'node:fs';`, 'a kernel must not import "node:fs"'],
  // What the runtime must be given.
  ['runtime/job/a.ts', 'const at = Date.now();', 'the runtime gets "Date" from its host'],
  ['runtime/job/a.ts', 'const seed = Math.random();', 'the runtime gets "Math.random" from its host'],
  ['runtime/job/a.ts', 'setTimeout(stop, 10);', 'the runtime gets "setTimeout" from its host'],
  ['runtime/job/a.ts', 'if (process.env.X) stop();', 'the runtime gets "process" from its host'],
  // What no file contains.
  ['host/cli/a.ts', 'function f(x: any) {}', 'no any'],
  ['host/cli/a.ts', 'const x = y as any;', 'no any'],
  ['host/cli/a.ts', 'let x: Map<string, any>;', 'no any'],
  ['host/cli/a.ts', 'type X = any | string;', 'no any'],
  ['host/cli/a.ts', 'let x: [string, any[]];', 'no any'],
  ['host/cli/a.ts', `// ${later}: later`, `no ${later}`],
  ['bench/native/a.c', `/* ${later} */`, `no ${later}`],
  ['host/cli/a.ts', `// ${silenced}`, 'the compiler is not silenced'],
  ['test/a.test.ts', `test.only('x', () => {});`, 'no test is left out'],
  ['test/a.test.ts', `describe.skip('x', () => {});`, 'no test is left out'],
  ['test/a.test.ts', `test.each([1]).skip('x'); it.skip('y');`, 'no test is left out'],
  ['test/a.test.ts', `test.skipIf(missing)('x', run);`, 'no test is left out'],
  ['test/a.test.ts', `test('x', { skip: true }, run);`, 'no test is left out'],
  ['host/cli/a.ts', `const folder = '${machine}';`, "a folder of somebody's machine"],
  ['host/cli/utils.ts', '', '"utils" says nothing'],
  ['test/job/helpers.test.ts', '', '"helpers" says nothing'],
  ['runtime/job/types.ts', '', '"types" says nothing'],
])('in %s, %j is found to be wrong', (path, text, reason) => {
  expect(faultsOf(path, `${FIRST}${text}\n`)).toEqual([expect.stringContaining(reason)]);
});

test.each([
  ['host/cli/a.ts', `import { b } from './b.ts';\n`, 'the first line is a comment'],
  ['bench/native/a.c', '#include <stdio.h> // for printf\n', 'the first line is a comment'],
  ['bench/native/a.h', '/*\n */\n', 'the first line is a comment'],
  ['test/a.sh', '#!/bin/sh\nset -eu\n', 'the first line is a comment'],
  ['bench/a.py', `# ${FIRST}`, 'the first line is a comment'],
  ['host/cli/a.ts', '// Short.\n', 'the first line is a comment'],
  ['host/cli/a.ts', '', 'the first line is a comment'],
  ['host/cli/a.ts', FIRST + 'f();\n'.repeat(300), '301 lines, at most 300'],
  ['bench/native/a.h', FIRST + 'f();\n'.repeat(300), '301 lines, at most 300'],
])('a whole text of %s is found to be wrong: %#', (path, text, reason) => {
  expect(faultsOf(path, text)).toEqual([expect.stringContaining(reason)]);
});

test.each([
  ['runtime/sandbox/a.ts', `import { b } from '../base/b.ts';\nimport * as v from 'valibot';`],
  ['runtime/job/a.ts', `/** From '../../host/b.ts' */\nconst s = "import x from 'node:fs'";`],
  ['runtime/job/a.ts', `const s = \`import "node:fs" ${open}Array.from("x")} any\`;`],
  ['runtime/job/a.ts', 'const any = rules.any; const at = record.process; type T = { Date: number };'],
  ['runtime/job/a.ts', 'const r = /[/]any : any/.test(s) ? a / b : c / d;'],
  ['runtime/wasm/a.ts', 'reader.skip(4);'],
  ['host/build/a.ts', 'const load = (name: string) => import(name);'],
  ['host/cli/a.ts', `const url = new URL('./x.js', import.meta.url);`],
  ['kernels/align/a.ts', `import { Reader } from 'lodger/kernel';\nimport { f } from './f';`],
  ['test/a.test.ts', `import manifest from '../package.json' with { type: 'json' };`],
  ['test/a.test.ts', FIRST.repeat(298)],
  ['test/a.test.ts', `test.runIf(process.platform === 'linux')('x', run);`],
  ['kernels/lib/a.ts', `// ${silenced}: decorator`],
])('in %s, %j is not found to be wrong', (path, text) => {
  expect(faultsOf(path, `${FIRST}${text}\n`)).toEqual([]);
});

test('code is told from comments, strings, templates and regular expressions', () => {
  const text = `a /*b*/ + "c\\"d" + \`e${open}f({ g: \`h${open}i}\` })}j\` + /k"[/]/.l // m\nn`;
  expect(codeOf(text).replace(/ +/g, ' ')).toBe(`a + " " + \` ${open}f({ g: \` ${open}i}\` })} \` + .l \nn`);
  expect(codeOf(text)).toHaveLength(text.length);
});

test('every form of import is read, with its line', () => {
  const text = `import a from 'a';\nimport 'b';\nexport { c } from "c";\nimport(\n 'd');\nimport(e);\ntype F = typeof import('f');\nrequire('g'); this.require(h); imports(i);`;
  expect(importsOf(text).map(({ specifier, line }) => [line, specifier])).toEqual([
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
    [4, 'd'],
    [6, undefined],
    [7, 'f'],
    [8, 'g'],
  ]);
});

const files = sourceFiles();

test('every file of the project keeps the rules', () => {
  expect(files.size).toBeGreaterThan(100);
  expect([...files].flatMap(([path, text]) => faultsOf(path, text))).toEqual([]);
});

test('every folder of the table of layers exists', () => {
  const paths = [...files.keys()];
  expect(LAYERS.flat().filter((folder) => !paths.some((path) => path.startsWith(`${folder}/`)))).toEqual([]);
});

test('what is shipped imports only packages that are installed with it, and each of them is used', () => {
  const { dependencies, peerDependencies } = JSON.parse(textOf('package.json'));
  const declared = Object.keys({ ...dependencies, ...peerDependencies });
  // Pages and what bundles them are not shipped as modules: what they need is in the bundles.
  const bundled = /^host\/(?:browser|console|parts)\/|^host\/build\/(?:bundle|comments|pages)\.ts$/;
  const shipped = [...files].filter(
    ([path]) => /^(?:runtime|host|kernels\/transform)\//.test(path) && !bundled.test(path),
  );
  const imported = shipped.flatMap(([, text]) => importsOf(text).map(({ specifier = '.' }) => packageOf(specifier)));
  expect(new Set(imported.filter((name) => name !== '.' && name !== 'node' && name !== '..'))).toEqual(
    new Set(declared),
  );
  expect(new Set(Object.keys(PACKAGES))).toEqual(new Set([...declared, 'node', 'lodger', 'preact', 'vite']));
});
