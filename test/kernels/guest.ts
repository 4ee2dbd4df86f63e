// A kernel driven by hand, in plain WebAssembly JavaScript: what the driver in `runtime/abi` does, without any of its checks.

/** What the guest gave to `exit.fail`. */
export class GuestFailure extends Error {}

export interface GuestHost {
  /** Blobs, files and answers of servers by name. */
  readonly data?: Readonly<Record<string, Uint8Array>>;
  /** Receives `level: message`. */
  readonly log?: (line: string) => void;
  /** Further imports. */
  readonly imports?: WebAssembly.Imports;
  /** Receives what was written, by path. */
  readonly written?: Map<string, { readonly offset: bigint; readonly bytes: Uint8Array }>;
}

export interface Guest {
  readonly memory: WebAssembly.Memory;
  readonly exports: WebAssembly.Exports;
  run(input: Uint8Array): Uint8Array;
  begin(input: Uint8Array): void;
  step(): number;
  finish(): Uint8Array;
}

type Call = (...args: number[]) => number;

/** Instantiates a kernel; the result of each call is freed in the guest. */
export function startGuest(wasm: Uint8Array, host: GuestHost = {}): Guest {
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  const lowered = createLowered();
  const { exports } = new WebAssembly.Instance(module, { ...importsOf(lowered, host), ...host.imports });
  const memory = exports.memory as WebAssembly.Memory;
  const call = (name: string) => exports[name] as Call;
  lowered.attach(memory, call('cabi_realloc'));
  if (exports._initialize !== undefined) call('_initialize')();

  const give = (name: string, input: Uint8Array) => call(name)(lowered.put(input, 1), input.length);
  const take = (name: string, answer: number) => {
    if (lowered.u8(answer) !== 0) throw new Error(`${name} answered with an error`);
    const output = lowered.bytes(lowered.u32(answer + 4), lowered.u32(answer + 8));
    if (exports[`cabi_post_${name}`] !== undefined) call(`cabi_post_${name}`)(answer);
    return output;
  };
  return {
    memory,
    exports,
    run: (input) => take('run', give('run', input)),
    begin: (input) => void give('begin', input),
    step: () => lowered.f64(call('step')() + 8),
    finish: () => take('finish', call('finish')()),
  };
}

function createLowered() {
  let memory: WebAssembly.Memory;
  let realloc: Call;
  const view = () => new DataView(memory.buffer);
  const put = (bytes: Uint8Array, align: number) => {
    const at = realloc(0, 0, align, bytes.length) >>> 0;
    if (bytes.length > 0) new Uint8Array(memory.buffer).set(bytes, at);
    return at;
  };
  return {
    attach(guestMemory: WebAssembly.Memory, guestRealloc: Call) {
      memory = guestMemory;
      realloc = guestRealloc;
    },
    put,
    u8: (at: number) => view().getUint8(at),
    u32: (at: number) => view().getUint32(at, true),
    f64: (at: number) => view().getFloat64(at, true),
    bytes: (at: number, length: number) => new Uint8Array(memory.buffer).slice(at, at + length),
    text: (at: number, units: number) =>
      new TextDecoder('utf-16le', { ignoreBOM: true }).decode(new Uint8Array(memory.buffer, at, units * 2)),
    setU8: (at: number, value: number) => view().setUint8(at, value),
    setU16: (at: number, value: number) => view().setUint16(at, value, true),
    setU64: (at: number, value: bigint) => view().setBigUint64(at, value, true),
    /** Stores a list: its address, then its length in elements. */
    list(at: number, bytes: Uint8Array, elementBytes = 1) {
      const block = put(bytes, elementBytes);
      view().setUint32(at, block, true);
      view().setUint32(at + 4, bytes.length / elementBytes, true);
    },
  };
}

type Lowered = ReturnType<typeof createLowered>;

function importsOf(m: Lowered, host: GuestHost): WebAssembly.Imports {
  const data = host.data ?? {};
  const utf16 = (text: string) =>
    new Uint8Array(Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)).buffer);
  const found = (area: number, errorOffset: number, name: string, put: (bytes: Uint8Array) => void) => {
    const bytes = data[name];
    m.setU8(area, bytes === undefined ? 1 : 0);
    if (bytes === undefined) m.list(area + errorOffset, utf16(`no "${name}" here – sorry`), 2);
    else put(bytes);
  };
  const stored = {
    size: (at: number, units: number, area: number) =>
      found(area, 8, m.text(at, units), (bytes) => m.setU64(area + 8, BigInt(bytes.length))),
    read: (at: number, units: number, offset: bigint, length: number, area: number) =>
      found(area, 4, m.text(at, units), (bytes) =>
        m.list(area + 4, bytes.slice(Number(offset), Number(offset) + length)),
      ),
  };
  let now = 0n;
  return {
    'lodger:kernel/exit@0.1.0': {
      fail(at: number, units: number) {
        throw new GuestFailure(m.text(at, units));
      },
    },
    'lodger:kernel/log@0.1.0': {
      write: (level: number, at: number, units: number) =>
        host.log?.(`${['debug', 'info', 'warn', 'error'][level]}: ${m.text(at, units)}`),
    },
    'lodger:kernel/random@0.1.0': {
      fill: (length: number, area: number) =>
        m.list(
          area,
          Uint8Array.from({ length }, (_, index) => index + 1),
        ),
    },
    'lodger:kernel/clock@0.1.0': { now: () => ++now },
    'lodger:kernel/blobs@0.1.0': stored,
    'lodger:kernel/files@0.1.0': {
      ...stored,
      write(at: number, units: number, offset: bigint, from: number, length: number, area: number) {
        const name = m.text(at, units);
        found(area, 4, name, () => host.written?.set(name, { offset, bytes: m.bytes(from, length) }));
      },
      names: (at: number, units: number, area: number) =>
        found(area, 4, m.text(at, units), () => {
          const names = Object.keys(data);
          const pairs = new Uint8Array(names.length * 8);
          const block = m.put(pairs, 4);
          for (const [index, name] of names.entries()) m.list(block + index * 8, utf16(name), 2);
          m.list(area + 4, m.bytes(block, pairs.length), 8);
        }),
    },
    'lodger:kernel/http@0.1.0': {
      request(method: number, mUnits: number, url: number, uUnits: number, body: number, length: number, area: number) {
        found(area, 4, `${m.text(method, mUnits)} ${m.text(url, uUnits)}`, (answer) => {
          m.setU16(area + 4, 207);
          m.list(area + 8, Uint8Array.of(...answer, ...m.bytes(body, length)));
        });
      },
    },
  };
}
