// A kernel's imports against the world: every one must be a function of a known interface, with its exact core signature.
import { LodgerError } from '../base/errors.ts';
import type { KernelFacts } from '../job/kernel.ts';
import type { PREVIEW1 } from '../job/preview1.ts';
import {
  INTERFACE,
  type InterfaceName,
  type KernelImport,
  PREVIEW1_MODULE,
  WORLD,
  type WorldFunction,
} from '../job/world.ts';
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
    `there is no system interface here but ${PREVIEW1_MODULE}, and that for programs only: build a command for it, or for wasm32-unknown-unknown with the interfaces of lodger:kernel`,
  ],
  ['env', 'nothing is called "env" here; use the interfaces of lodger:kernel, or link the function into the module'],
];
type SystemCalls = typeof PREVIEW1;

const ABORT = 'build with "lodger build", which turns abort into exit.fail (asc: --use abort=)';

/**
 * The imports, each once, in the order of the file. Throws `ERR_KERNEL_INTERFACE` for the first that the world does not have, or, of a
 * command, which is told by the `calls` that there are for it, that is not of WASI preview 1.
 */
export function checkImports(module: Module, calls?: SystemCalls): Pick<KernelFacts, 'imports' | 'repeats'> {
  const found = new Map<string, KernelImport>();
  for (const one of module.imports) {
    const known = calls ? checkCall(one, module.types, calls) : checkImport(one, module.types);
    found.set(nameOf(known), known);
  }
  const imports = [...found.values()];
  if (imports.length === module.imports.length) return { imports };
  const names = [...found.keys()];
  return { imports, repeats: module.imports.map(({ module: from, name }) => names.indexOf(`${from} ${name}`)) };
}

function nameOf({ module, function: name }: KernelImport): string {
  return `${module} ${name}`;
}

function refusal({ module, name }: ModuleImport, why: string): LodgerError {
  return new LodgerError('ERR_KERNEL_INTERFACE', [`it imports ${quote(name)} from ${quote(module)}: ${why}`]);
}

function checkCall(one: ModuleImport, types: readonly FunctionType[], calls: SystemCalls): KernelImport {
  const { module, name, kind } = one;
  if (module !== PREVIEW1_MODULE) throw refusal(one, `a program (it exports "_start") gets ${PREVIEW1_MODULE} only`);
  if (kind !== 'function') throw refusal(one, `a ${kind} cannot be imported, only functions; define it in the module`);
  const wanted = Object.hasOwn(calls, name) ? calls[name] : undefined;
  if (wanted === undefined) throw refusal(one, 'WASI preview 1 has no such call');
  checkType(one, types, wanted);
  return { interface: 'wasi', function: name, module };
}

function checkType(one: ModuleImport, types: readonly FunctionType[], wanted: FunctionType): void {
  const type = types[one.type];
  if (type?.params === wanted.params && type.results === wanted.results) return;
  throw refusal(one, `it must be ${spell(wanted)}, not ${type === undefined ? 'nothing' : spell(type)}`);
}

function checkImport(one: ModuleImport, types: readonly FunctionType[]): KernelImport {
  const { module, name, kind } = one;
  const refuse = (why: string) => refusal(one, why);
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
  checkType(one, types, wanted);
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
