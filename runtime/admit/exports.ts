// A kernel's exports against the shapes: which shape it has, exact core signatures, one memory of its own.
import { LodgerError } from '../base/errors.ts';
import { SHAPES, type Shape, type WorldExport } from '../job/world.ts';
import type { Module, Size } from '../wasm/module.ts';
import { spell } from './imports.ts';
import { quote } from './quote.ts';

const OF_THE_WORLD = ['kernel', 'stepper'] as const;
const REALLOC = { params: 'iiii', results: 'i' };
const POST = { params: 'i', results: '' };
const INITIALIZE = { params: '', results: '' };
/** Names of the component model's other mangling begin so. */
const MANGLED = 'cm32p2';
/** What the host adds to a kernel is exported under names that begin so. */
const RESERVED = 'lodger:';

/** Shape, optional exports (sorted) and memory. Throws `ERR_KERNEL_INTERFACE` with what is missing, too much or wrong. */
export function checkExports(module: Module): { shape: Shape; optional: string[]; memory: Size } {
  const names = new Map(module.exports.map((one) => [one.name, one]));
  const taken = [...names.keys()].find((name) => name.startsWith(RESERVED));
  if (taken !== undefined)
    throw misfit(`it exports ${quote(taken)}: names that begin with "${RESERVED}" are the host's`);
  const shape = shapeOf(names);
  const wanted: Readonly<Record<string, WorldExport>> = SHAPES[shape];
  const optional: string[] = [];
  for (const [name, signature] of Object.entries(wanted)) {
    if (!names.has(name)) throw misfit(`a ${shape} exports "${name}" as well`);
    checkSignature(module, name, signature);
    const post = `cabi_post_${name}`;
    if (!names.has(post)) continue;
    checkSignature(module, post, POST);
    optional.push(post);
  }
  if (shape === 'command') return { shape, optional, memory: memoryOf(module) };
  if (!names.has('cabi_realloc')) throw misfit('it does not export "cabi_realloc", which takes the input');
  checkSignature(module, 'cabi_realloc', REALLOC);
  if (names.has('_initialize')) {
    checkSignature(module, '_initialize', INITIALIZE);
    optional.push('_initialize');
  }
  return { shape, optional: optional.sort(), memory: memoryOf(module) };
}

/** Whether it is a WASI program, by the names of its exports. What is of the world may export `_start` beside, which nobody calls. */
export function isCommand({ exports }: Module): boolean {
  const names = new Set(exports.map(({ name }) => name));
  return names.has('_start') && shapesAmong(names).length === 0;
}

function shapesAmong(names: { has(name: string): boolean }): Shape[] {
  return OF_THE_WORLD.filter((shape) => Object.keys(SHAPES[shape]).some((name) => names.has(name)));
}

function shapeOf(names: ReadonlyMap<string, unknown>): Shape {
  const found = shapesAmong(names);
  const [shape, other] = found;
  if (shape === undefined && names.has('_start')) return 'command';
  if (shape === undefined && [...names.keys()].some((name) => name.startsWith(MANGLED)))
    throw misfit(`its exports are named as in "${MANGLED}", which is not read; build with legacy name mangling`);
  if (shape === undefined)
    throw misfit(
      'it exports neither "run" (a kernel) nor "begin", "step", "finish" (a stepper) nor "_start" (a command)',
    );
  if (other !== undefined) throw misfit(`it exports functions of a ${shape} and of a ${other}; it can be one of them`);
  return shape;
}

function checkSignature(
  module: Module,
  name: string,
  wanted: { readonly params: string; readonly results: string },
): void {
  const one = module.exports.find((candidate) => candidate.name === name);
  if (one?.kind !== 'function') throw misfit(`the export "${name}" must be a function`);
  const type = module.types[module.functions[one.index] ?? -1];
  if (type?.params === wanted.params && type.results === wanted.results) return;
  throw misfit(`the export "${name}" must be ${spell(wanted)}${type === undefined ? '' : `, not ${spell(type)}`}`);
}

function memoryOf(module: Module): Size {
  const [memory] = module.memories;
  if (memory === undefined) throw misfit('it has no memory');
  if (!module.exports.some(({ name, kind }) => name === 'memory' && kind === 'memory')) {
    throw misfit('it does not export its memory as "memory"');
  }
  return memory;
}

function misfit(why: string): LodgerError {
  return new LodgerError('ERR_KERNEL_INTERFACE', [why]);
}
