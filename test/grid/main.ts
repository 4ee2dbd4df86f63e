// npm run simulate: the same seeded grid under the site's rule of belief and under others, and what each costs and lets through; or many
// sites that share work.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { interruptible } from '../../host/cli/interrupt.ts';
import { createProgress } from '../../host/cli/progress.ts';
import { MARKS_MAX } from '../../runtime/snapshot/marks.ts';
import { boinc, lodger, quorum, type Rule } from './rules.ts';
import type { Score } from './score.ts';
import { simulate } from './simulate.ts';
import { SITES_USAGE, simulateSites } from './sites/command.ts';
import { describeRun, type Row } from './summary.ts';

const RULES: Readonly<Record<string, () => Rule>> = {
  lodger: () => lodger(),
  boinc,
  'quorum-2': () => quorum(2),
  'quorum-3': () => quorum(3),
};

const USAGE = `npm run simulate -- [--hosts N] [--tasks N] [--jobs N] [--parts N] [--seed N] [--confidence C] [--now] [--rules NAME,...] [--json]

Simulates a grid of 10,000 hosts, a tenth of them liars of eight kinds, that does a job of 1,000,000 tasks, and tells what the rule of
belief costs and what wrong results it lets through. --jobs N does N jobs one after the other on the same hosts: warm is what the
eleventh lets through, when each host has done some thousand tasks, sleepers are awake and Sybils are back under new names. --parts N makes
the tasks steppers, whose results can be checked in N parts, and whoever lies is wrong in one of them; --now believes at once
instead of at the job's end. Rules: ${Object.keys(RULES).join(', ')}; all of them by default.
`;

interface Wanted {
  readonly hosts: number;
  readonly tasks: number;
  readonly jobs: number;
  readonly parts: number;
  readonly seed: number;
  readonly confidence: number;
  readonly wait: boolean;
  readonly rules: readonly string[];
  readonly json: boolean;
}

/** What was asked for, or undefined if it makes no sense. */
function read(args: readonly string[]): Wanted | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const numbers = { hosts: text, tasks: text, jobs: text, parts: text, seed: text, confidence: text };
  try {
    const { values } = parseArgs({ args: [...args], options: { ...numbers, rules: text, now: flag, json: flag } });
    const rules = values.rules?.split(',') ?? Object.keys(RULES);
    const wanted = {
      hosts: Number(values.hosts ?? 10_000),
      tasks: Number(values.tasks ?? 1_000_000),
      jobs: Number(values.jobs ?? 1),
      parts: Number(values.parts ?? 1),
      seed: Number(values.seed ?? Date.now() % 2 ** 31),
      confidence: Number(values.confidence ?? 0.999),
    };
    const counts = [wanted.hosts, wanted.tasks, wanted.jobs, wanted.parts];
    const isSound =
      counts.every((count) => Number.isSafeInteger(count) && count > 0 && count <= 10_000_000) &&
      wanted.parts <= MARKS_MAX + 1 &&
      Number.isSafeInteger(wanted.seed) &&
      wanted.confidence >= 0.5 &&
      wanted.confidence <= 0.999999 &&
      rules.every((name) => Object.hasOwn(RULES, name));
    return isSound ? { ...wanted, rules, wait: !values.now, json: values.json ?? false } : undefined;
  } catch {
    return undefined;
  }
}

function run(wanted: Wanted, signal: AbortSignal): Row[] {
  const { rules, json, ...asked } = wanted;
  const progress = createProgress();
  const rows: Row[] = [];
  try {
    for (const [at, name] of rules.entries()) {
      const begun = performance.now();
      const parts = rules.length * asked.jobs;
      const scores: readonly Score[] = simulate({
        ...asked,
        rule: RULES[name] ?? lodger,
        onProgress: (job, answered) => {
          const done = at * asked.jobs + job + answered / asked.tasks;
          progress.step(Math.round(done * asked.tasks), done / parts);
          return !signal.aborted;
        },
      });
      const seconds = (performance.now() - begun) / 1_000;
      rows.push(...scores.map((score, job) => ({ rule: name, job: job + 1, seconds: seconds / scores.length, score })));
    }
  } finally {
    progress.stop();
  }
  return rows;
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'sites') {
  const text = simulateSites(rest);
  if (text === undefined) refuse(SITES_USAGE);
  else process.stdout.write(text);
} else {
  const wanted = read(process.argv.slice(2));
  if (wanted) {
    const rows = await interruptible(async (signal) => run(wanted, signal));
    process.stdout.write(describeRun(wanted, rows));
  } else refuse(`${USAGE}\n${SITES_USAGE}`);
}

function refuse(usage: string): void {
  process.stderr.write(usage);
  process.exitCode = 2;
}
