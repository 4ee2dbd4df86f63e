// The owner's policy as it stands in its file, looked at again and again: a file with errors changes nothing, and says what is wrong.
import { stat } from 'node:fs/promises';
import { LodgerError } from '../../runtime/base/errors.ts';
import { readWhole } from '../jobs/files.ts';
import { type OwnerFile, type OwnerPolicy, parseOwnerPolicy } from './policy.ts';

const FILE_BYTES_MAX = 2 ** 20;

export interface PolicyFile {
  /** The last one that was valid. */
  readonly policy: OwnerPolicy;
  readonly path: string | null;
  /** What is wrong with the file as it is now. */
  readonly error: string | null;
  /** Whether something is new: another policy, or another error. */
  look(): Promise<boolean>;
}

/** Throws `ERR_FILE` and `ERR_OPTION_INVALID` for a first one that is not there or not valid: nobody works under a policy that was not meant. */
export async function openPolicy(given: string | OwnerFile | undefined): Promise<PolicyFile> {
  if (typeof given !== 'string') {
    return { policy: parseOwnerPolicy(given ?? { version: 1 }), path: null, error: null, look: async () => false };
  }
  let seen = await markOf(given);
  let policy = await load(given);
  let error: string | null = null;
  return {
    get policy() {
      return policy;
    },
    path: given,
    get error() {
      return error;
    },
    look: async () => {
      const mark = await markOf(given);
      if (mark === seen) return false;
      seen = mark;
      const before = error;
      try {
        policy = await load(given);
        error = null;
        return true;
      } catch (thrown) {
        error = thrown instanceof Error ? thrown.message : String(thrown);
        return error !== before;
      }
    },
  };
}

/** Another one for a file that was changed or replaced. */
async function markOf(path: string): Promise<string> {
  return stat(path).then(
    ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
    () => 'not there',
  );
}

async function load(path: string): Promise<OwnerPolicy> {
  const text = new TextDecoder().decode(await readWhole(path, FILE_BYTES_MAX));
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LodgerError('ERR_FILE', ['read', path, `it is no JSON: ${reason}`], { cause });
  }
  return parseOwnerPolicy(document);
}
