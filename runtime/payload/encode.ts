// Plain values -> the bytes that a typed kernel takes. The schema is walked once, into functions; these check and write at once.
import type { Room } from './bytes.ts';
import { Draft, type Key, keyOf } from './draft.ts';
import { kindOf } from './kind.ts';
import {
  FLOATS,
  INTEGERS,
  type IntegerName,
  NUMBERS,
  type NumberName,
  type NumbersName,
  type Payload,
  type PayloadField,
  type PayloadType,
  type ScalarName,
} from './schema.ts';

type Write = (draft: Draft, value: unknown) => void;

/**
 * The encoder of a kernel's inputs. Keys come in the order of the schema, numbers in full width and arrays of numbers as binary, so that
 * equal values are equal bytes. It throws `ERR_OPTION_INVALID` with the path of what does not fit, as `input.legs[3].strike`.
 */
export function createEncoder(payload: Payload): (value: unknown, room?: Room) => Uint8Array {
  const write = writerOf(payload.input, payload, new Map());
  let spare: Draft | undefined = new Draft();
  return (value, room) => {
    // A getter of the caller's may come back here.
    const draft = (spare ?? new Draft()).start();
    spare = undefined;
    try {
      write(draft, value);
      return draft.finish(room);
    } finally {
      spare = draft;
    }
  };
}

function writerOf(type: PayloadType, payload: Payload, classes: Map<string, Write>): Write {
  if (typeof type === 'string') return scalarWriter(type as ScalarName);
  if ('numbers' in type) return numbersWriter(type.numbers);
  if ('class' in type) return classWriter(type.class, payload, classes);
  if ('nullable' in type) {
    const write = writerOf(type.nullable, payload, classes);
    return (draft, value) => (value === null || value === undefined ? draft.byte(0xc0) : write(draft, value));
  }
  const write = writerOf(type.array, payload, classes);
  return (draft, value) => {
    if (!Array.isArray(value)) throw draft.path.refusal(`an array, not ${kindOf(value)}`);
    draft.array(value.length);
    draft.path.enter();
    for (let index = 0; index < value.length; index++) {
      draft.path.at(index);
      write(draft, value[index]);
    }
    draft.path.leave();
  };
}

interface FieldWriter {
  readonly name: string;
  readonly key: Key;
  readonly write: Write;
  readonly optional: boolean;
  /** Every object has something of this name, which is not what is meant. */
  readonly inherited: boolean;
}

/** Recursive types end at the function that is not there yet when its fields are looked at. */
function classWriter(name: string, payload: Payload, classes: Map<string, Write>): Write {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const fields: FieldWriter[] = [];
  const write: Write = (draft, value) => writeObject(draft, value, fields);
  classes.set(name, write);
  for (const field of payload.classes[name] ?? []) fields.push(fieldWriter(field, payload, classes));
  return write;
}

function fieldWriter(
  { name, type, optional }: PayloadField,
  payload: Payload,
  classes: Map<string, Write>,
): FieldWriter {
  return {
    name,
    key: keyOf(name),
    write: writerOf(type, payload, classes),
    optional: optional === true,
    inherited: name in Object.prototype,
  };
}

function writeObject(draft: Draft, value: unknown, fields: readonly FieldWriter[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw draft.path.refusal(`an object, not ${kindOf(value)}`);
  }
  const object = value as Readonly<Record<string, unknown>>;
  const head = draft.at;
  const wide = fields.length >= 16;
  draft.room(3);
  draft.at += wide ? 3 : 1;
  draft.path.enter(fields);
  let place = 0;
  let count = 0;
  let more = false;
  // As long as names come as the schema has them, V8 reads them in turn without a search.
  for (const name in object) {
    const field = fields[place];
    more = field?.name !== name || field.inherited;
    if (more) break;
    draft.path.at(place++);
    if (writeGiven(draft, field as FieldWriter, object[name])) count++;
  }
  for (; place < fields.length; place++) {
    const field = fields[place] as FieldWriter;
    const { name, inherited } = field;
    draft.path.at(place);
    if (writeGiven(draft, field, inherited && !Object.hasOwn(object, name) ? undefined : object[name])) count++;
  }
  if (wide) {
    draft.view.setUint8(head, 0xde);
    draft.view.setUint16(head + 1, count);
  } else draft.bytes[head] = 0x80 | count;
  let given = 0;
  if (more) for (const _ in object) given++;
  if (given > count) refuseUnknown(draft, Object.keys(object), fields);
  draft.path.leave();
}

/** Whether there is a value: then it is written. What there is most of goes without a call that V8 cannot foresee. */
function writeGiven(draft: Draft, { key, write, optional }: FieldWriter, item: unknown): boolean {
  if (item === undefined) {
    if (!optional) throw draft.path.refusal('given');
    return false;
  }
  draft.key(key);
  if (write === writeFloat) writeFloat(draft, item);
  else if (write === writeText) writeText(draft, item);
  else write(draft, item);
  return true;
}

function refuseUnknown(draft: Draft, names: readonly string[], fields: readonly FieldWriter[]): void {
  const stray = names.find((name) => !fields.some((field) => field.name === name));
  if (stray === undefined) return;
  draft.path.at(-1);
  throw draft.path.refusal('a known field', `.${stray}`);
}

const writeText: Write = (draft, value) => {
  if (typeof value !== 'string') throw draft.path.refusal(`a string, not ${kindOf(value)}`);
  draft.string(value);
};

const writeFloat: Write = (draft, value) => {
  draft.room(9);
  const { view, at } = draft;
  view.setUint8(at, FLOATS.f64.tag);
  putFloat(draft, view, at + 1, value, false);
  draft.at = at + 9;
};

function scalarWriter(name: ScalarName): Write {
  if (name === 'bool') {
    return (draft, value) => {
      if (typeof value !== 'boolean') throw draft.path.refusal(`true or false, not ${kindOf(value)}`);
      draft.byte(value ? 0xc3 : 0xc2);
    };
  }
  if (name === 'string') return writeText;
  if (name === 'f64') return writeFloat;
  const { tag, bytes } = { ...INTEGERS, ...FLOATS }[name];
  const put = setterOf(name);
  return (draft, value) => {
    draft.room(9);
    draft.bytes[draft.at] = tag;
    put(draft, draft.view, draft.at + 1, value, false);
    draft.at += 1 + bytes;
  };
}

/** Checks a number and stores it. NaNs are all the same one. */
type Put = (draft: Draft, view: DataView, at: number, value: unknown, littleEndian: boolean) => void;

const putFloat: Put = (draft, view, at, value, littleEndian) => {
  if (typeof value !== 'number') throw draft.path.refusal(`a number, not ${kindOf(value)}`);
  view.setFloat64(at, Number.isNaN(value) ? Number.NaN : value, littleEndian);
};

function setterOf(name: NumberName): Put {
  if (name === 'f64') return putFloat;
  if (name === 'f32') {
    return (draft, view, at, value, littleEndian) => {
      if (typeof value !== 'number') throw draft.path.refusal(`a number, not ${kindOf(value)}`);
      view.setFloat32(at, Number.isNaN(value) ? Number.NaN : value, littleEndian);
    };
  }
  return INTEGERS[name].bytes === 8 ? bigSetter(name) : smallSetter(name);
}

function smallSetter(name: IntegerName): Put {
  const { bytes, min, max } = INTEGERS[name];
  const [low, high] = [Number(min), Number(max)];
  return (draft, view, at, value, littleEndian) => {
    const number = typeof value === 'bigint' && value >= min && value <= max ? Number(value) : value;
    if (typeof number !== 'number' || !(number >= low && number <= high) || !Number.isInteger(number)) {
      throw draft.path.refusal(`an integer from ${min} to ${max}, not ${kindOf(value)}`);
    }
    // What is in range has the same bits with a sign and without.
    if (bytes === 4) view.setInt32(at, number, littleEndian);
    else if (bytes === 2) view.setInt16(at, number, littleEndian);
    else view.setInt8(at, number);
  };
}

function bigSetter(name: IntegerName): Put {
  const { min, max } = INTEGERS[name];
  return (draft, view, at, value, littleEndian) => {
    const big = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof big !== 'bigint' || big < min || big > max) {
      const wanted = `an integer from ${min} to ${max}, as a bigint where it is beyond 2^53`;
      throw draft.path.refusal(`${wanted}, not ${kindOf(value)}`);
    }
    view.setBigUint64(at, BigInt.asUintN(64, big), littleEndian);
  };
}

function numbersWriter(name: NumbersName): Write {
  const element = NUMBERS[name];
  const { bytes } = { ...INTEGERS, ...FLOATS }[element];
  const put = setterOf(element);
  return (draft, value) => {
    if (ArrayBuffer.isView(value) && (value as unknown as Record<symbol, unknown>)[Symbol.toStringTag] === name) {
      draft.binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      return;
    }
    if (!Array.isArray(value)) throw draft.path.refusal(`a ${name} or an array of numbers, not ${kindOf(value)}`);
    const packed = new DataView(new ArrayBuffer(value.length * bytes));
    draft.path.enter();
    for (let index = 0; index < value.length; index++) {
      draft.path.at(index);
      put(draft, packed, index * bytes, value[index], true);
    }
    draft.path.leave();
    draft.binary(new Uint8Array(packed.buffer));
  };
}
