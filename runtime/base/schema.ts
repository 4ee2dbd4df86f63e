// Turns unknown into known at the edges: valibot schemas, and their issues as a LodgerError.
// valibot interprets its schemas, so it works under a Content-Security-Policy without `unsafe-eval`.
import * as v from 'valibot';
import { type ErrorCode, LodgerError } from './errors.ts';

/** An integer within bounds, both included. */
export const integer = (min: number, max: number) => {
  const text = `an integer from ${min} to ${max}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(min, text), v.maxValue(max, text));
};

/** A lower-case hex SHA-256. */
export const digest = () =>
  v.pipe(v.string('a lower-case hex SHA-256'), v.regex(/^[0-9a-f]{64}$/, 'a lower-case hex SHA-256'));

/** One of the given words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  v.picklist(words, words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`);

/** Bytes; what else looks like bytes is not accepted. */
export const bytes = () => v.instance(Uint8Array, 'a Uint8Array');

/**
 * The value as the schema knows it. Throws `code` with the path of the first thing that is wrong and what it must be;
 * the caller's object is left untouched.
 */
export function check<T extends v.GenericSchema>(
  schema: T,
  value: unknown,
  code: Extract<ErrorCode, 'ERR_OPTION_INVALID' | 'ERR_JOB_INVALID'> = 'ERR_OPTION_INVALID',
): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = telling(result.issues[0]);
  const path = v.getDotPath(issue) ?? (code === 'ERR_JOB_INVALID' ? '(the whole file)' : 'options');
  throw new LodgerError(code, [path, wanted(issue)]);
}

/**
 * Refuses documents that nest deeper than any of ours, and names that every object inherits: strict schemas overlook those
 * (`"constructor" in entries` is true). For data that comes as JSON; throws `code` like `check`.
 */
export function refuseInherited(
  value: unknown,
  code: 'ERR_OPTION_INVALID' | 'ERR_JOB_INVALID',
  path: readonly string[] = [],
): void {
  if (typeof value !== 'object' || value === null) return;
  if (path.length > 8) throw new LodgerError(code, [path.join('.'), 'less deeply nested']);
  for (const [name, part] of Object.entries(value)) {
    const here = [...path, name];
    if (name in Object.prototype) throw new LodgerError(code, [here.join('.'), 'a known option']);
    refuseInherited(part, code, here);
  }
}

/** Of a union, the one branch that was meant, if what it lacks is more than the wrong names. */
function telling(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  if (issue.type !== 'union' || issue.issues === undefined) return issue;
  const meant = issue.issues.filter(
    (part) => part.path !== undefined && (part.type !== 'strict_object' || part.path.length > 1),
  );
  const [only] = meant;
  if (meant.length !== 1 || only?.path === undefined) return issue;
  return telling({ ...only, path: [...(issue.path ?? []), ...only.path] });
}

function wanted(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== 'strict_object') return issue.expected === null ? issue.message : phrase(issue);
  if (issue.expected === 'never') return 'a known option';
  return issue.received === 'undefined' ? 'given' : phrase(issue);
}

/** valibot's own messages begin with "Invalid"; ours are noun phrases that follow "must be". */
function phrase(issue: v.BaseIssue<unknown>): string {
  return issue.message.startsWith('Invalid') ? `${issue.expected}, not ${issue.received}` : issue.message;
}
