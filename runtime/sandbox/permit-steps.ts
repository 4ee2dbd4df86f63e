// What is settled before a stepper may be started, gone on with from an image, or given other limits: as for any task, and what the image asks for.
import * as v from 'valibot';
import { LodgerError } from '../base/errors.ts';
import { TASK } from '../base/limits.ts';
import type { Digest } from '../base/platform.ts';
import { check } from '../base/schema.ts';
import { sealed } from '../job/kernel.ts';
import { LimitsSchema } from '../job/limits.ts';
import { type ImageStore, type LiveLimits, LiveLimitsSchema } from '../job/steps.ts';
import { type Task, type Terms, TermsSchema } from '../job/task.ts';
import { TARIFF_VERSION } from '../meter/tariff.ts';
import { permits } from '../policy/policy.ts';
import { REWRITER_VERSION } from '../prepare/form.ts';
import { peek } from '../snapshot/difference.ts';
import { invalid, type Manifest } from '../snapshot/manifest.ts';
import { type OpenImage, openImage } from '../snapshot/store.ts';
import { type Permit, type Permitter, permitTask, permitTerms } from './permit.ts';

/** A task that is driven step by step. Throws for what is no stepper, or does not count its fuel. */
export function permitSteps(permitter: Permitter, task: Task): Permit {
  const permit = permitTask(permitter, task);
  mustStep(permitter, permit);
  return permit;
}

/**
 * A task that goes on from an image. Its seed and its limits are the image's, which the policy has to allow. Throws like `permitTask`, and
 * `ERR_IMAGE_INVALID` for an image of another kernel.
 */
export function permitImage(permitter: Permitter, terms: Terms, { task, limits: held }: Manifest): Permit {
  check(TermsSchema, terms);
  const { kernel, seed, deterministic, tariff, rewriter } = task;
  if (tariff !== TARIFF_VERSION || rewriter !== REWRITER_VERSION)
    throw invalid('its fuel is counted by another version');
  if (sealed(terms.kernel).digest !== kernel) throw invalid(`it is of the kernel ${kernel}`);
  const known = v.safeParse(LimitsSchema, held);
  if (!known.success) throw invalid('it has limits that no task has');
  const permit = permitTerms(permitter, {
    ...terms,
    seed,
    deterministic,
    limits: { ...terms.limits, ...known.output },
  });
  mustStep(permitter, permit);
  return permit;
}

/**
 * A task that goes on from a stored image: all that the image asks for is permitted before its memory is read. Throws like `permitImage`
 * and `openImage`.
 */
export function permitStored(
  permitter: Permitter,
  terms: Terms,
  { store, image }: { readonly store: ImageStore; readonly image: Digest },
): { readonly permit: Permit; readonly open: OpenImage } {
  const bytes = store.get(image);
  if (bytes === undefined) throw invalid(`image ${image} is missing`);
  permitImage(permitter, terms, peek(bytes).manifest);
  const open = openImage(store, image, { platform: permitter.platform, memoryBytesMax: TASK.memoryBytesMax.max });
  // A store need not give the same twice.
  return { permit: permitImage(permitter, terms, open.image.manifest), open };
}

/** Limits that a running task asks for anew, which the policy has to allow. */
export function permitLive({ policy }: Permitter, permit: Permit, limits: unknown): LiveLimits {
  const asked = check(LiveLimitsSchema, limits) as LiveLimits;
  if (policy) permits(policy, { ...permit.limits, ...asked }, []);
  return asked;
}

function mustStep({ metered }: Permitter, { kernel }: Permit): void {
  const wanted = 'given for steppers only, by a runner that counts fuel';
  if (kernel.shape !== 'stepper' || !metered) throw new LodgerError('ERR_OPTION_INVALID', ['checkpoint', wanted]);
}
