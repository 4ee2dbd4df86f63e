// Writes the AssemblyScript that decodes what a kernel takes. It calls `kernels/lib/payload.ts`, which it knows as `payload`.
import { INTEGERS, type ScalarName } from '../../../runtime/payload/schema.ts';
import type { Carried, CarriedArray, CarriedClass, CarriedNumbers } from './carry.ts';
import { bytesOf, initialName, type Own, reachable } from './parts.ts';

/** The function `take(block, length)`, and what it calls. */
export function decoderOf(input: Carried, text: string): string {
  const take = `function take(block: usize, length: usize): ${text} {
  payload.open(block, length);
  const value: ${text} = ${read(input)};
  payload.close();
  return value;
}`;
  return [take, ...reachable(input).map(decode)].join('\n');
}

/** The expression that reads a value. */
function read(type: Carried): string {
  if (type.kind === 'nullable') return `(payload.isNil() ? null : ${read(type.of)})`;
  return type.kind === 'scalar' ? readScalar(type.name) : `read${type.id}()`;
}

function readScalar(name: ScalarName): string {
  if (name === 'bool') return 'payload.readBool()';
  if (name === 'string') return 'payload.readString()';
  if (name === 'f32' || name === 'f64' || name === 'i64' || name === 'u64')
    return `payload.read${name.toUpperCase()}()`;
  const { min, max } = INTEGERS[name];
  return `<${name}>payload.readInteger(${min}, ${max})`;
}

function decode(type: Own): string {
  if (type.kind === 'class') return decodeClass(type);
  return type.kind === 'array' ? decodeArray(type) : decodeNumbers(type);
}

/** No constructor runs: fields are stored where they lie. What may be missing gets its initial value. */
function decodeClass(type: CarriedClass): string {
  const { id, text, fields } = type;
  const needed = fields.reduce((mask, { optional }, place) => (optional ? mask : mask | (1n << BigInt(place))), 0n);
  const cases = fields.map(
    (field, place) => `case ${place}: payload.put<${field.text}>(at, ${field.offset}, ${read(field.type)}); break;`,
  );
  const initials = fields.flatMap((field, place) =>
    field.initial === undefined
      ? []
      : `if (!(seen & ${1n << BigInt(place)})) payload.put<${field.text}>(at, ${field.offset}, ${initialName(type, place)}());`,
  );
  return `function read${id}(): ${text} {
  const object = changetype<${text}>(__new(offsetof<${text}>(), idof<${text}>()));
  const at = changetype<usize>(object);
  const table = keys${id}();
  payload.enter();
  const count = payload.readMap();
  let place: u32 = 0;
  let guess = table;
  let seen: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const field = payload.readKey(table, ${fields.length}, guess, place);
    const entry = payload.foundKey();
    payload.at(entry);
    place = field + 1;
    guess = entry + load<u8>(entry) + 2;
    if (seen >> field & 1) payload.repeated();
    seen |= <u64>1 << field;
    switch (field) {
      ${cases.join('\n      ')}
    }
  }
  ${needed === 0n ? '' : `if ((seen & ${needed}) != ${needed}) payload.missing(table, ~seen & ${needed});`}
  ${initials.join('\n  ')}
  payload.leave();
  return object;
}`;
}

function decodeArray({ id, text, element }: CarriedArray): string {
  return `function read${id}(): ${text} {
  payload.enter();
  const count = payload.readArray();
  const array = new ${text}(count);
  for (let i: u32 = 0; i < count; i++) {
    payload.atIndex(i);
    unchecked(array[i] = ${read(element)});
  }
  payload.leave();
  return array;
}`;
}

function decodeNumbers({ id, text, element, holder }: CarriedNumbers): string {
  const shift = Math.log2(bytesOf(element));
  const made = {
    view: `return payload.view<${text}>();`,
    StaticArray: `const block = __new(payload.binaryBytes(), idof<${text}>());
    payload.copyBinary(block);
    return changetype<${text}>(block);`,
    Array: `const array = new ${text}(payload.binaryBytes() >> ${shift});
    payload.copyBinary(array.dataStart);
    return array;`,
  };
  const start = holder === 'StaticArray' ? 'changetype<usize>(array)' : 'array.dataStart';
  return `function read${id}(): ${text} {
  if (payload.isBinary(${shift})) {
    ${made[holder]}
  }
  payload.enter();
  const count = payload.readArray();
  const array = new ${text}(count);
  const start = ${start};
  for (let i: u32 = 0; i < count; i++) {
    payload.atIndex(i);
    store<${element}>(start + (<usize>i << ${shift}), ${readScalar(element)});
  }
  payload.leave();
  return array;
}`;
}
