// The images of one task in a folder: which of them it goes on from, and which of them are needed no more.
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { ImageNotice, ImageStore, Parts } from '../../runtime/job/steps.ts';
import { TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { REWRITER_VERSION } from '../../runtime/prepare/form.ts';
import { formOf, type ImageForm } from '../../runtime/snapshot/difference.ts';
import type { Manifest, TaskIdentity } from '../../runtime/snapshot/manifest.ts';
import { linksTo, openImage } from '../../runtime/snapshot/store.ts';
import { imaging } from '../platform/imaging.ts';
import type { FolderStore } from './folder-store.ts';

/** Which task, and under which limits: those that its guest can see. */
export interface Wanted {
  readonly task: Pick<TaskIdentity, 'kernel' | 'input' | 'seed' | 'index'>;
  readonly limits: Readonly<Record<string, number | undefined>>;
}

/** An image that a task cannot go on from. */
export interface Damaged {
  readonly digest: Digest;
  readonly reason: string;
  /** Absent where the image does not even say it. */
  readonly step?: number;
}

export interface Trail {
  /** The newest image that is whole and right, with all before it that it needs. */
  readonly from?: ImageNotice;
  /** Newer ones that are not. */
  readonly damaged: readonly Damaged[];
  /** Of this task, all of them. */
  readonly digests: readonly Digest[];
  /** How many images there are of other tasks and versions. */
  readonly others: number;
}

interface Known {
  readonly digest: Digest;
  readonly manifest: Manifest;
}

/**
 * Looks through a folder for the images of a task, which must have been taken by this version. Throws `ERR_OPTION_INVALID` where they
 * were taken under other limits: to begin anew would lose what was done, and to go on would not be the task that was asked for.
 */
export function findTrail(store: FolderStore, { task, limits }: Wanted): Trail {
  const { known, damaged } = look(store);
  const ours = known.filter(({ manifest }) => isOf(manifest.task, task)).sort(newestFirst);
  const digests = ours.map(({ digest }) => digest);
  const others = known.length - ours.length;
  for (const { digest, manifest } of ours) {
    const { step, share, fuel } = manifest;
    try {
      openImage(store, digest, { platform: imaging, memoryBytesMax: TASK.memoryBytesMax.max });
    } catch (error) {
      if (!(error instanceof LodgerError) || error.code !== 'ERR_IMAGE_INVALID') throw error;
      damaged.push({ digest, reason: error.message, step });
      continue;
    }
    mustHave(limits, manifest.limits, store.path);
    return { from: { digest, step, share, fuel }, damaged, digests, others };
  }
  return { damaged, digests, others };
}

/** The images of a task, without a look at whether they are whole. */
export function imagesOf(store: FolderStore, task: Wanted['task']): readonly Digest[] {
  return look(store).known.flatMap(({ digest, manifest }) => (isOf(manifest.task, task) ? digest : []));
}

function look(store: FolderStore): { readonly known: Known[]; readonly damaged: Damaged[] } {
  const known: Known[] = [];
  const damaged: Damaged[] = [];
  for (const digest of store.digests()) {
    try {
      known.push({ digest, manifest: store.peek(digest).manifest });
    } catch (error) {
      if (!(error instanceof LodgerError) || error.code !== 'ERR_IMAGE_INVALID') throw error;
      damaged.push({ digest, reason: error.message });
    }
  }
  return { known, damaged };
}

function isOf(one: TaskIdentity, task: Wanted['task']): boolean {
  const wanted = { ...task, tariff: TARIFF_VERSION, rewriter: REWRITER_VERSION };
  return Object.entries(wanted).every(([name, value]) => one[name as keyof TaskIdentity] === value);
}

/** Of two images at one step the later one took more time: limits change between them. */
function newestFirst({ manifest: one }: Known, { manifest: other }: Known): number {
  return other.step - one.step || other.host.elapsedMs - one.host.elapsedMs;
}

function mustHave(wanted: Wanted['limits'], has: Manifest['limits'], path: string): void {
  const name = Object.keys(has).find((each) => wanted[each] !== undefined && wanted[each] !== has[each]);
  if (name === undefined) return;
  const reason = `a folder without images of this task under other limits.${name}: ${path} has them under ${has[name]}`;
  throw new LodgerError('ERR_OPTION_INVALID', ['checkpoint', `${reason}, not ${wanted[name]}`]);
}

/**
 * A store that forgets what no way back leads through: at most two whole images and the differences since are kept, so that there is one to
 * fall back to. `trail`: what was there before.
 */
export function shortened(store: ImageStore, { from, digests }: Trail): ImageStore {
  const chain = from ? [...linksTo(store, from.digest).keys()] : [];
  /** Each begins with a whole image, but the first, which may be anything. */
  const stretches: Digest[][] = [digests.filter((digest) => !chain.includes(digest)), chain];
  const shorten = async (digest: Digest, form: ImageForm) => {
    if (form === 'whole') stretches.push([]);
    stretches.at(-1)?.push(digest);
    while (stretches.length > 2) for (const old of stretches.shift() as Digest[]) await store.delete(old);
  };
  return {
    ...store,
    put: async (digest, bytes) => {
      await store.put(digest, bytes);
      await shorten(digest, formOf(bytes));
    },
    ...(store.putParts && {
      putParts: async (digest: Digest, parts: Parts) => {
        await store.putParts?.(digest, parts);
        await shorten(digest, formOf(parts[0]));
      },
    }),
  };
}
