// The defaults of a table of ceilings, for those who take other values in place of some.
import type { Ceiling } from './limits.ts';

/** The defaults of a table, as plain numbers. */
export function defaults<T extends Record<string, Ceiling>>(table: T): { readonly [K in keyof T]: number } {
  return Object.fromEntries(Object.entries(table).map(([name, ceiling]) => [name, ceiling.default])) as {
    [K in keyof T]: number;
  };
}
