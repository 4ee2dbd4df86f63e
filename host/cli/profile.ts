// `lodger profile K.wasm`: where the fuel of a task goes, by function and by source line, to the last unit.
import Table from 'cli-table3';
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Task } from '../../runtime/job/task.ts';
import { type Profile, profile } from '../../runtime/profile/profile.ts';
import { type Spending, spendingOf } from '../author/spending.ts';
import { createPool } from '../cell/isolation.ts';
import { linesBeside } from '../jobs/trace.ts';
import { node } from '../platform/node.ts';
import { interruptible } from './interrupt.ts';
import { example, type Finish, wholeNumber } from './options.ts';
import { indented, note, print, printable, printJson } from './say.ts';
import { loadTask, type TaskFlags, taskOptions } from './task.ts';

interface ProfileFlags extends TaskFlags {
  readonly top: number;
  readonly json?: true;
}

export function addProfile(program: Command, finish: Finish): void {
  taskOptions(
    program.command('profile').description('where the fuel of a task goes: by function, and by line of a debug build'),
  )
    .option('--top <n>', 'rows of each table', wholeNumber('--top', 1, 100_000), 15)
    .option('--json', 'print one JSON document, with all rows')
    .addHelpText('after', example('lodger profile my-kernel.wasm --input data.txt'))
    .action(async (path: string, flags: ProfileFlags) => {
      const task = await loadTask(path, flags);
      const outcome = await interruptible((signal) => runOnce(task, signal));
      if (outcome.state === 'failed') note(`lodger: ${indented(outcome.message)} [${outcome.code}]`);
      if (outcome.state === 'failed' && outcome.code !== 'ERR_EXIT') {
        if (flags.json) await printJson({ state: 'failed', code: outcome.code, message: outcome.message });
        return finish(1);
      }
      // It has come to its end within its limits, so it does without them, too.
      const found = await profile(node, task);
      mustAddUp(found, outcome);
      const spending = spendingOf(found, await linesBeside(path, task.kernel));
      const { fuel, hostFuel } = found;
      if (flags.json) await printJson({ state: 'done', kernel: task.kernel.digest, fuel, hostFuel, ...spending });
      else await print(tablesOf(found, spending, flags.top));
      finish(outcome.state === 'done' ? 0 : 1);
    });
}

async function runOnce(task: Task, signal: AbortSignal): Promise<Outcome> {
  const pool = await createPool({ engine: 'v8', threads: 1 });
  try {
    return await pool.run(task, { signal });
  } finally {
    await pool.close('end');
  }
}

/** The profile is of another run than the receipt: what is told something else each time may do something else. */
function mustAddUp({ fuel }: Profile, { receipt }: Outcome): void {
  if (fuel === receipt.fuel) return;
  if (receipt.deterministic)
    throw new LodgerError('ERR_HOST_FAULT', [`the profile adds up to ${fuel}, not to the receipt's ${receipt.fuel}`]);
  note(`lodger: this run used ${fuel}, the one before ${receipt.fuel}: the task reads a clock`);
}

function tablesOf({ fuel, hostFuel }: Profile, { functions, lines, elsewhere = 0 }: Spending, top: number): string {
  const named = functions.map(({ function: index, name, fuel }) => [name ?? `function ${index}`, fuel] as const);
  const steps = hostFuel > 0 ? [['(steps, paid to the host)', hostFuel] as const] : [];
  const tables = [tableOf('function', [...named, ...steps], fuel, top)];
  if (lines) {
    const rows = lines.map(({ file, line, fuel }) => [`${file}:${line}`, fuel] as const);
    tables.push(tableOf('line', elsewhere > 0 ? [...rows, ['(of no line)', elsewhere] as const] : rows, fuel, top));
  }
  const hint = lines ? '' : 'Lines are known of a debug build: lodger build --debug.\n';
  return `${tables.join('\n')}\nfuel ${fuel.toLocaleString('en')}, as in the receipt\n${hint}`;
}

function tableOf(head: string, rows: readonly (readonly [string, number])[], fuel: number, top: number): string {
  const table = new Table({
    head: [head, 'fuel', 'share'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const share = (part: number) => `${((part / Math.max(fuel, 1)) * 100).toFixed(1)} %`;
  const sorted = [...rows].sort(([, one], [, other]) => other - one);
  for (const [name, part] of sorted.slice(0, top))
    table.push([printable(name), part.toLocaleString('en'), share(part)]);
  const rest = sorted.slice(top).reduce((sum, [, part]) => sum + part, 0);
  if (rest > 0) table.push([`(${sorted.length - top} more)`, rest.toLocaleString('en'), share(rest)]);
  return table.toString();
}
