// What a kernel takes and gives, as a schema and as generated code: the middle of the transform that makes kernels.
import type { Program, Range, Type } from 'assemblyscript';
import { PAYLOAD_VERSION, type Payload, type PayloadField, type PayloadType } from '../../../runtime/payload/schema.ts';
import { type Carried, type CarriedClass, createWalk } from './carry.ts';
import { decoderOf } from './decoder.ts';
import { encoderOf } from './encoder.ts';
import { initialName, keyTable, reachable } from './parts.ts';
import type { Refuse } from './refusal.ts';

/** A type and where the author wrote it. */
export interface Place {
  readonly type: Type;
  readonly range: Range;
}

/** Both sides of a kernel. A side that is bytes has no code: it is taken and given as it is. */
export interface PayloadCode {
  readonly input: 'bytes' | 'typed';
  readonly output: 'bytes' | 'typed';
  /** Functions of the entry: `take` and `give`, and what they call. */
  readonly text: string;
  /** Functions whose bodies are initial values of the author's fields, to be put into the author's own files. */
  readonly initials: readonly Initial[];
  /** Elements that the text calls by other names than the author does. */
  readonly aliases: ReturnType<typeof createWalk>['aliases'];
  /** Undefined where both sides are bytes. */
  readonly schema?: Payload;
}

export interface Initial {
  readonly name: string;
  readonly field: NonNullable<CarriedClass['fields'][number]['initial']>;
}

/** Every reason against the types goes to `refuse`, with its place; the answer is then undefined. */
export function payloadOf(program: Program, input: Place, output: Place, refuse: Refuse): PayloadCode | undefined {
  let refused = false;
  const walk = createWalk(program, (range, text) => {
    refused = true;
    refuse(range, text);
  });
  const [from, to] = [input, output].map(({ type, range }): Carried | 'bytes' | undefined => {
    if (isBytes(type)) return 'bytes';
    const carried = walk.carried(type, range);
    if (carried && isLikeBytes(carried)) {
      refused = true;
      refuse(range, 'a whole input or output of bytes is written Uint8Array, which a host takes and gives as it is');
    }
    return carried;
  });
  if (refused || from === undefined || to === undefined) return undefined;

  const classes = [from, to].flatMap((root) => (root === 'bytes' ? [] : reachable(root))).filter(isClass);
  const named = [...new Map(classes.map((one) => [one.name, one])).values()];
  const texts = [
    ...named.map(keyTable),
    ...(from === 'bytes' ? [] : [decoderOf(from, walk.textOf(input.type))]),
    ...(to === 'bytes' ? [] : [encoderOf(to, walk.textOf(output.type))]),
  ];
  const decoded = from === 'bytes' ? [] : reachable(from).filter(isClass);
  return {
    input: from === 'bytes' ? from : 'typed',
    output: to === 'bytes' ? to : 'typed',
    text: texts.join('\n'),
    initials: decoded.flatMap((one) =>
      one.fields.flatMap(({ initial }, place) => (initial ? [{ name: initialName(one, place), field: initial }] : [])),
    ),
    aliases: walk.aliases,
    ...((from !== 'bytes' || to !== 'bytes') && { schema: schemaOf(from, to, named) }),
  };
}

/** The declarations of the initial values: the author's own expressions, which see what is around them in the author's file. */
export function initialText({ name }: Initial): string {
  return `function ${name}(): i32 { return 0; }`;
}

/** Puts the author's type and expression in the place of those of `initialText`. */
export function fillInitial(declaration: object, { field }: Initial): void {
  const { signature, body } = declaration as {
    signature: { returnType: unknown };
    body: { statements: { value: unknown }[] };
  };
  signature.returnType = field.typeNode;
  const [statement] = body.statements;
  if (statement) statement.value = field.initializerNode;
}

function isBytes(type: Type): boolean {
  return type.classReference?.internalName === '~lib/typedarray/Uint8Array' && !type.isNullableReference;
}

/** A host could not tell such a value from a payload's bytes. */
function isLikeBytes(type: Carried): boolean {
  if (type.kind === 'nullable') return isLikeBytes(type.of);
  return type.kind === 'numbers' && type.numbers === 'Uint8Array';
}

function isClass(one: Carried): one is CarriedClass {
  return one.kind === 'class';
}

function schemaOf(input: Carried | 'bytes', output: Carried | 'bytes', classes: readonly CarriedClass[]): Payload {
  return {
    version: PAYLOAD_VERSION,
    input: input === 'bytes' ? input : typeOf(input),
    output: output === 'bytes' ? output : typeOf(output),
    classes: Object.fromEntries(classes.map(({ name, fields }) => [name, fields.map(fieldOf)])),
  };
}

function fieldOf({ name, type, optional }: CarriedClass['fields'][number]): PayloadField {
  return { name, type: typeOf(type), ...(optional && { optional }) };
}

function typeOf(type: Carried): PayloadType {
  switch (type.kind) {
    case 'scalar':
      return type.name;
    case 'nullable':
      return { nullable: typeOf(type.of) };
    case 'numbers':
      return { numbers: type.numbers };
    case 'array':
      return { array: typeOf(type.element) };
    case 'class':
      return { class: type.name };
  }
}
