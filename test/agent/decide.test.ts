// May a machine work now, and if not, why: every rule of an owner's policy, at its edges.
import { describe, expect, test } from 'vitest';
import { decide, type Facts } from '../../host/agent/decide.ts';
import { type OwnerFile, parseOwnerPolicy } from '../../host/agent/policy.ts';
import { PAUSES } from '../../host/wire/site.ts';

const GiB = 2 ** 30;
const MONDAY = 1;
const SATURDAY = 6;
const at = (hours: number, minutes = 0) => hours * 60 + minutes;

const CALM: Facts = {
  ...{ now: 1_000_000, day: MONDAY, minute: at(12), askedUntil: null, load: 0, userIdleMs: 3_600_000 },
  ...{
    onBattery: false,
    charge: 1,
    networkBytesToday: 0,
    diskBytesFree: 100 * GiB,
    memoryBytesFree: 8 * GiB,
    paused: null,
  },
};
const NIGHTS: Partial<OwnerFile> = { hours: [{ days: ['mon'], from: '22:00', to: '06:00' }] };
const OFFICE: Partial<OwnerFile> = { hours: [{ from: '09:00', to: '17:30' }] };
const IDLE: Partial<OwnerFile> = { onlyIdle: { userIdleMs: '3min', cpuLoadMax: 0.4 } };

/** A policy, what is known, and the reason why there is no work; null for work. */
const CASES: readonly (readonly [string, Partial<OwnerFile>, Partial<Facts>, string | null])[] = [
  ['nothing is asked for', {}, { load: 1, userIdleMs: 0 }, null],
  ['its owner paused it', {}, { askedUntil: 'forever' }, 'asked'],
  ['its owner paused it until later', {}, { askedUntil: 1_000_001 }, 'asked'],
  ["its owner's pause is over", {}, { askedUntil: 1_000_000 }, null],
  ['the hours have not begun', OFFICE, { minute: at(8, 59) }, 'hours'],
  ['the hours begin', OFFICE, { minute: at(9) }, null],
  ['the hours are nearly over', OFFICE, { minute: at(17, 29) }, null],
  ['the hours are over', OFFICE, { minute: at(17, 30) }, 'hours'],
  ['a night begins', NIGHTS, { minute: at(22) }, null],
  ['a night goes on after midnight', NIGHTS, { day: MONDAY + 1, minute: at(5, 59) }, null],
  ['a night is over', NIGHTS, { day: MONDAY + 1, minute: at(6) }, 'hours'],
  ['a morning follows another day', NIGHTS, { day: MONDAY, minute: at(5) }, 'hours'],
  [
    'a night on Saturday goes on into Sunday',
    { hours: [{ days: ['sat'], from: '20:00', to: '02:00' }] },
    { day: 0, minute: 60 },
    null,
  ],
  [
    'a whole day',
    { hours: [{ days: ['sat'], from: '00:00', to: '24:00' }] },
    { day: SATURDAY, minute: at(23, 59) },
    null,
  ],
  ['no hours at all are given', { hours: [] }, {}, 'hours'],
  ['the quota is not used up', { networkBytesPerDayMax: 100 }, { networkBytesToday: 99 }, null],
  ['the quota is used up', { networkBytesPerDayMax: 100 }, { networkBytesToday: 100 }, 'quota'],
  ['it runs on battery', {}, { onBattery: true }, 'battery'],
  ['it runs on battery and may', { battery: 'always' }, { onBattery: true, charge: 0 }, null],
  ['it has charge enough', { battery: { chargeMin: 0.5 } }, { onBattery: true, charge: 0.5 }, null],
  ['it has too little charge', { battery: { chargeMin: 0.5 } }, { onBattery: true, charge: 0.49 }, 'battery'],
  [
    'its battery does not tell its charge',
    { battery: { chargeMin: 0.5 } },
    { onBattery: true, charge: null },
    'battery',
  ],
  ['it has no battery', {}, { onBattery: null, charge: null }, null],
  ['somebody uses it', IDLE, { userIdleMs: 179_999 }, 'in use'],
  ['nobody used it for long enough', IDLE, { userIdleMs: 180_000 }, null],
  ['nobody can say whether it is used', IDLE, { userIdleMs: null, load: null }, null],
  ['other programs use it', IDLE, { load: 0.41 }, 'other programs'],
  ['other programs use as much as they may', IDLE, { load: 0.4 }, null],
  ['other programs still use nearly as much', IDLE, { load: 0.35, paused: 'other programs' }, 'other programs'],
  ['other programs use clearly less', IDLE, { load: 0.3, paused: 'other programs' }, null],
  ['the disk is nearly full', {}, { diskBytesFree: 511 * 2 ** 20 }, 'disk'],
  ['the disk has just room enough again', {}, { diskBytesFree: 600 * 2 ** 20, paused: 'disk' }, 'disk'],
  ['the disk has room again', {}, { diskBytesFree: 700 * 2 ** 20, paused: 'disk' }, null],
  ['memory is short', { memoryFreeBytesMin: '1GiB' }, { memoryBytesFree: GiB - 1 }, 'memory'],
  ['nobody can say how much is free', {}, { memoryBytesFree: null, diskBytesFree: null }, null],
  ['two rules stop it, the longer one is named', IDLE, { load: 1, askedUntil: 'forever' }, 'asked'],
];

describe('whether a machine works', () => {
  test.each(CASES)('when %s', (_, file, facts, reason) => {
    const verdict = decide(parseOwnerPolicy({ version: 1, ...file }), { ...CALM, ...facts });
    if (reason === null) expect(verdict).toMatchObject({ work: true });
    else expect(verdict).toEqual({ work: false, reason, why: expect.stringMatching(/\S{2}/) });
    if (!verdict.work) expect(PAUSES).toContain(verdict.reason);
  });

  test.each([
    [{ askedUntil: 1_000_000 + 5_400_000 }, {}, 'paused by its owner, for another 1 h 30 min'],
    [{ minute: 0 }, OFFICE, 'its hours are every day from 09:00 to 17:30'],
    [{ load: 0.5 }, IDLE, 'other programs used 50 % of the cores over 10 s, more than 40 %'],
    [{ onBattery: true, charge: 0.2 }, { battery: { chargeMin: 0.8 } }, 'it runs on battery, at 20 % of at least 80 %'],
  ] as const)('is explained in words: %o', (facts, file, why) => {
    expect(decide(parseOwnerPolicy({ version: 1, ...file }), { ...CALM, ...facts })).toMatchObject({ why });
  });
});

describe('an owner policy is refused for', () => {
  test.each([
    [{ version: 2 }, 'option "version" must be 1, the only version there is'],
    [{ cores: 2 }, 'option "cores" must be a known option'],
    [{ cpuShare: 0 }, 'option "cpuShare" must be a number from 0.05 to 1'],
    [{ memoryBytesMax: 'lots' }, 'option "memoryBytesMax" must be bytes or a size such as "2GiB"'],
    [{ hours: [{ from: '25:00', to: '06:00' }] }, 'option "hours.0.from" must be a time such as "22:00"'],
    [{ hours: [{ days: ['someday'], from: '00:00', to: '06:00' }] }, 'one of sun, mon, tue, wed, thu, fri, sat'],
    [{ battery: 'sometimes' }, 'option "battery" must be "never", "always" or { "chargeMin" }'],
    [{ grants: ['sockets'] }, 'grant "sockets" is not valid'],
    [{ grants: ['blobs:a=b'] }, 'grant "blobs:a=b" is not valid'],
    [{ kernels: { refused: ['12'] } }, 'a lower-case hex SHA-256'],
  ])('%o', (file, message) => {
    expect(() => parseOwnerPolicy({ version: 1, ...file })).toThrow(message);
  });
});

test('no origin and no folder of the machine is lent to strangers unless its owner wrote it', () => {
  const grantsOf = (file: Partial<OwnerFile>) => parseOwnerPolicy({ version: 1, ...file }).terms.policy.grants;
  const plain = [
    { kind: 'blobs' },
    { kind: 'clock' },
    { kind: 'files', pinned: true },
    { kind: 'log' },
    { kind: 'random' },
  ];
  const sorted = (file: Partial<OwnerFile>) => [...grantsOf(file)].sort((a, b) => a.kind.localeCompare(b.kind));
  expect(sorted({})).toEqual(plain);
  const http = { kind: 'http', origin: 'https://example.org', methods: ['GET'] };
  expect(grantsOf({ grants: ['http:https://example.org:GET'] })).toEqual([http]);
  expect(grantsOf({ grants: [] })).toEqual([]);
});
