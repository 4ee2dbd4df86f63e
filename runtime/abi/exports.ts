// Calls a kernel's exports: input copied in once, result areas read strictly, output copied out once.
import { GUEST } from '../base/limits.ts';
import type { KernelFacts } from '../job/kernel.ts';
import { TaskFailure } from '../job/outcome.ts';
import { type GuestMemory, getU32, liftBytes, liftString, lowerBytes, range, violation } from './memory.ts';

/** Runs `_initialize` if the kernel has one, then the kernel's shape to its end. The output, or a thrown failure. */
export function callKernel(
  guest: GuestMemory,
  facts: KernelFacts,
  input: Uint8Array,
  outputBytesMax: number,
): Uint8Array<ArrayBuffer> {
  const whole = facts.shape === 'kernel' ? guest.callWhole?.(input, outputBytesMax) : undefined;
  if (whole instanceof Uint8Array) return whole;
  if (whole !== undefined) return bytesOf(guest, facts, 'cabi_post_run', whole, outputBytesMax);
  if (facts.optional.includes('_initialize')) guest.call('_initialize');
  if (facts.shape === 'kernel') {
    const area = guest.call('run', lowerBytes(guest, input), input.byteLength);
    return bytesOf(guest, facts, 'cabi_post_run', area, outputBytesMax);
  }
  nothingOf(guest, facts, 'cabi_post_begin', guest.call('begin', lowerBytes(guest, input), input.byteLength));
  while (shareOf(guest, facts, 'cabi_post_step', guest.call('step')) < 1);
  return bytesOf(guest, facts, 'cabi_post_finish', guest.call('finish'), outputBytesMax);
}

/** `result<list<u8>, string>`: tag at 0, pointer at 4, length at 8. */
function bytesOf(
  guest: GuestMemory,
  facts: KernelFacts,
  postName: string,
  area: number,
  bytesMax: number,
): Uint8Array<ArrayBuffer> {
  const memory = guest.bytes();
  const at = resultArea(memory, facts, area, 12, 4);
  const length = getU32(memory, at + 8);
  const pointer = range(memory, getU32(memory, at + 4), length, 1, 'the output');
  if (length > bytesMax) throw new TaskFailure('ERR_OUTPUT_TOO_LARGE', length, bytesMax);
  const output = liftBytes(memory, pointer, length);
  post(guest, facts, postName, area);
  return output;
}

/** `result<_, string>`: tag at 0, pointer at 4, length at 8. */
function nothingOf(guest: GuestMemory, facts: KernelFacts, postName: string, area: number): void {
  resultArea(guest.bytes(), facts, area, 12, 4);
  post(guest, facts, postName, area);
}

/** `result<f64, string>`: tag at 0, the number or pointer and length at 8. The share must lie within 0 and 1. */
function shareOf(guest: GuestMemory, facts: KernelFacts, postName: string, area: number): number {
  const memory = guest.bytes();
  const at = resultArea(memory, facts, area, 16, 8);
  const share = new DataView(memory.buffer, memory.byteOffset).getFloat64(at + 8, true);
  if (!(share >= 0 && share <= 1)) violation(`step gave a share of ${share}, which is not from 0 to 1`);
  post(guest, facts, postName, area);
  return share;
}

/** Checks the place of a result area and its tag; the `err` branch ends the task with its message. */
function resultArea(memory: Uint8Array, facts: KernelFacts, area: number, size: number, align: 4 | 8): number {
  const at = range(memory, area, size, align, 'the result area');
  const tag = memory[at] as number;
  if (tag > 1) violation(`the result's tag is ${tag}, not 0 or 1`);
  if (tag === 0) return at;
  const message = liftString(
    memory,
    facts.encoding,
    getU32(memory, at + align),
    getU32(memory, at + align + 4),
    GUEST.messageBytesMax.default,
  );
  throw new TaskFailure('ERR_EXIT', message);
}

/** Calls a `cabi_post_*` function if the kernel has it; it may not call imports. */
function post(guest: GuestMemory, facts: KernelFacts, name: string, area: number): void {
  if (!facts.optional.includes(name)) return;
  guest.mayLeave = false;
  guest.call(name, area);
  guest.mayLeave = true;
}
