// One name for each way to trap, whatever the engine calls it. Where one engine cannot tell two apart, they share a name.

/** Words of V8's and Wasmtime's messages -> our name. The first that fits holds. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/unreachable/, 'unreachable executed'],
  [/(?:memory access|data segment.*) (?:is )?out of bounds|out of bounds memory/, 'memory access out of bounds'],
  [/divide by zero|remainder by zero/, 'integer divided by zero'],
  [/unrepresentable|integer overflow|invalid conversion/, 'integer overflow or invalid conversion'],
  [
    /table index is out of bounds|out of bounds table|(?:table|element segment).* out of bounds/,
    'table index out of bounds',
  ],
  [
    /null function|signature mismatch|uninitialized element|type mismatch/,
    'indirect call to a missing or wrongly typed function',
  ],
];

/** Our name for an engine's trap message; the message itself where there is none. */
export function trapName(message: string): string {
  return NAMES.find(([words]) => words.test(message))?.[1] ?? message;
}
