// What a job came to, wherever its tasks ran: outcomes gathered in order, and told to people or as JSON.
import { relative } from 'node:path';
import process from 'node:process';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { LoadedJob } from '../jobs/load.ts';
import type { Results } from '../jobs/results.ts';
import { linesBeside, placed, traceText } from '../jobs/trace.ts';
import { readable } from '../jobs/values.ts';
import type { TakenOver } from './checkpoint.ts';
import { columns, indented, note, print, printable, printJson } from './say.ts';
import { createSum, logRows, type Sum, sumRows } from './sum.ts';
import type { View } from './view/views.ts';

export interface Mapped {
  readonly kernel: string;
  readonly sum: Sum;
  readonly wallMs: number;
  readonly results?: string;
  readonly view?: View;
  /** Of a job that is kept. */
  readonly takenOver?: TakenOver;
  /** Failures that another machine, or another time, may not see. */
  readonly hostFailures: number;
}

/** Takes outcomes in input order to where they go. */
export async function gather(
  outcomes: AsyncIterable<Outcome>,
  { file, terms, kernelPath, merge, mergePath }: Omit<LoadedJob, 'folder'>,
  results: Results | undefined,
): Promise<Mapped> {
  const view = file.view === undefined ? undefined : (await import('./view/views.ts')).VIEWS[file.view]();
  const sum = createSum();
  const begun = performance.now();
  let index = 0;
  let hostFailures = 0;
  let isMerged = false;
  for await (const outcome of outcomes) {
    isMerged = outcome.receipt.kernel === merge?.kernel.digest;
    await results?.add(index, readable(isMerged && merge ? merge.kernel : terms.kernel, outcome));
    if (outcome.state === 'done') view?.add(outcome.output);
    else if (outcome.fault === 'host') hostFailures += 1;
    sum.add(outcome);
    index += 1;
  }
  return {
    kernel: terms.kernel.digest,
    // What failed in a job with a merge is one task, of either kernel.
    sum: await (isMerged && merge && mergePath !== undefined
      ? withLines(sum.read(), mergePath, merge.kernel)
      : withLines(sum.read(), kernelPath, terms.kernel)),
    wallMs: performance.now() - begun,
    hostFailures,
    ...(results === undefined ? {} : { results: results.path }),
    ...(view === undefined ? {} : { view }),
  };
}

/** Failures with their places in the source. */
async function withLines(sum: Sum, path: string, kernel: Kernel): Promise<Sum> {
  if (!sum.failures.some(({ trace }) => trace)) return sum;
  const lines = await linesBeside(path, kernel);
  return {
    ...sum,
    failures: sum.failures.map((one) => (one.trace ? { ...one, trace: placed(one.trace, lines) } : one)),
  };
}

/** For people: the view on standard output, all else on standard error. */
export async function give({ sum, wallMs, results, view, takenOver }: Mapped): Promise<void> {
  for (const { index, code, message, trace = [] } of sum.failures) {
    note(`task ${index} failed: ${indented(message)} [${code}]`);
    for (const line of traceText(trace)) note(`  ${printable(line)}`);
  }
  if (sum.failed > sum.failures.length) note(`and ${sum.failed - sum.failures.length} more`);
  const place: (readonly [string, string])[] =
    results === undefined ? [] : [['results', relative(process.cwd(), results) || '.']];
  const before: (readonly [string, string])[] = takenOver
    ? [['taken over', `${takenOver.kept} outcomes; ${takenOver.resumed} tasks went on from images`]]
    : [];
  note(columns([...sumRows(sum, wallMs), ...before, ...logRows(sum, results !== undefined), ...place]).trimEnd());
  if (view !== undefined) await print(`${printable(view.render({ wallMs }))}\n`);
}

export async function giveJson(
  { kernel, sum, wallMs, results, takenOver }: Mapped,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const state = sum.failed === 0 ? 'done' : 'failed';
  await printJson({
    state,
    ...more,
    kernel,
    wallMs,
    ...sum,
    ...takenOver,
    ...(results === undefined ? {} : { results }),
  });
}
