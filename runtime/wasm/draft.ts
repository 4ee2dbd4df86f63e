// A module while it is being read, and the two ways to stop: malformed, or a feature that is not read.

import type { Module } from './module.ts';
import { FEATURES, type Feature } from './opcodes.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Filled<T> = T extends readonly (infer Item)[] ? Item[] : T;

/** `Module` in the making. `seen` holds, for each of FEATURES, the offset where it was met first (0: not yet). */
export type Draft = { -readonly [K in keyof Omit<Writable<Module>, 'features'>]: Filled<Module[K]> } & {
  readonly seen: Uint32Array;
};

/** Thrown inside the reader only: what follows belongs to a feature that is named, not read. */
export class Unread extends Error {
  readonly feature: Feature;
  readonly at: number;

  constructor(feature: Feature, at: number) {
    super(feature);
    this.feature = feature;
    this.at = at;
  }
}

/** Remembers where a feature was met first. */
export function note(seen: Uint32Array, feature: Feature, at: number): void {
  const index = FEATURES.indexOf(feature);
  if (seen[index] === 0) seen[index] = at;
}
