// What tasks gave, as the reports that a site gets: columns of at most a batch's bytes, each batch under one signature.
import { type Digest, type Platform, toHex } from '../../runtime/base/platform.ts';
import type { Receipt } from '../../runtime/job/outcome.ts';
import { SITE } from '../wire/ceilings.ts';
import {
  type BatchHead,
  batchBytes,
  type Entry,
  type Interval,
  leafOf,
  type Mark,
  marksDigest,
  rootOf,
} from '../wire/ledger.ts';
import type { Datum, Fence, Report, WireTerms } from '../wire/site.ts';
import type { Key } from './contracts.ts';

/** By what a task was run. A report has one of these. */
export type By = Pick<Report, 'engine' | 'rewriter' | 'tariff' | 'deterministic' | 'isolation'>;

/** One task that has ended here. */
export interface Ran {
  readonly task: number;
  readonly input: Digest;
  /** Empty for one that is done. */
  readonly code: string;
  /** Its output, or the message of its failure. */
  readonly output: Datum;
  /** Of the output; empty for one that failed. */
  readonly outputDigest: Digest;
  readonly fuel: number | null;
  readonly fuelAtLeast: number | null;
  readonly wallMs: number;
  readonly memoryBytesPeak: number;
  readonly log: Report['logs'][number];
  readonly by: By;
  /** Where it was only a part of the task: which. */
  readonly interval?: Interval;
  /** Of a result of a stepper. */
  readonly marks?: readonly Mark[];
}

export interface Batch {
  readonly fence: Fence;
  readonly job: string;
  readonly terms: WireTerms;
  readonly rows: readonly Ran[];
}

/** What is known of a row beside its data, at most. */
const ROW_BYTES = 256;
const MARK_BYTES = 192;

export function byOf({ engine, rewriter, tariff = 0, deterministic, isolation = [] }: Receipt): By {
  return { engine: { ...engine }, rewriter, tariff, deterministic, isolation: [...isolation] };
}

/** Bytes of a row on the wire, about. */
export function bytesOf({ output, log, marks = [] }: Pick<Ran, 'output' | 'log' | 'marks'>): number {
  const lines = log?.[0] ?? [];
  return (
    ROW_BYTES +
    MARK_BYTES * marks.length +
    output.length +
    lines.reduce((sum, [, text]) => sum + 3 * text.length + 8, 0)
  );
}

/** The rows in batches that fit a frame each, those that were run by the same together. */
export function batchesOf(batch: Batch): readonly Batch[] {
  const batches: { by: By; bytes: number; rows: Ran[] }[] = [];
  for (const row of batch.rows) {
    const bytes = bytesOf(row);
    const open = batches.findLast(({ by }) => isSame(by, row.by));
    if (open && open.bytes + bytes <= SITE.batchBytes.default && open.rows.length < SITE.batchTasks.max) {
      open.rows.push(row);
      open.bytes += bytes;
    } else batches.push({ by: row.by, bytes, rows: [row] });
  }
  return batches.map(({ rows }) => ({ ...batch, rows }));
}

function isSame(one: By, other: By): boolean {
  return (
    one.engine.name === other.engine.name &&
    one.engine.version === other.engine.version &&
    one.rewriter === other.rewriter &&
    one.tariff === other.tariff &&
    one.deterministic === other.deterministic &&
    one.isolation.length === other.isolation.length &&
    one.isolation.every((wall, at) => wall === other.isolation[at])
  );
}

/** A batch as it is sent, signed by the host. `slots` is for whoever sends it to say. */
export async function reportOf(
  { fence, job, terms, rows }: Batch,
  { host, batch, key, digest }: { host: string; batch: number; key: Key; digest: Platform['digest'] },
): Promise<Report> {
  const [first] = rows;
  if (!first) throw new RangeError('a report has one task at least');
  const leaves = rows.map((row) => leafOf(entryOf(row, { job, terms, digest }), digest));
  const fuel = rows.reduce((sum, row) => sum + (row.fuel ?? 0), 0);
  const root = toHex(rootOf(leaves, digest));
  const head: BatchHead = { version: 1, host, job, fence, tasks: rows.length, fuel, root };
  return {
    ...{ type: 'report', batch, fence, job, ...first.by },
    tasks: rows.map(({ task }) => task),
    codes: rows.map(({ code }) => code),
    outputs: rows.map(({ output }) => output),
    fuels: rows.map((row) => row.fuel),
    fuelsAtLeast: rows.map(({ fuelAtLeast }) => fuelAtLeast),
    wallMs: rows.map(({ wallMs }) => wallMs),
    memoryBytesPeak: rows.map(({ memoryBytesPeak }) => memoryBytesPeak),
    logs: rows.map(({ log }) => log),
    ...(rows.some(({ interval }) => interval) && { intervals: rows.map(({ interval }) => interval ?? null) }),
    ...(rows.some(({ marks }) => marks) && { marks: rows.map(({ marks }) => (marks ? [...marks] : null)) }),
    signature: await key.sign(batchBytes(head)),
    slots: 0,
  };
}

function entryOf(
  row: Ran,
  { job, terms: { kernel }, digest }: Pick<Batch, 'job' | 'terms'> & { digest: Platform['digest'] },
): Entry {
  const output = row.code === '' ? row.outputDigest : (row.code as `ERR_${string}`);
  const { tariff, rewriter } = row.by;
  const entry = { version: 1, job, task: row.task, kernel, input: row.input, output, fuel: row.fuel } as const;
  const { interval, marks } = row;
  const more = { ...(interval && { interval }), ...(marks && { marks: marksDigest(marks, digest) }) };
  return { ...entry, tariff, rewriter, ...more };
}
