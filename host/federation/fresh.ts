// What takes long to find out and may be a moment old.
import { now } from '../platform/node.ts';

/** Makes it when it is asked for, at most once in so many ms. */
export function fresh<T>(make: () => T, ms: number): () => T {
  let made: { readonly value: T; readonly at: number } | undefined;
  return () => {
    if (!made || now() - made.at > ms) made = { value: make(), at: now() };
    return made.value;
  };
}
