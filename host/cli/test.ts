// `lodger test DIR`: an author's test vectors and assertions, on every engine that is here.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import type { EngineName } from '../../runtime/job/outcome.ts';
import { runTests, type Verdict } from '../author/trial.ts';
import { createPool } from '../cell/isolation.ts';
import { placeOf } from '../platform/engines.ts';
import type { Pool } from '../pool/options.ts';
import { interruptible } from './interrupt.ts';
import { engineChoice, example, type Finish } from './options.ts';
import { note, print, printable, printJson } from './say.ts';

interface TestFlags {
  readonly engine: EngineChoice;
  readonly json?: true;
}

export function addTest(program: Command, finish: Finish): void {
  program
    .command('test')
    .description("run a kernel's tests, on every engine that is here")
    .argument('<dir>', 'the folder of a kernel; its tests are in "tests": cases in .json, assertions in .ts')
    .option('--engine <name>', 'auto (all that are here), v8 or wasmtime', engineChoice, 'auto')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger test my-kernel'))
    .action(async (dir: string, { engine, json }: TestFlags) => {
      const names = engine === 'auto' ? enginesHere() : [engine];
      const verdicts = await interruptible((signal) => testAll(dir, { names, signal, show: json !== true }));
      const failed = verdicts.filter(({ faults }) => faults.length > 0).length;
      if (json) {
        const passed = verdicts.length - failed;
        await printJson({ state: failed === 0 ? 'done' : 'failed', engines: names, passed, failed, tests: verdicts });
      } else await print(`${verdicts.length - failed} of ${verdicts.length} tests passed on ${names.join(' and ')}\n`);
      finish(failed === 0 ? 0 : 1);
    });
}

/** V8 is everywhere. Without the native library, the other one is not tried, and it is said so. */
export function enginesHere(): readonly EngineName[] {
  try {
    placeOf('wasmtime');
    return ['v8', 'wasmtime'];
  } catch (error) {
    if (!(error instanceof LodgerError)) throw error;
    note(`lodger: ${error.message}; on V8 alone`);
    return ['v8'];
  }
}

interface Asked {
  readonly names: readonly EngineName[];
  readonly signal: AbortSignal;
  readonly show: boolean;
}

async function testAll(dir: string, { names, signal, show }: Asked): Promise<readonly Verdict[]> {
  const pools: (readonly [EngineName, Pool])[] = [];
  let last = '';
  let printing = Promise.resolve();
  const onVerdict = (verdict: Verdict) => {
    const head = verdict.file === last ? '' : `${printable(verdict.file)}\n`;
    last = verdict.file;
    printing = printing.then(() => print(`${head}${textOf(verdict)}`));
  };
  try {
    for (const engine of names) pools.push([engine, await createPool({ engine, threads: 1 })]);
    return await runTests(dir, { pools, signal, ...(show && { onVerdict }) });
  } finally {
    await printing;
    for (const [, pool] of pools) await pool.close('end');
  }
}

function textOf({ name, faults, fuel, fuelBefore }: Verdict): string {
  const used = fuel === undefined ? '' : `  fuel ${fuel.toLocaleString('en')}${change(fuel, fuelBefore)}`;
  const lines = faults.map((fault) => `        ${printable(fault).replaceAll('\n', '\n        ')}\n`);
  return `  ${faults.length === 0 ? 'ok  ' : 'FAIL'}  ${printable(name).padEnd(44)}${used}\n${lines.join('')}`;
}

/** `, +1.5 %`: against the last run. Nothing where nothing is known of that. */
function change(fuel: number, before: number | undefined): string {
  if (before === undefined) return ', new';
  if (fuel === before) return '';
  const percent = ((fuel - before) / Math.max(before, 1)) * 100;
  return `, ${fuel > before ? '+' : '-'}${Math.abs(percent).toFixed(2)} % (was ${before.toLocaleString('en')})`;
}
