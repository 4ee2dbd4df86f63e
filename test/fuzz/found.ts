// What fuzzing found, as files: the kernel, the input and how each lane ended, with the seed that makes them again.
import { mkdir, open, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ending } from './compare.ts';
import type { Difference } from './fuzz.ts';

/** A folder for findings. */
export interface Finds {
  /** Writes the seeds under way into `under-way.txt`. If the process dies of one of their kernels, they stay there. */
  underWay(seeds: readonly number[]): void;
  /** Saves a difference in a folder of its own, named after its seed. Gives the folder. */
  save(found: Difference): Promise<string>;
  /** Takes back what only matters while it runs. */
  close(): Promise<void>;
}

const LINE_BYTES = 120;

export async function openFinds(folder: string): Promise<Finds> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'under-way.txt');
  const file = await open(path, 'w');
  let last: Promise<unknown> = Promise.resolve();
  return {
    underWay: (seeds) => {
      const line = Buffer.from(
        `${seeds
          .join(' ')
          .slice(0, LINE_BYTES - 1)
          .padEnd(LINE_BYTES - 1)}\n`,
      );
      last = file.write(line, 0, LINE_BYTES, 0);
    },
    save: async (found) => {
      const own = join(folder, String(found.seed));
      await mkdir(own, { recursive: true });
      const { input, ...rest } = found.given;
      const report = {
        seed: found.seed,
        options: found.options,
        given: rest,
        difference: found.text,
        endings: found.lanes.map((lane, index) => ({ lane, ...tell(found.endings[index] as Ending) })),
      };
      await writeFile(join(own, 'kernel.wasm'), found.bytes);
      await writeFile(join(own, 'input.bin'), input);
      await writeFile(join(own, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
      for (const [index, { memory, outcome }] of found.endings.entries()) {
        const bytes = memory ?? (outcome.state === 'done' ? outcome.output : undefined);
        if (bytes !== undefined) await writeFile(join(own, `memory-${index}.bin`), bytes);
      }
      return own;
    },
    close: async () => {
      await last;
      await file.close();
      await rm(path);
      // A folder that has nothing to tell goes, too.
      await rmdir(folder).catch(() => undefined);
    },
  };
}

/** The outcome without its output, which is a file of its own. */
function tell({ outcome }: Ending): object {
  return { ...outcome, output: undefined };
}
