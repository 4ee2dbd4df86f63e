// A grid on a fake clock: machines that come and go, fast and slow, honest and not, and a site that decides with the coordinator's own
// functions. One seed gives one run.
import type { Confidence } from '../../host/wire/api.ts';
import { createChance } from './chance.ts';
import { createClock } from './clock.ts';
import { createGrid } from './grid.ts';
import type { Rule } from './rules.ts';
import type { Score } from './score.ts';

export interface Simulation {
  readonly seed: number;
  readonly hosts: number;
  readonly tasks: number;
  /** Jobs one after the other, on the same hosts; all but the first meet hosts that the site knows. */
  readonly jobs: number;
  readonly confidence: Confidence;
  readonly wait: boolean;
  readonly rule: () => Rule;
  /** In how many parts a result can be checked: steppers, where it is more than 1. */
  readonly parts?: number;
  /** Whether a job is done by all hosts that may, whatever it needs: what is compared with. */
  readonly everybody?: boolean;
  /** No liars at all. */
  readonly honest?: boolean;
  /** How often members of coalitions lie although they have met no other of theirs. */
  readonly gamble?: number;
  /** Told of tasks with an answer now and then; ends the run by giving false. */
  readonly onProgress?: (job: number, answered: number) => boolean;
}

/** Runs the jobs, and gives the score of each; fewer if it was ended. */
export function simulate(simulation: Simulation): readonly Score[] {
  const clock = createClock();
  const grid = createGrid(simulation, createChance(simulation.seed), clock);
  const scores: Score[] = [];
  for (let job = 0; job < simulation.jobs; job += 1) {
    const score = grid.run(job);
    if (!score) break;
    scores.push(score);
  }
  return scores;
}
