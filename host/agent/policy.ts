// What the owner of a machine lets it be used for, as it is written in a file. `schemas/owner.schema.json` is made from this.
import { availableParallelism, totalmem } from 'node:os';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { POLICY, POOL, TASK } from '../../runtime/base/limits.ts';
import { check, digest, integer, oneOf, refuseInherited } from '../../runtime/base/schema.ts';
import { DURATION_TEXT, parseDuration, parseSize, SIZE_TEXT } from '../../runtime/base/units.ts';
import { type GrantRule, parseGrant } from '../../runtime/policy/grant.ts';
import { type Policy, parsePolicy } from '../../runtime/policy/policy.ts';
import type { Terms } from '../lend/contracts.ts';
import { SITE } from '../wire/ceilings.ts';

export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Day = (typeof DAYS)[number];

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const CLOCK_TEXT = /^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$/;

const about = <T extends v.GenericSchema>(schema: T, text: string) =>
  v.exactOptional(v.pipe(schema, v.description(text)));
const quantity = (pattern: RegExp, text: string) =>
  v.union([integer(0, Number.MAX_SAFE_INTEGER), v.pipe(v.string(text), v.regex(pattern, text))], text);
const size = () => quantity(SIZE_TEXT, 'bytes or a size such as "2GiB"');
const time = () => quantity(DURATION_TEXT, 'ms or a time such as "3min"');
const share = (min: number) => {
  const text = `a number from ${min} to 1`;
  return v.pipe(v.number(text), v.minValue(min, text), v.maxValue(1, text));
};
const clock = () => v.pipe(v.string('a time such as "22:00"'), v.regex(CLOCK_TEXT, 'a time such as "22:00"'));
const list = <T extends v.GenericSchema>(schema: T, max: number) =>
  v.pipe(v.array(schema), v.maxLength(max, `at most ${max}`));
const name = () => v.pipe(v.string('a name'), v.regex(/^[^\0]{1,64}$/, 'a name of 1 to 64 characters'));
const choice = <T extends v.GenericSchema<string>>(schema: T) =>
  v.strictObject({
    allowed: about(list(schema, SITE.batchTasks.max), 'The only ones.'),
    refused: about(list(schema, SITE.batchTasks.max), 'These never.'),
  });

/** The document. Only what JSON Schema can say, too, is checked here; `parseOwnerPolicy` sees to the rest. */
export const OwnerFileSchema = v.strictObject({
  $schema: v.exactOptional(v.string('a text')),
  version: v.pipe(
    v.literal(1, '1, the only version there is'),
    v.description('Version of the form of owner policies.'),
  ),
  threads: about(integer(1, POOL.threads.max), 'Threads that work at a time. Default: the number of cores.'),
  cpuShare: about(share(POOL.cpuShareMin.default), 'The share of a core that each thread may have. Default: 1.'),
  memoryBytesMax: about(size(), 'What kernels may hold together. Default: half of the memory.'),
  diskBytesMax: about(size(), 'What kernels and blobs may take on disk. Default: 4GiB.'),
  diskFreeBytesMin: about(size(), 'Work stops when less is free on that disk. Default: 512MiB.'),
  memoryFreeBytesMin: about(size(), 'Work stops when less memory is free. Default: 256MiB.'),
  hours: about(
    list(
      v.strictObject({
        days: about(list(oneOf(DAYS), 7), 'Days on which it begins. Default: every day.'),
        from: v.pipe(clock(), v.description('Local time; when it is after `to`, the hours go on into the next day.')),
        to: clock(),
      }),
      100,
    ),
    'When to work. Default: always.',
  ),
  onlyIdle: about(
    v.strictObject({
      userIdleMs: about(time(), 'Work stops when somebody used keyboard or mouse within this time.'),
      cpuLoadMax: about(share(0), 'Work stops when other programs use more than this share of all cores.'),
      windowMs: about(time(), 'The load is the mean over this time. Default: 10s.'),
    }),
    'Work only when the machine is not needed. Default: always, at the lowest priority.',
  ),
  battery: about(
    v.union(
      [oneOf(['never', 'always']), v.strictObject({ chargeMin: share(0) })],
      '"never", "always" or { "chargeMin" }',
    ),
    'Whether to work on battery, or down to which charge. Default: never.',
  ),
  networkBytesPerDayMax: about(size(), 'Bytes to and from the site a day. Default: no ceiling.'),
  neighbours: about(
    v.strictObject({
      address: about(
        v.pipe(v.string('an address'), v.ip('an address')),
        'Where to listen. Default: 0.0.0.0, every network.',
      ),
      port: about(integer(0, 65_535), 'Default: one that is free.'),
      uploadBytesPerSecondMax: about(size(), 'What all neighbours together get. Default: 10MiB.'),
    }),
    'Fetch kernels and blobs from hosts of the same network, and give them to those, before the site is asked. Default: no.',
  ),
  grants: about(
    list(v.string('a text such as "log"'), POLICY.rules.max),
    'What kernels may use: log, random, clock, blobs, which are also those of pinned folders. Default: these four.',
  ),
  limits: about(
    v.strictObject({
      memoryBytesMax: about(size(), 'What one task may hold. Default: what the machine gives to all, up to 4GiB.'),
      fuelMax: about(integer(0, TASK.fuelMax.max), 'Fuel of one task.'),
      wallMsMax: about(time(), 'Time of one task.'),
    }),
    'What one task may use.',
  ),
  accounts: about(choice(name()), 'Whose jobs to run. Default: all.'),
  kernels: about(choice(digest()), 'Which kernels to run. Default: all.'),
  priceFloor: about(
    v.pipe(v.number('a number'), v.minValue(0, 'at least 0'), v.finite('a number')),
    'The least to work for, in the units of the site for 10^9 fuel. Default: 0.',
  ),
});
export type OwnerFile = v.InferOutput<typeof OwnerFileSchema>;

/** Hours of the week; `from` and `to` in minutes since midnight, local time. */
export interface Hours {
  readonly days: readonly Day[];
  readonly from: number;
  readonly to: number;
}

/** How a machine and its neighbours give each other blobs. */
export interface NeighbourTerms {
  readonly address: string;
  readonly port: number;
  readonly uploadBytesPerSecondMax: number;
}

/** The same as code reads it: sizes in bytes, times in ms, everything filled in. */
export interface OwnerPolicy {
  readonly threads: number;
  readonly cpuShare: number;
  readonly memoryBytesMax: number;
  readonly diskBytesMax: number;
  readonly diskFreeBytesMin: number;
  readonly memoryFreeBytesMin: number;
  /** Absent: always. */
  readonly hours?: readonly Hours[];
  readonly userIdleMs?: number;
  readonly cpuLoadMax?: number;
  readonly windowMs: number;
  /** The least charge to work with on battery, 0 to 1; absent: never on battery. */
  readonly chargeMin?: number;
  readonly networkBytesPerDayMax?: number;
  /** Absent: no other host gets anything from here, or is asked. */
  readonly neighbours?: NeighbourTerms;
  readonly terms: Terms;
}

/** An owner's policy from unknown data. Throws `ERR_OPTION_INVALID` with the path of what is wrong. */
export function parseOwnerPolicy(value: unknown): OwnerPolicy {
  refuseInherited(value, 'ERR_OPTION_INVALID');
  const file = check(OwnerFileSchema, value);
  const { onlyIdle = {}, battery = 'never', hours } = file;
  const memoryBytesMax = bytesOf(file.memoryBytesMax, 'memoryBytesMax') ?? Math.floor(totalmem() / 2);
  const userIdleMs = msOf(onlyIdle.userIdleMs, 'onlyIdle.userIdleMs');
  const networkBytesPerDayMax = bytesOf(file.networkBytesPerDayMax, 'networkBytesPerDayMax');
  return {
    threads: file.threads ?? availableParallelism(),
    cpuShare: file.cpuShare ?? POOL.cpuShare.default,
    memoryBytesMax,
    diskBytesMax: bytesOf(file.diskBytesMax, 'diskBytesMax') ?? 4 * GiB,
    diskFreeBytesMin: bytesOf(file.diskFreeBytesMin, 'diskFreeBytesMin') ?? 512 * MiB,
    memoryFreeBytesMin: bytesOf(file.memoryFreeBytesMin, 'memoryFreeBytesMin') ?? 256 * MiB,
    ...(hours && { hours: hours.map(hoursOf) }),
    ...(userIdleMs !== undefined && { userIdleMs }),
    ...(onlyIdle.cpuLoadMax !== undefined && { cpuLoadMax: onlyIdle.cpuLoadMax }),
    windowMs: msOf(onlyIdle.windowMs, 'onlyIdle.windowMs') ?? 10_000,
    ...(battery === 'always' ? { chargeMin: 0 } : typeof battery === 'object' ? { chargeMin: battery.chargeMin } : {}),
    ...(networkBytesPerDayMax !== undefined && { networkBytesPerDayMax }),
    ...(file.neighbours && { neighbours: neighboursOf(file.neighbours) }),
    terms: termsOf(file, memoryBytesMax),
  };
}

function termsOf(
  { grants, limits = {}, accounts = {}, kernels = {}, priceFloor = 0 }: OwnerFile,
  memory: number,
): Terms {
  const most = Object.fromEntries(Object.entries(TASK).map(([limit, { max }]) => [limit, max]));
  const memoryBytesMax = bytesOf(limits.memoryBytesMax, 'limits.memoryBytesMax') ?? memory;
  const policy: Policy = parsePolicy({
    version: 1,
    limits: {
      ...most,
      memoryBytesMax: Math.min(memoryBytesMax, TASK.memoryBytesMax.max),
      ...(limits.fuelMax !== undefined && { fuelMax: limits.fuelMax }),
      ...(limits.wallMsMax !== undefined && {
        wallMsMax: Math.min(msOf(limits.wallMsMax, 'limits.wallMsMax') ?? 0, TASK.wallMsMax.max),
      }),
    },
    grants: (grants ?? ['log', 'random', 'clock', 'blobs']).flatMap(rulesOf),
  });
  const named = ({ allowed, refused = [] }: { allowed?: string[]; refused?: string[] }) => ({
    ...(allowed && { allowed }),
    refused,
  });
  return { policy, accounts: named(accounts), kernels: named(kernels), priceFloor };
}

/** A grant as people write it; `blobs` alone stands for all of them, also for those of pinned folders, and no file is named. */
export function rulesOf(text: string): GrantRule[] {
  if (text === 'blobs') return [{ kind: 'blobs' }, { kind: 'files', pinned: true }];
  const grant = parseGrant(text);
  if ('file' in grant)
    throw new LodgerError('ERR_GRANT_INVALID', [text, 'write it as blobs: a policy names no files of blobs']);
  if ('folder' in grant)
    throw new LodgerError('ERR_GRANT_INVALID', [
      text,
      'write read or write, or sha256: and its digest: a policy pins no folder',
    ]);
  return [grant];
}

function neighboursOf(given: NonNullable<OwnerFile['neighbours']>): NeighbourTerms {
  const { address = '0.0.0.0', port = 0 } = given;
  const most = bytesOf(given.uploadBytesPerSecondMax, 'neighbours.uploadBytesPerSecondMax') ?? 10 * MiB;
  return { address, port, uploadBytesPerSecondMax: most };
}

function hoursOf({ days = [...DAYS], from, to }: NonNullable<OwnerFile['hours']>[number]): Hours {
  return { days, from: minutesOf(from), to: minutesOf(to) };
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

function bytesOf(value: number | string | undefined, option: string): number | undefined {
  return typeof value === 'string' ? parseSize(value, option) : value;
}

function msOf(value: number | string | undefined, option: string): number | undefined {
  return typeof value === 'string' ? parseDuration(value, option) : value;
}
