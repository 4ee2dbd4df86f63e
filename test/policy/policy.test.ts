// What a policy lets through, how policies narrow each other, and what is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LodgerError } from '../../runtime/base/errors.ts';
import { type LimitName, TASK } from '../../runtime/base/limits.ts';
import type { SomeLimits } from '../../runtime/job/limits.ts';
import type { Grant, GrantRule } from '../../runtime/policy/grant.ts';
import { narrow } from '../../runtime/policy/narrow.ts';
import { type Policy, parsePolicy, permits } from '../../runtime/policy/policy.ts';

const D1 = 'a'.repeat(64);
const D2 = 'b'.repeat(64);
const LIMITS = Object.keys(TASK) as LimitName[];
const METHODS = ['GET', 'HEAD', 'POST'] as const;

// Few names, so that rules and grants meet often.
const limits: fc.Arbitrary<SomeLimits> = fc.record(
  Object.fromEntries(
    LIMITS.map((name) => [name, fc.constantFrom(0, 1, 5_000, TASK[name].default, TASK[name].max)]),
  ) as {
    [K in LimitName]: fc.Arbitrary<number>;
  },
  { requiredKeys: [] },
);
const methods = fc.uniqueArray(fc.constantFrom(...METHODS), { minLength: 1 });
const outside: fc.Arbitrary<Grant> = fc.oneof(
  fc.constantFrom<Grant>({ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }),
  fc.record({
    kind: fc.constant('files' as const),
    at: fc.constantFrom('/a', '/b'),
    from: fc.constantFrom('x', 'y'),
    mode: fc.constantFrom('read' as const, 'write' as const),
  }),
  fc.record({
    kind: fc.constant('http' as const),
    origin: fc.constantFrom('https://a.org', 'http://b.org:81'),
    methods,
  }),
);
const blob = { kind: fc.constant('blobs' as const), name: fc.constantFrom('db', 'query') };
const grant: fc.Arbitrary<Grant> = fc.oneof(outside, fc.record({ ...blob, digest: fc.constantFrom(D1, D2) }));
const rule: fc.Arbitrary<GrantRule> = fc.oneof(grant, fc.record(blob), fc.constant<GrantRule>({ kind: 'blobs' }));
const policy: fc.Arbitrary<Policy> = fc
  .record({ version: fc.constant(1), limits, grants: fc.array(rule, { maxLength: 12 }) })
  .map((value) => parsePolicy(value));

const allows = (given: Policy, asked: SomeLimits, grants: readonly Grant[]): boolean => {
  try {
    permits(given, asked, grants);
    return true;
  } catch (error) {
    if (error instanceof LodgerError && error.code === 'ERR_POLICY_EXCEEDED') return false;
    throw error;
  }
};

describe('a policy is refused', () => {
  test.each([
    ['of an unknown version', { version: 2 }, 'option "version" must be 1, the only version there is'],
    ['without a version', {}, 'option "version" must be given'],
    ['with an unknown limit', { version: 1, limits: { fuel: 1 } }, 'option "limits.fuel" must be a known option'],
    ['with an inherited name', JSON.parse('{"version":1,"__proto__":{}}'), 'option "__proto__" must be a known option'],
    [
      'with a limit of no bound',
      { version: 1, limits: { wallMsMax: Infinity } },
      'must be an integer from 0 to 604800000',
    ],
    [
      'with a digest for any name',
      { version: 1, grants: [{ kind: 'blobs', digest: D1 }] },
      'must be a name with its digest',
    ],
    [
      'with no method',
      { version: 1, grants: [{ kind: 'http', origin: 'https://a.org', methods: [] }] },
      'must be one method at least',
    ],
    ['with too many rules', { version: 1, grants: Array(1_001).fill({ kind: 'log' }) }, 'must be at most 1000 rules'],
    ['that is no object', null, 'option "options" must be'],
  ])('%s', (_, value, message) => {
    expect(() => parsePolicy(value)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^ERR_OPTION_INVALID$/),
        message: expect.stringContaining(message),
      }),
    );
  });

  test('only ever with a LodgerError, whatever it is', () => {
    const near = fc.record(
      { version: fc.constantFrom(1, 2), limits: fc.anything(), grants: fc.anything() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything({ maxDepth: 3 }), near), (value) => {
        try {
          parsePolicy(value);
        } catch (error) {
          expect(error).toBeInstanceOf(LodgerError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a policy does not cover', () => {
  const some = parsePolicy({
    version: 1,
    limits: { memoryBytesMax: 64 << 20 },
    grants: [
      { kind: 'blobs', name: 'db', digest: D1 },
      { kind: 'http', origin: 'https://a.org', methods: ['HEAD', 'GET'] },
      { kind: 'files', at: '/in', from: './in', mode: 'read' },
    ],
  });
  const tight = parsePolicy({ version: 1, limits: { wallMsMax: 500 } });

  test.each<[string, Policy, SomeLimits, Grant[], string]>([
    [
      'more memory than it says',
      some,
      { memoryBytesMax: 128 << 20 },
      [],
      'policy allows memoryBytesMax up to 64 MiB (67108864 bytes); the task asks for 128 MiB (134217728 bytes)',
    ],
    [
      'a default above its maximum, though nothing was said',
      tight,
      {},
      [],
      'policy allows wallMsMax up to 500 ms; the task asks for 1 min 0 s (60000 ms)',
    ],
    [
      'more than the default where it says nothing',
      tight,
      { wallMsMax: 1, logLinesMax: 1_001 },
      [],
      'policy allows logLinesMax up to 1000 lines; the task asks for 1001 lines',
    ],
    [
      'a grant that no rule names',
      some,
      { memoryBytesMax: 0 },
      [{ kind: 'clock' }],
      'policy allows no grant "clock"; the task asks for grant "clock"',
    ],
    [
      'a blob of another digest',
      some,
      { memoryBytesMax: 0 },
      [{ kind: 'blobs', name: 'db', digest: D2 }],
      `policy allows "blobs:db" with digest ${D1}; the task asks for grant "blobs:db" with digest ${D2}`,
    ],
    [
      'a method more',
      some,
      { memoryBytesMax: 0 },
      [{ kind: 'http', origin: 'https://a.org', methods: ['GET', 'POST'] }],
      'policy allows "http:https://a.org:GET,HEAD"; the task asks for grant "http:https://a.org:GET,POST"',
    ],
    [
      'writing where it allows reading',
      some,
      { memoryBytesMax: 0 },
      [{ kind: 'files', at: '/in', from: './in', mode: 'write' }],
      'policy allows "files:/in=./in:read"; the task asks for grant "files:/in=./in:write"',
    ],
  ])('%s', (_, given, asked, grants, message) => {
    expect(() => permits(given, asked, grants)).toThrow(
      expect.objectContaining({ code: 'ERR_POLICY_EXCEEDED', message }),
    );
  });
});

describe('a policy', () => {
  test('covers limits at its maxima and each grant that one of its rules names', () => {
    const given = parsePolicy({
      version: 1,
      limits: { memoryBytesMax: 10, wallMsMax: 0 },
      grants: [{ kind: 'log' }, { kind: 'blobs' }],
    });
    expect(
      allows(given, { memoryBytesMax: 10, wallMsMax: 0 }, [{ kind: 'log' }, { kind: 'blobs', name: 'db', digest: D1 }]),
    ).toBe(true);
    expect(allows(given, { memoryBytesMax: 11, wallMsMax: 0 }, [])).toBe(false);
  });

  test('leaves the object it was parsed from untouched', () => {
    const grants = [{ kind: 'random' }, { kind: 'log' }, { kind: 'log' }];
    const value = Object.freeze({ version: 1, grants: Object.freeze(grants) });
    expect(parsePolicy(value).grants).toEqual([{ kind: 'log' }, { kind: 'random' }]);
    expect(grants).toHaveLength(3);
  });

  test('has one form: the order of rules and methods, doubles and needless rules make no difference', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 10 }), fc.infiniteStream(fc.nat()), (rules, keys) => {
        const shuffled = [...rules, ...rules]
          .map((item) => ({ item, key: keys.next().value }))
          .sort((a, b) => a.key - b.key);
        expect(parsePolicy({ version: 1, grants: shuffled.map(({ item }) => item) })).toEqual(
          parsePolicy({ version: 1, grants: rules }),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('survives being written down and read again', () => {
    fc.assert(
      fc.property(policy, (given) => {
        expect(parsePolicy(JSON.parse(JSON.stringify(given)))).toEqual(given);
      }),
      { numRuns: 200 },
    );
  });
});

describe('narrowing', () => {
  test('is commutative, associative and idempotent, down to deep equality', () => {
    fc.assert(
      fc.property(policy, policy, policy, (a, b, c) => {
        expect(narrow(a, b)).toEqual(narrow(b, a));
        expect(narrow(narrow(a, b), c)).toEqual(narrow(a, narrow(b, c)));
        expect(narrow(a, a)).toEqual(a);
      }),
      { numRuns: 400 },
    );
  });

  test('allows exactly what both policies allow: never more, never less', () => {
    const seen = { allowed: 0, denied: 0 };
    fc.assert(
      fc.property(policy, policy, limits, fc.array(grant, { maxLength: 2 }), (a, b, asked, grants) => {
        const both = allows(a, {}, grants) && allows(b, {}, grants) && allows(a, asked, []) && allows(b, asked, []);
        // Grants are judged at limits that both allow, or nearly every case would fail on its limits alone.
        const low = Object.fromEntries(LIMITS.map((name) => [name, 0]));
        const each = allows(a, low, grants) && allows(b, low, grants);
        expect(allows(narrow(a, b), low, grants)).toBe(each);
        expect(allows(narrow(a, b), asked, [])).toBe(allows(a, asked, []) && allows(b, asked, []));
        if (both) expect(allows(narrow(a, b), asked, grants)).toBe(true);
        seen[each && grants.length > 0 ? 'allowed' : 'denied'] += 1;
      }),
      { numRuns: 1_000 },
    );
    expect(seen.allowed).toBeGreaterThan(20);
    expect(seen.denied).toBeGreaterThan(20);
  });

  test('keeps the narrower rule of a blob and the common methods of an origin', () => {
    const a = parsePolicy({
      version: 1,
      grants: [{ kind: 'blobs' }, { kind: 'http', origin: 'https://a.org', methods: ['GET', 'POST'] }],
    });
    const b = parsePolicy({
      version: 1,
      grants: [
        { kind: 'blobs', name: 'db' },
        { kind: 'http', origin: 'https://a.org', methods: ['HEAD', 'POST'] },
        { kind: 'log' },
      ],
    });
    expect(narrow(a, b).grants).toEqual([
      { kind: 'blobs', name: 'db' },
      { kind: 'http', origin: 'https://a.org', methods: ['POST'] },
    ]);
  });
});
