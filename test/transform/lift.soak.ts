// The long run of the comparison of lifted loops with loops as written: `npm run soak`; `LIFT_SEED` begins elsewhere.
import { expect, test } from 'vitest';
import { liftLoops } from '../../kernels/transform/lift/lift.ts';
import { compare, type Terms } from './compare.ts';
import { randomProgram } from './program.ts';

const MINUTES = 10;
const TERMS: readonly Terms[] = [
  { runtime: 'stub', level: 1, trips: 1 },
  { runtime: 'stub', level: 3, trips: 8 },
  { runtime: 'incremental', level: 1, trips: 1 },
  { runtime: 'minimal', level: 3, trips: 1 },
];

test(`for ${MINUTES} minutes, generated loops do the same lifted and as written`, async () => {
  const end = performance.now() + MINUTES * 60_000;
  let seed = Number(process.env.LIFT_SEED ?? Date.now() % 1_000_000);
  let cases = 0;
  for (; performance.now() < end; seed++) {
    const terms = TERMS[seed % TERMS.length] as Terms;
    const compared = await compare(randomProgram(seed, 16), terms, { lift: liftLoops, seed, calls: 200 });
    expect(compared.difference, `program ${seed}, ${JSON.stringify(terms)}`).toBeUndefined();
    cases += compared.cases;
  }
  expect(cases).toBeGreaterThan(10_000);
});
