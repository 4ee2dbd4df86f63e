// Counts the lines, words and bytes of a text.
import { fail } from 'lodger/kernel';

const NEWLINE: u8 = 0x0a;
const SPACE: u8 = 0x20;

export function run(input: Uint8Array): Uint8Array {
  if (input.length == 0) fail('there is nothing to count');

  const text = `${linesIn(input)} lines, ${wordsIn(input)} words, ${input.length} bytes\n`;
  return Uint8Array.wrap(String.UTF8.encode(text));
}

/** Ends of lines. */
export function linesIn(text: Uint8Array): i32 {
  let lines = 0;
  for (let i = 0; i < text.length; i++) if (text[i] == NEWLINE) lines++;
  return lines;
}

/** Runs of bytes above the space. */
export function wordsIn(text: Uint8Array): i32 {
  let words = 0;
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const isPart = text[i] > SPACE;
    if (isPart && !inWord) words++;
    inWord = isPart;
  }
  return words;
}
