// Writes the AssemblyScript that encodes what a kernel gives. It calls `kernels/lib/payload.ts`, which it knows as `payload`.
import { FLOATS, INTEGERS, isNumber, type ScalarName } from '../../../runtime/payload/schema.ts';
import type { Carried, CarriedClass, CarriedField } from './carry.ts';
import { bytesOf, keyOf, type Own, reachable, sizeOf } from './parts.ts';

/** The function `give(value)`, and what it calls. */
export function encoderOf(output: Carried, text: string): string {
  const note = isRecursive(output) ? '' : `if (payload.mayReuse()) { ${noteViews(output, 'value')} }`;
  const give = `function give(value: ${text}): usize {
  ${note}
  payload.start();
  ${write(output, 'value')}
  return payload.finish();
}`;
  const notes = isRecursive(output) ? [] : reachable(output).map(noting);
  return [give, ...notes, ...reachable(output).map(encode)].join('\n');
}

/** Whether a value may hold others of its own type: it may then even hold itself, and only the encoder has a bound. */
function isRecursive(root: Carried, within: readonly Carried[] = []): boolean {
  if (within.includes(root)) return true;
  if (root.kind === 'nullable') return isRecursive(root.of, within);
  if (root.kind === 'array') return isRecursive(root.element, [...within, root]);
  return root.kind === 'class' && root.fields.some(({ type }) => isRecursive(type, [...within, root]));
}

/** Whether there are typed arrays in a value. Other arrays never lie in the input. */
function holdsViews(type: Carried): boolean {
  if (type.kind === 'nullable') return holdsViews(type.of);
  if (type.kind === 'array') return holdsViews(type.element);
  if (type.kind === 'class') return type.fields.some((field) => holdsViews(field.type));
  return type.kind === 'numbers' && type.holder === 'view';
}

/** The statement that tells `payload` of the typed arrays in a value, which may be nothing. */
function noteViews(type: Carried, value: string): string {
  if (!holdsViews(type)) return '';
  if (type.kind === 'nullable')
    return `{ const some = ${value}; if (some !== null) { ${noteViews(type.of, 'some')} } }`;
  return type.kind === 'numbers' ? `payload.noteView(${value});` : `note${(type as Own).id}(${value});`;
}

function noting(type: Own): string {
  if (type.kind === 'numbers' || !holdsViews(type)) return '';
  if (type.kind === 'array') {
    return `function note${type.id}(array: ${type.text}): void {
  if (changetype<usize>(array) == 0) return;
  for (let i = 0; i < array.length; i++) { ${noteViews(type.element, 'unchecked(array[i])')} }
}`;
  }
  const notes = type.fields.map((field) => noteViews(field.type, `load<${field.text}>(at, ${field.offset})`));
  return `function note${type.id}(object: ${type.text}): void {
  const at = changetype<usize>(object);
  if (at == 0) return;
  ${notes.filter((note) => note !== '').join('\n  ')}
}`;
}

/** The statement that writes a value, which is evaluated once. */
function write(type: Carried, value: string): string {
  if (type.kind === 'nullable') {
    return `{ const some = ${value}; if (some === null) payload.writeNil(); else { ${write(type.of, 'some')} } }`;
  }
  if (type.kind !== 'scalar') return `write${type.id}(${value});`;
  if (type.name === 'string') return `payload.writeString(${value});`;
  const size = sizeOf(type.name);
  return `{ const to = payload.reserve(${size}); ${storeScalar(type.name, value, 0)} payload.pass(${size}); }`;
}

function encode(type: Own): string {
  if (type.kind === 'class') return encodeClass(type);
  if (type.kind === 'numbers') {
    const { id, text, element, holder } = type;
    const start = holder === 'StaticArray' ? 'changetype<usize>(array)' : 'array.dataStart';
    const shift = Math.log2(bytesOf(element));
    return `function write${id}(array: ${text}): void { payload.writeBinary(${start}, array.length << ${shift}); }`;
  }
  return `function write${type.id}(array: ${type.text}): void {
  payload.enter();
  const count = <u32>array.length;
  payload.writeArray(count);
  for (let i: u32 = 0; i < count; i++) {
    payload.atIndex(i);
    ${write(type.element, 'array[i]')}
  }
  payload.leave();
}`;
}

/** Keys and single numbers that follow each other are written at once, with one look at the room that is left. */
function encodeClass({ id, text, fields }: CarriedClass): string {
  const statements: string[] = [];
  let run: string[] = [];
  let size = 0;
  const put = (bytes: readonly number[]) => {
    run.push(...storeBytes(bytes, size));
    size += bytes.length;
  };
  const flush = () => {
    statements.push(`{ const to = payload.reserve(${size}); ${run.join(' ')} payload.pass(${size}); }`);
    run = [];
    size = 0;
  };
  put(fields.length < 16 ? [0x80 | fields.length] : [0xde, 0, fields.length]);
  let entry = 0;
  for (const field of fields) {
    const key = keyOf(field.name);
    put(key);
    if (field.type.kind === 'scalar' && field.type.name !== 'string') {
      run.push(storeScalar(field.type.name, `load<${field.text}>(at, ${field.offset})`, size));
      size += sizeOf(field.type.name);
    } else {
      flush();
      statements.push(`payload.at(table + ${entry});`, write(field.type, loadField(field)));
    }
    entry += key.length + 2;
  }
  if (size > 0) flush();
  return `function write${id}(object: ${text}): void {
  const at = changetype<usize>(object);
  const table = keys${id}();
  payload.enter();
  ${statements.join('\n  ')}
  payload.leave();
}`;
}

/** A field that was promised (`!`) and never set holds nothing. */
function loadField({ type, text, offset }: CarriedField): string {
  return type.kind === 'nullable' ? `load<${text}>(at, ${offset})` : `payload.given<${text}>(at, ${offset})`;
}

/** Stores constant bytes at a distance from `to`, as few numbers as they make. */
function storeBytes(bytes: readonly number[], from: number): string[] {
  const stores: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const width = [8, 4, 2, 1].find((one) => bytes.length - at >= one) ?? 1;
    const value = bytes.slice(at, at + width).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    stores.push(`store<u${width * 8}>(to, 0x${value.toString(16)}, ${from + at});`);
    at += width;
  }
  return stores;
}

function storeScalar(name: ScalarName, value: string, at: number): string {
  if (name === 'bool') return `store<u8>(to, 0xc2 | <u8>${value}, ${at});`;
  if (!isNumber(name)) throw new Error(`${name} has no constant size`);
  if (name === 'f32')
    return `store<u8>(to, ${FLOATS.f32.tag}, ${at}); store<u32>(to, payload.bitsOfF32(${value}), ${at + 1});`;
  if (name === 'f64')
    return `store<u8>(to, ${FLOATS.f64.tag}, ${at}); store<u64>(to, payload.bitsOfF64(${value}), ${at + 1});`;
  const { bytes, tag } = INTEGERS[name];
  const bits = `u${bytes * 8}`;
  return `store<u8>(to, ${tag}, ${at}); store<${bits}>(to, bswap<${bits}>(<${bits}>${value}), ${at + 1});`;
}
