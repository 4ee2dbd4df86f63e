// Options of the command line, from text to what they stand for.
import process from 'node:process';
import { Option } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { type LimitName, POOL, TASK } from '../../runtime/base/limits.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../runtime/base/units.ts';
import { ENGINE_CHOICES, type EngineChoice } from '../../runtime/job/form.ts';
import { type Grant, parseGrant } from '../../runtime/policy/grant.ts';
import { ISOLATIONS, type Isolation } from '../cell/isolation.ts';
import { readStrictness, STRICTNESS, type Strictness } from '../cell/walls.ts';
import { resolveGrants } from '../jobs/grants.ts';
import { loadBlobs } from '../jobs/load.ts';

/** Tells `main.ts` with which code the process ends. */
export type Finish = (exitCode: 0 | 1 | 2) => void;

/** Reads a limit of bytes, up to its ceiling; `option` is how the user wrote it. */
export function sizeLimit(name: LimitName, option: string): (text: string) => number {
  return (text) => atMost(parseSize(text, option), name, option);
}

/** Reads a limit of time, up to its ceiling. */
export function timeLimit(name: LimitName, option: string): (text: string) => number {
  return (text) => atMost(parseDuration(text, option), name, option);
}

/** Reads a whole number within bounds. */
export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new LodgerError('ERR_OPTION_INVALID', [option, `an integer from ${min} to ${max}`]);
  };
}

/** Reads a share of one core. */
export function cpuShare(text: string): number {
  const value = /^\d(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  const { cpuShareMin, cpuShare: most } = POOL;
  if (value >= cpuShareMin.default && value <= most.max) return value;
  throw new LodgerError('ERR_OPTION_INVALID', ['--cpu-share', `a number from ${cpuShareMin.default} to ${most.max}`]);
}

/** The share as an option of a pool. */
export function shareOf(flags: { readonly cpuShare?: number }): { readonly cpuShare?: number } {
  return flags.cpuShare === undefined ? {} : { cpuShare: flags.cpuShare };
}

/** Reads the name of an engine. */
export function engineChoice(text: string): EngineChoice {
  const known = ENGINE_CHOICES.find((name) => name === text);
  if (known !== undefined) return known;
  throw new LodgerError('ERR_OPTION_INVALID', ['--engine', `one of ${ENGINE_CHOICES.join(', ')}`]);
}

/** Reads where kernels run. */
export function isolationKind(text: string): Isolation {
  const known = ISOLATIONS.find((name) => name === text);
  if (known !== undefined) return known;
  throw new LodgerError('ERR_OPTION_INVALID', ['--isolation', `one of ${ISOLATIONS.join(', ')}`]);
}

/** `--strict`, alone or with walls; `more` ends its line in the help. A file after it is refused: it is neither lost nor taken for a wall. */
export function strictOption(more: string): Option {
  const walls = `${STRICTNESS.join(', ')}, or names with commas between them`;
  return new Option(
    '--strict [walls]',
    `which walls there have to be: ${walls}; alone (before another option or "--"): floor${more}`,
  )
    .preset('floor')
    .argParser((text: string): Strictness => readStrictness(text, '--strict'));
}

/** Where kernels run, as options of a pool: whoever asks for walls asks for a process. */
export function isolationOf({ isolation, strict }: { readonly isolation?: Isolation; readonly strict?: Strictness }): {
  readonly isolation: Isolation;
  readonly strict?: Strictness;
} {
  if (strict === undefined) return { isolation: isolation ?? 'thread' };
  return { isolation: isolation ?? 'process', strict };
}

/** Gathers an option that may be given several times. */
export function several(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** Grants from their texts; files behind blobs, and folders that are pinned, are read and named by their digest. */
export async function loadGrants(
  texts: readonly string[],
): Promise<{ readonly grants: readonly Grant[]; readonly blobs: Record<string, Uint8Array> }> {
  const others = texts.filter((text) => !text.startsWith('blobs:')).map(parseGrant);
  const pinned = others.filter((grant) => 'folder' in grant);
  const given = others.filter((grant) => !('folder' in grant)) as Grant[];
  const blobs = blobFiles(texts.filter((text) => text.startsWith('blobs:')).map((text) => text.slice('blobs:'.length)));
  const loaded = await loadBlobs(blobs, process.cwd());
  const resolved = await resolveGrants(given, pinned, process.cwd());
  return { grants: [...resolved.grants, ...loaded.grants], blobs: { ...resolved.blobs, ...loaded.blobs } };
}

/** Names and files of blobs, from texts such as `query=q.fasta`. Throws `ERR_GRANT_INVALID`. */
export function blobFiles(texts: readonly string[]): ReadonlyMap<string, { readonly file: string }> {
  const files = new Map<string, { readonly file: string }>();
  for (const text of texts) {
    const grant = parseGrant(`blobs:${text}`);
    if (grant.kind !== 'blobs' || !('file' in grant)) continue;
    if (files.has(grant.name))
      throw new LodgerError('ERR_GRANT_INVALID', [`blobs:${text}`, 'another names the same blob']);
    files.set(grant.name, { file: grant.file });
  }
  return files;
}

/** An example for a command's help. */
export function example(...lines: readonly string[]): string {
  return `\nExample:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}

function atMost(value: number, name: LimitName, option: string): number {
  const { max, unit } = TASK[name];
  if (value <= max) return value;
  throw new LodgerError('ERR_OPTION_INVALID', [
    option,
    `at most ${unit === 'ms' ? formatDuration(max) : formatSize(max)}`,
  ]);
}
