// The rules that the shape of the project follows, as tables and pure checks: path and text in, what is wrong out.
import { posix } from 'node:path';
import { codeOf, importsOf } from './scan.ts';

/** Folders from the bottom to the top. A folder imports itself and the lines above it, never its own line or below. */
export const LAYERS: readonly (readonly string[])[] = [
  ['runtime/base'],
  ['runtime/policy', 'runtime/payload'],
  ['runtime/job', 'runtime/wasm'],
  ['runtime/admit', 'runtime/abi', 'runtime/meter', 'runtime/snapshot'],
  ['runtime/wasi'],
  ['runtime/prepare'],
  ['runtime/engine'],
  ['runtime/sandbox'],
  ['runtime/profile'],
  ['runtime'],
  ['kernels/transform'],
  ['host/platform', 'host/wire'],
  ['host/grants'],
  ['host/jobs'],
  ['host/pool', 'host/build'],
  ['host/keep'],
  ['host/cell'],
  ['host/client', 'host/author', 'host/lend'],
  ['host/parts'],
  ['host/agent', 'host/coordinator', 'host/browser', 'host/console'],
  ['host/federation'],
  ['host'],
  ['host/cli'],
  ['bench'],
  ['test'],
];

/** Package -> the folders that may import it. `bench` and `test` may import anything that is installed by name. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  node: ['host', 'kernels/transform', 'kernels/template'],
  lodger: ['kernels/template'],
  valibot: ['runtime', 'host'],
  '@noble/hashes': ['runtime/base'],
  '@noble/ciphers': ['runtime/abi'],
  piscina: ['host/pool'],
  msgpackr: ['host/wire'],
  commander: ['host/cli'],
  'cli-progress': ['host/cli'],
  'cli-table3': ['host/cli'],
  'fast-png': ['host/cli'],
  'env-paths': ['host/platform'],
  fastify: ['host/coordinator'],
  '@fastify/rate-limit': ['host/coordinator'],
  ws: ['host/coordinator', 'host/agent'],
  lmdb: ['host/coordinator'],
  pino: ['host/coordinator', 'host/agent'],
  'prom-client': ['host/coordinator'],
  undici: ['host/grants', 'host/agent'],
  'eventsource-parser': ['host/client'],
  '@nats-io/jetstream': ['host/federation'],
  '@nats-io/kv': ['host/federation'],
  '@nats-io/nats-core': ['host/federation'],
  '@nats-io/transport-node': ['host/federation'],
  preact: ['host/console', 'host/browser', 'host/parts'],
  vite: ['host/build'],
  assemblyscript: ['host/build', 'kernels/transform'],
};

/** Folders whose code may load by a name that is not written there: an optional peer, the module of a thread, the native library. */
const LOADERS = ['host/browser', 'host/build', 'host/platform', 'host/pool', 'bench', 'test'];

/** What the runtime has to get from its host, and the one file that stands in for a host. */
const HOST_NAMES =
  /(?<![.\w$])(?:process|Buffer|require|setTimeout|setInterval|setImmediate|queueMicrotask|fetch|crypto|Date|performance|document|window|navigator|self)\b(?!\s*\??:)|\bMath\.random\b/;
const HOST_STAND_IN = 'runtime/base/platform.ts';

const LINES_MAX = 300;
const SCRIPT = /\.[cm]?[tj]sx?$/;
const SAYS = '[^\\n]{15}';
const FIRST_LINE: Readonly<Record<string, RegExp>> = {
  '.ts': new RegExp(`^(?:#!/usr/bin/env node\\n)?// ${SAYS}`),
  '.c': new RegExp(`^(?:// |/\\*\\*?(?:\\n \\*)? )${SAYS}`),
  '.h': new RegExp(`^(?:// |/\\*\\*?(?:\\n \\*)? )${SAYS}`),
  '.mjs': new RegExp(`^// ${SAYS}`),
  '.rs': new RegExp(`^//! ${SAYS}`),
  '.sh': new RegExp(`^#!/bin/[^\\n]+\\n# ${SAYS}`),
};
const NAMELESS = /^(?:utils?|types?|common|helpers?|managers?)$/i;
const ANY_TYPE = /(?:[:<|&]|=>|\bas|\bextends|\bkeyof|\btype\s+\w+\s*=)\s*any\b|\bany\s*(?:\[\s*\]|>)|\bany\s*\|(?!\|)/;
/** A test may need a system, such as one with /proc; nothing else lets a test be left out. */
const LEFT_OUT =
  /\b(?:test|it|describe|suite|bench|context|ctx)(?:\.\w+)*\.(?:only|skip|todo|fails|(?:skip|run)If\((?!process\.platform))|\b(?:skip|only|todo)\s*:\s*true\b/;
// The brackets keep this file from breaking the rule by naming what breaks it.
const PROMISED_LATER = /\b(?:T[O]DO|F[I]XME)\b/;
/** asc ignores these comments; editors, which take AssemblyScript for TypeScript, do not. */
const SILENCED = /@ts-(?:ignore|nocheck)\b/;
const MACHINE_PATH = /(?<![\w.])\/(?:home|root|Users|work)\/\w/;

/** What is wrong with one file, each as `path:line: reason`. `path` is relative to the project, with forward slashes. */
export function faultsOf(path: string, text: string): string[] {
  const isScript = SCRIPT.test(path);
  return [
    ...nameFaults(path),
    ...textFaults(path, text),
    ...(isScript ? codeFaults(path, codeOf(text)) : []),
    ...(isScript ? importFaults(path, text) : []),
  ];
}

function nameFaults(path: string): string[] {
  const name = posix.basename(path).replace(/(?:\.test|\.soak|\.bench)?\.\w+$/, '');
  return NAMELESS.test(name) ? [`${path}:1: "${name}" says nothing of what is in the file`] : [];
}

function textFaults(path: string, text: string): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  const faults: string[] = [];
  if (!FIRST_LINE[SCRIPT.test(path) ? '.ts' : posix.extname(path)]?.test(text)) {
    faults.push(`${path}:1: the first line is a comment that says what the file is for`);
  }
  if (lines.length > LINES_MAX) faults.push(`${path}:${LINES_MAX + 1}: ${lines.length} lines, at most ${LINES_MAX}`);
  for (const [index, line] of lines.entries()) {
    const where = `${path}:${index + 1}`;
    if (PROMISED_LATER.test(line))
      faults.push(`${where}: do it, or open an issue: no ${PROMISED_LATER.exec(line)?.[0]}`);
    if (SILENCED.test(line) && !isAssemblyScript(path)) faults.push(`${where}: the compiler is not silenced`);
    if (MACHINE_PATH.test(line)) faults.push(`${where}: a folder of somebody's machine`);
  }
  return faults;
}

function codeFaults(path: string, code: string): string[] {
  const isRuntime = path.startsWith('runtime/') && path !== HOST_STAND_IN;
  return code.split('\n').flatMap((line, index) => {
    const where = `${path}:${index + 1}`;
    const hostName = isRuntime ? HOST_NAMES.exec(line)?.[0] : undefined;
    return [
      ...(ANY_TYPE.test(line) ? [`${where}: no any`] : []),
      ...(path.startsWith('test/') && LEFT_OUT.test(line) ? [`${where}: no test is left out`] : []),
      ...(hostName === undefined ? [] : [`${where}: the runtime gets "${hostName}" from its host, through Platform`]),
    ];
  });
}

function importFaults(path: string, text: string): string[] {
  const folder = folderOf(path);
  return importsOf(text).flatMap(({ specifier, line }) => {
    const reason = importFault(path, folder, specifier);
    return reason === undefined ? [] : [`${path}:${line}: ${reason}`];
  });
}

function importFault(path: string, folder: string, specifier: string | undefined): string | undefined {
  if (specifier === undefined) {
    return LOADERS.includes(folder) ? undefined : 'an import names what it imports';
  }
  if (isAssemblyScript(path)) return guestFault(path, specifier);
  if (!specifier.startsWith('.')) return packageFault(folder, specifier);
  const target = posix.join(posix.dirname(path), specifier);
  const targetFolder = folderOf(target);
  if (folder === targetFolder || folder === '') return undefined;
  if (target === 'package.json' && folder === 'test') return undefined;
  const [from, to] = [layerOf(folder), layerOf(targetFolder)];
  if (from < 0) return `folder "${folder}" has no place in the table of layers`;
  if (to < 0) return `folder "${targetFolder}" has no place in the table of layers`;
  return to < from ? undefined : `"${folder}" must not import "${targetFolder}"`;
}

function packageFault(folder: string, specifier: string): string | undefined {
  if (folder === 'bench' || folder === 'test' || folder === '') return undefined;
  const name = packageOf(specifier);
  const allowed = PACKAGES[name];
  if (allowed?.some((each) => folder === each || folder.startsWith(`${each}/`))) return undefined;
  return `"${folder}" must not import "${name}"`;
}

/** A kernel is given to people as a folder: it reaches its own files and the author's library. */
function guestFault(path: string, specifier: string): string | undefined {
  if (specifier === 'lodger/kernel' && !path.startsWith('kernels/lib/')) return undefined;
  const [own, target] = [posix.dirname(path), posix.join(posix.dirname(path), specifier)];
  // Its tests are in a folder below.
  const folders = posix.basename(own) === 'tests' ? [own, posix.dirname(own)] : [own];
  if (specifier.startsWith('.') && folders.includes(posix.dirname(target))) return undefined;
  return `a kernel must not import "${specifier}"`;
}

/** `node` for `node:fs`, `@scope/name` for what is in it. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node';
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** `runtime/base` for `runtime/base/errors.ts`, `runtime` for `runtime/index.ts`, `test` for all tests, nothing for the top. */
function folderOf(path: string): string {
  const [top = '', second, ...deeper] = path.split('/');
  if (second === undefined) return '';
  return top === 'test' || top === 'bench' || deeper.length === 0 ? top : `${top}/${second}`;
}

/** Where a folder stands; a folder that is not in the table stands nowhere. */
function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}

function isAssemblyScript(path: string): boolean {
  if (!path.endsWith('.ts')) return false;
  return (path.startsWith('kernels/') && !path.startsWith('kernels/transform/')) || path.startsWith('test/fixtures/');
}
