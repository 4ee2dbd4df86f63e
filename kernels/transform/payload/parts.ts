// What the generated decoder and encoder have in common: which types have functions, keys and sizes on the wire.
import { FLOATS, INTEGERS, isNumber, type NumberName, type ScalarName } from '../../../runtime/payload/schema.ts';
import type { Carried, CarriedClass } from './carry.ts';

/** What has functions of its own in the generated code. */
export type Own = Exclude<Carried, { readonly kind: 'scalar' | 'nullable' }>;

/** Everything of that kind in a type, each once. */
export function reachable(root: Carried): Own[] {
  const seen = new Set<Own>();
  const visit = (one: Carried): void => {
    if (one.kind === 'scalar') return;
    if (one.kind === 'nullable') {
      visit(one.of);
      return;
    }
    if (seen.has(one)) return;
    seen.add(one);
    if (one.kind === 'array') visit(one.element);
    if (one.kind === 'class') for (const field of one.fields) visit(field.type);
  };
  visit(root);
  return [...seen];
}

/** The name of the function that makes a field's initial value. */
export const initialName = (owner: CarriedClass, place: number) => `initial${owner.id}_${place}`;

/** The function that gives the table of a class's keys, as `readKey` wants it. */
export function keyTable({ id, fields }: CarriedClass): string {
  const bytes = fields.flatMap(({ name }) => {
    const key = keyOf(name);
    return [key.length, key.length - Buffer.byteLength(name), ...key];
  });
  return `function keys${id}(): usize { return memory.data<u8>([${bytes}]); }`;
}

/** Bytes of a value with its tag. */
export function sizeOf(name: ScalarName): number {
  return isNumber(name) ? 1 + bytesOf(name) : 1;
}

/** Bytes of a number. */
export function bytesOf(name: NumberName): number {
  return { ...INTEGERS, ...FLOATS }[name].bytes;
}

/** A key as it is written: its header and its UTF-8. */
export function keyOf(name: string): number[] {
  const bytes = Buffer.from(name);
  return bytes.length < 32 ? [0xa0 | bytes.length, ...bytes] : [0xd9, bytes.length, ...bytes];
}
