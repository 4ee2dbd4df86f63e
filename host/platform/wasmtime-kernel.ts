// A compiled kernel as one thread has it on Wasmtime: what runs it, and what is kept from one of its guests to the next.
import { Buffer } from 'node:buffer';
import { type NativeModule, type NativeRunner, REPORT_WORDS } from './native.ts';

/** A compiled kernel in one thread. */
export interface WasmtimeKernel {
  readonly module: NativeModule;
  /** Export name -> index. */
  readonly exports: ReadonlyMap<string, number>;
  readonly runner: NativeRunner;
  /** The numbers of the runner's report, and the room for a small output. */
  readonly report: Float64Array;
  readonly small: Uint8Array<ArrayBuffer>;
  /** Length of its last output that was not small: the next one is often as long, and room for it costs JavaScript less than the addon. */
  outputBytes: number;
  /** Memories that programs began with here, by where they lie: a view shows whatever guest is there, and only that one's own may look. */
  readonly memories: Map<number, Uint8Array<ArrayBuffer>>;
}

/** The kernel in this thread. */
export function kernelOf(module: NativeModule): WasmtimeKernel {
  const exports = new Map(module.functions.map((name, index) => [name, index]));
  const runner = module.runner();
  const report = new Float64Array(runner.report, 0, REPORT_WORDS);
  const small = new Uint8Array(runner.report, report.byteLength);
  return { module, exports, runner, report, small, outputBytes: 0, memories: new Map() };
}

/** Room for an output. It is memory that is not zeroed: it is written over wholly, or dropped. */
export function roomFor(bytes: number): Uint8Array<ArrayBuffer> | undefined {
  return bytes === 0 ? undefined : new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
