// Images of a guest of 16 MiB: taking one when 1 % of its pages have changed, and putting one into a fresh memory, against memcpy.
import { imaging } from '../host/platform/imaging.ts';
import { PAGE } from '../runtime/base/limits.ts';
import { type Platform, portable } from '../runtime/base/platform.ts';
import { formatSize, short } from '../runtime/base/units.ts';
import { applyDifference, type Moment, type Taken, takeImage } from '../runtime/snapshot/image.ts';
import { IMAGE_PAGE, MemoryCopy } from '../runtime/snapshot/memory-copy.ts';
import { memoryStore, openImage } from '../runtime/snapshot/store.ts';
import { type Measure, type Result, ratio } from './result.ts';
import { interleave, type Timed, type Variant } from './rounds.ts';

const MEMORY_PAGES = 256;
const BYTES = MEMORY_PAGES * PAGE;
const PAGES = BYTES / IMAGE_PAGE;
const DIRTY = Math.ceil(PAGES / 100);
const IMAGES = 10;

export default async function measure(): Promise<Result> {
  const [ours, byLoop] = [taking('image, 1 % dirty', imaging), taking('image, 1 % dirty, portable platform', portable)];
  const images = await interleave([ours, byLoop], { rounds: 11, samples: 3 });
  // Apart from the others, and many at a time: fresh memories are unmapped when V8 gets to it, which would be in another one's time.
  const times = [...images, ...(await interleave(restoring(holding()), { rounds: 11, samples: 20 }))];
  const first = images[0] as Timed;
  const bytes = ours.check();
  byLoop.check();
  return {
    name: 'image',
    times,
    measures: [
      atMost('image of 16 MiB with 1 % of pages dirty', first, 4),
      {
        measure: 'stored bytes of that image against its dirty pages',
        value: `${formatSize(bytes)}, ${short(bytes / (DIRTY * IMAGE_PAGE))}x`,
        must: '<= 1.1x',
        holds: bytes <= DIRTY * IMAGE_PAGE * 1.1,
      },
      ratio('restore 16 MiB against memcpy into fresh memory', times, [RESTORE, MEMCPY], 1.5),
      ratio('the same of a clone with 1 % of pages its own', times, [CLONE, MEMCPY], 1.5),
      reported('from the store, every page digested', times, OPEN),
    ],
  };
}

const [RESTORE, CLONE, OPEN, MEMCPY] = ['restore', 'restore a clone', 'open and restore', 'memcpy'] as const;

/** CPU time: a thread that takes an image does nothing else. */
function atMost(measure: string, { cpuMinUs, cpuMedianUs }: Timed, ms: number): Measure {
  const [min, median] = [cpuMinUs / 1000, cpuMedianUs / 1000];
  const value = `${short(min)} ms (minimum), ${short(median)} ms (median)`;
  return { measure, value, must: `<= ${ms} ms`, holds: Math.max(min, median) <= ms };
}

function reported(measure: string, times: readonly Timed[], name: string): Measure {
  return { ...ratio(measure, times, [name, MEMCPY], 1), must: 'reported', holds: null };
}

/** A guest's memory with something in every page. */
function filledMemory(): Uint8Array<ArrayBuffer> {
  const memory = new Uint8Array(freshMemory());
  for (let at = 0; at < BYTES; at++) memory[at] = (at * 2_654_435_761) >>> 13;
  return memory;
}

function freshMemory(): ArrayBuffer {
  return new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: 65_536 }).buffer as ArrayBuffer;
}

function momentAt(step: number, previous: Taken | undefined): Moment {
  return {
    previous: previous?.image,
    task: {
      kernel: '00'.repeat(32),
      tariff: 1,
      rewriter: 1,
      input: '00'.repeat(32),
      inputBytes: 0,
      seed: 1,
      index: 0,
      deterministic: true,
    },
    ...{ step, share: 0.5, fuel: step * 1e6, state: new Uint8Array(200) },
    host: { elapsedMs: step, randomBytes: 0, log: [], logBytes: 0, linesDropped: 0, calls: {} },
    limits: { memoryBytesMax: BYTES },
  };
}

/** A task that changes other pages before each image. `check` compares what its last image restores with its memory. */
function taking(name: string, platform: Platform): Variant & { readonly check: () => number } {
  const memory = filledMemory();
  const copy = new MemoryCopy(platform, BYTES);
  let taken = takeImage(copy, memory, momentAt(0, undefined));
  let step = 0;
  const next = () => {
    step++;
    for (let n = 0; n < DIRTY; n++) {
      const at = ((n * 97 + step * 31) % PAGES) * IMAGE_PAGE + ((n * 89) % IMAGE_PAGE);
      memory[at] = (memory[at] as number) ^ 1;
    }
    taken = takeImage(copy, memory, momentAt(step, taken));
  };
  const check = () => {
    const from = new MemoryCopy(platform, BYTES);
    from.update(memory);
    const before = taken.image;
    next();
    applyDifference(from, before, taken.bytes);
    compare(name, from, memory);
    return taken.bytes.byteLength;
  };
  check();
  return {
    name,
    operations: IMAGES,
    check,
    once: () => {
      for (let left = IMAGES; left > 0; left--) next();
    },
  };
}

function holding() {
  const memory = filledMemory();
  const store = memoryStore();
  const copy = new MemoryCopy(imaging, BYTES);
  const taken = takeImage(copy, memory, momentAt(0, undefined));
  store.put(taken.image.digest, taken.bytes);
  const changed = memory.slice();
  for (let n = 0; n < DIRTY; n++) changed.fill(7, ((n * 97) % PAGES) * IMAGE_PAGE, ((n * 97) % PAGES) * IMAGE_PAGE + 9);
  const clone = copy.fork();
  clone.update(changed);
  const open = () => openImage(store, taken.image.digest, { platform: imaging, memoryBytesMax: BYTES }).copy;
  compare('restore', copy, memory);
  compare('restore a clone', clone, changed);
  compare('open and restore', open(), memory);
  return { memory: memory.slice(), copy, clone, open };
}

function restoring({ memory, copy, clone, open }: ReturnType<typeof holding>): Variant[] {
  const into = (name: string, write: (fresh: Uint8Array) => void): Variant => ({
    name,
    operations: 1,
    once: () => write(new Uint8Array(freshMemory())),
  });
  return [
    into(MEMCPY, (fresh) => fresh.set(memory)),
    into(RESTORE, (fresh) => copy.writeInto(fresh)),
    into(CLONE, (fresh) => clone.writeInto(fresh)),
    into(OPEN, (fresh) => open().writeInto(fresh)),
  ];
}

function compare(name: string, copy: MemoryCopy, memory: Uint8Array): void {
  const restored = new Uint8Array(BYTES);
  copy.writeInto(restored);
  if (Buffer.compare(restored, memory) !== 0) throw new Error(`${name}: the memory is another one`);
}
