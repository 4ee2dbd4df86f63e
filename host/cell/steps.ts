// A stepper's task in a cell, seen from outside: wishes go in, images come out, and are believed no further than they can be checked.
import { canonical } from '../../runtime/base/canonical.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import { type Digest, toHex } from '../../runtime/base/platform.ts';
import type { StepProgress } from '../../runtime/job/steps.ts';
import type { Notice, Stored } from '../../runtime/sandbox/conduct.ts';
import { identityOf } from '../../runtime/sandbox/stepping.ts';
import { IMAGE } from '../../runtime/snapshot/bounds.ts';
import { peek } from '../../runtime/snapshot/difference.ts';
import { encodeManifest } from '../../runtime/snapshot/manifest.ts';
import { node } from '../platform/node.ts';
import type { Boarding } from '../pool/steps.ts';
import type { ToCell } from '../wire/cell.ts';
import type { Entry } from './entry.ts';

/** The answer to a wish for other limits has two. */
const IMAGES_MAX = 2;

/** What comes of one task. Both throw what a cell that keeps to the rules does not send. */
export interface Talk {
  image(digest: Digest, bytes: Uint8Array): void;
  notice(notice: StepProgress & { readonly answers: boolean }): void;
}

export interface Ends {
  say(message: ToCell, bytes?: Uint8Array): void;
  /** From here on a message may have so many bytes. */
  expect(bytes: number): void;
}

/** Gives the task to a cell. Throws `ERR_IMAGE_INVALID` if the image that it goes on from cannot be read. */
export function boardCell(entry: Entry & { readonly steps: Boarding }, { say, expect }: Ends): Talk {
  const { task, contract, index, input, steps } = entry;
  const mustBeIts = checkerOf(entry);
  let hear: (notice: Notice) => void = () => undefined;
  let images: Stored[] = [];
  let wishes = 0;
  let unsettled = 0;
  let hasLeft = false;
  expect(imageBytesMax(contract.permit.limits.memoryBytesMax));
  steps.board<Stored>(({ schedule, from }, onNotice) => {
    hear = onNotice;
    for (const [digest, bytes] of from?.links() ?? []) say({ type: 'link', task, digest }, bytes);
    const order = { schedule, ...(from && { from: from.digest }) };
    say({ type: 'task', task, terms: contract.number, index, steps: order }, input);
    return {
      tell: (wish) => {
        wishes++;
        if (wish.kind === 'limits') expect(imageBytesMax(wish.limits.memoryBytesMax ?? 0));
        say({ type: 'wish', task, wish });
      },
      seal: async (notice) => notice,
      clear: () => {
        unsettled--;
        // What has landed may be another task's by now.
        if (!hasLeft) say({ type: 'stored', task });
      },
      leave: () => {
        hasLeft = true;
      },
    };
  });
  return {
    image: (digest, bytes) => {
      if (images.length === IMAGES_MAX) throw new RangeError('there are more images than a notice has');
      mustBeIts(digest, bytes);
      images.push({ digest, parts: [bytes] });
    },
    notice: (notice) => {
      const told = images;
      images = [];
      if (notice.answers && wishes-- === 0) throw new RangeError('a wish was answered that was not told');
      // What waits to be stored is bounded by that.
      if (told.length > 0 && !notice.answers && unsettled > 0)
        throw new RangeError('an image came before the last one was stored');
      if (told.length > 0) unsettled++;
      hear({ ...notice, images: told });
    },
  };
}

/** An image that is stored under the name of another task's would spoil that one. */
function checkerOf({ contract, index, input, identity }: Entry): Talk['image'] {
  let own: string | undefined;
  return (digest, bytes) => {
    const { kernel, seed, deterministic } = contract.permit;
    own ??= canonical(identity ?? identityOf(node, { kernel: kernel.digest, input, seed, index, deterministic }));
    const { manifest } = peek(bytes);
    if (toHex(node.digest(encodeManifest(manifest))) !== digest)
      throw new RangeError('an image has the name of another');
    if (canonical(manifest.task) !== own) throw new RangeError('an image is of another task');
  };
}

/** All pages of a memory, their numbers, and the manifest. */
function imageBytesMax(memoryBytesMax: number): number {
  return memoryBytesMax + memoryBytesMax / (PAGE / 64) + IMAGE.manifestBytes.max;
}
