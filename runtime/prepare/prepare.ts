// Kernel -> the bytes an engine compiles. Made by each host for itself, never accepted from elsewhere, but for tabs whose very scripts are their site's.
// What nobody here calls or reads goes: exports that are not of the kernel's shape, and custom sections, except names. Then the fuel
// counter comes in, for steppers the functions by which images are taken, and the memory becomes an import of the host's, or gets its maximum written in.
import { LodgerError } from '../base/errors.ts';
import { type Kernel, type KernelFacts, sealed } from '../job/kernel.ts';
import { SHAPES } from '../job/world.ts';
import { meter } from '../meter/meter.ts';
import { METER_EXPORTS } from '../meter/names.ts';
import { TARIFF_VERSION } from '../meter/tariff.ts';
import { addState } from '../snapshot/state.ts';
import type { StateField } from '../snapshot/transfer.ts';
import { EXTERN_KINDS, type Module, type ModuleExport } from '../wasm/module.ts';
import { readModule } from '../wasm/read.ts';
import { Reader } from '../wasm/reader.ts';
import { SECTION, type Section } from '../wasm/sections.ts';
import { HEADER, Writer } from '../wasm/writer.ts';
import { type Form, MEMORY_IMPORT, PAGES_MAX, REWRITER_VERSION } from './form.ts';
import { type Reset, resetOf } from './reset.ts';

/** What images hold of a stepper's globals. */
export interface StateLayout {
  readonly bytes: number;
  readonly fields: readonly StateField[];
}

export interface Prepared {
  /** Plain data, fit for a message to a thread. */
  readonly facts: KernelFacts;
  /** Made when first asked for. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly memoryForm: Form['memoryForm'];
  readonly metered: boolean;
  /** Of a stepper that can be imaged. */
  readonly state?: StateLayout;
  /** Values merged at control points, of the function that has most and of all: what compiling may cost. */
  readonly complexity: { readonly function: number; readonly total: number };
  /** Equal keys, equal bytes: what a cache of compiled modules goes by. */
  readonly key: string;
}

/**
 * Prepares for an engine. Indexes of defined functions move by as many as the meter imports. Throws `ERR_OPTION_INVALID` for fewer pages
 * than the kernel starts with, and for a kernel that `admit` did not make.
 */
export function prepare(kernel: Kernel, form: Form): Prepared {
  const { memoryForm, metered, canonicalNaNs = false, memoryPagesMax = PAGES_MAX } = form;
  const { digest, shape, encoding, imports, repeats, optional, memory, report } = sealed(kernel);
  const max = Math.min(memory.max ?? PAGES_MAX, memoryForm === 'defined' ? memoryPagesMax : PAGES_MAX);
  if (!(max >= memory.min && Number.isInteger(max))) {
    throw new LodgerError('ERR_OPTION_INVALID', [
      'memoryPagesMax',
      `an integer from ${memory.min}, which the kernel has at start`,
    ]);
  }
  const facts: KernelFacts = {
    digest,
    shape,
    encoding,
    imports: imports.map((one) => ({ ...one })),
    ...(repeats && { repeats: [...repeats] }),
    optional: [...optional],
    memory: { ...memory },
  };
  const pages = memoryForm === 'defined' ? max : 'any';
  const { complexity = Number.MAX_SAFE_INTEGER, complexityTotal = Number.MAX_SAFE_INTEGER } = report;
  const counted = metered ? `${TARIFF_VERSION}.${canonicalNaNs ? 'canonical' : 'raw'}` : 'free';
  let made: Made | undefined;
  const once = () => {
    made ??= rewriteKernel(kernel, { memoryForm, metered, canonicalNaNs }, { min: memory.min, max });
    return made;
  };
  return {
    facts,
    // Whoever has compiled code under this key does not ask.
    get bytes() {
      return once().bytes;
    },
    memoryForm,
    metered,
    // An image tells its fuel, so a stepper that is not metered has none.
    ...(metered && shape === 'stepper' && { state: once().state }),
    complexity: { function: complexity, total: complexityTotal },
    key: [digest, memoryForm, pages, counted, REWRITER_VERSION].join('.'),
  };
}

/** What is made of a kernel for an engine. */
export interface Made {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly state: StateLayout;
  /** Offset in the core module of what lies so many bytes into a body; undefined in what is the meter's. */
  readonly submitted: (body: number, offset: number) => number | undefined;
}

/** Writes the bytes of a prepared kernel. */
export function rewriteKernel(
  kernel: Kernel,
  { memoryForm, metered, canonicalNaNs = false }: Form,
  bounds: Bounds,
): Made {
  const { core, shape } = sealed(kernel);
  const submitted = readModule(core);
  const kept = { ...submitted, exports: submitted.exports.filter(exportsOf(kernel, memoryForm)) };
  let module: Module = kept;
  let state: StateLayout = { bytes: 0, fields: [] };
  let before = (_: number, offset: number) => offset;
  const counted = metered ? meter(kept, { canonicalNaNs }) : undefined;
  if (counted) module = readModule(counted.bytes);
  if (metered && shape === 'stepper') {
    const stateful = addState(module, kept.globals.length);
    state = { bytes: stateful.stateBytes, fields: stateful.fields };
    module = readModule(stateful.bytes);
    ({ before } = stateful);
  }
  module = { ...module, exports: module.exports.filter(({ name }) => name !== METER_EXPORTS.stack) };
  // Engines that define the memory pool their instances themselves; a kernel that is not metered runs seldom, and long.
  const reset = metered && memoryForm === 'imported' ? resetOf(module) : undefined;
  return {
    bytes: rewrite(module, memoryForm, bounds, reset),
    state,
    submitted: (body, offset) => {
      const start = submitted.bodies[body]?.start;
      if (start === undefined) return undefined;
      return counted ? counted.offsets.submitted(body, before(body, offset)) : start + offset;
    },
  };
}

/**
 * Whether an export is one that an engine asks for. V8 makes a function object of each exported function in every instance, 1.2 us
 * apiece; a memory that was imported is the host's already.
 */
function exportsOf({ shape, optional }: Kernel, memoryForm: Prepared['memoryForm']): (one: ModuleExport) => boolean {
  const names = new Set([...Object.keys(SHAPES[shape]), 'cabi_realloc', ...optional]);
  if (memoryForm === 'defined') names.add('memory');
  return ({ name }) => names.has(name);
}

/** Pages of a memory. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

function rewrite(
  module: Module,
  memoryForm: Prepared['memoryForm'],
  bounds: Bounds,
  reset?: Reset,
): Uint8Array<ArrayBuffer> {
  const { exports, payloads } = reset ?? { exports: module.exports, payloads: {} };
  const out = new Writer(module.bytes.length + 64).raw(HEADER);
  // An import section stands behind the types; a kernel always has types, since it exports functions.
  const withoutImports = !module.sections.some(({ id }) => id === SECTION.import);
  for (const section of inFileOrder(module)) {
    const write = payloads[section.id];
    if (write) out.section(section.id, (w) => write(w, section));
    else if (section.id === SECTION.import && memoryForm === 'imported') writeImports(out, module, section, bounds);
    else if (section.id === SECTION.export) out.section(SECTION.export, (w) => writeExports(w, exports));
    else if (section.id !== SECTION.memory) out.raw(module.bytes.subarray(section.start, section.end));
    else if (memoryForm === 'defined') out.section(SECTION.memory, (w) => writeBounds(w.u32(1), bounds));
    if (section.id === SECTION.type && memoryForm === 'imported' && withoutImports) {
      out.section(SECTION.import, (w) => writeMemoryImport(w.u32(1), bounds));
    }
  }
  return out.take();
}

function inFileOrder({ sections, customs }: Module): Section[] {
  const names = customs.filter(({ name }) => name === 'name');
  return [...sections, ...names].sort((a, b) => a.start - b.start);
}

function writeImports(out: Writer, { bytes, imports }: Module, section: Section, bounds: Bounds): void {
  const reader = new Reader(bytes, section.payload, section.end);
  reader.u32();
  out.section(SECTION.import, (w) => {
    w.u32(imports.length + 1).raw(bytes.subarray(reader.at, section.end));
    writeMemoryImport(w, bounds);
  });
}

function writeExports(w: Writer, exports: readonly ModuleExport[]): void {
  w.u32(exports.length);
  for (const { name, kind, index } of exports) w.name(name).byte(EXTERN_KINDS.indexOf(kind)).u32(index);
}

function writeMemoryImport(w: Writer, bounds: Bounds): void {
  writeBounds(w.name(MEMORY_IMPORT.module).name(MEMORY_IMPORT.name).byte(2), bounds);
}

function writeBounds(w: Writer, { min, max }: Bounds): void {
  w.byte(1).u32(min).u32(max);
}
