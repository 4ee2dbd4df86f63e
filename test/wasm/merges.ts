// What a tree of merges comes to where both kernels give their input back: MessagePack within MessagePack, made here by another library.
import { pack } from 'msgpackr';

/** The result of a job over `inputs`, `arity` at a time. */
export function mergedEchoes(inputs: readonly Uint8Array[], arity: number): Uint8Array {
  let row: readonly Uint8Array[] = inputs;
  do {
    const above: Uint8Array[] = [];
    for (let at = 0; at < row.length; at += arity)
      above.push(packed(row.slice(at, at + arity).map((each) => Buffer.from(each))));
    row = above;
  } while (row.length > 1);
  return row[0] as Uint8Array;
}

/** The library writes short arrays in one byte; merges have two more, whatever the length. */
function packed(parts: readonly Buffer[]): Uint8Array {
  const short = pack(parts);
  if (parts.length > 15) return Uint8Array.from(short);
  return Uint8Array.from([0xdc, 0, parts.length, ...short.subarray(1)]);
}
