// The sweep of blobs: what no kept job names, and nobody has brought or asked for within a day, is paid for by nobody any more, and deleted.
import { type BlobFolder, STALE_MS } from './blobs.ts';
import type { Refs } from './refs.ts';
import type { Usage } from './usage.ts';

const EVERY_MS = 3_600_000;
/** Blobs that are looked at in one turn. */
const TURN = 64;

export interface SweepParts {
  readonly blobs: Pick<BlobFolder, 'list' | 'deleteUnused' | 'dropParts'>;
  readonly refs: Pick<Refs, 'has' | 'areWhole'>;
  readonly usage: Pick<Usage, 'lapse' | 'giveBack'>;
  /** Ms since 1970. */
  readonly now: () => number;
}

/**
 * Sweeps once, and gives how many blobs were deleted. A blob is looked at and deleted in one turn, and one that is asked for is young again,
 * so none goes between the question whether it is there and the job that names it.
 */
export async function sweepBlobs({ blobs, refs, usage, now }: SweepParts): Promise<number> {
  // Of a site that kept jobs before they were noted here, nothing is known to be needed by nobody.
  if (!refs.areWhole()) return 0;
  const since = now() - STALE_MS;
  for (const part of await blobs.dropParts(since)) usage.giveBack(part);
  await usage.lapse();
  let [looked, deleted] = [0, 0];
  for await (const digest of blobs.list()) {
    if (++looked % TURN === 0) await new Promise(setImmediate);
    if (!refs.has(digest) && blobs.deleteUnused(digest, since)) deleted++;
  }
  return deleted;
}

/** Sweeps at a start and every hour; what it gives ends that. What cannot be read or deleted now is looked at the next time. */
export function sweepEvery(parts: SweepParts & { readonly warn: (message: string) => void }): () => Promise<void> {
  let under: Promise<unknown> = Promise.resolve();
  let isOver = false;
  const sweep = () => {
    under = under
      .then(() => (isOver ? 0 : sweepBlobs(parts)))
      .catch((error: unknown) => parts.warn(`blobs were not swept: ${String(error)}`));
  };
  sweep();
  const timer = setInterval(sweep, EVERY_MS);
  timer.unref();
  return async () => {
    isOver = true;
    clearInterval(timer);
    await under;
  };
}
