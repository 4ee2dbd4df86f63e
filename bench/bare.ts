// WebAssembly by hand: what our sandbox is compared with.

/** One call in a fresh instance of an AssemblyScript kernel, as a program without Lodger would do it. */
export function runBare(module: WebAssembly.Module, input: Uint8Array): Uint8Array {
  const imports = { 'lodger:kernel/exit@0.1.0': { fail: () => undefined } };
  const exports = new WebAssembly.Instance(module, imports).exports as unknown as {
    memory: WebAssembly.Memory;
    _initialize(): void;
    cabi_realloc(old: number, size: number, align: number, length: number): number;
    run(pointer: number, length: number): number;
    cabi_post_run(area: number): void;
  };
  exports._initialize();
  const pointer = exports.cabi_realloc(0, 0, 1, input.byteLength) >>> 0;
  new Uint8Array(exports.memory.buffer, pointer, input.byteLength).set(input);
  const area = exports.run(pointer, input.byteLength) >>> 0;
  const view = new DataView(exports.memory.buffer);
  const at = view.getUint32(area + 4, true);
  const output = new Uint8Array(exports.memory.buffer).slice(at, at + view.getUint32(area + 8, true));
  exports.cabi_post_run(area);
  return output;
}
