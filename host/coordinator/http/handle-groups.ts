// Handlers of groups of blobs: which of them are missing, and small ones sent together.
import { LodgerError } from '../../../runtime/base/errors.ts';
import type { Digest } from '../../../runtime/base/platform.ts';
import { check } from '../../../runtime/base/schema.ts';
import { GroupSchema } from '../../wire/api.ts';
import type { Known } from '../accounts.ts';
import type { BlobFolder } from '../blobs.ts';
import type { Usage } from '../usage.ts';
import type { Handlers } from './call.ts';
import { wholeFrame } from './handle-jobs.ts';
import type { Shown } from './shown.ts';

interface Given {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface GroupParts {
  readonly blobs: Pick<BlobFolder, 'use' | 'put'>;
  readonly usage: Usage;
  readonly shown: Shown;
}

export function groupHandlers({ blobs, usage, shown }: GroupParts): Pick<Handlers, 'missingBlobs' | 'putBlobs'> {
  /** Whether a blob is there for somebody, who is to have it for a day from now on. */
  const keeps = async ({ account }: Known, digest: Digest): Promise<boolean> => {
    const size = await blobs.use(digest);
    if (size !== null && usage.owns(account, digest)) await usage.own(account, digest, size);
    return size !== null;
  };
  return {
    missingBlobs: async ({ caller, body }) => {
      const missing: Digest[] = [];
      for (const digest of new Set(body.digests))
        if (!(shown.mayRead(caller, digest) && (await keeps(caller, digest)))) missing.push(digest);
      return { missing };
    },
    putBlobs: async ({ caller, body, request, reply }) => {
      const { account, token } = caller;
      const fresh: Given[] = [];
      // A digest alone opens nothing: what others have brought is written again for whoever wants to have it.
      for (const each of groupOf(body))
        if (!(usage.owns(account, each.digest) && (await keeps(caller, each.digest)))) fresh.push(each);
      // Apart from what the same sender brings in pieces, or in another group.
      const partOf = ({ digest }: Given) => ({ digest, by: `${token} ${request.id}` });
      try {
        for (const each of fresh) usage.reserve(account, partOf(each), each.bytes.byteLength);
        const written = await Promise.allSettled(
          fresh.map(async (each) => {
            await blobs.put(each.digest, each.bytes);
            usage.giveBack(partOf(each));
            await usage.own(account, each.digest, each.bytes.byteLength);
          }),
        );
        for (const one of written) if (one.status === 'rejected') throw one.reason;
      } finally {
        for (const each of fresh) usage.giveBack(partOf(each));
      }
      return reply.code(201).send();
    },
  };
}

/** The one frame of a request: which blobs, each once, and their bytes one behind the other. */
function groupOf(body: unknown): Given[] {
  const invalid = (must: string) => new LodgerError('ERR_OPTION_INVALID', ['blobs', must]);
  if (!(body instanceof Uint8Array)) throw invalid('one frame, sent as application/octet-stream');
  const { message, data } = wholeFrame(body, invalid);
  const { blobs } = check(GroupSchema, message);
  if (new Set(blobs.map(([digest]) => digest)).size < blobs.length) throw invalid('each named once');
  let at = 0;
  const given = blobs.map(([digest, size]) => {
    at += size;
    return { digest, bytes: data.subarray(at - size, at) };
  });
  if (at !== data.byteLength) throw invalid('as many bytes as the frame says');
  return given;
}
