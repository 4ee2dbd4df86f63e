// Every way to be refused or to fail, in one table, and the one error class of the project.

/** Whose doing a failure is. It settles who pays and whether another host is tried. */
export type Fault = 'caller' | 'job' | 'host';

/**
 * Code -> fault and text. `%s` is filled with the arguments in their order.
 * `caller`: refused before anything ran, and thrown. `job`: the kernel's doing, reported in an outcome.
 * `host`: this machine's doing; the same task may succeed elsewhere.
 */
export const ERRORS = {
  ERR_OPTION_INVALID: { fault: 'caller', text: 'option "%s" must be %s' },
  ERR_KERNEL_MALFORMED: { fault: 'caller', text: 'not a well-formed WebAssembly binary: %s (at byte %s)' },
  ERR_KERNEL_FEATURE: { fault: 'caller', text: 'kernel uses %s, which is not admitted: %s' },
  ERR_KERNEL_CEILING: { fault: 'caller', text: 'kernel has %s %s, the ceiling is %s (%s)' },
  ERR_KERNEL_INTERFACE: { fault: 'caller', text: 'kernel does not fit the world: %s' },
  ERR_COMPONENT_COMPLEX: { fault: 'caller', text: 'component is not simple enough to run as a kernel: %s' },
  ERR_GRANT_INVALID: { fault: 'caller', text: 'grant "%s" is not valid: %s' },
  ERR_GRANT_MISSING: { fault: 'caller', text: 'kernel imports "%s", which no grant covers: grant "%s"' },
  ERR_GRANT_UNAVAILABLE: { fault: 'caller', text: 'grant "%s" cannot be given by this runner: %s' },
  ERR_POLICY_EXCEEDED: { fault: 'caller', text: 'policy allows %s; the task asks for %s' },
  ERR_LIMIT_UNENFORCED: { fault: 'caller', text: 'limit "%s" cannot be enforced by this runner: %s' },
  ERR_BLOB_MISMATCH: { fault: 'caller', text: 'blob "%s" has digest %s, the grant says %s' },
  ERR_IMAGE_INVALID: { fault: 'caller', text: 'image is not valid: %s' },
  ERR_JOB_INVALID: { fault: 'caller', text: 'job file: "%s" must be %s' },
  ERR_FILE: { fault: 'caller', text: 'cannot %s "%s": %s' },
  ERR_BUILD_FAILED: { fault: 'caller', text: 'kernel does not build: %s' },
  ERR_PEER_MISSING: { fault: 'caller', text: '%s needs the package "%s": npm install %s' },
  ERR_ENGINE_MISSING: { fault: 'caller', text: 'engine "%s" is not here: %s' },
  ERR_ISOLATION_MISSING: { fault: 'caller', text: 'this machine does not give the isolation asked for: %s' },
  ERR_QUEUE_FULL: {
    fault: 'caller',
    text: '%s tasks are waiting already, the ceiling is queueMax: await some, or use map()',
  },
  ERR_CLOSED: { fault: 'caller', text: 'the %s is closed' },
  ERR_ABORTED: { fault: 'caller', text: 'the task was aborted by its caller' },
  ERR_JOB_CANCELLED: { fault: 'caller', text: 'job "%s" was cancelled: %s' },
  ERR_NOT_FOUND: { fault: 'caller', text: 'there is no %s "%s" here' },
  ERR_ACCESS_DENIED: { fault: 'caller', text: 'access denied: %s' },
  ERR_QUOTA_SPENT: { fault: 'caller', text: 'quota "%s" of %s is spent: %s' },
  ERR_SITE_UNREACHABLE: { fault: 'caller', text: 'the site at %s does not answer: %s' },
  ERR_CONNECTION_UNSAFE: { fault: 'caller', text: 'no safe connection to %s: %s' },
  ERR_ANSWER_INVALID: { fault: 'caller', text: 'the site at %s gave what no site gives: %s' },
  ERR_EXIT: { fault: 'job', text: '%s' },
  ERR_TRAP: { fault: 'job', text: 'trap: %s' },
  ERR_STACK_SPENT: { fault: 'job', text: 'the kernel recursed too deeply' },
  ERR_ABI: { fault: 'job', text: 'kernel broke the canonical ABI: %s' },
  ERR_FUEL_SPENT: { fault: 'job', text: 'fuel limit of %s reached' },
  ERR_OUTPUT_TOO_LARGE: { fault: 'job', text: 'output of %s bytes exceeds outputBytesMax of %s' },
  ERR_WALL_SPENT: { fault: 'job', text: 'wall time limit of %s ms reached' },
  ERR_CELL_ENDED: { fault: 'job', text: 'the kernel was alone in its cell, and the cell ended: %s' },
  ERR_HOST_MEMORY: { fault: 'host', text: 'this host could not provide memory: %s' },
  ERR_HOST_FAULT: { fault: 'host', text: 'this host failed: %s' },
} as const satisfies Record<string, { fault: Fault; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes that end up in an outcome: a task ran and failed. */
export type FailureCode = { [C in ErrorCode]: (typeof ERRORS)[C]['fault'] extends 'caller' ? never : C }[ErrorCode];

/** The text of a code with its arguments filled in. */
export function describe(code: ErrorCode, ...args: readonly (string | number | bigint)[]): string {
  let next = 0;
  return ERRORS[code].text.replace(/%s/g, () => String(args[next++]));
}

/** The only error that this project throws on purpose. Crosses threads and wires as `{ code, message }`. */
export class LodgerError extends Error {
  override readonly name = 'LodgerError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, args: readonly (string | number | bigint)[] = [], options?: ErrorOptions) {
    super(describe(code, ...args), options);
    this.code = code;
  }

  get fault(): Fault {
    return ERRORS[this.code].fault;
  }
}
