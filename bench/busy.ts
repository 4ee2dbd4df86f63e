// What keeps a thread of a pool busy until it is told to stop: guests without an end, and small tasks one after the other.
import type { Pool } from '../host/pool/options.ts';
import { admit } from '../runtime/admit/admit.ts';
import type { Kernel } from '../runtime/job/kernel.ts';
import { build, kernel } from './kernels.ts';

/** Ends when the signal does. */
export type Busy = (pool: Pool, signal: AbortSignal) => Promise<unknown>;

export interface Shape {
  readonly name: string;
  readonly keepBusy: Busy;
  /** Whether it is tasks, which another thread has to send. */
  readonly isSent: boolean;
}

/** Bodies of `run`, with what stands before it. */
const LOOPS = {
  'a loop over memory': [
    'memory.grow(16);',
    'let at: i32 = 0; for (;;) { store<i32>(at, load<i32>(at) + 1); at = (at + 4096) & 0xfffff; }',
  ],
  'a loop over fills': ['memory.grow(100);', 'for (;;) memory.fill(65536, 1, 4 << 20);'],
  'a loop over calls of the host': [
    `@external('lodger:kernel/random@0.1.0', 'fill') declare function fill(length: u32, area: usize): void; memory.grow(1);`,
    'for (;;) fill(64, 65536);',
  ],
  recursion: ['function fib(n: i32): i32 { return n < 2 ? n : fib(n - 1) + fib(n - 2); }', 'for (;;) fib(20);'],
} as const;

const STEPPER = `export function begin(input: Uint8Array): void {}
let at: i32 = 0;
export function step(): f64 { for (let i = 0; i < 10000; i++) { store<i32>(at, i); at = (at + 4) & 0xfff; } return 0; }
export function finish(): Uint8Array { return new Uint8Array(0); }`;

/** Some 0.2 ms of work. */
const BRIEF = `export function run(input: Uint8Array): Uint8Array {
  let state: u64 = 1;
  for (let i = 0; i < 150000; i++) state = state * 6364136223846793005 + 1442695040888963407;
  input[0] = <u8>(state >> 56);
  return input;
}`;

export async function shapes(): Promise<readonly Shape[]> {
  const guests: [string, Kernel][] = [['an endless loop', await kernel('loop')]];
  for (const [name, [before, body]] of Object.entries(LOOPS)) {
    const source = `${before} export function run(input: Uint8Array): Uint8Array { ${body} return input; }`;
    guests.push([name, await admit(await build(source))]);
  }
  const stepper = await admit(await build(STEPPER));
  const tasks: [string, Kernel, number][] = [
    ['tasks of 0.2 ms', await admit(await build(BRIEF)), 16],
    ['tasks that do nothing', await kernel('nothing'), 16],
    ['tasks that give 4 MiB back', await kernel('echo'), 4 << 20],
  ];
  return [
    ...guests.map(([name, one]) => ({ name, keepBusy: endless(one), isSent: false })),
    { name: 'a stepper of brief steps', keepBusy: endless(stepper, () => undefined), isSent: false },
    ...tasks.map(([name, one, bytes]) => ({ name, keepBusy: oneAfterTheOther(one, bytes), isSent: true })),
  ];
}

function endless(one: Kernel, onProgress?: () => void): Busy {
  const task = { kernel: one, input: new Uint8Array(1), grants: [{ kind: 'random' }] as const };
  return (pool, signal) => pool.run(task, { signal, ...(onProgress && { onProgress }) });
}

function oneAfterTheOther(one: Kernel, bytes: number): Busy {
  return async (pool, signal) => {
    const inputs = (function* () {
      while (!signal.aborted) yield new Uint8Array(bytes);
    })();
    for await (const _ of pool.map({ kernel: one, inputs })) if (signal.aborted) break;
  };
}
