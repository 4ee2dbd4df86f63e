// Fields of an author's objects, stored and loaded where they lie: a typed kernel's codec runs no constructor.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { bad } from './path';

/** Stores a field of an object whose constructor does not run. */
@inline
export function put<T>(object: usize, offset: usize, value: T): void {
  if (isManaged<T>()) {
    store<usize>(object + offset, changetype<usize>(value));
    __link(object, changetype<usize>(value), true);
  } else store<T>(object + offset, value);
}

/** A field's object. One that was promised (`!`) and never set holds nothing. */
@inline
export function given<T>(object: usize, offset: usize): T {
  if (load<usize>(object + offset) == 0) bad('was never set');
  return load<T>(object + offset);
}
