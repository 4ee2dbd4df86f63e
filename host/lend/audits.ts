// Runs a part of a stepper's task again, from an image of another host to a later step, and says what comes out: nobody tells what should.
import { toHex } from '../../runtime/base/platform.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Steps } from '../../runtime/job/steps.ts';
import { invalid, stateDigest } from '../../runtime/snapshot/manifest.ts';
import type { Audit, WireTerms } from '../wire/site.ts';
import type { Steppers } from './contracts.ts';
import type { Audited } from './held.ts';
import { createImages, type Images, type StepperTools } from './images.ts';
import { type By, byOf, type Ran } from './report.ts';
import { clip, inputOf, intervalOf, type Prepared } from './running.ts';

/** What came of it: the digest of the state behind its last step and the fuel so far; or the outcome, where the task ended. */
type Found = { readonly before: number; readonly wallMs: number } & (
  | { readonly state: string; readonly fuel: number }
  | { readonly outcome: Outcome }
);

export interface AuditTools extends StepperTools {
  readonly by: (terms: WireTerms) => By;
}

/** Throws `ERR_IMAGE_INVALID` for an image that is damaged, of another task, or not of the state that it is said to be of. */
export async function runAudit(tools: AuditTools, assigned: Audited, task: Prepared): Promise<Ran> {
  const { from, to } = assigned.audit;
  const images = createImages(tools, assigned);
  const image = from === null ? undefined : await bring(images, from, { tools, task });
  const before = image === undefined ? 0 : images.manifest(image).fuel;
  let last: { state: string; fuel: number } | undefined;
  const options = {
    signal: assigned.control.signal,
    checkpoint: {
      store: images,
      // Without a step it goes on to the end, and there is nothing to keep on the way.
      ...(to === null ? { markFuel: Number.MAX_SAFE_INTEGER } : { untilStep: to }),
      onImage: ({ digest: name, step, fuel }: { digest: string; step: number; fuel: number }) => {
        if (step === to) last = { state: stateDigest(images.manifest(name), tools.digest), fuel };
      },
    },
  };
  const since = tools.clock.now();
  const steps = begin(await tools.steppers(), task, { image, options });
  const outcome = await steps.outcome.catch((error: unknown) => {
    // Where it is to stop it ends like one that was paused.
    if (last === undefined) throw error;
    return undefined;
  });
  const took = { before, wallMs: tools.clock.now() - since };
  return rowOf(tools, assigned, last ? { ...took, ...last } : { ...took, outcome: outcome as Outcome });
}

/** The name of the image that it begins with. */
async function bring(
  images: Images,
  from: NonNullable<Audit['from']>,
  { tools, task }: { readonly tools: StepperTools; readonly task: Prepared },
): Promise<string> {
  const name = await images.download(from.image).catch((error: unknown) => {
    throw error instanceof RangeError ? invalid(error.message) : error;
  });
  const manifest = images.manifest(name);
  if (stateDigest(manifest, tools.digest) !== from.state) throw invalid('it is of another state than was said');
  if (manifest.task.input !== toHex(tools.digest(task.input))) throw invalid('it is of another input');
  return name;
}

function begin(
  { start, resume }: Steppers,
  task: Prepared,
  { image, options }: { image: string | undefined; options: Parameters<Steppers['start']>[1] },
): Steps {
  if (image === undefined) return start(task, options);
  const { input, index, ...terms } = task;
  return resume(image, terms, options);
}

/** As it is reported: its output is the digest of what came of it, its fuel what its own steps took. */
function rowOf({ digest, by }: AuditTools, assigned: Audited, found: Found): Ran {
  const { held, index, audit } = assigned;
  const row = { task: index, input: inputOf({ digest }, assigned), code: '', fuelAtLeast: null, memoryBytesPeak: 0 };
  const ran = { ...row, log: null, wallMs: found.wallMs, interval: intervalOf(audit), by: by(held.terms) };
  if (!('outcome' in found))
    return { ...ran, output: found.state, outputDigest: found.state, fuel: found.fuel - found.before };
  const { outcome } = found;
  const { fuel = null, outputDigest } = outcome.receipt;
  const spent = { fuel: fuel === null ? null : fuel - found.before, by: byOf(outcome.receipt) };
  if (outcome.state === 'failed')
    return { ...ran, ...spent, code: outcome.code, output: clip(outcome.message), outputDigest: '' };
  const name = outputDigest ?? toHex(digest(outcome.output));
  return { ...ran, ...spent, output: name, outputDigest: name };
}
