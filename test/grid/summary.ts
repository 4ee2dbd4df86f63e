// What a simulation comes to, for people and for programs.
import Table from 'cli-table3';
import type { Score } from './score.ts';

/** One job under one rule. */
export interface Row {
  readonly rule: string;
  readonly job: number;
  /** That the simulation took. */
  readonly seconds: number;
  readonly score: Score;
}

interface Asked {
  readonly seed: number;
  readonly hosts: number;
  readonly tasks: number;
  readonly confidence: number;
  readonly wait: boolean;
  readonly json: boolean;
}

const HEAD = [
  'rule',
  'job',
  'overhead',
  'wrong / M',
  'fuel / M',
  'computed / M',
  'tasks/min',
  'time',
  'banned',
  'honest',
  'run',
];

/** The rows as a table and where wrong results came from, or as one JSON document. */
export function describeRun({ json, ...asked }: Asked, rows: readonly Row[]): string {
  if (json) return `${JSON.stringify({ ...asked, rows })}\n`;
  const table = new Table({ head: HEAD, style: { head: [], border: [] }, colAligns: ['left'] });
  for (const { rule, job, seconds, score } of rows) {
    const perMillion = (count: number) => ((count / score.tasks) * 1e6).toFixed(0);
    table.push([
      rule,
      job,
      `${(score.overhead * 100).toFixed(1)} %`,
      perMillion(score.wrong),
      perMillion(score.wrongFuel),
      rule === 'lodger' ? perMillion(score.wrongComputed) : '',
      (score.tasks / score.minutes).toFixed(0),
      `${score.minutesToIdeal.toFixed(2)} x`,
      score.banned,
      score.honestBanned,
      `${seconds.toFixed(0)} s`,
    ]);
  }
  const { seed, hosts, tasks, confidence, wait } = asked;
  return [
    `${hosts} hosts, ${tasks} tasks a job, confidence ${confidence} ${wait ? 'at the end of the job' : 'at once'}, seed ${seed}`,
    table.toString(),
    'wrong, fuel, computed: final results that are wrong, that claim too much fuel, and what the probabilities add up to; by who gave them:',
    ...rows.map(({ rule, job, score }) => `  ${rule}, job ${job}: ${sources(score)}`),
    'time: from the first task to the last one, beside a grid that never waits; honest: hosts that were banned and had done nothing',
    '',
  ].join('\n');
}

function sources({ wrongBy }: Score): string {
  const sorted = Object.entries(wrongBy).sort(([, a], [, b]) => b - a);
  return sorted.length === 0 ? 'none' : sorted.map(([kind, count]) => `${kind} ${count}`).join(', ');
}
