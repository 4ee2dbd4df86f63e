// A profile as people read it: fuel by function and by source line.
import type { Profile, Spent } from '../../runtime/profile/profile.ts';
import type { Lines } from '../jobs/trace.ts';

/** A function, and what was used in it, without what it called. */
export interface FunctionFuel {
  readonly function: number;
  readonly name?: string;
  readonly fuel: number;
}

/** A line of a source. */
export interface LineFuel {
  readonly file: string;
  readonly line: number;
  readonly fuel: number;
}

/** Most first. Each list adds up to the profile's fuel, less what steps cost on the host's side. */
export interface Spending {
  readonly functions: readonly FunctionFuel[];
  /** Of a debug build with its source map; what no line is known of is in `elsewhere`. */
  readonly lines?: readonly LineFuel[];
  readonly elsewhere?: number;
}

export function spendingOf({ spent }: Profile, lines?: Lines): Spending {
  const functions = new Map<number, { -readonly [Name in keyof FunctionFuel]: FunctionFuel[Name] }>();
  for (const { function: index, name, fuel } of spent) {
    const known = functions.get(index);
    if (known) known.fuel += fuel;
    else functions.set(index, { function: index, ...(name !== undefined && { name }), fuel });
  }
  return { functions: most([...functions.values()]), ...(lines && linesOf(spent, lines)) };
}

function linesOf(spent: readonly Spent[], lineOf: Lines): Pick<Spending, 'lines' | 'elsewhere'> {
  const lines = new Map<string, { -readonly [Name in keyof LineFuel]: LineFuel[Name] }>();
  let elsewhere = 0;
  for (const { offset, fuel } of spent) {
    const place = lineOf(offset);
    const key = place && `${place.file}:${place.line}`;
    const known = key === undefined ? undefined : lines.get(key);
    if (known) known.fuel += fuel;
    else if (key !== undefined && place) lines.set(key, { file: place.file, line: place.line, fuel });
    else elsewhere += fuel;
  }
  return { lines: most([...lines.values()]), elsewhere };
}

function most<T extends { readonly fuel: number }>(list: readonly T[]): readonly T[] {
  return [...list].sort((one, other) => other.fuel - one.fuel);
}
