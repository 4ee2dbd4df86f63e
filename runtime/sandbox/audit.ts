// Checks a claim about a task's steps: whether one image follows from another, link by link, by doing the steps between them again. The
// first link may be the task's beginning, the last one its output.
import * as v from 'valibot';
import { LodgerError } from '../base/errors.ts';
import { TASK } from '../base/limits.ts';
import { type Digest, isPlatform, type Platform, portable, toHex } from '../base/platform.ts';
import { check, digest } from '../base/schema.ts';
import type { Engine, Ready } from '../engine/engine.ts';
import { createV8 } from '../engine/v8.ts';
import type { Kernel } from '../job/kernel.ts';
import type { Outcome } from '../job/outcome.ts';
import { CheckpointsSchema, type ImageStore } from '../job/steps.ts';
import type { Terms } from '../job/task.ts';
import { type Policy, PolicySchema } from '../policy/policy.ts';
import { peek } from '../snapshot/difference.ts';
import { applyDifference } from '../snapshot/image.ts';
import { invalid } from '../snapshot/manifest.ts';
import type { OpenImage } from '../snapshot/store.ts';
import { type Finding, type Verdict, verdictOn, verify } from '../snapshot/verify.ts';
import { compileFor } from './compile.ts';
import { permitStored } from './permit-steps.ts';
import { replaysOn } from './replay.ts';
import { isEngine } from './sandbox.ts';

export interface AuditOptions extends Pick<Terms, 'kernel' | 'grants' | 'blobs'> {
  /** Has both images, and those between and before them that it takes to open them. It need not be trusted. */
  readonly store: ImageStore;
  /** The image that is taken for right; without it the task's beginning is, and `input` is needed. */
  readonly from?: Digest;
  /** The last image to check; `from` by default. */
  readonly to?: Digest;
  readonly input?: Uint8Array;
  /** SHA-256 of what the task is said to have given: whether that follows from the last image. */
  readonly output?: Digest;
  /** The JavaScript host's own by default. */
  readonly engine?: Engine;
  readonly platform?: Platform;
  /** What the replay may use: an image says itself which limits its task has. */
  readonly policy?: Policy;
  /** Told of each link when it was checked. */
  readonly onLink?: (link: LinkVerdict) => void;
}

/** One image, and whether it follows from the one before it. */
export interface LinkVerdict extends Verdict {
  /** `null`: the beginning, and the output. */
  readonly from: Digest | null;
  readonly to: Digest | null;
  /** Steps done in them. */
  readonly fromStep: number;
  readonly toStep: number;
}

export interface AuditVerdict {
  readonly follows: boolean;
  /** From the first to the last. It ends early at an image that is damaged, as nothing can be said of those after it. */
  readonly links: readonly LinkVerdict[];
  /** How many links there are, those that could not be checked with them. */
  readonly linksTotal: number;
}

const OptionsSchema = v.looseObject({
  store: CheckpointsSchema.entries.store,
  from: v.exactOptional(digest()),
  to: v.exactOptional(digest()),
  input: v.exactOptional(v.instance(Uint8Array)),
  output: v.exactOptional(digest()),
  engine: v.exactOptional(v.custom<Engine>(isEngine, 'an engine')),
  platform: v.exactOptional(v.custom<Platform>(isPlatform, 'a platform')),
  policy: v.exactOptional(PolicySchema),
});

/**
 * Says whether the image `to` follows from the image `from`. Every image between them is checked against the one before it: its steps are
 * done again in a fresh instance here, and what comes out is compared page by page, global by global and field by field. Limits may change
 * in links of their own. No replay has the same time, so of a kernel with the grant `clock` only intervals in which it looks at none follow.
 * With `input` in place of `from`, the first image of the task is checked as well; with `output`, the way from the last one to the end.
 *
 * Throws `ERR_IMAGE_INVALID` where the first image cannot be opened, is of another kernel, or no image before `to`, and what `run` throws
 * for terms.
 */
export async function verifyImages(options: AuditOptions): Promise<AuditVerdict> {
  check(OptionsSchema, options);
  const { kernel, grants, blobs, store, from = null, input, output, policy, onLink } = options;
  const { platform = portable, engine = createV8('unknown') } = options;
  const to = options.to ?? from;
  if (to === null) throw new LodgerError('ERR_OPTION_INVALID', ['to', 'given where "from" is not']);
  if (from === null && input === undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['input', 'given where "from" is not']);
  const chain = chainTo(store, from, to);
  const first = from ?? (chain[0] as Named).digest;
  const terms = { kernel, ...(grants && { grants }), ...(blobs && { blobs }) };
  const permitter = { platform, metered: true, wallMsDefault: TASK.wallMsMax.max, ...(policy && { policy }) };
  const { permit, open: opened } = permitStored(permitter, terms, { store, image: first });
  // What the store said of the images was not checked until now.
  if (from === null && opened.image.manifest.parent !== null)
    throw invalid(`image ${first} is not the first of its task`);
  const ready = await readyOf(engine, kernel);
  const replays = replaysOn({ platform, engine }, ready, {
    ...{ ...permit, input: new Uint8Array(), index: opened.image.manifest.task.index },
    // The clock of a task goes on from its image; what a replay may take comes on top of it.
    limits: { ...permit.limits, wallMsMax: (permit.limits.wallMsMax ?? 0) + elapsedMs(store, to) },
  });
  const fields = ready.state?.fields ?? [];

  const links: LinkVerdict[] = [];
  const linksTotal = chain.length + (output === undefined ? 0 : 1);
  const tell = (link: LinkVerdict) => {
    links.push(link);
    onLink?.(link);
  };
  const verdict = () => ({ follows: links.every(({ follows }) => follows), links, linksTotal });
  if (from === null) {
    const replayed = await replays.begin(input as Uint8Array, opened.image.manifest.step);
    tell({
      ...verdictOn(opened, replayed, fields),
      from: null,
      to: first,
      fromStep: 0,
      toStep: opened.image.manifest.step,
    });
  }
  let open = opened;
  for (const { digest: name, step } of from === null ? chain.slice(1) : chain) {
    const next = follow(store, open, name);
    const found = 'image' in next ? await verify(open, next, { replay: replays.between, fields }) : brokenAt(next);
    tell({ ...found, from: open.image.digest, to: name, fromStep: open.image.manifest.step, toStep: step });
    if (!('image' in next)) return verdict();
    open = next;
  }
  if (output !== undefined) {
    const { step } = open.image.manifest;
    tell({ ...outputOf(replays.finish(open), output, platform), from: to, to: null, fromStep: step, toStep: step });
  }
  return verdict();
}

/** Whether an output is the one that a replay gives. */
function outputOf(outcome: Outcome, claimed: Digest, platform: Platform): Verdict {
  if (outcome.state === 'failed')
    return brokenAt({ place: 'link', reason: `a replay ends before it: ${outcome.message}` });
  const replayed = toHex(platform.digest(outcome.output));
  if (replayed === claimed) return { follows: true, findings: [], findingsTotal: 0 };
  return brokenAt({ place: 'field', field: 'output', claimed, replayed });
}

function elapsedMs(store: ImageStore, name: Digest): number {
  return peek(store.get(name) ?? new Uint8Array()).manifest.host.elapsedMs;
}

/** Whoever checks one interval of a kernel mostly checks others, too. */
const compiled = new WeakMap<Engine, WeakMap<Kernel, Promise<Ready>>>();

function readyOf(engine: Engine, kernel: Kernel): Promise<Ready> {
  const known = compiled.get(engine) ?? new WeakMap<Kernel, Promise<Ready>>();
  compiled.set(engine, known);
  const ready = known.get(kernel) ?? compileFor(engine, kernel);
  known.set(kernel, ready);
  ready.catch(() => known.delete(kernel));
  return ready;
}

interface Named {
  readonly digest: Digest;
  readonly step: number;
}

/** The images after `from`, or from the task's first one on, up to `to`, by what they say of themselves. */
function chainTo(store: ImageStore, from: Digest | null, to: Digest): Named[] {
  const chain: Named[] = [];
  const seen = new Set<Digest>();
  for (let name: Digest | null = to; name !== from; ) {
    const bytes = name === null || seen.has(name) ? undefined : store.get(name);
    if (name === null || seen.has(name)) throw invalid(`image ${from} is not before image ${to}`);
    if (bytes === undefined) throw invalid(`image ${name} between the two is missing`);
    const { manifest }: ReturnType<typeof peek> = peek(bytes);
    seen.add(name);
    chain.push({ digest: name, step: manifest.step });
    name = manifest.parent;
  }
  return chain.reverse();
}

/** The next image, on a memory that shares its pages with the one before it; or why it is none. */
function follow(store: ImageStore, before: OpenImage, name: Digest): OpenImage | Finding {
  const copy = before.copy.fork();
  try {
    const image = applyDifference(copy, before.image, store.get(name) ?? new Uint8Array());
    if (image.digest !== name) throw invalid(`what is kept as image ${name} is another one`);
    return { image, copy };
  } catch (error) {
    if (!(error instanceof LodgerError) || error.code !== 'ERR_IMAGE_INVALID') throw error;
    return { place: 'link', reason: error.message };
  }
}

function brokenAt(finding: Finding): Verdict {
  return { follows: false, findings: [finding], findingsTotal: 1 };
}
