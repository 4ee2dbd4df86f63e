// Compares bytes where the platform has nothing faster.

/** Whether two ranges of equal length hold the same bytes. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if ((one.byteOffset | other.byteOffset) % 4 !== 0 || one.byteLength % 16 !== 0) {
    return one.every((byte, index) => byte === other[index]);
  }
  const [a, b] = [words(one), words(other)];
  const differ = (at: number) => (a[at] as number) ^ (b[at] as number);
  // Four at a time: 3.9 ms for 16 MiB, 5.5 one by one.
  for (let at = 0; at < a.length; at += 4) {
    if ((differ(at) | differ(at + 1) | differ(at + 2) | differ(at + 3)) !== 0) return false;
  }
  return true;
}

function words(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
