// The world a kernel lives in, as data: what `kernels/wit/kernel.wit` says, flattened to core signatures by the canonical ABI.
// The component model's Python reference (definitions.py, flatten_functype) is the source of the flattening rules.
import type { GrantKind } from '../policy/grant.ts';

/** Interfaces are named `lodger:kernel/<name>@0.1.x`; any patch version fits. */
export const INTERFACE = /^lodger:kernel\/([a-z][a-z0-9-]*)@0\.1\.(?:0|[1-9]\d{0,8})$/;

export interface WorldFunction {
  /** Core parameters and results: i = i32, I = i64, f = f32, F = f64. */
  readonly params: string;
  readonly results: string;
  /** As WIT writes it; what a component must say, too. */
  readonly wit: string;
}

export interface WorldInterface {
  /** The grant that covers it; `exit` needs none. */
  readonly grant: GrantKind | null;
  /** Whether two runs of a task that uses it give the same answer. */
  readonly deterministic: boolean;
  readonly functions: Readonly<Record<string, WorldFunction>>;
}

export const WORLD = {
  exit: {
    grant: null,
    deterministic: true,
    functions: { fail: { params: 'ii', results: '', wit: 'func(message: string)' } },
  },
  log: {
    grant: 'log',
    deterministic: true,
    functions: {
      write: { params: 'iii', results: '', wit: 'func(level: enum { debug, info, warn, error }, message: string)' },
    },
  },
  random: {
    grant: 'random',
    deterministic: true,
    functions: { fill: { params: 'ii', results: '', wit: 'func(len: u32) -> list<u8>' } },
  },
  clock: {
    grant: 'clock',
    deterministic: false,
    functions: { now: { params: '', results: 'I', wit: 'func() -> u64' } },
  },
  blobs: {
    grant: 'blobs',
    deterministic: true,
    functions: {
      size: { params: 'iii', results: '', wit: 'func(name: string) -> result<u64, string>' },
      read: {
        params: 'iiIii',
        results: '',
        wit: 'func(name: string, offset: u64, len: u32) -> result<list<u8>, string>',
      },
    },
  },
  files: {
    grant: 'files',
    deterministic: false,
    functions: {
      size: { params: 'iii', results: '', wit: 'func(path: string) -> result<u64, string>' },
      read: {
        params: 'iiIii',
        results: '',
        wit: 'func(path: string, offset: u64, len: u32) -> result<list<u8>, string>',
      },
      write: {
        params: 'iiIiii',
        results: '',
        wit: 'func(path: string, offset: u64, bytes: list<u8>) -> result<_, string>',
      },
      names: { params: 'iii', results: '', wit: 'func(path: string) -> result<list<string>, string>' },
    },
  },
  http: {
    grant: 'http',
    deterministic: false,
    functions: {
      request: {
        params: 'iiiiiii',
        results: '',
        wit: 'func(method: string, url: string, body: list<u8>) -> result<record { status: u16, body: list<u8> }, string>',
      },
    },
  },
} as const satisfies Record<string, WorldInterface>;

export type InterfaceName = keyof typeof WORLD;

/** The import module of WASI preview 1; its calls are in `preview1.ts`. */
export const PREVIEW1_MODULE = 'wasi_snapshot_preview1';

/** Everything that a kernel can import from: the world, or, by a command alone, WASI preview 1. */
export const IMPORTABLE = { ...WORLD, wasi: { grant: null, deterministic: true } } as const;

/** One function that a kernel imports. */
export interface KernelImport {
  readonly interface: keyof typeof IMPORTABLE;
  readonly function: string;
  /** The import's module name as written, version included: an engine has to link it under exactly this name. */
  readonly module: string;
}

export interface WorldExport extends WorldFunction {
  /** `cabi_post_<name>` may be exported beside it. */
  readonly post: boolean;
}

/** The shapes, and what each must export besides `memory` and, for those of the world, `cabi_realloc`. */
export const SHAPES = {
  kernel: {
    run: { params: 'ii', results: 'i', wit: 'func(input: list<u8>) -> result<list<u8>, string>', post: true },
  },
  stepper: {
    begin: { params: 'ii', results: 'i', wit: 'func(input: list<u8>) -> result<_, string>', post: true },
    step: { params: '', results: 'i', wit: 'func() -> result<f64, string>', post: true },
    finish: { params: '', results: 'i', wit: 'func() -> result<list<u8>, string>', post: true },
  },
  /** A WASI program. No component exports this name. */
  command: { _start: { params: '', results: '', wit: 'func()', post: false } },
} as const satisfies Record<string, Record<string, WorldExport>>;

export type Shape = keyof typeof SHAPES;
