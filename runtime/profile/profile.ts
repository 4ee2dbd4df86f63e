// Where a task's fuel goes, instruction by instruction: the task is run once more on V8 with a counter for every straight run of its code.
import type { HostImports } from '../abi/imports.ts';
import { LodgerError } from '../base/errors.ts';
import { TASK } from '../base/limits.ts';
import type { Platform } from '../base/platform.ts';
import type { Engine, Guest, Ready } from '../engine/engine.ts';
import type { Exported } from '../engine/linked.ts';
import { createV8 } from '../engine/v8.ts';
import { sealed } from '../job/kernel.ts';
import type { Outcome } from '../job/outcome.ts';
import type { Task } from '../job/task.ts';
import { WEIGHTS } from '../meter/weights.ts';
import { prepare } from '../prepare/prepare.ts';
import { createSandbox } from '../sandbox/sandbox.ts';
import type { Body } from '../wasm/module.ts';
import { functionNames } from '../wasm/names.ts';
import { rowAt, stepOver } from '../wasm/outline.ts';
import { readModule } from '../wasm/read.ts';
import { type Instrumented, instrument, PROFILE_EXPORTS } from './instrument.ts';

/** What was used at one instruction. */
export interface Spent {
  /** Index of the function in the core module, and its name where the module has names. */
  readonly function: number;
  readonly name?: string;
  /** Byte of the core module. */
  readonly offset: number;
  readonly fuel: number;
}

export interface Profile {
  readonly outcome: Outcome;
  /** Sum of all that follows: the fuel of the task's receipt. */
  readonly fuel: number;
  /** Instructions that used any, in the order of the module. */
  readonly spent: readonly Spent[];
  /** What steps cost on the host's side. */
  readonly hostFuel: number;
}

/**
 * Profiles a task. It is not metered here, so nothing ends it: only what was seen to end by itself, and does the same each time, may be
 * given. Throws what runners throw, `ERR_KERNEL_CEILING` for more code than can be counted, and `ERR_OPTION_INVALID` for a task that
 * does not come to its end, of which no exact sum is known.
 */
export async function profile(platform: Platform, task: Task): Promise<Profile> {
  const kernel = sealed(task.kernel);
  const bytes = prepare(kernel, { memoryForm: 'imported', metered: false }).bytes;
  const made = instrument(readModule(bytes));
  const counted = new Counted();
  const sandbox = createSandbox({ platform, engine: counting(made.bytes, counted) as Engine });
  // What ends a task for its fuel or its time does not go by these counters.
  const { fuelMax: _, ...limits } = task.limits ?? {};
  const outcome = await sandbox.run({ ...task, limits: { ...limits, wallMsMax: TASK.wallMsMax.max } });
  await sandbox.close();
  if (outcome.state === 'failed' && outcome.code !== 'ERR_EXIT')
    throw new LodgerError('ERR_OPTION_INVALID', ['task', `one that comes to its end: ${outcome.message}`]);
  return { outcome, ...sum(task, bytes, made, counted) };
}

/** What is known of the run at its end. */
class Counted {
  counters: (index: number) => number = () => 0;
  /** Of host calls, by their site; -1 stands for steps. */
  readonly host = new Map<number, number>();

  charge(site: number, fuel: number): void {
    this.host.set(site, (this.host.get(site) ?? 0) + fuel);
  }
}

/** V8, with other bytes, and with a counter of fuel that only the host's own charges go to. */
function counting(bytes: Uint8Array, counted: Counted): Engine<WebAssembly.Module> {
  let exports: Exported = {};
  const onInstance = (given: Exported) => {
    exports = given;
  };
  const v8 = createV8('profile', { onInstance });
  return {
    ...v8,
    compile: (prepared) => v8.compile({ ...prepared, bytes: bytes as Uint8Array<ArrayBuffer> }),
    instantiate: (ready: Ready<WebAssembly.Module>, importsOf: () => HostImports, memoryPagesMax: number) => {
      const guest = v8.instantiate(ready, importsOf, memoryPagesMax);
      const numberIn = (name: string) => Number((exports[name] as WebAssembly.Global).value);
      counted.counters = (index) => numberIn(`${PROFILE_EXPORTS.counter}${index}`);
      return watched(guest, (fuel, isInside) => counted.charge(isInside ? numberIn(PROFILE_EXPORTS.site) : -1, fuel));
    },
  };
}

/** The guest, with a counter outside of it: the host takes fuel off for its calls, and puts on what it grants. */
function watched(guest: Guest, onCharge: (fuel: number, isInside: boolean) => void): Guest {
  let left = 0;
  let depth = 0;
  return {
    get mayLeave() {
      return guest.mayLeave;
    },
    set mayLeave(may) {
      guest.mayLeave = may;
    },
    bytes: () => guest.bytes(),
    call: (...given) => {
      depth++;
      try {
        return guest.call(...given);
      } finally {
        depth--;
      }
    },
    getFuel: () => left,
    setFuel: (fuel) => {
      if (fuel < left) onCharge(left - fuel, depth > 0);
      left = fuel;
    },
    end: (how) => guest.end(how),
  };
}

function sum(
  task: Task,
  bytes: Uint8Array,
  { runs, ranges, calls }: Instrumented,
  { counters, host }: Counted,
): Omit<Profile, 'outcome'> {
  const { core } = sealed(task.kernel);
  const { bodies: sources, functionsImported, customs, functions } = readModule(core);
  const { bodies } = readModule(bytes);
  const names = functionNames(core, customs, functions.length);
  /** Fuel by place in the core module, with the body that it is in. */
  const places = new Map<number, { readonly body: number; fuel: number }>();
  const spend = (body: number, at: number, fuel: number) => {
    if (fuel === 0) return;
    const offset = (sources[body] as Body).start + at - (bodies[body] as Body).start;
    const place = places.get(offset);
    if (place) place.fuel += fuel;
    else places.set(offset, { body, fuel });
  };
  for (const { body, from, to, counter } of runs) {
    const count = counters(counter);
    for (let at = from; count > 0 && at < to; at = stepOver(bytes, at))
      spend(body, at, count * (WEIGHTS[rowAt(bytes, at)] as number));
  }
  for (const { body, at, counter } of ranges) spend(body, at, counters(counter));
  for (const { body, at, counter } of calls) spend(body, at, host.get(counter) ?? 0);
  const spent = [...places]
    .sort(([one], [other]) => one - other)
    .map(([offset, { body, fuel }]) => {
      const name = names.get(functionsImported + body);
      return { function: functionsImported + body, ...(name !== undefined && { name }), offset, fuel };
    });
  const hostFuel = host.get(-1) ?? 0;
  return { fuel: spent.reduce((total, { fuel }) => total + fuel, hostFuel), spent, hostFuel };
}
