// The stored form of an outcome: what was given back of a task that is over, with the digest of its input.
//
//   8 bytes  MAGIC                 32   seal: SHA-256 of all that comes after it
//   u32      bytes of the head     the head, in JSON: version, input, state, code and message, log, receipt; then the output
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { digest } from '../../runtime/base/schema.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { node } from '../platform/node.ts';

const MAGIC = new TextEncoder().encode('LODGOUT\n');
const SEAL_BYTES = 32;
const LENGTH_AT = MAGIC.length + SEAL_BYTES;
const HEAD_AT = LENGTH_AT + 4;
const VERSION = 1;

/** An outcome that was kept, and what its task was given. */
export interface Kept {
  readonly input: Digest;
  readonly outcome: Outcome;
}

/** The seal says that this very program wrote the rest, so that its form alone is looked at. */
const HeadSchema = v.looseObject({
  version: v.literal(VERSION),
  input: digest(),
  outcome: v.looseObject({
    state: v.picklist(['done', 'failed']),
    log: v.looseObject({ lines: v.array(v.unknown()) }),
    receipt: v.looseObject({ version: v.literal(1) }),
  }),
});

export function encodeOutcome({ input, outcome }: Kept): Uint8Array {
  const { output, ...rest } = outcome.state === 'done' ? outcome : { ...outcome, output: new Uint8Array() };
  const head = new TextEncoder().encode(JSON.stringify({ version: VERSION, input, outcome: rest }));
  const bytes = new Uint8Array(HEAD_AT + head.byteLength + output.byteLength);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(LENGTH_AT, head.byteLength, true);
  bytes.set(head, HEAD_AT);
  bytes.set(output, HEAD_AT + head.byteLength);
  bytes.set(node.digest(bytes.subarray(LENGTH_AT)), MAGIC.length);
  return bytes;
}

/** Reads what `encodeOutcome` wrote; `undefined` for everything else. Throws `ERR_FILE` for what another version wrote. */
export function decodeOutcome(bytes: Uint8Array, path: string): Kept | undefined {
  if (bytes.byteLength < HEAD_AT || MAGIC.some((byte, at) => bytes[at] !== byte)) return undefined;
  const seal = bytes.subarray(MAGIC.length, LENGTH_AT);
  if (Buffer.compare(seal, node.digest(bytes.subarray(LENGTH_AT))) !== 0) return undefined;
  const end = HEAD_AT + new DataView(bytes.buffer, bytes.byteOffset).getUint32(LENGTH_AT, true);
  const head = v.safeParse(HeadSchema, JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD_AT, end))));
  if (!head.success) throw new LodgerError('ERR_FILE', ['read', path, 'another version of Lodger wrote it']);
  const { input, outcome } = head.output as unknown as Kept;
  return { input, outcome: outcome.state === 'done' ? { ...outcome, output: bytes.slice(end) } : outcome };
}
