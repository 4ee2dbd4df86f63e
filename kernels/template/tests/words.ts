// Small tests of parts of the kernel: `lodger test` runs each exported function as a task of its own.
import { linesIn, wordsIn } from '../kernel';

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

export function spacesAreNoWords(): void {
  assert(wordsIn(bytes('  two   words ')) == 2, 'spaces around and between words');
  assert(wordsIn(bytes(' \t\n')) == 0, 'nothing but spaces');
}

export function aLineEndsWithItsLineFeed(): void {
  assert(linesIn(bytes('one\ntwo\n')) == 2, 'two line feeds');
  assert(linesIn(bytes('no end')) == 0, 'a line without its end');
}
