// Every ceiling of what a site and its hosts and callers send each other, by name, with the reason for it.
import { type Ceiling, JOB } from '../../runtime/base/limits.ts';

const KiB = 2 ** 10;
const MiB = 2 ** 20;
const GiB = 2 ** 30;

export const SITE = {
  frameBytes: { default: MiB, max: MiB, unit: 'bytes', reason: 'a frame is read and written whole' },
  inlineBytes: {
    default: 64 * KiB,
    max: 64 * KiB,
    unit: 'bytes of an input or output',
    reason: 'larger ones are blobs, so that frames and state stay small',
  },
  batchTasks: {
    default: 64,
    max: 1_024,
    unit: 'tasks in a lease or a report',
    reason: 'a batch is worked off in one turn',
  },
  batchBytes: {
    default: 768 * KiB,
    max: 768 * KiB,
    unit: 'bytes of data in a lease or a report',
    reason: 'it has to fit into a frame',
  },
  markFuel: {
    default: 2 ** 33,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'fuel between images that are compared',
    reason: 'some 10 s of work: results of steppers that take less are checked by whole runs',
  },
  holds: { default: 1_024, max: 1_024, unit: 'digests that a host names', reason: 'they help to choose, no more' },
  leaseMs: { default: 30_000, max: 3_600_000, unit: 'ms', reason: 'so long may a host be silent' },
  beatMs: { default: 10_000, max: 600_000, unit: 'ms', reason: 'a third of a lease' },
  siteSilentMs: { default: 60_000, max: 60_000, unit: 'ms', reason: 'sites renew their records every few seconds' },
} as const satisfies Record<string, Ceiling>;

/** Of leases of a host in the site's own process. What tabs load has only the ceilings before. */
export const HERE = {
  batchBytes: {
    default: 4 * MiB,
    max: 4 * MiB,
    unit: 'bytes of inputs in a lease',
    reason: 'no frame holds them: a lease, a signature and a commit for a dozen tasks cost more than they need to',
  },
} as const satisfies Record<string, Ceiling>;

/** Of what callers send. */
export const CALLER = {
  jobTasks: { default: 10_000_000, max: 10_000_000, unit: 'tasks in a job', reason: 'a byte of memory each' },
  jobsOpen: { default: 100_000, max: 100_000, unit: 'jobs that are not done', reason: 'each is kept in memory' },
  blobBytes: { default: 2 * GiB, max: 64 * GiB, unit: 'bytes of a blob', reason: 'blobs are streamed to disk' },
  bodyBytes: { default: MiB, max: MiB, unit: 'bytes of a request that is no blob', reason: 'it is read whole' },
  inputsBytes: { default: 4 * MiB, max: 16 * MiB, unit: 'bytes of inputs in a request', reason: 'it is read whole' },
  groupBytes: {
    default: 4 * MiB,
    max: 4 * MiB,
    unit: 'bytes of a blob that is sent with others',
    reason: 'it is read whole',
  },
  groupBlobs: { default: 256, max: 256, unit: 'blobs in a request', reason: 'each is a file' },
} as const satisfies Record<string, Ceiling>;

/** Ceilings that come from the runtime's own. */
export const CEILING = { grants: JOB.grants.max } as const;
