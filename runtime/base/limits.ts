// Every ceiling by name, with its default, its highest value and the reason for it. Nothing here may be Infinity, and 0 means zero.

export interface Ceiling {
  readonly default: number;
  /** The highest value that may be asked for. */
  readonly max: number;
  readonly unit: string;
  readonly reason: string;
}

const KiB = 2 ** 10;
const MiB = 2 ** 20;
export const PAGE = 64 * KiB;

/**
 * Up to here Cranelift's better register allocator is used, whose time grows with the square of what a function merges: 100 locals over
 * 1,000 nested ifs, in 9 KB, took it 7 s, and 320 over 1,500 took it 55 s and 370 MiB. Beyond, a single pass is made over the code: 40 ms.
 * Kernels of the project, and a Rust program with its standard library, stay below.
 */
export const CRANELIFT = {
  complexity: {
    default: 20_000,
    max: 20_000,
    unit: 'values merged at the control points of one function',
    reason: 'a function at this number is compiled within half a second',
  },
  complexityTotal: {
    default: 200_000,
    max: 200_000,
    unit: 'values merged at all control points',
    reason: 'ten functions of that kind',
  },
} as const;

/** What a task may use while it runs. They belong to the task's identity: a host that cannot give them does not take it. */
export const TASK = {
  memoryBytesMax: {
    default: 256 * MiB,
    max: 4096 * MiB,
    unit: 'bytes',
    reason: 'written into the module as its maximum',
  },
  inputBytesMax: { default: 1024 * MiB, max: 2047 * MiB, unit: 'bytes', reason: 'copied once into the guest' },
  outputBytesMax: { default: 256 * MiB, max: 2047 * MiB, unit: 'bytes', reason: 'copied once out of the guest' },
  logBytesMax: {
    default: 64 * KiB,
    max: 16 * MiB,
    unit: 'bytes',
    reason: 'kept with the outcome; what exceeds it is dropped and counted',
  },
  logLinesMax: {
    default: 1_000,
    max: 100_000,
    unit: 'lines',
    reason: 'kept with the outcome; what exceeds it is dropped and counted',
  },
  fuelMax: {
    default: 1e13,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'fuel',
    reason: 'a guest may loop for ever; the default is an hour of one core or so',
  },
  wallMsMax: { default: 60_000, max: 7 * 24 * 3_600_000, unit: 'ms', reason: 'a guest may loop for ever' },
} as const satisfies Record<string, Ceiling>;

export type LimitName = keyof typeof TASK;
/** Limits that not every runner can enforce: they are absent where it cannot and nobody asked for them. */
type Enforced = 'fuelMax' | 'wallMsMax';
/** All limits of a task, filled in. */
export type Limits = Readonly<Record<Exclude<LimitName, Enforced>, number> & Partial<Record<Enforced, number>>>;

/** How much fuel a guest is given at a time. What a task costs does not depend on it. */
export const SLICE = {
  msTarget: { default: 2, max: 2, unit: 'ms', reason: 'how long a guest runs before it can be stopped or slowed' },
  fuelFirst: {
    default: 2 ** 18,
    max: 2 ** 18,
    unit: 'fuel',
    reason: 'before its speed is known: some 1,000 host calls take 5 ms',
  },
  fuelMin: { default: 2 ** 16, max: 2 ** 16, unit: 'fuel', reason: 'asking for it takes about 1 us' },
  fuelMax: {
    default: 2 ** 23,
    max: 2 ** 23,
    unit: 'fuel',
    reason: 'a guest that computes fast and then waits for memory all the time still asks in time',
  },
} as const satisfies Record<string, Ceiling>;

/** What the host keeps of a guest's words, whatever the task's limits. */
export const GUEST = {
  messageBytesMax: { default: 8 * KiB, max: 8 * KiB, unit: 'bytes', reason: 'a failure message is read by people' },
  nameBytesMax: { default: 512, max: 512, unit: 'bytes', reason: 'no granted name is longer' },
  memoryKeptBytes: {
    default: 16 * MiB,
    max: 16 * MiB,
    unit: 'bytes in all',
    reason: 'what is kept is at hand for one thread alone',
  },
  /** Of a memory that is kept whatever its guest did. */
  memoryAlwaysKeptBytes: {
    default: MiB,
    max: MiB,
    unit: 'bytes',
    reason: 'a larger memory that a guest hardly used is mapped anew faster than zeroed',
  },
  memoriesKept: { default: 16, max: 16, unit: 'memories', reason: 'each reserves address space' },
} as const satisfies Record<string, Ceiling>;

/** What goes to a thread at a time. */
export const BATCH = {
  tasksMax: { default: 64, max: 1_024, unit: 'tasks in one message', reason: 'beyond 64 a message gets no cheaper' },
} as const satisfies Record<string, Ceiling>;

/** The pool's own queues and caches. */
export const POOL = {
  threads: { default: 0, max: 256, unit: 'threads', reason: '0 stands for the number of cores' },
  cpuShare: { default: 1, max: 1, unit: 'of one core, each thread', reason: 'a task never has more than one thread' },
  cpuShareMin: { default: 0.05, max: 1, unit: 'of one core', reason: 'less is hardly told from a pause' },
  queueMax: { default: 65_536, max: 1_048_576, unit: 'waiting tasks', reason: 'run() refuses beyond it, map() waits' },
  shareMsMin: {
    default: 0.5,
    max: 1_000,
    unit: 'ms of work',
    reason: 'less is not shared out: to wake a thread takes about 0.1 ms',
  },
  batchMsTarget: { default: 5, max: 1_000, unit: 'ms of work in one message', reason: 'what an abort throws away' },
  holdMsMax: {
    default: 100,
    max: 10_000,
    unit: 'ms',
    reason: 'answers of a batch come together; a task that takes longer gives the others back',
  },
  stopMsMax: {
    default: 250,
    max: 10_000,
    unit: 'ms',
    reason: 'how long a thread has to answer when the engine was told to stop its task; then it is ended',
  },
  windowBytesMax: {
    default: 64 * MiB,
    max: 4096 * MiB,
    unit: 'bytes',
    reason: 'inputs and results that map() holds at a time',
  },
  kernelsKept: { default: 32, max: 1_024, unit: 'compiled kernels', reason: 'compiled code stays in memory' },
  sharedBytesMin: {
    default: 64 * KiB,
    max: MiB,
    unit: 'bytes',
    reason: 'smaller inputs are cheaper to copy with their batch',
  },
} as const satisfies Record<string, Ceiling>;

/** What a policy may hold. */
export const POLICY = {
  rules: { default: 0, max: 1_000, unit: 'rules', reason: 'narrowing compares every rule with every other' },
} as const satisfies Record<string, Ceiling>;

/** What a job may say, whoever gives it. */
export const JOB = {
  grants: { default: 0, max: 1_000, unit: 'grants, blobs among them', reason: 'as many as a task may have' },
  mergeArity: {
    default: 16,
    max: 64,
    unit: 'results of one merge',
    reason: 'they come to the merge kernel as one input',
  },
  args: { default: 0, max: 64, unit: 'arguments of a program', reason: 'every task is told of them' },
  argChars: { default: 0, max: 1_024, unit: 'characters of an argument', reason: 'every task is told of it' },
} as const satisfies Record<string, Ceiling>;

/** What a job file may say beside that. */
export const JOB_FILE = {
  fileBytes: { default: 16 * MiB, max: 16 * MiB, unit: 'bytes', reason: 'read whole' },
  files: { default: 0, max: 100_000, unit: 'input files', reason: 'each is looked at before the first task' },
  neighbours: {
    default: 1_000,
    max: 1_000,
    unit: '.wasm files',
    reason: 'each is read to find the one of a digest',
  },
  bytesPerTask: {
    default: 256 * KiB,
    max: 1024 * MiB,
    unit: 'bytes',
    reason: 'records of one task are held at a time',
  },
  recordsPerTask: { default: 0, max: 1_000_000, unit: 'records', reason: 'records of one task are held at a time' },
} as const satisfies Record<string, Ceiling>;
