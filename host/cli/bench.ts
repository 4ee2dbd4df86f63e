// `lodger bench K.wasm`: how long a task takes on every engine, and what it uses.
import Table from 'cli-table3';
import type { Command } from 'commander';
import { formatCount, formatDuration, formatSize } from '../../runtime/base/units.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import { type Timings, timeTask } from '../author/timing.ts';
import { interruptible } from './interrupt.ts';
import { engineChoice, example, type Finish, wholeNumber } from './options.ts';
import { indented, note, print, printJson } from './say.ts';
import { loadTask, type TaskFlags, taskOptions } from './task.ts';
import { enginesHere } from './test.ts';

interface BenchFlags extends TaskFlags {
  readonly engine: EngineChoice;
  readonly rounds: number;
  readonly json?: true;
}

export function addBench(program: Command, finish: Finish): void {
  taskOptions(program.command('bench').description('time a task on every engine, metered and not'))
    .option('--engine <name>', 'auto (all that are here), v8 or wasmtime', engineChoice, 'auto')
    .option(
      '--rounds <n>',
      'how often it is run on each, after three rounds that do not count',
      wholeNumber('--rounds', 1, 10_000),
      20,
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger bench my-kernel.wasm --input data.txt --rounds 5'))
    .action(async (path: string, flags: BenchFlags) => {
      const { engine, rounds, json } = flags;
      const engines = engine === 'auto' ? enginesHere() : [engine];
      const task = await loadTask(path, flags);
      const found = await interruptible((signal) => timeTask(task, { engines, rounds, signal }));
      const { failed } = found;
      if (failed?.state === 'failed') {
        note(`lodger: ${indented(failed.message)} [${failed.code}]`);
        if (json) await printJson({ state: 'failed', code: failed.code, message: failed.message });
      } else await (json ? giveJson(found, task.kernel.digest) : print(`${tableOf(found)}\n`));
      finish(failed ? 1 : 0);
    });
}

/** Fuel a second by the fastest round: of what is not metered, the same work, though nobody counted it there. */
function rateOf(fuel: number | undefined, msMin: number): number | undefined {
  return fuel === undefined || msMin <= 0 ? undefined : (fuel / msMin) * 1_000;
}

async function giveJson({ fuel, timings }: Timings, kernel: string): Promise<void> {
  await printJson({
    state: 'done',
    kernel,
    ...(fuel !== undefined && { fuel }),
    timings: timings.map((timing) => {
      const rate = rateOf(fuel, timing.msMin);
      return { ...timing, ...(rate !== undefined && { fuelPerSecond: Math.round(rate) }) };
    }),
  });
}

function tableOf({ fuel, timings }: Timings): string {
  const table = new Table({
    head: ['engine', 'metered', 'least', 'median', 'CPU', 'fuel', 'fuel a second', 'memory'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { engine, metered, msMin, msMedian, cpuMsMedian, memoryBytesPeak } of timings) {
    const rate = rateOf(fuel, msMin);
    table.push([
      ...[engine, metered ? 'yes' : 'no', formatDuration(msMin), formatDuration(msMedian)],
      cpuMsMedian === undefined ? '' : formatDuration(cpuMsMedian),
      ...[metered && fuel !== undefined ? fuel.toLocaleString('en') : '', rate === undefined ? '' : formatCount(rate)],
      formatSize(memoryBytesPeak),
    ]);
  }
  return table.toString();
}
