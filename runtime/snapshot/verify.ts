// Whether one image follows from another: the steps between them are done again, and what comes out is compared.
import { canonical, type Plain } from '../base/canonical.ts';
import { IMAGE } from './bounds.ts';
import { breakBetween, type Manifest } from './manifest.ts';
import { sameBytes } from './same-bytes.ts';
import type { OpenImage } from './store.ts';
import type { StateField } from './transfer.ts';

/** One place where the image is not what a replay gives. */
export type Finding =
  | { readonly place: 'page'; readonly page: number }
  | { readonly place: 'global'; readonly global: number; readonly segment?: number }
  | { readonly place: 'field'; readonly field: string; readonly claimed: Plain; readonly replayed: Plain }
  | { readonly place: 'link'; readonly reason: string };

export interface Verdict {
  readonly follows: boolean;
  /** The first of them. */
  readonly findings: readonly Finding[];
  /** How many there are in all. */
  readonly findingsTotal: number;
}

/** A task that failed before it came to the step: why. */
export interface Ended {
  readonly ended: string;
}

/** Does the steps after an image in a fresh instance, up to `step`, and takes an image there. Whatever it throws, `verify` throws. */
export type Replay = (from: OpenImage, step: number) => OpenImage | Ended | Promise<OpenImage | Ended>;

export interface VerifyOptions {
  readonly replay: Replay;
  /** Names the globals that differ; without it all of the state is one field. */
  readonly fields?: readonly StateField[];
}

/**
 * Says whether `claimed` follows from `from`. The steps are done only where the two can belong together at all, and where only limits
 * changed, which takes no step, nothing is done again. What the time was is not compared: no replay has the same.
 */
export async function verify(from: OpenImage, claimed: OpenImage, options: VerifyOptions): Promise<Verdict> {
  const reason = breakBetween(from.image.manifest, claimed.image.manifest);
  if (reason !== undefined) return verdictOf([{ place: 'link', reason }]);
  const { step } = claimed.image.manifest;
  if (step === from.image.manifest.step) return verdictOf([]);
  return verdictOn(claimed, await options.replay(from, step), options.fields);
}

/** Whether an image is what a replay came to. */
export function verdictOn(claimed: OpenImage, replayed: OpenImage | Ended, fields?: readonly StateField[]): Verdict {
  if ('ended' in replayed) return verdictOf([{ place: 'link', reason: `a replay ends before it: ${replayed.ended}` }]);
  return compare(claimed, replayed, fields);
}

/** Where an image differs from what a replay gave. */
export function compare(claimed: OpenImage, replayed: OpenImage, fields?: readonly StateField[]): Verdict {
  const [one, other] = [claimed.image.manifest, replayed.image.manifest];
  const pages = pagesThatDiffer(claimed, replayed).map((page): Finding => ({ place: 'page', page }));
  return verdictOf([...fieldsThatDiffer(one, other), ...globalsThatDiffer(one.state, other.state, fields), ...pages]);
}

function verdictOf(findings: readonly Finding[]): Verdict {
  const { length } = findings;
  return { follows: length === 0, findings: findings.slice(0, IMAGE.findings.default), findingsTotal: length };
}

/** Fields apart from the memory's digest and the state, which are told in parts, and from the time and the parent. */
function fieldsThatDiffer(one: Manifest, other: Manifest): Finding[] {
  const flat = ({ memory: _, state: __, parent: ___, host, ...rest }: Manifest): Record<string, Plain> => {
    const { elapsedMs: ____, ...counts } = host;
    return { ...rest, ...Object.fromEntries(Object.entries(counts).map(([name, value]) => [`host.${name}`, value])) };
  };
  const [claimed, replayed] = [flat(one), flat(other)];
  return Object.keys(claimed)
    .filter((name) => canonical(claimed[name] ?? null) !== canonical(replayed[name] ?? null))
    .map((field) => ({ place: 'field', field, claimed: claimed[field] ?? null, replayed: replayed[field] ?? null }));
}

function globalsThatDiffer(one: string, other: string, fields: readonly StateField[] = []): Finding[] {
  if (one === other) return [];
  const found = fields
    .filter(({ at }, index) => {
      const [from, to] = [at * 2, (fields[index + 1]?.at ?? one.length / 2) * 2];
      return one.slice(from, to) !== other.slice(from, to);
    })
    .map(
      ({ global, segment }): Finding => ({ place: 'global', global, ...(segment === undefined ? {} : { segment }) }),
    );
  return found.length > 0 ? found : [{ place: 'field', field: 'state', claimed: one, replayed: other }];
}

function pagesThatDiffer({ copy }: OpenImage, { copy: other }: OpenImage): number[] {
  return Array.from({ length: Math.max(copy.count, other.count) }, (_, page) => page).filter(
    (page) => page >= copy.count || page >= other.count || !sameBytes(copy.digestOf(page), other.digestOf(page)),
  );
}
