// Whose folder it is: the terms of the job whose outcomes and images are kept there.
import { join } from 'node:path';
import * as v from 'valibot';
import { canonical } from '../../runtime/base/canonical.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { JOB_FILE } from '../../runtime/base/limits.ts';
import type { Terms } from '../../runtime/job/task.ts';
import { readWhole, writeWhole } from '../jobs/files.ts';

const NAME = 'job.json';
const VERSION = 1;

const FileSchema = v.strictObject({
  version: v.literal(VERSION),
  job: v.strictObject({
    kernel: v.string(),
    limits: v.record(v.string(), v.number()),
    grants: v.array(v.string()),
    args: v.optional(v.array(v.string()), []),
    seed: v.number(),
  }),
  results: v.nullable(v.string()),
});

type JobTerms = v.InferOutput<typeof FileSchema>['job'];

/** The note that says whose a folder is. */
export interface Claim {
  /** Where the job's results were going to when it was started before. */
  readonly results: string | null;
  setResults(path: string | null): Promise<void>;
}

/**
 * Claims a folder for a job, or finds that it is this job's already. The engine does not matter. `names` is what the folder holds. Throws
 * `ERR_FILE` for the folder of another job, and for one that holds anything else.
 */
export async function claim(folder: string, terms: Terms, names: readonly string[]): Promise<Claim> {
  const path = join(folder, NAME);
  const job = termsOf(terms);
  const write = (results: string | null) => writeWhole(path, `${canonical({ version: VERSION, job, results })}\n`);
  if (!names.includes(NAME)) {
    const stray = names[0];
    if (stray !== undefined) throw refusal(folder, `it holds "${stray}", which is not of a job under way`);
    await write(null);
    return { results: null, setResults: write };
  }
  const found = parse(await readWhole(path, JOB_FILE.fileBytes.max));
  if (!found) throw refusal(folder, 'its job.json is none of this version of Lodger');
  const other = (Object.keys(job) as (keyof JobTerms)[]).find(
    (name) => canonical(found.job[name]) !== canonical(job[name]),
  );
  if (other !== undefined) {
    const [has, wanted] = [canonical(found.job[other]), canonical(job[other])];
    throw refusal(folder, `it is of another job: ${other} ${has}, not ${wanted}`);
  }
  return { results: found.results, setResults: write };
}

/** What a folder is refused for. */
export function refusal(folder: string, reason: string): LodgerError {
  return new LodgerError('ERR_FILE', ['keep a job in', folder, `${reason}; name another folder, or remove it`]);
}

function termsOf({ kernel, limits = {}, grants = [], args = [], seed = 0 }: Terms): JobTerms {
  const texts = grants.map((grant) => canonical({ ...grant }));
  return { kernel: kernel.digest, limits: { ...limits }, grants: texts, args: [...args], seed };
}

function parse(bytes: Uint8Array): v.InferOutput<typeof FileSchema> | undefined {
  try {
    const parsed = v.safeParse(FileSchema, JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
