// How much of a binary is read at all, whatever the ceilings of admission.
import type { Ceiling } from './limits.ts';

/** Engines have the same bounds for names and types. */
export const READING = {
  nameBytes: { default: 100_000, max: 100_000, unit: 'bytes in a name', reason: 'engines take no longer ones' },
  typeValues: {
    default: 1_000,
    max: 1_000,
    unit: 'parameters or results of one type',
    reason: 'engines take no more of them',
  },
  customSections: { default: 10_000, max: 10_000, unit: 'custom sections', reason: 'each is kept as an object' },
  tables: { default: 100_000, max: 100_000, unit: 'tables', reason: 'each is kept as an object' },
  memories: { default: 100_000, max: 100_000, unit: 'memories', reason: 'each is kept as an object' },
  elementSegments: { default: 100_000, max: 100_000, unit: 'element segments', reason: 'each is kept as an object' },
} as const satisfies Record<string, Ceiling>;

export type ReadingName = keyof typeof READING;

/** How large a component may be that still counts as simple. One of the whole world has under 200 sections and 100 entries of a kind. */
export const COMPONENT = {
  sections: { default: 1_000, max: 1_000, unit: 'sections', reason: 'what reads them all takes the longer the more' },
  definitions: {
    default: 256,
    max: 256,
    unit: 'entries of one index space, or members of one list',
    reason: 'each is kept as an object',
  },
  typeText: {
    default: 512,
    max: 512,
    unit: 'characters of a type as WIT writes it',
    reason: 'types nest by index, so that a few bytes can stand for a text of any length',
  },
} as const satisfies Record<string, Ceiling>;

/** What the payloads of typed kernels may be. */
export const PAYLOAD = {
  schemaBytes: { default: 65_536, max: 65_536, unit: 'bytes of a schema', reason: 'read whole' },
  classes: { default: 256, max: 256, unit: 'classes of a schema', reason: 'each is kept as an object' },
  fields: { default: 64, max: 64, unit: 'fields of a class', reason: 'which of them came is kept in 64 bits' },
  nameBytes: { default: 100, max: 100, unit: 'bytes in a name', reason: 'names are read by people' },
  typeDepth: { default: 16, max: 16, unit: 'arrays within arrays', reason: 'what reads types recurses' },
  depth: { default: 64, max: 64, unit: 'nested objects and arrays', reason: 'what reads values recurses' },
} as const satisfies Record<string, Ceiling>;
