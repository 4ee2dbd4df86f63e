// How results of a job are merged: what the merge kernel is given, what it has to give, and where in the tree of merges a task stands.
import { LodgerError } from '../base/errors.ts';
import { JOB } from '../base/limits.ts';
import type { Payload, PayloadType } from '../payload/schema.ts';
import type { Kernel } from './kernel.ts';

/** How many results become one where a job does not say. */
export const MERGE_ARITY = JOB.mergeArity.default;

/** Whether a kernel's outputs are values in MessagePack, or bytes of its own. */
export const givesValues = ({ payload }: Pick<Kernel, 'payload'>): boolean =>
  payload !== undefined && payload.output !== 'bytes';

/**
 * The input of a merge: an array in MessagePack with an element for each result, in order: the value that it is, or its bytes as binary. A
 * typed kernel takes it as `T[]`, or as `Uint8Array[]`.
 */
export function mergeInput(results: readonly Uint8Array[], areValues: boolean): Uint8Array<ArrayBuffer> {
  const heads = results.map(({ byteLength }) => (areValues ? NOTHING : head(0xc4, 0xc5, 0xc6, byteLength)));
  const parts = [head(0xdc, 0xdc, 0xdd, results.length)];
  for (const [index, result] of results.entries()) parts.push(heads[index] as Uint8Array, result);
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

const NOTHING = new Uint8Array();

/** A tag and a length in as many bytes as it takes; arrays have no tag for one byte. */
function head(tag8: number, tag16: number, tag32: number, length: number): Uint8Array {
  if (length < 0x100 && tag8 !== tag16) return Uint8Array.of(tag8, length);
  if (length < 0x1_0000) return Uint8Array.of(tag16, length >> 8, length & 0xff);
  return Uint8Array.of(tag32, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

/**
 * Whether a kernel can merge what another gives, and what it gives itself. A kernel without a schema takes the bytes, whatever they are.
 * Throws `ERR_OPTION_INVALID`.
 */
export function checkMerge(kernel: Kernel, merge: Kernel): void {
  const { payload } = merge;
  if (givesValues(merge) !== givesValues(kernel)) {
    const which = givesValues(kernel)
      ? 'values, as the kernel of the job does'
      : 'bytes, as the kernel of the job does';
    throw refusal(`one that gives ${which}`);
  }
  if (!payload || payload.input === 'bytes') return;
  const element = typeof payload.input === 'object' && 'array' in payload.input ? payload.input.array : undefined;
  if (element === undefined) throw refusal('one that takes an array of results');
  const takes = shapeOf(element, payload);
  for (const one of [kernel, merge]) {
    const gives = one.payload ? shapeOf(one.payload.output, one.payload) : 'bytes';
    if (takes !== (gives === 'bytes' ? '{"numbers":"Uint8Array"}' : gives))
      throw refusal(`one that takes an array of what ${one === kernel ? 'the kernel of the job' : 'it'} gives`);
  }
}

const refusal = (must: string) => new LodgerError('ERR_OPTION_INVALID', ['merge.kernel', must]);

/** A type with the fields of its classes in the place of their names, which differ from source to source. */
function shapeOf(type: PayloadType, { classes }: Payload, around: readonly string[] = []): string {
  if (typeof type === 'string') return type;
  if ('numbers' in type) return JSON.stringify(type);
  if ('nullable' in type) return `${shapeOf(type.nullable, { classes } as Payload, around)}?`;
  if ('array' in type) return `${shapeOf(type.array, { classes } as Payload, around)}[]`;
  const depth = around.indexOf(type.class);
  if (depth >= 0) return `^${around.length - depth}`;
  const inside = [...around, type.class];
  const fields = (classes[type.class] ?? []).map(
    (one) => `${one.name}:${shapeOf(one.type, { classes } as Payload, inside)}`,
  );
  return `{${fields.join()}}`;
}

/** The seed of a level's tasks: those of one place have different random bytes on each level. Level 0 is the job's own tasks. */
export function seedOf(seed: number, level: number): number {
  const over = seed - Number.MAX_SAFE_INTEGER + level;
  return over > 0 ? over - 1 : seed + level;
}

/** What a failure says of where it happened. */
export const failedIn = (level: number, index: number, message: string): string =>
  level === 0 ? `in task ${index}: ${message}` : `in merge ${index} of level ${level}: ${message}`;
