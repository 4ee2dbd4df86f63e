// Settles the grants that reach beyond a task: what a policy leaves of them, which folders they are, whether pinned ones are what they claim.
import { LodgerError } from '../base/errors.ts';
import { type Platform, toHex } from '../base/platform.ts';
import type { Folder, FolderPlace, OutsideTerms } from '../job/outside.ts';
import { parseManifest, treeKey, treeOf } from '../job/tree.ts';
import { formatGrant, type Grant } from '../policy/grant.ts';
import { reachesBeyond } from '../policy/policy.ts';

/** What a runner has for grants that reach beyond a task. */
export interface Holder {
  /** Looks at a folder of this machine. Throws `ERR_GRANT_UNAVAILABLE` and `ERR_FILE`. */
  folder?(path: string, mode: 'read' | 'write'): FolderPlace;
  /** Whether a task can wait for answers of servers. */
  readonly http: boolean;
}

type FilesGrant = Extract<Grant, { kind: 'files' }>;

interface Asking {
  readonly holder: Holder | undefined;
  /** A WASI program has its clock from outside, too; a kernel's is an import of its own. */
  readonly isProgram: boolean;
}

/** The terms of grants of files and http, `given` being what is left of `asked`; undefined where there are none. */
export function settle(
  { holder, isProgram }: Asking,
  asked: readonly Grant[],
  given: readonly Grant[],
): OutsideTerms | undefined {
  const isBeyond = (grant: Grant) => reachesBeyond(grant) || (isProgram && grant.kind === 'clock');
  if (!asked.some(isBeyond)) return undefined;
  const folders: Folder[] = [];
  const origins: { origin: string; methods: readonly string[] }[] = [];
  for (const grant of given) {
    if (grant.kind === 'files') {
      if (folders.some(({ at }) => at === grant.at))
        throw new LodgerError('ERR_GRANT_INVALID', [formatGrant(grant), `another folder is granted at ${grant.at}`]);
      folders.push({ at: grant.at, mode: grant.mode, source: sourceOf(holder, grant) });
    }
    if (grant.kind === 'http') {
      if (!holder?.http) throw new LodgerError('ERR_GRANT_UNAVAILABLE', ['http', NO_HTTP]);
      origins.push({ origin: grant.origin, methods: grant.methods });
    }
  }
  const texts = (grants: readonly Grant[]) => grants.filter(isBeyond).map(formatGrant);
  const clock = isProgram && given.some(({ kind }) => kind === 'clock');
  return { asked: texts(asked), given: texts(given), folders, origins, ...(clock && { clock }) };
}

const NO_HTTP = "a sandbox in the caller's own thread cannot wait for an answer; use createPool() of lodger/host";
const NO_FILES =
  'it has no files; give createSandbox() the option folders, use createPool(), or pin the folder (files:/PATH=FOLDER:pinned)';

function sourceOf(holder: Holder | undefined, { from, mode }: FilesGrant): Folder['source'] {
  const tree = treeOf(from);
  if (tree !== undefined) return { tree };
  if (!holder?.folder) throw new LodgerError('ERR_GRANT_UNAVAILABLE', ['files', NO_FILES]);
  const { path, id } = holder.folder(from, mode);
  return { path, id };
}

/** Which blobs a pinned folder needs, by the digest of each: its manifest, and its files. */
export function treeBlobs(
  platform: Platform,
  outside: OutsideTerms | undefined,
  given: Readonly<Record<string, Uint8Array>>,
): Record<string, Uint8Array> {
  const blobs: Record<string, Uint8Array> = {};
  const take = (digest: string): Uint8Array => {
    const key = treeKey(digest);
    const bytes = Object.hasOwn(given, key) ? given[key] : undefined;
    if (!(bytes instanceof Uint8Array))
      throw new LodgerError('ERR_OPTION_INVALID', [`blobs.${key}`, 'given, since it is granted']);
    checkDigest(platform, key, bytes);
    blobs[key] = bytes;
    return bytes;
  };
  for (const { at, source } of outside?.folders ?? []) {
    if (!('tree' in source)) continue;
    const files = parseManifest(take(source.tree));
    if (typeof files === 'string')
      throw new LodgerError('ERR_GRANT_INVALID', [`files:${at}=sha256:${source.tree}`, files]);
    for (const { digest, size, name } of files) {
      if (take(digest).byteLength === size) continue;
      const reason = `its manifest gives "${name}" another size`;
      throw new LodgerError('ERR_GRANT_INVALID', [`files:${at}=sha256:${source.tree}`, reason]);
    }
  }
  return blobs;
}

/** Digests of blobs seen before. The bytes of a blob must not change while a runner uses them. */
const digests = new WeakMap<Uint8Array, string>();

/** The digest of a blob, found once. */
export function digestOf(platform: Platform, bytes: Uint8Array): string {
  const digest = digests.get(bytes) ?? toHex(platform.digest(bytes));
  digests.set(bytes, digest);
  return digest;
}

function checkDigest(platform: Platform, key: string, bytes: Uint8Array): void {
  const digest = digestOf(platform, bytes);
  const wanted = key.slice('sha256:'.length);
  if (digest !== wanted) throw new LodgerError('ERR_BLOB_MISMATCH', [key, digest, wanted]);
}
