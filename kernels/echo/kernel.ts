// The smallest kernel: gives its input back. For measuring what a task costs before it does anything.

export function run(input: Uint8Array): Uint8Array {
  return input;
}
