// Counts the lines, words and bytes of a text.
import { fail } from 'lodger/kernel';

const NEWLINE: u8 = 0x0a;
const SPACE: u8 = 0x20;

export function run(input: Uint8Array): Uint8Array {
  if (input.length == 0) fail('there is nothing to count');

  let lines = 0;
  let words = 0;
  let inWord = false;
  for (let i = 0; i < input.length; i++) {
    const byte = input[i];
    if (byte == NEWLINE) lines++;
    if (byte > SPACE && !inWord) words++;
    inWord = byte > SPACE;
  }

  const text = `${lines} lines, ${words} words, ${input.length} bytes\n`;
  return Uint8Array.wrap(String.UTF8.encode(text));
}
