// A schema from the bytes of a kernel's custom section, which anybody may have written: strict, and bounded before it is read.
import { LodgerError } from '../base/errors.ts';
import { PAYLOAD } from '../base/reading.ts';
import {
  fieldFault,
  isNumber,
  isScalar,
  NUMBERS,
  type NumbersName,
  PAYLOAD_VERSION,
  type Payload,
  type PayloadField,
  type PayloadType,
} from './schema.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The schema. Throws `ERR_KERNEL_INTERFACE` with the reason for anything that is not exactly one of this version. */
export function parsePayload(bytes: Uint8Array): Payload {
  const { max } = PAYLOAD.schemaBytes;
  if (bytes.length > max) throw misfit(`has ${bytes.length} bytes, ${max} at most are read`);
  const { version, ...rest } = objectOf(jsonOf(bytes), 'the whole');
  if (version !== PAYLOAD_VERSION) throw misfit(`is of version ${JSON.stringify(version)}, not ${PAYLOAD_VERSION}`);
  const { input, output, classes, ...unknown } = rest;
  for (const name in unknown) throw misfit(`has ${JSON.stringify(name)}, which is not known`);
  const fields = classesOf(classes);
  return {
    version: PAYLOAD_VERSION,
    input: wholeType(input, 'input', fields),
    output: wholeType(output, 'output', fields),
    classes: fields,
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw misfit('is not JSON in UTF-8');
  }
}

function classesOf(value: unknown): Payload['classes'] {
  const given = Object.entries(objectOf(value, 'classes'));
  const { max } = PAYLOAD.classes;
  if (given.length > max) throw misfit(`has ${given.length} classes, ${max} at most are read`);
  const names = new Set(given.map(([name]) => name));
  for (const name of names) {
    if (fieldFault(name) !== undefined || name in Object.prototype) throw misfit(`has a class ${JSON.stringify(name)}`);
  }
  const known = (name: string) => names.has(name);
  return Object.fromEntries(given.map(([name, fields]) => [name, fieldsOf(fields, name, known)]));
}

type Known = (name: string) => boolean;

function fieldsOf(value: unknown, owner: string, known: Known): readonly PayloadField[] {
  const { max } = PAYLOAD.fields;
  if (!Array.isArray(value) || value.length === 0 || value.length > max)
    throw misfit(`has a class "${owner}" without a list of 1 to ${max} fields`);
  const fields = value.map((each: unknown): PayloadField => {
    const { name, type, optional, ...unknown } = objectOf(each, `a field of ${owner}`);
    if (typeof name !== 'string' || fieldFault(name) !== undefined) {
      throw misfit(`has a field ${JSON.stringify(name)} in "${owner}"`);
    }
    const place = `${owner}.${name}`;
    for (const key in unknown) throw misfit(`has ${JSON.stringify(key)} at ${place}, which is not known`);
    if (optional !== undefined && optional !== true) throw misfit(`has "optional" at ${place}, which is not true`);
    return { name, type: typeOf(type, place, known), ...(optional && { optional }) };
  });
  if (new Set(fields.map(({ name }) => name)).size < fields.length)
    throw misfit(`has a class "${owner}" with two fields of one name`);
  return fields;
}

function wholeType(value: unknown, place: string, classes: Payload['classes']): PayloadType {
  if (value === 'bytes') return value;
  const type = typeOf(value, place, (name) => Object.hasOwn(classes, name));
  const inner = typeof type === 'object' && 'nullable' in type ? type.nullable : type;
  if (typeof inner === 'object' && 'numbers' in inner && inner.numbers === 'Uint8Array')
    throw misfit(`has an ${place} that cannot be told from bytes`);
  return type;
}

function typeOf(value: unknown, place: string, known: Known, depth = 0): PayloadType {
  if (isScalar(value)) return value;
  if (depth > PAYLOAD.typeDepth.max) throw misfit(`nests types too deeply at ${place}`);
  const [entry, more] = Object.entries(objectOf(value, place));
  const [key, part] = entry ?? [];
  if (more === undefined && key === 'class' && typeof part === 'string' && known(part)) return { class: part };
  if (more === undefined && key === 'numbers' && Object.hasOwn(NUMBERS, String(part)))
    return { numbers: part as NumbersName };
  if (more === undefined && (key === 'array' || key === 'nullable')) {
    const inner = typeOf(part, place, known, depth + 1);
    const twice = key === 'array' ? isNumber(inner) : typeof inner === 'object' && 'nullable' in inner;
    if (!twice) return key === 'array' ? { array: inner } : { nullable: inner };
  }
  throw misfit(`has no type at ${place}: ${JSON.stringify(value).slice(0, 100)}`);
}

function objectOf(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw misfit(`has no object at ${place}`);
}

function misfit(why: string): LodgerError {
  return new LodgerError('ERR_KERNEL_INTERFACE', [`its payload schema ${why}`]);
}
