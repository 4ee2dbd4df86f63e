// A disk that is full at a write of a site's state: at each that there is, one after the other.
import { expect, test } from 'vitest';
import { survives } from './full-writes.ts';

/** Those before it are of a start: then there is no site. */
const FIRST = 3;

test('a site without room at any of its writes tells so, loses nothing, and goes on when there is room', async () => {
  let nth = FIRST;
  while (await survives(nth)) nth++;
  expect(nth).toBeGreaterThan(FIRST + 20);
}, 900_000);
