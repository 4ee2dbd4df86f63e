// The fuzzing itself: kernel after kernel, each on two lanes with a few inputs, until somebody says stop.
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { difference, type Ending, isLate, refusal } from './compare.ts';
import { createDice } from './dice.ts';
import { generateKernel } from './generate.ts';
import type { Given, Lane } from './lanes.ts';
import type { KernelOptions } from './plan.ts';

/** What is run for a seed. */
export interface Plot {
  readonly lanes: readonly [Lane, Lane];
  readonly options: KernelOptions;
}

/** A task that did not end alike on both lanes. */
export interface Difference {
  readonly seed: number;
  readonly bytes: Uint8Array;
  readonly options: KernelOptions;
  readonly given: Given;
  readonly text: string;
  readonly lanes: readonly [string, string];
  readonly endings: readonly [Ending, Ending];
}

export interface FuzzOptions {
  /** Kernels have this seed and those after it. */
  readonly seed: number;
  plotOf(seed: number): Plot;
  /** Asked before each kernel, with the number of those before. */
  goesOn(modules: number): boolean;
  /** Told which seeds are under way, so that they are known if the process dies of one. */
  onSeeds?(seeds: readonly number[]): void;
  onDifference?(found: Difference): Promise<void> | void;
}

export interface Summary {
  modules: number;
  runs: number;
  /** How often tasks ended how, by `done`, the code, or the trap's message. */
  readonly endings: Record<string, number>;
  readonly differences: Difference[];
}

const INPUTS = 3;
const INPUT_BYTES_MAX = 64;
const PAGE = 65_536;

/** Native code is made on other threads: meanwhile the next kernels are generated and run. */
const IN_FLIGHT = 4;

/** An endless kernel gets this long; where only one lane needs longer, both get the second. */
const WALL_MS = [100, 5_000] as const;

export async function fuzz(options: FuzzOptions): Promise<Summary> {
  const summary: Summary = { modules: 0, runs: 0, endings: {}, differences: [] };
  const under = new Set<number>();
  const lane = async () => {
    while (options.goesOn(summary.modules)) {
      const seed = options.seed + summary.modules++;
      under.add(seed);
      options.onSeeds?.([...under]);
      await fuzzOne(seed, options, summary);
      under.delete(seed);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return summary;
}

async function fuzzOne(seed: number, { plotOf, onDifference }: FuzzOptions, summary: Summary): Promise<void> {
  const { lanes, options } = plotOf(seed);
  const { bytes } = generateKernel(seed, options);
  const kernel = await admit(bytes, { platform: node }).catch((cause: unknown) => {
    throw new Error(`the generator made something that is no kernel of seed ${seed}`, { cause });
  });
  const load = (lane: Lane) => lane.load(kernel).catch((error: unknown) => () => refusal(error));
  const [one, other] = await Promise.all([load(lanes[0]), load(lanes[1])]);
  for (const given of givensOf(seed, options)) {
    let asked = given;
    let endings = [await one(asked), await other(asked)] as const;
    if (isLate(...endings)) {
      asked = { ...given, wallMsMax: WALL_MS[1] };
      endings = [await one(asked), await other(asked)];
    }
    summary.runs++;
    const name = nameOf(endings[0]);
    summary.endings[name] = (summary.endings[name] ?? 0) + 1;
    const text = difference(...endings, { metered: lanes.every((lane) => lane.metered) });
    if (text === undefined) continue;
    const names = [lanes[0].name, lanes[1].name] as const;
    const found: Difference = { seed, bytes, options, given: asked, text, lanes: names, endings };
    summary.differences.push(found);
    await onDifference?.(found);
    // The other inputs would tell the same story.
    return;
  }
}

/** The tasks of a kernel: inputs of chance, and memories that can or cannot grow as far as the kernel wants. */
function givensOf(seed: number, { isEndless }: KernelOptions): Given[] {
  const dice = createDice(seed + 2 ** 40);
  return Array.from({ length: isEndless ? 1 : INPUTS }, (_, index) => ({
    input: Uint8Array.from({ length: dice.below(INPUT_BYTES_MAX + 1) }, () => dice.below(256)),
    seed: dice.below(1_000_000),
    index,
    memoryBytesMax: (1 + dice.below(5)) * PAGE,
    ...(isEndless && { wallMsMax: WALL_MS[0] }),
  }));
}

function nameOf({ outcome }: Ending): string {
  if (outcome.state === 'done') return 'done';
  return outcome.code === 'ERR_TRAP' ? outcome.message : outcome.code;
}
