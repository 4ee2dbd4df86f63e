// Values for a schema, at random: what a host may give, and the value that must come back.
import fc from 'fast-check';
import {
  INTEGERS,
  NUMBERS,
  type NumberName,
  type NumbersName,
  type Payload,
  type PayloadType,
  type ScalarName,
} from '../../runtime/payload/schema.ts';

/** Deeper than this, nullable values are null and arrays empty, so that recursive types end. */
const DEPTH_MAX = 4;

/** Values of a type that a payload carries, edges among them often. */
export function valuesOf(type: PayloadType, classes: Payload['classes'], depth = 0): fc.Arbitrary<unknown> {
  if (typeof type === 'string') return scalarOf(type as ScalarName);
  if ('nullable' in type) {
    if (depth >= DEPTH_MAX) return fc.constant(null);
    return fc.oneof(fc.constant(null), valuesOf(type.nullable, classes, depth));
  }
  if ('numbers' in type) return numbersOf(type.numbers);
  if ('array' in type) {
    if (depth >= DEPTH_MAX) return fc.constant([]);
    return fc.array(valuesOf(type.array, classes, depth + 1), { maxLength: 3 });
  }
  const fields = classes[type.class] ?? [];
  const entries = fields.map((field) => [field.name, valuesOf(field.type, classes, depth + 1)] as const);
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true });
}

function scalarOf(name: ScalarName): fc.Arbitrary<unknown> {
  if (name === 'bool') return fc.boolean();
  if (name === 'string') {
    const edges = [
      '',
      'a'.repeat(31),
      'a'.repeat(32),
      'é'.repeat(16),
      'a'.repeat(255),
      'a'.repeat(256),
      '日本😀',
      '\0\ufeff',
    ];
    return fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ maxLength: 40 }), fc.constantFrom(...edges));
  }
  return numberOf(name);
}

function numberOf(name: NumberName): fc.Arbitrary<number | bigint> {
  if (name === 'f64')
    return fc.oneof(fc.double(), fc.constantFrom(-0, 0, Number.NaN, Infinity, -Infinity, 5e-324, 0.1));
  if (name === 'f32') return fc.oneof(fc.float(), fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 2 ** -149));
  const { min, max, bytes } = INTEGERS[name];
  if (bytes === 8) return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n, 2n ** 53n));
  return fc.oneof(fc.integer({ min: Number(min), max: Number(max) }), fc.constantFrom(Number(min), Number(max), 0));
}

/** A typed array at any place of its buffer, mostly a small one. */
function numbersOf(name: NumbersName): fc.Arbitrary<unknown> {
  const Made = globalThis[name] as unknown as {
    from(values: Iterable<unknown>): { readonly buffer: ArrayBuffer; subarray(from: number): unknown };
  };
  const some = fc.array(numberOf(NUMBERS[name]), { maxLength: 6 });
  const many = fc
    .tuple(numberOf(NUMBERS[name]), fc.constantFrom(40, 300, 70_000))
    .map(([one, count]) => Array(count).fill(one));
  return fc
    .tuple(fc.oneof({ weight: 40, arbitrary: some }, { weight: 1, arbitrary: many }), fc.boolean())
    .map(([values, moved]) =>
      moved ? Made.from([...values.slice(0, 1), ...values]).subarray(values.length > 0 ? 1 : 0) : Made.from(values),
    );
}
