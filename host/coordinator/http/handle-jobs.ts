// Handlers of jobs: submitted, given inputs, followed, cancelled; outcomes and receipts as they come.
import { Buffer } from 'node:buffer';
import { LodgerError } from '../../../runtime/base/errors.ts';
import { check } from '../../../runtime/base/schema.ts';
import { InputsSchema } from '../../wire/api.ts';
import { SITE } from '../../wire/ceilings.ts';
import { frameIn } from '../../wire/frame.ts';
import type { Datum } from '../../wire/site.ts';
import { DOOR } from '../ceilings.ts';
import type { Blobs, Caller, Site } from '../contracts.ts';
import type { Usage } from '../usage.ts';
import type { Handlers } from './call.ts';
import type { Logs } from './logs.ts';
import { type Followers, sendEvents, sendOutcomes, sendPieces } from './streams.ts';

type JobRoutes =
  | ('submit' | 'estimate' | 'jobs' | 'job' | 'cancel' | 'inputs' | 'outcomes' | 'states' | 'places')
  | ('task' | 'receipts' | 'jobEvents' | 'events');

export interface JobParts {
  readonly site: Site;
  readonly usage: Usage;
  readonly blobs: Blobs;
  readonly logs: Logs;
}

export function jobHandlers({ site, usage, blobs, logs }: JobParts): Pick<Handlers, JobRoutes> {
  const followers: Followers = { count: 0 };
  return {
    submit: async ({ caller, body }) => {
      usage.mayWork(caller.account);
      const needed = [body.kernel, ...(body.merge ? [body.merge.kernel] : []), ...Object.values(body.blobs ?? {})];
      for (const grant of body.grants ?? []) if (grant.kind === 'blobs') needed.push(grant.digest);
      for (const digest of needed) await mustHave(caller, digest, { usage, blobs });
      return site.submit(caller, body);
    },
    estimate: ({ caller, body }) => site.estimate(caller, body.manifest, body.tasks),
    jobs: ({ caller, query }) => {
      const most = Math.min(query.limit ?? DOOR.jobsListed.default, DOOR.jobsListed.max);
      return site.jobs(caller, most);
    },
    job: ({ caller, params }) => site.job(caller, params.job),
    cancel: ({ caller, params }) => site.cancel(caller, params.job),
    inputs: async ({ caller, params, body }) => {
      const { from, inputs, last } = readInputs(body);
      usage.mayWork(site.job(caller, params.job).account);
      for (const input of inputs) if (typeof input === 'string') await mustHave(caller, input, { usage, blobs });
      return site.addInputs(caller, params.job, from, inputs, last);
    },
    outcomes: ({ caller, params, query, reply, signal }) => {
      // Asked for here, so that a job that is not there is a refusal and no broken answer.
      site.job(caller, params.job);
      return sendOutcomes(reply, site.outcomes(caller, params.job, query.from ?? 0, signal));
    },
    states: ({ caller, params, reply }) =>
      reply.type('application/octet-stream').send(Buffer.from(site.states(caller, params.job))),
    places: ({ caller, params }) => site.places(caller, params.job),
    task: ({ caller, params }) => site.task(caller, params.job, params.task),
    receipts: ({ caller, params, query, reply }) => {
      site.job(caller, params.job);
      return sendPieces(reply, 'application/x-ndjson', linesOf(site.receipts(caller, params.job, query.from ?? 0)));
    },
    jobEvents: ({ caller, params, reply, signal }) =>
      sendEvents(reply, { site, caller, job: params.job, signal, followers, logs }),
    events: ({ caller, reply, signal }) => sendEvents(reply, { site, caller, signal, followers, logs }),
  };
}

/** Blobs of others are not there for an account: a job cannot be used to read them. */
async function mustHave(
  { account, role }: Caller,
  digest: string,
  { usage, blobs }: { readonly usage: Usage; readonly blobs: Blobs },
): Promise<void> {
  if ((role === 'operator' || usage.owns(account, digest)) && (await blobs.size(digest)) !== null) return;
  throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
}

async function* linesOf(documents: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const document of documents) yield Buffer.from(`${JSON.stringify(document)}\n`);
}

/** The one frame of a request; what is in it are parts of the body. */
export function wholeFrame(body: Uint8Array, invalid: (must: string) => LodgerError) {
  try {
    const frame = frameIn(body);
    if (frame?.size === body.byteLength) return frame;
  } catch (error) {
    throw invalid(`one frame: ${(error as Error).message}`);
  }
  throw invalid('one whole frame');
}

/** The one frame of a request: which inputs, and their bytes one behind the other. */
function readInputs(body: unknown): { readonly from: number; readonly inputs: Datum[]; readonly last: boolean } {
  const invalid = (must: string) => new LodgerError('ERR_OPTION_INVALID', ['inputs', must]);
  if (!(body instanceof Uint8Array)) throw invalid('one frame, sent as application/octet-stream');
  const frame = wholeFrame(body, invalid);
  const { from, inputs, last } = check(InputsSchema, frame.message);
  let at = 0;
  const data = inputs.map((input): Datum => {
    if (typeof input === 'string') return input;
    if (input > SITE.inlineBytes.max) throw invalid(`of at most ${SITE.inlineBytes.max} bytes each, or digests`);
    at += input;
    return frame.data.subarray(at - input, at);
  });
  if (at !== frame.data.byteLength) throw invalid('as many bytes as the frame says');
  return { from, inputs: data, last };
}
