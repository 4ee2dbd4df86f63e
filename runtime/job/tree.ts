// A blob tree: a folder that is named by the digest of its manifest, the canonical JSON of its files' names, sizes and digests in order.
import * as v from 'valibot';
import { canonical } from '../base/canonical.ts';
import { TREE } from '../base/outside.ts';
import type { Digest } from '../base/platform.ts';
import { digest, integer } from '../base/schema.ts';
import { checkName } from './outside.ts';

/** One file. Its name is its path below the folder, with slashes. */
export interface TreeFile {
  readonly name: string;
  readonly size: number;
  readonly digest: Digest;
}

/** How blobs that are no blob of a name but part of a tree are called: by digest. */
export const treeKey = (name: Digest) => `sha256:${name}`;

/** What the blobs of a job are called on their way to a site: by name, or by digest where they are part of a tree. */
export const BlobKeySchema = v.pipe(
  v.string('a text'),
  v.regex(/^(?:[^:]{0,64}|sha256:[0-9a-f]{64})$/, 'a name of at most 64 characters'),
);

/** The digest in the `from` of a grant of `files`; undefined where that names a folder. */
export function treeOf(from: string): Digest | undefined {
  return /^sha256:([0-9a-f]{64})$/.exec(from)?.[1];
}

const ManifestSchema = v.strictObject({
  files: v.pipe(
    v.array(v.strictObject({ digest: digest(), name: v.string(), size: integer(0, TREE.bytes.max) })),
    v.maxLength(TREE.files.max),
  ),
  version: v.literal(1),
});

/** The bytes that name a tree. Folders without files are not in it. */
export function writeManifest(files: readonly TreeFile[]): Uint8Array {
  const sorted = files
    .map(({ digest: hex, name, size }) => ({ digest: hex, name, size }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return new TextEncoder().encode(canonical({ files: sorted, version: 1 }));
}

/** The files of a manifest; or why it is none. The one form is insisted on: equal trees have equal digests. */
export function parseManifest(bytes: Uint8Array): readonly TreeFile[] | string {
  if (bytes.byteLength > TREE.manifestBytes.max) return `its manifest has over ${TREE.manifestBytes.max} bytes`;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const parsed = v.safeParse(ManifestSchema, JSON.parse(text));
    if (!parsed.success) return 'its manifest is not of this version';
    const { files } = parsed.output;
    const names = new Set(files.map(({ name }) => name));
    for (const [index, { name }] of files.entries()) {
      const parts = name.split('/');
      for (const part of parts) checkName(part, name);
      if (name.includes('\0')) return `its name "${name}" has a NUL in it`;
      if (index > 0 && name <= (files[index - 1]?.name ?? '')) return 'its names are not in order';
      if (parts.some((_, depth) => depth > 0 && names.has(parts.slice(0, depth).join('/'))))
        return `"${name}" lies below a file`;
    }
    const total = files.reduce((sum, { size }) => sum + size, 0);
    if (total > TREE.bytes.max) return `its files have over ${TREE.bytes.max} bytes`;
    return canonical(parsed.output) === text ? files : 'its manifest is not in canonical form';
  } catch (error) {
    return `its manifest is none: ${error instanceof Error ? error.message : String(error)}`;
  }
}
