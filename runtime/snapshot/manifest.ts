// What an image says of itself: a manifest in canonical JSON, whose SHA-256 is the image's digest, and what may follow what.
import * as v from 'valibot';
import { canonical } from '../base/canonical.ts';
import { LodgerError } from '../base/errors.ts';
import { PAGE } from '../base/limits.ts';
import { type Digest, toHex } from '../base/platform.ts';
import { digest, integer, oneOf } from '../base/schema.ts';
import { LOG_LEVELS } from '../job/outcome.ts';
import { IMAGE } from './bounds.ts';

/** Another version is refused, never guessed at. */
export const IMAGE_VERSION = 1;

const MOST = Number.MAX_SAFE_INTEGER;
const count = () => integer(0, MOST);
const counts = () => v.record(v.string(), count());

/** Which task it is: the same in all images of a chain. */
const task = v.strictObject({
  kernel: digest(),
  /** Versions of what counts the fuel. */
  tariff: count(),
  rewriter: count(),
  input: digest(),
  inputBytes: count(),
  seed: count(),
  index: count(),
  /** Whether its NaNs are canonical. */
  deterministic: v.boolean(),
});

/** What the host holds of a task beside its guest. None of it ever gets less. */
const host = v.strictObject({
  /** Time since the task began, as its clock tells it. */
  elapsedMs: v.pipe(v.number(), v.finite(), v.minValue(0)),
  /** Bytes taken of the task's random stream. */
  randomBytes: count(),
  /** What the kernel wrote to its log, line by line. */
  log: v.array(v.strictObject({ level: oneOf(LOG_LEVELS), text: v.string() })),
  logBytes: count(),
  linesDropped: count(),
  /** By import. */
  calls: counts(),
});

const manifest = v.strictObject({
  version: v.literal(IMAGE_VERSION),
  task,
  /** Steps done, and the share of the work that the last one gave. */
  step: count(),
  share: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  fuel: count(),
  /** Of 64 KiB. */
  memoryPages: integer(0, 65_536),
  /** SHA-256 over the SHA-256 of each 4 KiB of memory, in order. */
  memory: digest(),
  /** Mutable globals, as `saveState` gives them, in hex. */
  state: v.pipe(v.string(), v.maxLength(2 * IMAGE.stateBytes.max), v.regex(/^(?:[0-9a-f]{2})*$/)),
  host,
  /** Ceilings in force, by name. */
  limits: counts(),
  /** The image before it; `null` for a task's first. */
  parent: v.nullable(digest()),
});

export type Manifest = v.InferOutput<typeof manifest>;
export type TaskIdentity = Manifest['task'];
export type HostState = Manifest['host'];

/** An image without its memory: plain data. */
export interface Image {
  readonly digest: Digest;
  readonly manifest: Manifest;
}

/** The one way in which reading an image fails. */
export function invalid(reason: string): LodgerError {
  return new LodgerError('ERR_IMAGE_INVALID', [reason]);
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes that an image is named by. */
export function encodeManifest(one: Manifest): Uint8Array {
  return utf8.encode(canonical(one));
}

/** What must be equal wherever the task has come to this step: all but the time that it took, and the images that were taken before. */
export function stateDigest(one: Manifest, hash: (bytes: Uint8Array) => Uint8Array): Digest {
  return toHex(hash(encodeManifest({ ...one, parent: null, host: { ...one.host, elapsedMs: 0 } })));
}

/** Reads what `encodeManifest` wrote, and nothing else. Throws `ERR_IMAGE_INVALID`. */
export function parseManifest(bytes: Uint8Array): Manifest {
  let value: unknown;
  let text: string;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw invalid('its manifest is not JSON');
  }
  const { version } = Object(value) as { version?: unknown };
  if (typeof version === 'number' && version !== IMAGE_VERSION) {
    throw invalid(`it has version ${version}, and this host reads ${IMAGE_VERSION}`);
  }
  const result = v.safeParse(manifest, value, { abortEarly: true });
  if (!result.success) throw invalid(`"${v.getDotPath(result.issues[0]) ?? 'manifest'}" is not what it must be`);
  if (canonical(result.output) !== text) throw invalid('its manifest is not canonical JSON');
  return result.output;
}

/**
 * Why `child` cannot follow `parent`, digests apart; undefined if it can. Ceilings change in a link of their own, between two steps,
 * in which nothing else changes but the time.
 */
export function breakBetween(parent: Manifest, child: Manifest): string | undefined {
  if (canonical(parent.task) !== canonical(child.task)) return 'it is of another task';
  for (const name of ['step', 'fuel', 'memoryPages'] as const) {
    if (child[name] < parent[name]) return `its ${name} goes back from ${parent[name]} to ${child[name]}`;
  }
  for (const name of ['elapsedMs', 'randomBytes', 'logBytes', 'linesDropped'] as const) {
    if (child.host[name] < parent.host[name]) return `its ${name} goes back`;
  }
  for (const [name, calls] of Object.entries(parent.host.calls)) {
    if (!((child.host.calls[name] ?? 0) >= calls)) return `its calls of ${name} go back`;
  }
  const { log } = parent.host;
  if (canonical(child.host.log.slice(0, log.length)) !== canonical(log)) return 'its log has other lines';
  if (child.step > parent.step) {
    return canonical(parent.limits) === canonical(child.limits) ? undefined : 'limits changed in the middle of steps';
  }
  const still = ({ limits, host, ...rest }: Manifest) => {
    const { memoryBytesMax: _, fuelMax: __, ...others } = limits;
    return canonical({ ...rest, parent: null, limits: others, host: { ...host, elapsedMs: 0 } });
  };
  if (still(parent) !== still(child)) return 'more than the limits of memory and fuel changed without a step';
  const { memoryBytesMax = 0, fuelMax = 0 } = child.limits;
  const isUsed = memoryBytesMax < child.memoryPages * PAGE || fuelMax < child.fuel;
  return isUsed && canonical(parent.limits) !== canonical(child.limits) ? 'limits are below what is used' : undefined;
}

/** Throws `ERR_IMAGE_INVALID` unless `child` names `parent` as the image before it, and can follow it. `undefined`: there is none. */
export function checkLink(parent: Image | undefined, child: Manifest): void {
  if (child.parent !== (parent?.digest ?? null)) throw invalid('the image before it is another one');
  const reason = parent && breakBetween(parent.manifest, child);
  if (reason !== undefined) throw invalid(reason);
}
