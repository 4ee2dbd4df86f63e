// Builds whole kernels for tests: everything admission asks for is there unless a test puts something else in its place.
import { Writer } from '../../runtime/wasm/writer.ts';
import { type FunctionPart, type ModuleParts, moduleOf } from './build.ts';

type Body = Pick<FunctionPart, 'code' | 'locals'> & { readonly type?: string };

export interface KernelParts extends Omit<ModuleParts, 'exports'> {
  /** `(ptr, len) -> ptr`; gives its input back when absent. `null` leaves it out (for a stepper). */
  readonly run?: Body | null;
  /** `cabi_realloc`; a bump allocator that grows the memory when absent. `null` leaves it out. */
  readonly realloc?: Body | null;
  readonly encoding?: 'utf8' | 'utf16' | null;
  /** Beside `memory`. */
  readonly exports?: NonNullable<ModuleParts['exports']>;
}

/** Where the default `run` writes its result: tag at 16, pointer at 20, length at 24. Below 1024 nothing else is used. */
export const RESULT = 16;

/** Stores ok or err, pointer and length at RESULT and leaves RESULT on the stack: the end of a `run`. */
export const answer = (tag: 0 | 1, pointer: string, length: string) =>
  `i32.const ${RESULT} i32.const ${tag} i32.store8 0 0
   i32.const ${RESULT} ${pointer} i32.store 2 4
   i32.const ${RESULT} ${length} i32.store 2 8
   i32.const ${RESULT}`;

/** Global 0 is where the heap ends; the block is aligned, the memory grown when it has to be, the old bytes are copied. */
const REALLOC = `
  global.get 0 local.get 2 i32.add i32.const 1 i32.sub i32.const 0 local.get 2 i32.sub i32.and local.tee 4
  local.get 3 i32.add global.set 0
  block
    global.get 0 memory.size i32.const 16 i32.shl i32.le_u br_if 0
    global.get 0 memory.size i32.const 16 i32.shl i32.sub i32.const 65535 i32.add i32.const 16 i32.shr_u
    memory.grow i32.const -1 i32.ne br_if 0
    unreachable
  end
  local.get 4 local.get 0 local.get 1 memory.copy
  local.get 4`;

/**
 * The bytes of a kernel: a memory of 1 page (at most 16), `run`, `cabi_realloc`, a heap from 1024 on in global 0, and the encoding.
 * Further functions, imports, globals (they begin at 1) and the rest are those of `moduleOf`. Functions are numbered
 * imports first, then run, cabi_realloc, the further ones; `$run`, `$cabi_realloc` and their names work too.
 */
export function kernelOf(parts: KernelParts = {}): Uint8Array<ArrayBuffer> {
  const { run, realloc, encoding = 'utf8', exports = [], functions = [], globals = [], customs = [], ...rest } = parts;
  const own: FunctionPart[] = [];
  if (run !== null) own.push({ type: 'ii>i', code: answer(0, 'local.get 0', 'local.get 1'), ...run, export: 'run' });
  if (realloc !== null) own.push({ type: 'iiii>i', locals: 'i', code: REALLOC, ...realloc, export: 'cabi_realloc' });
  return moduleOf({
    memory: [1, 16],
    ...rest,
    functions: [...own, ...functions],
    globals: [{ type: 'i', mutable: true, value: 'i32.const 1024' }, ...globals],
    exports: [{ name: 'memory', kind: 2, index: 0 }, ...exports],
    customs: encoding === null ? customs : [encodingSection(encoding), ...customs],
  });
}

/** The section that names the string encoding, as short as admission takes it: a component that holds nothing else. */
export function encodingSection(encoding: 'utf8' | 'utf16', name = 'component-type') {
  const bytes = new Writer()
    .raw([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00])
    .section(0, (w) => w.name('wit-component-encoding').raw([0x04, encoding === 'utf8' ? 0 : 1]))
    .take();
  return { name, bytes };
}
