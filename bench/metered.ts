// Kernels by hand, metered or not, on either engine: instances of our own, with nothing but the imports that benchmarked kernels have.
import { type Dispatch, loadAddon } from '../host/platform/native.ts';
import { node } from '../host/platform/node.ts';
import { admit } from '../runtime/admit/admit.ts';
import { createV8 } from '../runtime/engine/v8.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../runtime/meter/names.ts';
import { PAGES_MAX } from '../runtime/prepare/form.ts';
import { prepare } from '../runtime/prepare/prepare.ts';

/** Fuel given at a time: some milliseconds' worth. */
const SLICE = 20_000_000;

/** An instance, as far as a call needs it. */
interface Live {
  has(name: string): boolean;
  call(name: string, a?: number, b?: number, c?: number, d?: number): number;
  memory(): ArrayBuffer;
  refill(): void;
  end(): void;
}

type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;

/** Starts a fresh instance; `importsOf` is called once, before anything runs in it. */
export type Start = (importsOf: (live: Live) => Imports) => Live;

/** Instances of a module on V8. */
export function onV8(bytes: Uint8Array<ArrayBuffer>): Start {
  const module = new WebAssembly.Module(bytes);
  return (importsOf) => {
    type Call = (...args: number[]) => number;
    const live: Live = {
      has: (name) => name in exports,
      call: (name, a = 0, b = 0, c = 0, d = 0) => (exports[name] as unknown as Call)(a, b, c, d),
      memory: () => (exports.memory as unknown as WebAssembly.Memory).buffer as ArrayBuffer,
      refill: () => {
        const fuel = exports[METER_EXPORTS.fuel] as unknown as WebAssembly.Global;
        fuel.value = (fuel.value as bigint) + BigInt(SLICE);
      },
      end: () => undefined,
    };
    const { exports } = new WebAssembly.Instance(module, importsOf(live) as never);
    return live;
  };
}

/**
 * Instances of a kernel on V8 as a pool makes them: in memories that are kept and zeroed in between. Each has an engine of its own, as
 * a pool's thread has: of one engine, kernels of large memories would take turns to drop each other's.
 */
export async function inEngine(bytes: Uint8Array<ArrayBuffer>, metered: boolean): Promise<Start> {
  const engine = createV8(process.versions.v8, { now: () => performance.now() });
  const prepared = prepare(await admit(bytes, { platform: node }), { memoryForm: 'imported', metered });
  const { facts } = prepared;
  const ready = { compiled: await engine.compile(prepared), facts, metered, canonicalNaNs: false };
  const names = new Set([...facts.optional, facts.shape === 'stepper' ? 'step' : 'run']);
  return (importsOf) => {
    const live: Live = {
      has: (name) => names.has(name),
      call: (name, a = 0, b = 0, c = 0, d = 0) => guest.call(name, a, b, c, d),
      memory: () => guest.bytes().buffer as ArrayBuffer,
      refill: () => guest.setFuel(guest.getFuel() + SLICE),
      end: () => void guest.end('done'),
    };
    const guest = engine.instantiate(ready, () => importsOf(live) as never, PAGES_MAX);
    return live;
  };
}

/** Instances of a module on Wasmtime, without epochs unless they are `stoppable`. */
export async function onWasmtime(bytes: Uint8Array<ArrayBuffer>, stoppable: boolean): Promise<Start> {
  const module = await loadAddon().compile(bytes, { stoppable, linear: false });
  const wanted = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  return (importsOf) => {
    const guest = module.instantiate(2 ** 32);
    let buffer = guest.memory();
    const live: Live = {
      has: (name) => module.functions.includes(name),
      call: (name, a = 0, b = 0, c = 0, d = 0) => guest.call(module.functions.indexOf(name), a, b, c, d, dispatch),
      memory: () => {
        if (buffer.byteLength !== guest.size) buffer = guest.memory();
        return buffer;
      },
      refill: () => guest.setGlobal(METER_EXPORTS.fuel, guest.getGlobal(METER_EXPORTS.fuel) + SLICE),
      end: () => guest.end(),
    };
    const imports = importsOf(live);
    const functions = wanted.map(({ module, name }) => imports[module]?.[name] as (...args: never[]) => unknown);
    const dispatch: Dispatch = (index, ...args) => functions[index]?.(...args);
    return live;
  };
}

/** Around what a kernel does itself, between the input in its memory and the output there. */
export type Around = <T>(act: () => T) => T;

/** One task in a fresh instance: its output. Blobs of any name are `blob`; random bytes are always the same. */
export function runKernel(
  start: Start,
  input: Uint8Array,
  blob: Uint8Array = new Uint8Array(),
  around: Around = (act) => act(),
): Uint8Array {
  const view = () => new DataView(live.memory());
  const put = (bytes: Uint8Array) => {
    const at = live.call('cabi_realloc', 0, 0, 1, bytes.length) >>> 0;
    new Uint8Array(live.memory()).set(bytes, at);
    return at;
  };
  const live = start((running) => importsOf(running, blob));
  if (live.has('_initialize')) live.call('_initialize');
  const given = put(input);
  const answer = around(() => {
    if (live.has('run')) return live.call('run', given, input.length);
    live.call('begin', given, input.length);
    for (let progress = 0; progress < 1; ) progress = view().getFloat64((live.call('step') >>> 0) + 8, true);
    return live.call('finish');
  });
  const at = view().getUint32((answer >>> 0) + 4, true);
  const output = new Uint8Array(live.memory()).slice(at, at + view().getUint32((answer >>> 0) + 8, true));
  live.end();
  return output;
}

/** As many bytes as a kernel asks for at a time, and more. Made once: making them took longer than the kernel. */
const RANDOM = Uint8Array.from({ length: 65_536 }, (_, index) => (index * 167 + 13) & 0xff);

function importsOf(live: Live, blob: Uint8Array): Imports {
  const view = () => new DataView(live.memory());
  const list = (at: number, bytes: Uint8Array) => {
    const block = live.call('cabi_realloc', 0, 0, 1, bytes.length) >>> 0;
    new Uint8Array(live.memory()).set(bytes, block);
    view().setUint32(at, block, true);
    view().setUint32(at + 4, bytes.length, true);
  };
  return {
    'lodger:kernel/exit@0.1.0': { fail: () => undefined },
    'lodger:kernel/blobs@0.1.0': {
      size(_: number, __: number, area: number) {
        view().setUint8(area, 0);
        view().setBigUint64(area + 8, BigInt(blob.length), true);
      },
      read(_: number, __: number, offset: bigint, length: number, area: number) {
        view().setUint8(area, 0);
        list(area + 4, blob.slice(Number(offset), Number(offset) + length));
      },
    },
    'lodger:kernel/random@0.1.0': {
      fill: (length: number, area: number) => list(area, RANDOM.subarray(0, length)),
    },
    [METER_IMPORTS.module]: {
      [METER_IMPORTS.refill]: () => live.refill(),
      [METER_IMPORTS.stackSpent]: () => undefined,
      [METER_IMPORTS.growRefused]: () => undefined,
    },
  };
}
