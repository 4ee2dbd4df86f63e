// One name for each way to trap, whatever the engine calls it, and where it was. Where one engine cannot tell two apart, they share a name.
import type { Frame, TaskFailure } from '../job/outcome.ts';

/** The trap of the instruction of that name. */
export const UNREACHABLE = 'unreachable executed';

/** Words of V8's and Wasmtime's messages -> our name. The first that fits holds. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/unreachable/, UNREACHABLE],
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

/** Failures of which it is told where the kernel was. Where fuel and time end is a matter of slices and clocks. */
const TRACED: ReadonlySet<string> = new Set(['ERR_TRAP', 'ERR_STACK_SPENT', 'ERR_EXIT']);

/** Frames of an engine that are looked at; the meter's own functions are among them. */
const FRAMES_MAX = 16;

/** Whether a failure wants to know where it came from, and does not know it yet. */
export function isTraced({ code, places }: TaskFailure): boolean {
  return places === undefined && TRACED.has(code);
}

/**
 * The frames of WebAssembly in the stack of an error of V8's, which has them as `wasm-function[12]:0x1a2`. What is before them is the
 * message. Names of functions are a guest's, so that what is read here is a hint and no more.
 */
export function placesIn({ stack, message }: Error): readonly Frame[] {
  // Whoever embeds this may have put something else in the place of the stack.
  if (typeof stack !== 'string') return [];
  const lines = stack.slice(stack.indexOf(message) + message.length).split('\n', 64);
  const found = lines
    .map((line) => /wasm-function\[(\d{1,9})\]:0x([\da-f]{1,8})\)?$/.exec(line))
    .filter((hit) => hit !== null);
  return found
    .slice(0, FRAMES_MAX)
    .map(([, index, at]) => ({ function: Number(index), offset: parseInt(at ?? '', 16) }));
}
