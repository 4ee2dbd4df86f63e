// A host of steppers in a process of its own, which is killed by its parent: says which steps it does, and which images the site was told of.
import { writeSync } from 'node:fs';
import process from 'node:process';
import { lend } from './steppers.ts';

const [, , url = '', token = '', name = ''] = process.argv;
/** Steps between two that are said. */
const APART = 50;
let isFirst = true;
// At once, so that nothing is said later than it was done.
const say = (what: string, step: number) => writeSync(1, `${what} ${step}\n`);
lend(url, token, {
  name,
  onStep: (step) => {
    if (isFirst || step % APART === 0) say('step', step);
    isFirst = false;
  },
  onImage: (step) => say('image', step),
});
