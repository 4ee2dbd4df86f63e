// Answers that go on: frames of outcomes, lines of receipts, and server-sent events.
import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { LodgerError } from '../../../runtime/base/errors.ts';
import { frameOf } from '../../wire/frame.ts';
import { bytesOf, outcomeFrames } from '../../wire/outcomes.ts';
import { DOOR } from '../ceilings.ts';
import type { Caller, Delivered, Site } from '../contracts.ts';
import type { Logs } from './logs.ts';

const GATHERED_BYTES = 64 * 1024;
/** How pieces become bytes. */
interface Form<Piece> {
  /** Of one piece, about. */
  readonly bytesOf: (piece: Piece) => number;
  readonly joined: (pieces: readonly Piece[]) => readonly Uint8Array[];
  /** Is sent while none comes. */
  readonly quiet?: Uint8Array;
}

/** Sends pieces as they come, several in one write where they are there already, and one write a turn. */
export function sendPieces(reply: FastifyReply, type: string, pieces: AsyncIterable<Uint8Array>): FastifyReply {
  return send(reply, type, gathered(pieces, { bytesOf: ({ byteLength }) => byteLength, joined: (each) => each }));
}

/** The same of outcomes, in as few frames as can be; one that says nothing says that the site is there. */
export function sendOutcomes(reply: FastifyReply, outcomes: AsyncIterable<readonly Delivered[]>): FastifyReply {
  return send(
    reply,
    'application/octet-stream',
    gathered(outcomes, {
      bytesOf: (group) => group.reduce((sum, each) => sum + bytesOf(each), 0),
      joined: (groups) => outcomeFrames(groups.flat()),
      quiet: QUIET_FRAME,
    }),
  );
}

const QUIET_FRAME: Uint8Array = frameOf(null);

function send(reply: FastifyReply, type: string, bytes: AsyncIterable<Uint8Array>): FastifyReply {
  return reply.type(type).send(Readable.from(bytes, { objectMode: false, highWaterMark: GATHERED_BYTES }));
}

async function* gathered<Piece>(
  pieces: AsyncIterable<Piece>,
  { bytesOf, joined, quiet }: Form<Piece>,
): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const ask = () => {
    const asked = iterator.next();
    // Whoever reads may leave while it is on its way: what then goes wrong is nobody's to hear.
    asked.catch(() => undefined);
    return asked;
  };
  try {
    let next = ask();
    for (;;) {
      const first = await (quiet ? within(next) : next);
      if (first === undefined) {
        if (quiet) yield quiet;
        continue;
      }
      if (first.done) return;
      const parts = [first.value];
      let size = bytesOf(first.value);
      next = ask();
      const turn = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
      const until = performance.now() + DOOR.turnMs.default;
      let ended = false;
      while (size < GATHERED_BYTES && performance.now() < until) {
        const more = await Promise.race([next, turn]);
        if (more === undefined) break;
        ended = more.done === true;
        if (more.done) break;
        parts.push(more.value);
        size += bytesOf(more.value);
        next = ask();
      }
      const [one, ...others] = joined(parts);
      yield others.length === 0 ? (one as Uint8Array) : Buffer.concat([one as Uint8Array, ...others]);
      if (ended) return;
      // A reader of all that a job has is not to hold up those who wait for a lease.
      await turn;
    }
  } finally {
    await iterator.return?.();
  }
}

/** What a promise gives, or nothing when that takes long. */
async function within<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, DOOR.quietMs.default, undefined);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** How many follow events at a time. */
export interface Followers {
  count: number;
}

/**
 * Sends what changes as server-sent events, until the follower leaves or the job that it follows is over. One that does not read is let go.
 * Throws `ERR_QUOTA_SPENT` when too many follow.
 */
export function sendEvents(
  reply: FastifyReply,
  {
    site,
    caller,
    job,
    signal,
    followers,
    logs,
  }: {
    readonly site: Site;
    readonly caller: Caller;
    readonly job?: string;
    readonly signal: AbortSignal;
    readonly followers: Followers;
    readonly logs: Logs;
  },
): FastifyReply {
  if (followers.count >= DOOR.followers.max)
    throw new LodgerError('ERR_QUOTA_SPENT', ['followers', DOOR.followers.max, 'try again later']);
  const first = job === undefined ? undefined : site.job(caller, job);
  const stream = new Readable({ read: () => undefined });
  const tell = (event: string, data: unknown) => {
    stream.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (stream.readableLength > DOOR.eventBufferBytes.max) stream.destroy();
  };
  const unwatch = site.watch(caller, (event, data) => {
    if (job === undefined) return tell(event, data);
    if (event !== 'job' || !('id' in data) || data.id !== job) return;
    tell(event, data);
    if (data.state !== 'open') stream.push(null);
  });
  followers.count++;
  const unfollow = job === undefined ? () => undefined : logs.follow(job, (line) => tell('log', line));
  const timer = setInterval(() => stream.push(': \n\n'), DOOR.quietMs.default);
  stream.once('close', () => {
    clearInterval(timer);
    unwatch();
    unfollow();
    followers.count--;
  });
  signal.addEventListener('abort', () => stream.destroy(), { once: true });
  if (first) tell('job', first);
  else tell('site', site.status());
  if (first && first.state !== 'open') stream.push(null);
  return reply.type('text/event-stream').send(stream);
}
