// What an author's tests used the last time: `.lodger/fuel.json` in the kernel's folder.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { JOB_FILE } from '../../runtime/base/limits.ts';
import { fileError, readWhole, writeWhole } from '../jobs/files.ts';

const FuelSchema = v.object({ version: v.literal(1), fuel: v.record(v.string(), v.pipe(v.number(), v.safeInteger())) });

/** Fuel by test, as `tests/a.json: name`. */
export type Fuel = ReadonlyMap<string, number>;

/** What is remembered of the kernel in a folder; nothing where there is nothing that can be read. */
export async function readFuel(dir: string): Promise<Fuel> {
  try {
    const written: unknown = JSON.parse(new TextDecoder().decode(await readWhole(pathIn(dir), JOB_FILE.fileBytes.max)));
    return new Map(Object.entries(v.parse(FuelSchema, written).fuel));
  } catch {
    return new Map();
  }
}

/** Remembers it. Throws `ERR_FILE`. */
export async function writeFuel(dir: string, fuel: Fuel): Promise<void> {
  const path = pathIn(dir);
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw fileError('write', path, error);
  });
  const sorted = [...fuel].sort(([one], [other]) => (one < other ? -1 : 1));
  await writeWhole(path, `${JSON.stringify({ version: 1, fuel: Object.fromEntries(sorted) }, null, 2)}\n`);
}

function pathIn(dir: string): string {
  return join(dir, '.lodger', 'fuel.json');
}
