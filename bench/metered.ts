// Kernels by hand, metered or not: instances of our own, with nothing but the imports that the benchmarked kernels have.
import { METER_EXPORTS, METER_IMPORTS } from '../runtime/meter/names.ts';

/** Fuel given at a time: some milliseconds' worth. */
const SLICE = 20_000_000n;

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize?(): void;
  cabi_realloc(old: number, size: number, align: number, length: number): number;
  run?(pointer: number, length: number): number;
  begin?(pointer: number, length: number): void;
  step?(): number;
  finish?(): number;
}

/** One call in a fresh instance: its output. Blobs of any name are `blob`; random bytes are always the same. */
export function runKernel(
  module: WebAssembly.Module,
  input: Uint8Array,
  blob: Uint8Array = new Uint8Array(),
): Uint8Array {
  const view = () => new DataView(exports.memory.buffer);
  const put = (bytes: Uint8Array) => {
    const at = exports.cabi_realloc(0, 0, 1, bytes.length) >>> 0;
    new Uint8Array(exports.memory.buffer).set(bytes, at);
    return at;
  };
  const list = (at: number, bytes: Uint8Array) => {
    const block = put(bytes);
    view().setUint32(at, block, true);
    view().setUint32(at + 4, bytes.length, true);
  };
  const counter = () =>
    (exports as unknown as Record<string, WebAssembly.Global>)[METER_EXPORTS.fuel] as WebAssembly.Global;
  const { exports } = new WebAssembly.Instance(module, {
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
      fill: (length: number, area: number) =>
        list(
          area,
          Uint8Array.from({ length }, (__, index) => (index * 167 + 13) & 0xff),
        ),
    },
    [METER_IMPORTS.module]: {
      [METER_IMPORTS.refill]: () => {
        counter().value = (counter().value as bigint) + SLICE;
      },
      [METER_IMPORTS.stackSpent]: () => undefined,
    },
  }) as unknown as { exports: Exports };
  exports._initialize?.();
  let answer = exports.run?.(put(input), input.length);
  if (exports.begin !== undefined && exports.step !== undefined) {
    exports.begin(put(input), input.length);
    for (let progress = 0; progress < 1; ) progress = view().getFloat64((exports.step() >>> 0) + 8, true);
    answer = exports.finish?.();
  }
  const at = view().getUint32(((answer ?? 0) >>> 0) + 4, true);
  return new Uint8Array(exports.memory.buffer).slice(at, at + view().getUint32(((answer ?? 0) >>> 0) + 8, true));
}
