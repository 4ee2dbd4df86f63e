// Steppers that go from host to host: who made which part, who goes on from whose image, and what it was said to be.
import { MARKS_MAX } from '../../runtime/snapshot/marks.ts';
import type { Mark } from '../wire/ledger.ts';
import type { FromHost } from '../wire/site.ts';
import { firstStanding, isTrusted } from './belief.ts';
import type { Part } from './delivery.ts';
import type { ImageRecord } from './events.ts';
import type { Job } from './job.ts';
import type { Host, State } from './state.ts';

/** Whom a host is leased a task of a job. */
export interface GoesOn {
  readonly host: Host;
  /** Whether its result has marks: then it answers for no more than what comes behind the image. */
  readonly marks: boolean;
  /** Whether anybody checks its result. */
  readonly isChecked: boolean;
}

/** An image to go on from, and what was said of it where the host does not answer for it. */
export interface Beginning {
  readonly image: string | null;
  readonly said: Mark | null;
}

/**
 * What a host begins a task with. Where it has marks, all that was made before is another's word, which is checked as such. Otherwise it
 * answers for the whole, and goes on from its own images alone, or from those of trusted hosts; a trusted one does so always, since its own
 * word is taken, and nobody would look at what it makes of a forged one. Nothing is gone on with that comes of a host that is banned.
 */
export function beginningOf(state: State, job: Job, task: number, { host, marks, isChecked }: GoesOn): Beginning {
  // A check begins at the beginning: what another host has made of it so far is what it checks.
  const made = job.detail.firstIn[task] === 0 ? job.images.get(task) : undefined;
  const nothing = { image: null, said: null };
  if (!made) return nothing;
  const { parts = [] } = made;
  const makers = [made.host, ...parts.map((part) => part.host)].map((id) => state.hosts.get(id));
  if (makers.some((maker) => !maker || maker.record.standing === 'banned')) return nothing;
  const isOwn = (maker: Host | undefined) => maker !== undefined && (isTrusted(maker) || maker === host);
  if (isTrusted(host) ? makers.every((maker) => maker && isTrusted(maker)) : !isChecked || makers.every(isOwn))
    return { image: made.image, said: null };
  const said = markOf(made);
  const isSame = host.attributes?.rewriter === made.rewriter;
  if (isTrusted(host) || !marks || !said || !isSame || parts.length >= MARKS_MAX) return nothing;
  return { image: made.image, said };
}

const markOf = ({ step, fuel, state, image }: ImageRecord): Mark | undefined =>
  state === undefined ? undefined : [step, fuel, state, image];

/** What was made before an image of `host`; undefined where it says that it went on from one that it was not given, or went back. */
export function partsBefore(
  state: State,
  job: Job,
  { host, message }: { readonly host: string; readonly message: Extract<FromHost, { type: 'image' }> },
): readonly Part[] | undefined {
  const { from, task, step, fuel } = message;
  if (from === undefined) return [];
  const parts = partsUpTo(state, job, { host, task, from });
  const before = parts?.at(-1)?.to;
  return before && step > before[0] && fuel >= before[1] ? parts : undefined;
}

/** What others made before the result of `host`: none where its first mark is of its own. Throws a RangeError where it is not as it was said. */
export function partsOfRow(
  state: State,
  job: Job,
  { host, task, marks }: { readonly host: string; readonly task: number; readonly marks: readonly Mark[] | null },
): readonly Part[] | null {
  const [first] = marks ?? [];
  if (!first) return null;
  const parts = partsUpTo(state, job, { host, task, from: first[3] });
  const said = parts?.at(-1)?.to;
  if (said?.some((each, at) => each !== first[at]))
    throw new RangeError('a result went on from what was not said of its image');
  return parts ?? null;
}

/** Up to an image that a host went on from: its newest one before, or the one that it has had since. */
function partsUpTo(
  state: State,
  job: Job,
  { host, task, from }: { readonly host: string; readonly task: number; readonly from: string },
): readonly Part[] | undefined {
  const made = job.images.get(task);
  if (!made) return undefined;
  const { parts = [] } = made;
  if (made.host === host && parts.at(-1)?.to[3] === from) return parts;
  const [to, maker] = [markOf(made), state.hosts.get(made.host)];
  if (made.image !== from || made.host === host || !to || !maker) return undefined;
  return [...parts, { host: made.host, owner: maker.record.account, ...standingIn(job, maker), to }];
}

function standingIn(job: Job, maker: Host): Pick<Part, 'kind' | 'late' | 'before'> {
  const { kind, late, checksEver } = firstStanding(job, maker);
  return { kind, late, before: checksEver };
}
