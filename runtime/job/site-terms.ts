// What a job asks of a site: how sure results must be, when they must be there, what hosts must be and what it all may cost.
import * as v from 'valibot';
import { integer, oneOf } from '../base/schema.ts';

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const PRICE = v.pipe(v.number('a number'), v.minValue(0, 'at least 0'), v.maxValue(1e9, 'at most 1e9'));
const word = (max: number) => v.pipe(v.string('a text'), v.maxLength(max, `at most ${max} characters`));
const about = <T extends v.GenericSchema>(schema: T, text: string) =>
  v.exactOptional(v.pipe(schema, v.description(text)));

/** What a job needs a host to be. */
export const RequirementsSchema = v.strictObject({
  kind: v.exactOptional(oneOf(['node', 'tab'])),
  engine: v.exactOptional(oneOf(['v8', 'wasmtime'])),
  memoryBytes: v.exactOptional(COUNT),
  /** Walls that have to be around its kernels. */
  isolation: v.exactOptional(v.pipe(v.array(word(32)), v.maxLength(16))),
  /** Names of hosts that are the only ones, or that are left out. */
  hosts: v.exactOptional(v.pipe(v.array(word(64)), v.maxLength(256))),
  notHosts: v.exactOptional(v.pipe(v.array(word(64)), v.maxLength(256))),
  /** What the job pays at most, in the site's units for 10^9 fuel; whatever an owner wants where it does not say. */
  priceMax: v.exactOptional(PRICE),
});
export type Requirements = v.InferOutput<typeof RequirementsSchema>;

/** A site's name: part of subjects, so no dots, blanks or wildcards. */
export const SiteNameSchema = v.pipe(
  v.string('a name'),
  v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and "-", at most 63 of them'),
);
const siteNames = v.pipe(v.array(SiteNameSchema), v.maxLength(256, 'at most 256'));

/** What a job asks of the other sites that may run it. */
export const SitesSchema = v.strictObject({
  /** The only ones, by name. */
  only: v.exactOptional(siteNames),
  /** Those that are left out. */
  not: v.exactOptional(siteNames),
  /** In units for 10^9 fuel. */
  priceMax: v.exactOptional(PRICE),
});
export type Sites = v.InferOutput<typeof SitesSchema>;

/** How sure a result must be: the probability that it is right, or `trusted` for hosts that the site trusts alone. */
export const ConfidenceSchema = v.union(
  [v.literal('trusted'), v.pipe(v.number(), v.minValue(0.5, 'at least 0.5'), v.maxValue(0.999999, 'at most 0.999999'))],
  '"trusted", or a number from 0.5 to 0.999999',
);
export type Confidence = v.InferOutput<typeof ConfidenceSchema>;

/** All of it but what is a digest or a point in time, which a job file has other words for. */
export const SITE_TERMS = {
  name: about(word(200), 'What people call the job.'),
  priority: about(integer(-100, 100), 'Of jobs of one account, the higher goes first. Default: 0.'),
  confidence: about(ConfidenceSchema, 'How sure results must be: a probability, or "trusted". Default: 0.999.'),
  wait: about(v.boolean('true or false'), 'Whether results may be held until the job ends, which costs fewer runs.'),
  retries: about(integer(0, 100), "How often a task that failed for its host's doing is tried."),
  requirements: about(RequirementsSchema, 'What a host must be.'),
  sites: about(SitesSchema, 'Lets other sites run it, too: all of them, or as this says.'),
  fuelBudget: about(COUNT, 'Fuel that all runs together may cost.'),
  everyMs: about(integer(1_000, 86_400_000), 'How often images of steppers are sent.'),
  markFuel: about(
    integer(1_000_000, Number.MAX_SAFE_INTEGER),
    'Fuel between the images by which results of steppers are checked in parts. Default: 2^33.',
  ),
  keepDays: about(integer(0, 3_650), 'Days that results stay.'),
} as const;

/** The part `site` of a job file. */
export const SiteTermsSchema = v.strictObject(SITE_TERMS);
export type SiteTerms = v.InferOutput<typeof SiteTermsSchema>;
