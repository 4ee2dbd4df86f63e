// Contract: a kernel's memory is as large as it may be and no larger, zeroed, and new for each task.
import type { Outcome } from '../../runtime/job/outcome.ts';
import { answer, type KernelParts } from '../wasm/kernel.ts';
import { type Bench, type Case, type Given, outputOf, tell, tellsOf } from './case.ts';

const PAGE = 65_536;

/** Grows by the first amount, then by the second, and tells what both gave and the size at the end. */
const growing = (first: number, second: number, memory: readonly [number, number?]): KernelParts => ({
  memory,
  run: { code: tell(`i32.const ${first} memory.grow`, `i32.const ${second} memory.grow`, 'memory.size') },
});

const pages = (count: number, more = 0): Given => ({ limits: { memoryBytesMax: count * PAGE + more } });

export const GROWTH: readonly Case[] = [
  {
    name: "to exactly the task's limit, not a page more",
    kernel: growing(7, 1, [1]),
    given: pages(8),
    tells: [1, -1, 8],
  },
  { name: "to exactly the kernel's own maximum", kernel: growing(4, 1, [1, 5]), given: pages(8), tells: [1, -1, 5] },
  {
    name: "the task's limit holds below the kernel's",
    kernel: growing(2, 1, [1, 16]),
    given: pages(3),
    tells: [1, -1, 3],
  },
  { name: 'a part of a page is no page', kernel: growing(2, 1, [1]), given: pages(3, PAGE - 1), tells: [1, -1, 3] },
  { name: 'one page too many at once gives nothing', kernel: growing(8, 7, [1]), given: pages(8), tells: [-1, 1, 8] },
  { name: 'by 2^32 - 1 pages', kernel: growing(-1, 0, [1]), given: pages(8), tells: [-1, 1, 1] },
  { name: 'by nothing at the limit', kernel: growing(0, 0, [2, 2]), given: pages(2), tells: [2, 2, 2] },
  { name: 'page by page', kernel: growing(1, 1, [0 + 1, 3]), given: pages(8), tells: [1, 2, 3] },
  { name: 'with room for one task only', kernel: growing(1, 1, [1, 1]), given: pages(1), tells: [-1, -1, 1] },
].map((one) => ({ ...one, name: `memory grows as far as it may: ${one.name}` }));

/** What a kernel with a memory of no pages can do. Its input is empty, so `cabi_realloc` has nothing to give. */
const EMPTY_REALLOC = { code: 'i32.const 0' };

export const EMPTY: readonly Case[] = [
  {
    name: 'a memory of no pages has no room for a result',
    kernel: { memory: [0, 1], realloc: EMPTY_REALLOC, run: { code: 'i32.const 0' } },
    failed: 'ERR_ABI',
    message: 'kernel broke the canonical ABI: the result area of 12 bytes at 0 lies outside the memory',
  },
  {
    name: 'a memory of no pages traps on the first load',
    kernel: { memory: [0], realloc: EMPTY_REALLOC, run: { code: 'i32.const 0 i32.load8_u 0 0' } },
    failed: 'ERR_TRAP',
    message: 'trap: memory access out of bounds',
  },
  {
    name: 'a memory of no pages may grow, and then answer',
    kernel: {
      memory: [0, 1],
      realloc: EMPTY_REALLOC,
      run: { code: `i32.const 1 memory.grow drop ${tell('memory.size')}` },
    },
    tells: [1],
  },
];

/** Fills what it has, grows, fills that too, and drops its data; everything a task can leave behind. */
const messy: KernelParts = {
  memory: [1, 4],
  globals: [{ type: 'i', mutable: true, value: 'i32.const 7' }],
  data: [{ bytes: [1, 2, 3, 4] }],
  run: {
    code: `i32.const 2048 i32.const 0 i32.const 4 memory.init 0 data.drop 0
           global.get 1 i32.const 1 i32.add global.set 1
           local.get 1 if i32.const 1 memory.grow drop end
           i32.const 4096 i32.load 2 0
           i32.const 4096 i32.const -1 i32.const 4096 memory.fill
           i32.const 65536 i32.const 4 i32.sub i32.load 2 0
           i32.const 65536 i32.const 4 i32.sub i32.const 99 i32.store 2 0
           i32.add
           local.set 0
           ${tell('global.get 1', 'local.get 0', 'memory.size', 'i32.const 2048 i32.load 2 0')}`,
  },
};

/** The whole memory at its start, but for the 12 bytes of the result at 16. */
const dump: KernelParts = { memory: [1, 4], run: { code: answer(0, 'i32.const 0', 'i32.const 65536') } };

export interface Story {
  readonly name: string;
  /** Runs some tasks; what it gives must be equal to `expected`. */
  readonly tell: (bench: Bench) => Promise<unknown>;
  readonly expected: unknown;
}

/** Places of bytes in what `dump` gave that a fresh memory does not have: only the result's length, 65536, belongs there. */
function traces(outcome: Outcome): readonly number[] {
  const page = outputOf(outcome);
  return [...page.keys()].filter((at) => page[at] !== (at === 26 ? 1 : 0));
}

/** What needs more than one task to be seen. */
export const STORIES: readonly Story[] = [
  {
    name: 'globals, memory and dropped segments start anew for each task',
    tell: async ({ run }) => {
      const seen = [];
      for (let i = 0; i < 5; i++) seen.push(tellsOf(await run(messy)));
      return seen;
    },
    expected: Array.from({ length: 5 }, () => [8, 0, 1, 0x0403_0201]),
  },
  {
    name: 'the next task sees the initial size after a task that grew',
    tell: async ({ run }) => {
      const seen = [];
      for (let i = 0; i < 6; i++) seen.push(tellsOf(await run(messy, { input: new Uint8Array(i % 2) }))[2]);
      return seen;
    },
    expected: [1, 2, 1, 2, 1, 2],
  },
  {
    name: 'a memory is zeroed after a task that filled it',
    tell: async ({ run }) => {
      await run(messy);
      await run({ ...messy, run: { code: 'i32.const 0 i32.const 255 i32.const 65536 memory.fill unreachable' } });
      return traces(await run(dump));
    },
    expected: [],
  },
  {
    name: 'a memory is zeroed after a task that failed while its segments were copied',
    tell: async ({ run }) => {
      await run({
        ...dump,
        data: [
          { offset: 100, bytes: [1, 2, 3] },
          { offset: 65_535, bytes: [1, 2] },
        ],
      });
      return traces(await run(dump));
    },
    expected: [],
  },
  {
    name: 'the limit of a task is not that of the next',
    tell: async ({ run }) => {
      const seen = [];
      for (const count of [2, 4, 3, 2]) seen.push(tellsOf(await run(growing(1, 1, [1]), pages(count)))[2]);
      return seen;
    },
    expected: [2, 3, 3, 2],
  },
  {
    name: 'tasks of one kernel at different sizes do not disturb each other',
    tell: async ({ run }) => {
      const sizes = [0, 70_000, 1, 300_000, 0, 5];
      const ends = [];
      for (const size of sizes) ends.push(outputOf(await run({}, { input: new Uint8Array(size).fill(size) })).length);
      return ends;
    },
    expected: [0, 70_000, 1, 300_000, 0, 5],
  },
];
