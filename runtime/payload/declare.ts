// A schema as TypeScript declarations: what `lodger build` writes beside a typed kernel, and what `lodger inspect` shows.
import { NUMBERS, type Payload, type PayloadType } from './schema.ts';

type Side = 'input' | 'output';

/** Names that the declarations use themselves, or that TypeScript keeps; a class of such a name gets another. */
const TAKEN = [
  ...['Input', 'Output', 'Array', ...Object.keys(NUMBERS)],
  ...['any', 'bigint', 'boolean', 'never', 'number', 'object', 'string', 'symbol', 'undefined', 'unknown', 'void'],
];
const SIMPLE: Readonly<Record<string, string>> = { bytes: 'Uint8Array', bool: 'boolean', string: 'string' };

/**
 * The types `Input` and `Output`, and an interface for each class. Inputs are wider than outputs: a field may be left out, an integer of
 * 64 bits may be a number, and any array of numbers will do. A class on both sides therefore gets an interface for each.
 */
export function declarationsOf(payload: Payload): string {
  const sides = { input: classesOf(payload, 'input'), output: classesOf(payload, 'output') };
  const names = namesOf(payload, sides);
  const interfaces = (['input', 'output'] as const).flatMap((side) =>
    [...sides[side]].map((name) => interfaceOf(payload, name, side, names)),
  );
  const aliases = (['input', 'output'] as const).flatMap((side) => {
    const name = side === 'input' ? 'Input' : 'Output';
    const text = typeText(payload[side], side, names);
    return text === name ? [] : [`export type ${name} = ${text};\n`];
  });
  return [...interfaces, ...aliases].join('\n');
}

type Names = ReadonlyMap<string, string>;
const keyOf = (name: string, side: Side) => `${side} ${name}`;

/** The classes that a side is made of, each once, in the order in which they are met. */
function classesOf(payload: Payload, side: Side): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (type: PayloadType): void => {
    if (typeof type === 'string' || 'numbers' in type) return;
    if ('nullable' in type) visit(type.nullable);
    else if ('array' in type) visit(type.array);
    else if (!found.has(type.class)) {
      found.add(type.class);
      for (const field of payload.classes[type.class] ?? []) visit(field.type);
    }
  };
  visit(payload[side]);
  return found;
}

/** Side and class -> the interface's name. The class that is the whole may have the name of its side. */
function namesOf(payload: Payload, sides: Readonly<Record<Side, ReadonlySet<string>>>): Names {
  const names = new Map<string, string>();
  const taken = new Set(TAKEN);
  const isWhole = (name: string, side: Side) => {
    const type = payload[side];
    return typeof type === 'object' && 'class' in type && type.class === name;
  };
  for (const side of ['output', 'input'] as const) {
    const whole = side === 'input' ? 'Input' : 'Output';
    for (const name of sides[side]) {
      let wanted = side === 'input' && sides.output.has(name) ? `${name}Input` : name;
      if (wanted === whole && isWhole(name, side)) taken.delete(wanted);
      while (taken.has(wanted)) wanted += '_';
      taken.add(wanted);
      names.set(keyOf(name, side), wanted);
    }
  }
  return names;
}

function interfaceOf(payload: Payload, name: string, side: Side, names: Names): string {
  const fields = (payload.classes[name] ?? []).map((field) => {
    const mark = side === 'input' && field.optional ? '?' : '';
    return `  ${field.name}${mark}: ${typeText(field.type, side, names)};\n`;
  });
  return `export interface ${names.get(keyOf(name, side))} {\n${fields.join('')}}\n`;
}

function typeText(type: PayloadType, side: Side, names: Names): string {
  if (typeof type === 'string') {
    if (type === 'i64' || type === 'u64') return side === 'input' ? 'bigint | number' : 'bigint';
    return SIMPLE[type] ?? 'number';
  }
  if ('class' in type) return names.get(keyOf(type.class, side)) ?? 'never';
  if ('nullable' in type) return `${typeText(type.nullable, side, names)} | null`;
  if ('array' in type) return `Array<${typeText(type.array, side, names)}>`;
  if (side === 'output') return type.numbers;
  const element =
    NUMBERS[type.numbers].endsWith('64') && NUMBERS[type.numbers] !== 'f64' ? 'bigint | number' : 'number';
  return `${type.numbers} | Array<${element}>`;
}
