// What the page does to submit a job: looks at the kernel as admission does, sends blobs by digest, cuts inputs into tasks.
import { admit } from '../../runtime/admit/admit.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import { IMPORTABLE } from '../../runtime/job/world.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import type { Manifest } from '../wire/api.ts';
import { SITE } from '../wire/ceilings.ts';
import { frameOf } from '../wire/frame.ts';
import { api, digestOf } from './api.ts';

export type Cut = 'files' | 'lines' | 'fasta';

export interface Looked {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly shape: string;
  readonly memoryBytes: number;
  /** Kinds of grants that its imports need. */
  readonly grants: readonly string[];
}

/** Throws what `admit` throws: a kernel that no host would take is refused before it is sent. */
export async function lookAt(bytes: Uint8Array): Promise<Looked> {
  const { digest, shape, memory, imports } = await admit(bytes);
  const grants = new Set(imports.map((wanted) => IMPORTABLE[wanted.interface].grant).filter((grant) => grant !== null));
  return { bytes, digest, shape, memoryBytes: memory.min * PAGE, grants: [...grants] };
}

/** Sends bytes unless the site has them; their digest. */
export async function putBlob(bytes: Uint8Array): Promise<string> {
  const digest = await digestOf(bytes);
  if (!(await api.hasBlob(digest))) await api.putBlob(digest, bytes);
  return digest;
}

export function manifestOf({
  looked,
  name,
  granted,
  blobs,
}: {
  readonly looked: Looked;
  readonly name: string;
  readonly granted: readonly string[];
  readonly blobs: Readonly<Record<string, string>>;
}): Manifest {
  const plain = granted.filter((kind) => kind !== 'blobs').map((kind) => ({ kind }) as Grant);
  const named = Object.entries(blobs).map(([blob, digest]) => ({ kind: 'blobs', name: blob, digest }) as Grant);
  return { version: 1, kernel: looked.digest, name, grants: [...plain, ...named], blobs };
}

const RECORD_BYTES = 16 * 1024;
const LF = 10;
const RECORD = 62;

/** The inputs of the tasks, in order. */
export async function* cutInputs(files: readonly File[], cut: Cut): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (cut === 'files') yield bytes;
    else if (cut === 'lines') yield* linesOf(bytes);
    else yield* recordsOf(bytes);
  }
}

function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(LF, at);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(at, bytes[end - 1] === 13 ? end - 1 : end);
    if (line.length > 0) yield line;
    at = end + 1;
  }
}

/** Whole records, as many as fit; one at least. */
function* recordsOf(bytes: Uint8Array): Generator<Uint8Array> {
  let [from, end] = [0, 0];
  while (end < bytes.length) {
    let next = end;
    do next = bytes.indexOf(LF, next) + 1;
    while (next > 0 && next < bytes.length && bytes[next] !== RECORD);
    if (next <= 0) next = bytes.length;
    if (end > from && next - from > RECORD_BYTES) {
      yield bytes.subarray(from, end);
      from = end;
    }
    end = next;
  }
  if (end > from) yield bytes.subarray(from, end);
}

const FRAME_BYTES = 2 ** 20;
const FRAME_TASKS = 4_096;

/** Inputs as the bodies of requests, the last of which says so; large ones go as blobs before. */
export async function* inputsFrames(inputs: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let from = 0;
  let sizes: (number | string)[] = [];
  let data: Uint8Array[] = [];
  let bytes = 0;
  const take = (last: boolean) => {
    const frame = frameOf({ from, inputs: sizes, last }, ...data);
    from += sizes.length;
    [sizes, data, bytes] = [[], [], 0];
    return frame;
  };
  for await (const input of inputs) {
    if (input.byteLength > SITE.inlineBytes.max) sizes.push(await putBlob(input));
    else {
      sizes.push(input.byteLength);
      data.push(input);
      bytes += input.byteLength;
    }
    if (bytes >= FRAME_BYTES || sizes.length >= FRAME_TASKS) yield take(false);
  }
  yield take(true);
}
