// `lodger doctor`: what works on this machine, why not, and what to do about it.
import { createRequire } from 'node:module';
import { availableParallelism, freemem, totalmem } from 'node:os';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatSize } from '../../runtime/base/units.ts';
import { createPool } from '../cell/isolation.ts';
import { missingWalls } from '../cell/launch.ts';
import { FLOOR, WALL_NAMES, WALLS, type Wall } from '../cell/walls.ts';
import { loadAddon } from '../platform/native.ts';
import { example, type Finish } from './options.ts';
import { columns, print, printJson } from './say.ts';

const NODE_LEAST = [20, 19] as const;

/** A module of one function with a 128-bit vector in it: engines without SIMD do not take it. */
const SIMD = Uint8Array.of(
  ...[
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 10, 1, 8, 0, 0x41, 0, 0xfd, 15, 0xfd,
    98, 11,
  ],
);

/** One thing that was looked at. */
interface Finding {
  readonly name: string;
  readonly works: boolean;
  /** Whether nothing runs without it. */
  readonly needed: boolean;
  /** What was found, or why it does not work. */
  readonly reason: string;
  readonly remedy?: string;
}

export function addDoctor(program: Command, finish: Finish): void {
  program
    .command('doctor')
    .description('what works on this machine, and why not')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger doctor'))
    .action(async ({ json }: { json?: true }) => {
      const machine = [node(), v8(), wasmtime(), await threads(), sharedMemory(), memory()];
      const findings = [...machine, ...(await isolation()), assemblyscript()];
      const works = findings.every((finding) => finding.works || !finding.needed);
      if (json) await printJson({ state: works ? 'done' : 'failed', findings });
      else await print(columns(findings.map(rowOf)));
      finish(works ? 0 : 1);
    });
}

function rowOf({ name, works, reason, remedy }: Finding): readonly [string, string] {
  return [`${works ? 'yes' : 'no '}  ${name}`, remedy === undefined ? reason : `${reason}\n${remedy}`];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const works = major > NODE_LEAST[0] || (major === NODE_LEAST[0] && minor >= NODE_LEAST[1]);
  const reason = `Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  return {
    name: 'node',
    needed: true,
    works,
    reason,
    ...(works ? {} : { remedy: `install Node ${NODE_LEAST.join('.')} or later` }),
  };
}

function v8(): Finding {
  const works = typeof WebAssembly === 'object' && WebAssembly.validate(SIMD);
  return {
    name: 'engine v8',
    needed: true,
    works,
    reason: works
      ? `V8 ${process.versions.v8}, with 128-bit SIMD`
      : 'this V8 does not take WebAssembly with 128-bit SIMD',
    ...(works ? {} : { remedy: 'start Node without --jitless, on a processor with SSE4.1 or NEON' }),
  };
}

function wasmtime(): Finding {
  const name = 'engine wasmtime';
  try {
    const addon = loadAddon();
    const pooled = addon.isPooled({ stoppable: true, linear: false });
    const reason = `Wasmtime ${addon.version()}, ${pooled ? 'instances from a reserved pool' : 'every instance mapped anew'}`;
    const remedy = 'raise the address space that this process may have (ulimit -v): fresh instances then cost a third';
    return { name, needed: false, works: true, reason, ...(pooled ? {} : { remedy }) };
  } catch (error) {
    const reason = error instanceof LodgerError ? error.message : String(error);
    const remedy = `all else works on V8; install Rust from https://rustup.rs, then in a checkout: npm run build:native`;
    return { name, needed: false, works: false, reason, remedy };
  }
}

async function threads(): Promise<Finding> {
  const found = await new Promise<string | undefined>((resolve) => {
    const thread = new Worker('', { eval: true });
    thread.once('error', (error) => resolve(error.message));
    thread.once('exit', () => resolve(undefined));
  });
  const cores = availableParallelism();
  return {
    name: 'threads',
    needed: true,
    works: found === undefined,
    reason:
      found ?? `${cores} ${cores === 1 ? 'core' : 'cores'}, so ${cores} at a time unless --threads says otherwise`,
    ...(found === undefined ? {} : { remedy: 'raise the number of processes this user may have (ulimit -u)' }),
  };
}

function sharedMemory(): Finding {
  const works = typeof SharedArrayBuffer === 'function' && typeof Atomics === 'object';
  return {
    name: 'shared memory',
    needed: true,
    works,
    reason: works ? 'large inputs lie once in memory that all threads read' : 'SharedArrayBuffer is missing',
    ...(works ? {} : { remedy: 'start Node without flags that take SharedArrayBuffer away' }),
  };
}

/** The default limit of one task must fit into what the process may have. */
function memory(): Finding {
  const limit = process.constrainedMemory();
  const total = limit !== undefined && limit > 0 && limit < totalmem() ? limit : totalmem();
  const least = 512 * 2 ** 20;
  return {
    name: 'memory',
    needed: false,
    works: total >= least,
    reason: `${formatSize(total)} in all, ${formatSize(Math.min(freemem(), total))} free`,
    ...(total >= least ? {} : { remedy: 'lower memoryBytesMax and --threads: tasks of 256 MiB may not fit' }),
  };
}

/** Starts a cell, and says which walls stood around it. */
async function isolation(): Promise<readonly Finding[]> {
  try {
    const pool = await createPool({ isolation: 'process', threads: 1 });
    await pool.close('end');
    const missing = missingWalls();
    const walls = WALL_NAMES.map((wall) => wallOf(wall, pool.isolation.includes(wall), missing.get(wall)));
    return [cell(pool.isolation), ...walls];
  } catch (error) {
    const reason = error instanceof LodgerError ? error.message : String(error);
    const remedy = 'kernels run on threads of your own process; please report this';
    return [{ name: 'cell', needed: false, works: false, reason, remedy }];
  }
}

function cell(held: readonly Wall[]): Finding {
  const lacking = FLOOR.filter((wall) => !held.includes(wall));
  const works = lacking.length === 0;
  const open = held.length === 0 ? 'isolation: none, network: open' : `without ${lacking.join(' and ')}`;
  const reason = works ? "a process that strangers' kernels may run in" : `a process, ${open}`;
  const remedy = "run no strangers' kernels here, or only on a machine that you can lose";
  return { name: 'cell', needed: false, works, reason, ...(works ? {} : { remedy }) };
}

function wallOf(wall: Wall, works: boolean, missing = 'it could not be put up'): Finding {
  return { name: `wall ${wall}`, needed: false, works, reason: works ? WALLS[wall] : missing };
}

function assemblyscript(): Finding {
  const name = 'assemblyscript';
  try {
    const { version } = createRequire(import.meta.url)('assemblyscript/package.json') as { version: string };
    return { name, needed: false, works: true, reason: `${version}: lodger build works` };
  } catch {
    const remedy = 'npm install --save-dev assemblyscript@0.28.20';
    return {
      name,
      needed: false,
      works: false,
      reason: 'not installed: lodger build does not work, all else does',
      remedy,
    };
  }
}
