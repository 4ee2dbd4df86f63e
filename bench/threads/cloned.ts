// A thread that gives as many bytes as it got, marked at their ends, and leaves the way back to structured clone.
export default (input: Uint8Array): Uint8Array => marked(input);

/** New bytes, of which only the last is written, so that the way is measured and not their making. */
export function marked(input: Uint8Array): Uint8Array {
  const output = new Uint8Array(input.byteLength);
  output[output.length - 1] = input[input.length - 1] ?? 0;
  return output;
}
