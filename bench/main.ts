// npm run bench [-- NAME ...]: runs the benchmarks, all of them or those named, one after the other.
import { ownProcess } from '../host/platform/own-process.ts';
import { publish, type Result } from './result.ts';

/** Name -> the file that measures it. */
const BENCHMARKS: Readonly<Record<string, () => Promise<{ default: () => Promise<Result> }>>> = {
  call: () => import('./call.bench.ts'),
  dispatch: () => import('./dispatch.bench.ts'),
  transfer: () => import('./transfer.bench.ts'),
  abort: () => import('./abort.bench.ts'),
  memory: () => import('./memory.bench.ts'),
  align: () => import('./align.bench.ts'),
  wasmtime: () => import('./wasmtime.bench.ts'),
  engines: () => import('./engines.bench.ts'),
  meter: () => import('./meter.bench.ts'),
  typed: () => import('./typed.bench.ts'),
  image: () => import('./image.bench.ts'),
  cell: () => import('./cell.bench.ts'),
  share: () => import('./share.bench.ts'),
  nans: () => import('./nans.bench.ts'),
  native: () => import('./native.bench.ts'),
  checkpoint: () => import('./checkpoint.bench.ts'),
  files: () => import('./files.bench.ts'),
  wasi: () => import('./wasi.bench.ts'),
  lift: () => import('./lift.bench.ts'),
  site: () => import('./site.bench.ts'),
  tab: () => import('./tab.bench.ts'),
  yield: () => import('./yield.bench.ts'),
  federation: () => import('./federation.bench.ts'),
};

// What is measured runs as it does on the command line and in a cell.
ownProcess();

const named = process.argv.slice(2);
const unknown = named.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown !== undefined) {
  process.stderr.write(`no benchmark "${unknown}"; there are ${Object.keys(BENCHMARKS).join(', ')}\n`);
  process.exitCode = 2;
} else {
  for (const [name, load] of Object.entries(BENCHMARKS)) {
    if (named.length > 0 && !named.includes(name)) continue;
    const { default: measure } = await load();
    await publish(await measure());
  }
}
