// How much CPU time this thread has used, in every Node: by WASI's clocks where Node itself does not tell.
import { createRequire } from 'node:module';
import process from 'node:process';
import type { WASI } from 'node:wasi';
import { node } from './node.ts';

/** WASI's number of the clock of the calling thread's CPU time. */
const THREAD_CPUTIME = 3;

type Clock = () => number | undefined;

let clock: Clock | undefined;

/** Milliseconds, for about 2 us of them; `undefined` where the platform does not tell. */
export function threadCpuMs(): number | undefined {
  clock ??= node.cpuMs ?? wasiClock();
  return clock();
}

function wasiClock(): Clock {
  try {
    const wasi = new (loadWasi())({ version: 'preview1' });
    const memory = new WebAssembly.Memory({ initial: 1 });
    wasi.initialize({ exports: { memory } });
    const read = wasi.wasiImport.clock_time_get as (clock: number, precision: bigint, to: number) => number;
    const told = new DataView(memory.buffer);
    return () => (read(THREAD_CPUTIME, 0n, 0) === 0 ? Number(told.getBigUint64(0, true)) / 1e6 : undefined);
  } catch {
    return () => undefined;
  }
}

/** Node warns whoever loads it that it is no sandbox and may change. Nothing runs in it here, and there is another way where it is gone. */
function loadWasi(): typeof WASI {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return (createRequire(import.meta.url)('node:wasi') as { readonly WASI: typeof WASI }).WASI;
  } finally {
    process.emitWarning = emitWarning;
  }
}
