// The bytes that a typed kernel gave -> plain values. The schema is walked once, into functions; these check as they read.
import { type Key, keyOf } from './draft.ts';
import {
  FLOATS,
  INTEGERS,
  type IntegerName,
  NUMBERS,
  type NumbersName,
  type Payload,
  type PayloadType,
  type ScalarName,
} from './schema.ts';
import { Source } from './source.ts';

type Read = (source: Source) => unknown;

const readFloat: Read = (source) => source.float();
const readText: Read = (source) => source.string();

/** Smaller arrays are copied even where their place would allow a view, so that they do not hold on to a large output. */
const VIEW_BYTES_MIN = 4096;

/**
 * The decoder of a kernel's outputs. It throws `ERR_OPTION_INVALID` with the path of what does not fit the schema, as `output.total`.
 * A large array may be a view of the bytes, where their place allows it; other arrays are copies.
 */
export function createDecoder(payload: Payload): (bytes: Uint8Array) => unknown {
  const read = readerOf(payload.output, payload, new Map());
  const source = new Source();
  return (bytes) => {
    source.start(bytes);
    try {
      const value = read(source);
      if (source.rest > 0) throw source.path.refusal(`all of its bytes; ${source.rest} more follow`);
      return value;
    } finally {
      source.end();
    }
  };
}

function readerOf(type: PayloadType, payload: Payload, classes: Map<string, Read>): Read {
  if (typeof type === 'string') return scalarReader(type as ScalarName);
  if ('numbers' in type) return numbersReader(type.numbers);
  if ('class' in type) return classReader(type.class, payload, classes);
  if ('nullable' in type) {
    const read = readerOf(type.nullable, payload, classes);
    return (source) => {
      if (source.tag() !== 0xc0) return read(source);
      source.at++;
      return null;
    };
  }
  const read = readerOf(type.array, payload, classes);
  return (source) => {
    source.path.enter();
    const count = source.array('an array');
    const array: unknown[] = [];
    for (let index = 0; index < count; index++) {
      source.path.at(index);
      array.push(read(source));
    }
    source.path.leave();
    return array;
  };
}

interface FieldReader {
  readonly name: string;
  readonly key: Key;
  readonly read: Read;
}

function classReader(name: string, payload: Payload, classes: Map<string, Read>): Read {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const fields: FieldReader[] = [];
  const Plain = plainClass();
  const read: Read = (source) => readObject(source, fields, new Plain());
  classes.set(name, read);
  for (const field of payload.classes[name] ?? []) {
    fields.push({ name: field.name, key: keyOf(field.name), read: readerOf(field.type, payload, classes) });
  }
  return read;
}

/** Keys come in the order of the schema, unless somebody else wrote them; a kernel always gives all of them. */
function readObject(
  source: Source,
  fields: readonly FieldReader[],
  object: Record<string, unknown>,
): Record<string, unknown> {
  source.path.enter(fields);
  const count = source.map();
  let inOrder = true;
  for (let place = 0; place < count; place++) {
    let at = place;
    let field = fields[place];
    if (field === undefined || !source.skipKey(field.key)) {
      field = searchField(source, fields);
      at = fields.indexOf(field);
      inOrder = false;
    }
    source.path.at(at);
    if (!inOrder && Object.hasOwn(object, field.name)) throw source.path.refusal('given once');
    object[field.name] = readField(source, field);
  }
  if (count < fields.length) {
    source.path.at(fields.findIndex(({ name }) => !Object.hasOwn(object, name)));
    throw source.path.refusal('given');
  }
  source.path.leave();
  return object;
}

/** What there is most of goes without a call that V8 cannot foresee. */
function readField(source: Source, { read }: FieldReader): unknown {
  if (read === readFloat) return source.float();
  return read === readText ? source.string() : read(source);
}

function searchField(source: Source, fields: readonly FieldReader[]): FieldReader {
  source.path.at(-1);
  const name = source.string();
  const field = fields.find((one) => one.name === name);
  if (field !== undefined) return field;
  throw source.path.refusal(`without a field ${JSON.stringify(name.slice(0, 100))}`);
}

function scalarReader(name: ScalarName): Read {
  switch (name) {
    case 'bool':
      return (source) => {
        const tag = source.tag();
        if (tag !== 0xc2 && tag !== 0xc3) throw source.wants('true or false');
        source.at++;
        return tag === 0xc3;
      };
    case 'string':
      return readText;
    case 'f64':
      return readFloat;
    case 'f32':
      return (source) => Math.fround(source.float());
    default:
      return integerReader(name);
  }
}

/** 64 bits always become a bigint, fewer always a number. */
function integerReader(name: IntegerName): Read {
  const { min, max, bytes } = INTEGERS[name];
  const [low, high] = [Number(min), Number(max)];
  return (source) => {
    const value = source.integer();
    const exact = bytes === 8 ? value >= min && value <= max : value >= low && value <= high;
    if (!exact) throw source.path.refusal(`an integer from ${min} to ${max}, not ${value}`);
    return bytes === 8 ? BigInt(value) : Number(value);
  };
}

type Numbers = new (source: ArrayBufferLike | number, from?: number, count?: number) => Record<number, unknown>;

const CLASSES = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
} satisfies Record<NumbersName, unknown>;

function numbersReader(name: NumbersName): Read {
  const Made = CLASSES[name] as unknown as Numbers;
  const { bytes: size } = { ...INTEGERS, ...FLOATS }[NUMBERS[name]];
  const readOne = scalarReader(NUMBERS[name]);
  return (source) => {
    const bytes = source.binary();
    if (bytes !== undefined) {
      if (bytes.length % size !== 0)
        throw source.path.refusal(`a multiple of ${size} bytes, not ${bytes.length} of them`);
      const fits = bytes.length >= VIEW_BYTES_MIN && bytes.byteOffset % size === 0;
      if (fits) return new Made(bytes.buffer, bytes.byteOffset, bytes.length / size);
      return new Made(new Uint8Array(bytes).buffer);
    }
    source.path.enter();
    const count = source.array(`a ${name} or an array of numbers`);
    const array = new Made(count);
    for (let index = 0; index < count; index++) {
      source.path.at(index);
      array[index] = readOne(source);
    }
    source.path.leave();
    return array;
  };
}

/** Makes plain objects with as much room as those before them needed: V8 gives `{}` room for four fields, and moves what comes after. */
function plainClass(): new () => Record<string, unknown> {
  function Plain() {}
  Plain.prototype = Object.prototype;
  return Plain as unknown as new () => Record<string, unknown>;
}
