// A grant: one permission, as data. What is not granted does not exist for the kernel.
import * as v from 'valibot';
import { LodgerError } from '../base/errors.ts';
import { digest, oneOf } from '../base/schema.ts';

/** The name of a blob, as a kernel asks for it. */
export const BlobNameSchema = v.pipe(
  v.string('a name'),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name of 1 to 64 letters, digits, dots, hyphens and underscores'),
);

const AtSchema = v.pipe(
  v.string('a path'),
  v.regex(/^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._-]{1,64}){1,8}$/, 'an absolute path such as /data'),
);

/** `from` is a folder of this machine, or `sha256:` and the digest of a blob tree, which has the same files on every machine. */
const FILES = v.pipe(
  v.strictObject({
    kind: v.literal('files'),
    at: AtSchema,
    from: v.pipe(
      v.string('a folder'),
      v.regex(/^(?!sha256:)[^\0]+$|^sha256:[0-9a-f]{64}$/s, 'a folder, or sha256: and 64 hex digits'),
    ),
    mode: oneOf(['read', 'write']),
  }),
  v.check(({ from, mode }) => mode === 'read' || !from.startsWith('sha256:'), 'read only where it is pinned'),
);

const HTTP = v.strictObject({
  kind: v.literal('http'),
  origin: v.pipe(v.string('an origin'), v.check(isOrigin, 'an origin such as https://example.org')),
  methods: v.pipe(
    v.array(oneOf(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])),
    v.minLength(1, 'one method at least'),
  ),
});

/** Every kind of grant. Which runner can give `files` and `http` is the runner's to say. */
export const GrantSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('log') }),
  v.strictObject({ kind: v.literal('random') }),
  v.strictObject({ kind: v.literal('clock') }),
  v.strictObject({ kind: v.literal('blobs'), name: BlobNameSchema, digest: digest() }),
  FILES,
  HTTP,
]);

export type Grant = v.InferOutput<typeof GrantSchema>;
export type GrantKind = Grant['kind'];

/** What a policy says about grants: a grant, or all `blobs` of any name, or of one name whatever their digest. */
export const GrantRuleSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('log') }),
  v.strictObject({ kind: v.literal('random') }),
  v.strictObject({ kind: v.literal('clock') }),
  v.pipe(
    v.strictObject({
      kind: v.literal('blobs'),
      name: v.exactOptional(BlobNameSchema),
      digest: v.exactOptional(digest()),
    }),
    v.check((rule) => rule.digest === undefined || rule.name !== undefined, 'a name with its digest'),
  ),
  FILES,
  // Any pinned folder under any path: like blobs, its bytes are the job's own.
  v.strictObject({ kind: v.literal('files'), pinned: v.literal(true) }),
  HTTP,
]);

export type GrantRule = v.InferOutput<typeof GrantRuleSchema>;

/** A folder that is to be pinned: it has yet to be read for its digest, which must be the given one, if there is one. */
export interface PinnedText {
  readonly kind: 'files';
  readonly at: string;
  readonly folder: string;
  readonly digest?: string;
}

/** A grant as people write it. A blob's file has yet to be read for its digest, too. */
export type GrantText = Grant | { readonly kind: 'blobs'; readonly name: string; readonly file: string } | PinnedText;

const FILES_FORM = 'files:/PATH=FOLDER:read|write|pinned';
const FORMS = `log, random, clock, blobs:NAME=FILE, ${FILES_FORM} or http:ORIGIN:METHOD[,METHOD]`;

/**
 * Reads `log`, `random`, `clock`, `blobs:NAME=FILE`, `files:/data=./inputs:read` (or `write`, `pinned`, `sha256:HEX`), `files:/data=sha256:HEX`,
 * `http:https://example.org:GET,HEAD`. Throws `ERR_GRANT_INVALID`.
 */
export function parseGrant(text: string): GrantText {
  if (typeof text !== 'string')
    throw new LodgerError('ERR_GRANT_INVALID', [typeof text, `it must be a text, one of ${FORMS}`]);
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? '' : text.slice(colon + 1);
  switch (kind) {
    case 'log':
    case 'random':
    case 'clock':
      if (colon >= 0) throw new LodgerError('ERR_GRANT_INVALID', [text, `write it as ${kind}`]);
      return { kind };
    case 'blobs': {
      const [, name = '', file = ''] = /^([^=]*)=(.+)$/s.exec(rest) ?? [];
      if (!v.is(BlobNameSchema, name) || file === '')
        throw new LodgerError('ERR_GRANT_INVALID', [text, 'write it as blobs:NAME=FILE']);
      return { kind, name, file };
    }
    case 'files':
      return parseFiles(text, rest);
    case 'http': {
      const [, origin, methods = ''] = /^(.+):([A-Z,]+)$/s.exec(rest) ?? [];
      return valid(
        text,
        { kind, origin, methods: methods.split(',') },
        'write it as http:https://example.org:GET,HEAD',
      );
    }
    default:
      throw new LodgerError('ERR_GRANT_INVALID', [text, `it must be one of ${FORMS}`]);
  }
}

/** A folder's own `=` and `:` are its own: the path ends at the first `=`, the mode begins at the last `:`. */
function parseFiles(text: string, rest: string): Grant | PinnedText {
  const remedy = `write it as ${FILES_FORM}`;
  const [, at, from = ''] = /^([^=]*)=(.+)$/s.exec(rest) ?? [];
  if (from.startsWith('sha256:')) return valid(text, { kind: 'files', at, from, mode: 'read' }, remedy);
  const [, folder = '', mode, hex] = /^(.+?):(?:([a-z]+)|sha256:([0-9a-f]{64}))$/s.exec(from) ?? [];
  if (hex === undefined && mode !== 'pinned') return valid(text, { kind: 'files', at, from: folder, mode }, remedy);
  if (!v.is(AtSchema, at) || folder.includes('\0')) throw new LodgerError('ERR_GRANT_INVALID', [text, remedy]);
  return { kind: 'files', at, folder, ...(hex !== undefined && { digest: hex }) };
}

/** A grant as text. A blob is written with its digest, since its file is not known. */
export function formatGrant(grant: Grant): string {
  switch (grant.kind) {
    case 'blobs':
      return `blobs:${grant.name}=sha256:${grant.digest}`;
    case 'files':
      return `files:${grant.at}=${grant.from}${grant.from.startsWith('sha256:') ? '' : `:${grant.mode}`}`;
    case 'http':
      return `http:${grant.origin}:${grant.methods.join(',')}`;
    default:
      return grant.kind;
  }
}

/** One form for equal grants, and the key that sorts them. */
export function grantKey(grant: Grant): string {
  switch (grant.kind) {
    case 'blobs':
      return `blobs:${grant.name}=${grant.digest}`;
    case 'files':
      return `files:${grant.at}=${grant.from}`;
    case 'http':
      return `http:${grant.origin}`;
    default:
      return grant.kind;
  }
}

function valid(text: string, value: unknown, remedy: string): Grant {
  const result = v.safeParse(GrantSchema, value);
  if (!result.success) throw new LodgerError('ERR_GRANT_INVALID', [text, remedy]);
  return result.output;
}

function isOrigin(text: string): boolean {
  try {
    return /^https?:/.test(text) && new URL(text).origin === text;
  } catch {
    return false;
  }
}
