// Values of a payload as JSON has them, for people and for tools that know nothing else. Integers of 64 bits are texts, since JSON's
// readers lose digits of them; NaN and infinities are texts, since JSON has none; arrays of numbers are lists.
import { NUMBERS, type Payload, type PayloadType } from './schema.ts';

const NOT_FINITE: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity };
/** As long as the largest integer of 64 bits, with its sign. */
const DIGITS = /^-?\d{1,20}$/;

/** What JSON's parser gave, as an encoder takes it. What does not fit is left as it is: the encoder names its path. */
export function fromJson(value: unknown, type: PayloadType, classes: Payload['classes'], depth = 0): unknown {
  if (type === 'f64' || type === 'f32')
    return typeof value === 'string' && Object.hasOwn(NOT_FINITE, value) ? NOT_FINITE[value] : value;
  if (type === 'i64' || type === 'u64') return typeof value === 'string' && DIGITS.test(value) ? BigInt(value) : value;
  if (typeof type === 'string' || typeof value !== 'object' || value === null || depth > 100) return value;
  if ('nullable' in type) return fromJson(value, type.nullable, classes, depth);
  if ('class' in type) {
    const entries = Object.entries(value);
    const types = new Map(classes[type.class]?.map((field) => [field.name, field.type]));
    return Object.fromEntries(
      entries.map(([name, item]) => {
        const known = types.get(name);
        return [name, known === undefined ? item : fromJson(item, known, classes, depth + 1)];
      }),
    );
  }
  if (!Array.isArray(value)) return value;
  const element = 'numbers' in type ? NUMBERS[type.numbers] : type.array;
  return value.map((item) => fromJson(item, element, classes, depth + 1));
}

/** What a decoder gave, as `JSON.stringify` takes it. The form follows from the type, never from the value. */
export function toJson(value: unknown, type: PayloadType, classes: Payload['classes']): unknown {
  if (type === 'f64' || type === 'f32') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof type === 'string' || typeof value !== 'object' || value === null) return value;
  if ('nullable' in type) return toJson(value, type.nullable, classes);
  if ('class' in type) {
    const object = value as Readonly<Record<string, unknown>>;
    const fields = classes[type.class] ?? [];
    return Object.fromEntries(fields.map((field) => [field.name, toJson(object[field.name], field.type, classes)]));
  }
  const element = 'numbers' in type ? NUMBERS[type.numbers] : type.array;
  return Array.from(value as ArrayLike<unknown>, (item) => toJson(item, element, classes));
}
