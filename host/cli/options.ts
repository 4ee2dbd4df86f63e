// Options of the command line, from text to what they stand for.
import process from 'node:process';
import { LodgerError } from '../../runtime/base/errors.ts';
import { type LimitName, POOL, TASK } from '../../runtime/base/limits.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../runtime/base/units.ts';
import { ENGINE_CHOICES, type EngineChoice } from '../../runtime/job/form.ts';
import { type Grant, parseGrant } from '../../runtime/policy/grant.ts';
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
