// Builds WebAssembly modules for tests from plain objects, valid or not: `moduleOf` any module, `kernelOf` a whole kernel.
import { HEADER, Writer } from '../../runtime/wasm/writer.ts';
import { asm, type Labels, valueType } from './asm.ts';

/** `ii>i`: operands and results as letters (i = i32, I = i64, f = f32, F = f64, v = v128). */
export type Signature = string;
/** Instructions as text for `asm` (the closing `end` is added) or as whole bytes (nothing is added). */
export type Code = string | ArrayLike<number>;
export type Size = readonly [min: number, max?: number];

export interface FunctionPart {
  readonly type: Signature;
  /** One letter a local, `iiF`, or runs of them, `[[2_000, 'i'], [1, 'F']]`. */
  readonly locals?: string | readonly (readonly [number, string])[];
  readonly code: Code;
  readonly export?: string;
  /** What `call $name` refers to; the export's name when absent. */
  readonly name?: string;
}

export type ImportPart = { readonly module: string; readonly name: string } & (
  | { readonly type: Signature }
  | { readonly memory: Size }
  | { readonly table: Size }
  | { readonly global: string; readonly mutable?: boolean }
);

export interface ModuleParts {
  /** Types that come first, for `call_indirect` and blocks; what functions need is added. */
  readonly types?: readonly Signature[];
  /** An imported function can be called by `$name`, its name in the import. */
  readonly imports?: readonly ImportPart[];
  readonly functions?: readonly FunctionPart[];
  readonly table?: Size;
  readonly memory?: Size;
  /** `value` is text for `asm` without its `end`. */
  readonly globals?: readonly { readonly type: string; readonly mutable?: boolean; readonly value: string }[];
  /** Beside those of functions; kinds: 0 function, 1 table, 2 memory, 3 global. */
  readonly exports?: readonly { readonly name: string; readonly kind: number; readonly index: number }[];
  readonly start?: number;
  /** Active in table 0 at `offset`. Functions by index or `$name`. */
  readonly elements?: readonly { readonly offset: number; readonly functions: readonly (number | string)[] }[];
  /** Active in memory 0 at `offset`; passive without one. */
  readonly data?: readonly { readonly offset?: number; readonly bytes: ArrayLike<number> }[];
  readonly dataCount?: number;
  /** After all other sections. */
  readonly customs?: readonly { readonly name: string; readonly bytes: ArrayLike<number> }[];
  /** Whole payloads by section id, in place of what the other fields would give. */
  readonly raw?: Readonly<Record<number, ArrayLike<number>>>;
}

const NONE: Size = [0];

/** The order of sections in a file; the data count (12) stands before code, tags (13) before globals. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11] as const;

/** The bytes of a module. Nothing is checked: it builds what is asked for, right or wrong. */
export function moduleOf(parts: ModuleParts): Uint8Array<ArrayBuffer> {
  const plan = planOf(parts);
  const out = new Writer(1024).raw(HEADER);
  for (const id of ORDER) {
    const raw = parts.raw?.[id];
    if (raw !== undefined) out.section(id, (w) => w.raw(raw));
    else if (plan.counts[id]) out.section(id, (w) => plan.write[id]?.(w));
  }
  for (const { name, bytes } of parts.customs ?? []) out.section(0, (w) => w.name(name).raw(bytes));
  return out.take();
}

function planOf(parts: ModuleParts) {
  const { imports = [], functions = [], globals = [], elements = [], data = [], table, memory, start } = parts;
  const types = [...(parts.types ?? [])];
  const typeOf = (signature: Signature) => {
    if (!types.includes(signature)) types.push(signature);
    return types.indexOf(signature);
  };
  const labels = new Map<string, number>();
  for (const part of imports) if ('type' in part) labels.set(part.name, labels.size);
  const imported = imports.filter((part) => 'type' in part).length;
  for (const [index, { name, export: as }] of functions.entries()) {
    const label = name ?? as;
    if (label !== undefined) labels.set(label, imported + index);
  }
  for (const part of [...imports, ...functions]) if ('type' in part) typeOf(part.type);
  const exports = [
    ...functions.flatMap(({ export: name }, index) =>
      name === undefined ? [] : [{ name, kind: 0, index: imported + index }],
    ),
    ...(parts.exports ?? []),
  ];
  const write: Record<number, (w: Writer) => void> = {
    1: (w) => vector(w, types, (type) => writeType(w, type)),
    2: (w) => vector(w, imports, (part) => writeImport(w, part, typeOf)),
    3: (w) => vector(w, functions, ({ type }) => w.u32(typeOf(type))),
    4: (w) => vector(w, [table ?? NONE], (size) => writeSize(w.byte(0x70), size)),
    5: (w) => vector(w, [memory ?? NONE], (size) => writeSize(w, size)),
    6: (w) =>
      vector(w, globals, ({ type, mutable, value }) =>
        w
          .byte(valueType(type))
          .byte(mutable ? 1 : 0)
          .raw(asm(value, labels))
          .byte(0x0b),
      ),
    7: (w) => vector(w, exports, ({ name, kind, index }) => w.name(name).byte(kind).u32(index)),
    8: (w) => w.u32(start ?? 0),
    9: (w) => vector(w, elements, (part) => writeElements(w, part, labels)),
    10: (w) => vector(w, functions, (part) => writeBody(w, part, labels)),
    11: (w) => vector(w, data, (part) => writeData(w, part)),
    12: (w) => w.u32(parts.dataCount ?? data.length),
  };
  const counts: Record<number, number> = {
    1: types.length,
    2: imports.length,
    3: functions.length,
    4: table === undefined ? 0 : 1,
    5: memory === undefined ? 0 : 1,
    6: globals.length,
    7: exports.length,
    8: start === undefined ? 0 : 1,
    9: elements.length,
    10: functions.length,
    11: data.length,
    12: parts.dataCount !== undefined || data.some(({ offset }) => offset === undefined) ? 1 : 0,
  };
  return { write, counts };
}

function vector<T>(w: Writer, items: readonly T[], write: (item: T) => void): void {
  w.u32(items.length);
  for (const item of items) write(item);
}

function writeType(w: Writer, signature: Signature): void {
  const [params = '', results = ''] = signature.split('>');
  w.byte(0x60);
  vector(w, [...params], (letter) => w.byte(valueType(letter)));
  vector(w, [...results], (letter) => w.byte(valueType(letter)));
}

function writeSize(w: Writer, [min, max]: Size): void {
  w.byte(max === undefined ? 0 : 1).u32(min);
  if (max !== undefined) w.u32(max);
}

function writeImport(w: Writer, part: ImportPart, typeOf: (signature: Signature) => number): void {
  w.name(part.module).name(part.name);
  if ('type' in part) w.byte(0).u32(typeOf(part.type));
  else if ('table' in part) writeSize(w.byte(1).byte(0x70), part.table);
  else if ('memory' in part) writeSize(w.byte(2), part.memory);
  else
    w.byte(3)
      .byte(valueType(part.global))
      .byte(part.mutable ? 1 : 0);
}

function writeElements(w: Writer, part: NonNullable<ModuleParts['elements']>[number], labels: Labels): void {
  w.byte(0).byte(0x41).s32(part.offset).byte(0x0b);
  vector(w, part.functions, (one) => w.u32(typeof one === 'number' ? one : (labels.get(one.slice(1)) ?? 0)));
}

function writeBody(w: Writer, { locals = [], code }: FunctionPart, labels: Labels): void {
  const runs = typeof locals === 'string' ? [...locals].map((letter) => [1, letter] as const) : locals;
  w.sized((body) => {
    vector(body, runs, ([count, letter]) => body.u32(count).byte(valueType(letter)));
    if (typeof code === 'string') body.raw(asm(code, labels)).byte(0x0b);
    else body.raw(code);
  });
}

function writeData(w: Writer, { offset, bytes }: NonNullable<ModuleParts['data']>[number]): void {
  if (offset === undefined) w.byte(1);
  else w.byte(0).byte(0x41).s32(offset).byte(0x0b);
  w.u32(bytes.length).raw(bytes);
}
