// A kernel's imports against the world: every one must be a function of a known interface, with its exact core signature.
import { LodgerError } from '../base/errors.ts';
import { INTERFACE, type InterfaceName, type KernelImport, WORLD, type WorldFunction } from '../job/world.ts';
import type { FunctionType, Module, ModuleImport } from '../wasm/module.ts';
import { quote } from './quote.ts';

/** Import modules with this prefix are ours: `prepare` adds them. */
export const RESERVED = 'lodger:host';

/** Import modules that people come with, and what to do about them. */
const REMEDIES: readonly (readonly [start: string, remedy: string])[] = [
  [RESERVED, `names that begin with "${RESERVED}" are reserved for the host`],
  ['cm32p2', 'this name mangling is not read; build with legacy name mangling'],
  [
    'wasi',
    'there is no system interface here; build for wasm32-unknown-unknown and use the interfaces of lodger:kernel',
  ],
  ['env', 'nothing is called "env" here; use the interfaces of lodger:kernel, or link the function into the module'],
];
const ABORT = 'build with "lodger build", which turns abort into exit.fail (asc: --use abort=)';

/** The imports, each once, in the order of the file. Throws `ERR_KERNEL_INTERFACE` for the first that the world does not have. */
export function checkImports(module: Module): KernelImport[] {
  const found = new Map<string, KernelImport>();
  for (const one of module.imports) {
    const known = checkImport(one, module.types);
    found.set(`${known.module} ${known.function}`, known);
  }
  return [...found.values()];
}

function checkImport(one: ModuleImport, types: readonly FunctionType[]): KernelImport {
  const { module, name, kind } = one;
  const refuse = (why: string) =>
    new LodgerError('ERR_KERNEL_INTERFACE', [`it imports ${quote(name)} from ${quote(module)}: ${why}`]);
  if (module === 'env' && name === 'abort') throw refuse(ABORT);
  const [, remedy] = REMEDIES.find(([start]) => module.startsWith(start)) ?? [];
  if (remedy !== undefined) throw refuse(remedy);
  if (kind !== 'function') throw refuse(`a ${kind} cannot be imported, only functions; define it in the module`);

  const [, own] = INTERFACE.exec(module) ?? [];
  if (own === undefined) {
    throw refuse(
      module.startsWith('lodger:kernel/')
        ? 'this version of the interface is not known; 0.1.x is'
        : 'only interfaces of lodger:kernel are given',
    );
  }
  if (!isInterface(own)) throw refuse(`there is no interface "${own.slice(0, 80)}" in the world`);
  const functions: Readonly<Record<string, WorldFunction>> = WORLD[own].functions;
  const wanted = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (wanted === undefined) throw refuse(`the interface has ${Object.keys(functions).join(', ')} only`);
  const type = types[one.type];
  if (type?.params !== wanted.params || type.results !== wanted.results) {
    throw refuse(`it must be ${spell(wanted)}, not ${type === undefined ? 'nothing' : spell(type)}`);
  }
  return { interface: own, function: name, module };
}

function isInterface(name: string): name is InterfaceName {
  return Object.hasOwn(WORLD, name);
}

const WORDS: Readonly<Record<string, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128' };

/** A signature in words: `(i32, i32) -> i32`. */
export function spell({ params, results }: { readonly params: string; readonly results: string }): string {
  const words = (letters: string) => [...letters.slice(0, 16)].map((letter) => WORDS[letter] ?? letter).join(', ');
  return `(${words(params)}) -> ${results.length === 1 ? words(results) : `(${words(results)})`}`;
}
