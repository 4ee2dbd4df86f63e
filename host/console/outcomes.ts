// Final outcomes of a job as they come, in input order, read from the frames that the site sends.
import { decode } from '../wire/codec.ts';
import type { WireDelivered } from '../wire/delivered.ts';
import { api } from './api.ts';

export interface Shown extends Omit<WireDelivered, 'output'> {
  /** Bytes; the digest of a blob for a large one. */
  readonly output: Uint8Array | string;
}

const HEAD_BYTES = 8;

/** Reads on from a task until the job has ended or the signal fires. */
export async function* outcomesOf(job: string, from: number, signal: AbortSignal): AsyncGenerator<Shown> {
  const reader = (await api.outcomes(job, from, signal)).getReader();
  let kept: Uint8Array = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    kept = joined(kept, value);
    for (let frame = frameIn(kept); frame; frame = frameIn(kept)) {
      kept = kept.subarray(frame.size);
      const message = decode(frame.message) as WireDelivered | null;
      // One that says nothing says that the site is there.
      if (message)
        yield { ...message, output: typeof message.output === 'string' ? message.output : frame.bytes.slice() };
    }
  }
}

function frameIn(bytes: Uint8Array) {
  if (bytes.byteLength < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [whole, head] = [view.getUint32(0, true), view.getUint32(4, true)];
  const size = HEAD_BYTES + whole;
  if (bytes.byteLength < size) return undefined;
  return {
    size,
    message: bytes.subarray(HEAD_BYTES, HEAD_BYTES + head),
    bytes: bytes.subarray(HEAD_BYTES + head, size),
  };
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.byteLength + other.byteLength);
  both.set(one);
  both.set(other, one.byteLength);
  return both;
}
