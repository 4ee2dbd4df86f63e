// Results of steppers that are checked in parts: what is run again, who is believed where hosts differ, and that every task comes to its end.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Effects } from '../../host/coordinator/delivery.ts';
import {
  answerIn,
  auditOf,
  type Claim,
  checkMarks,
  firstDifference,
  intervalOf,
  stretchOf,
} from '../../host/coordinator/intervals.ts';
import type { Replicas } from '../../host/coordinator/replicas.ts';
import { answerOf, BELIEF, intervalsDue } from '../../host/coordinator/trust.ts';
import type { Mark } from '../../host/wire/ledger.ts';
import { createDraw } from '../grid/chance.ts';
import { audit, claimOf, FUEL, from, goneOn, old, open, PARTS } from './claims.ts';

describe('a result that can be checked in parts', () => {
  test('of a newcomer is held when another owner has run a quarter of its intervals again, and each is a part of a check of it, and not of who runs it', () => {
    const replicas = open(10);
    const { wanted } = replicas.deliver(0, from('a', claimOf()));
    expect(wanted).toEqual([{ from: 0, to: 1, not: ['a'], check: true, trusted: false, audit: 1 }]);
    expect(replicas.stateOf(0)).toBe('checking');
    const asked = new Set<string>();
    for (let count = 0; replicas.auditOf(0); count++) {
      asked.add(String(intervalOf(replicas.auditOf(0) ?? stretchOf(claimOf(), 0))));
      const share = 1 / PARTS;
      expect(audit(replicas, 0, 'b').passed).toEqual([{ host: 'a', share }]);
      expect(count).toBeLessThan(4);
    }
    expect(asked.size).toBe(2);
    expect(replicas.stateOf(0)).toBe('provisional');
    expect(replicas.standingOf('a')?.checks).toBe(2 / PARTS);
  });

  test('is not told to whoever runs a part again: neither what it came to nor what the task gave', () => {
    const told = JSON.stringify(auditOf(stretchOf(claimOf(), 3)));
    expect(told).toContain('right 2');
    expect(told).not.toContain('right 3');
    expect(JSON.stringify(auditOf(stretchOf(claimOf(), PARTS - 1)))).not.toContain('output');
  });

  test.each([
    ['whose host is sure enough of nothing but a whole run', 0.999999, {}],
    ['that is believed at once, from a newcomer', 0.99, { wait: false }],
  ] as const)('%s is checked by whole runs', (_, confidence, change) => {
    const replicas = open(3, { confidence, ...change });
    replicas.deliver(0, from('a', claimOf()));
    while (replicas.auditOf(0)) audit(replicas, 0, 'b');
    for (const task of [1, 2]) replicas.deliver(task, from('c'));
    for (const task of [0, 1, 2]) {
      const needed = [0, 1, 2].map((each) => replicas.wantedOf(each)).filter((range) => range !== undefined);
      expect(needed.every(({ audit }) => audit === undefined)).toBe(true);
      replicas.deliver(task, from('d', claimOf()));
    }
  });

  test('whose image is of no use is run as a whole, and so believed', () => {
    const replicas = open(4);
    replicas.deliver(0, from('a', claimOf()));
    const question = intervalOf(replicas.auditOf(0) ?? stretchOf(claimOf(), 0));
    const { wanted } = replicas.audit(0, question, null);
    expect(wanted).toEqual([{ from: 0, to: 1, not: ['a'], check: true, trusted: false }]);
    expect(replicas.audit(0, question, null).dropped).toBe(true);
    expect(replicas.deliver(0, from('b', claimOf())).convicted).toEqual([]);
    expect(['provisional', 'done']).toContain(replicas.stateOf(0));
  });

  test('is not checked by its own owner, by an anonymous host, or twice by one owner', () => {
    const replicas = open(4, { draw: (_, nth) => (nth === 1 ? 0.99 : Math.abs(nth) / 100) });
    replicas.deliver(0, from('a', claimOf(0)));
    expect(audit(replicas, 0, 'a2', { owner: 'a' }).dropped).toBe(true);
    expect(audit(replicas, 0, 'tab', { kind: 'anonymous' }).dropped).toBe(true);
    expect(audit(replicas, 0, 'b').wanted[0]?.not).toEqual(['a', 'b']);
    expect(audit(replicas, 0, 'b').dropped).toBe(true);
    expect(audit(replicas, 0, 'c').convicted).toEqual(['a']);
  });
});

describe('where hosts differ', () => {
  /** Draws that ask for one interval first. */
  const first = (place: number) => (_: number, nth: number) => (nth === -2 - place ? 0 : 0.99);

  test.each(['the host of the result', 'the one that ran the interval again'])(
    '%s has lied if a third one says so',
    (who) => {
      const isHost = who.startsWith('the host of');
      const replicas = open(4, { draw: first(3) });
      replicas.deliver(0, from('a', claimOf(isHost ? 3 : undefined)));
      const lie = isHost ? {} : { answer: answerOf({ output: 'a lie', fuel: FUEL }) };
      const { wanted, convicted } = audit(replicas, 0, 'b', lie);
      expect(convicted).toEqual([]);
      expect(replicas.stateOf(0)).toBe('disputed');
      expect(wanted[0]).toMatchObject({ not: ['a', 'b'], audit: 1 });
      const { convicted: liars, audited } = audit(replicas, 0, 'c');
      expect(liars).toEqual([isHost ? 'a' : 'b']);
      expect(audited.map(({ host }) => host)).toEqual(isHost ? ['b', 'c'] : ['c']);
      expect(replicas.wantedOf(0)?.not ?? []).not.toContain('c');
    },
  );

  test('claiming more fuel for an interval than it takes is a lie, too', () => {
    const replicas = open(4, { draw: first(3), trustedHosts: true });
    replicas.deliver(0, from('a', claimOf()));
    audit(replicas, 0, 'b', { answer: answerOf({ output: 'right 3', fuel: FUEL + 1 }) });
    expect(audit(replicas, 0, 'own', { kind: 'trusted' }).convicted).toEqual(['b']);
  });

  test('two whole runs are compared mark by mark, and the one interval in which they part is run again by a trusted host', () => {
    for (const at of [0, 1, 5, PARTS - 1]) {
      const replicas = open(1, { confidence: 0.999999, trustedHosts: true });
      replicas.deliver(0, old('a', claimOf(at)));
      while (replicas.auditOf(0)) replicas.audit(0, intervalOf(replicas.auditOf(0) ?? stretchOf(claimOf(), 0)), null);
      const { wanted } = replicas.deliver(0, old('b', claimOf()));
      if (replicas.auditOf(0) === undefined) continue;
      expect(wanted[0]).toMatchObject({ trusted: true, audit: 1 });
      expect(intervalOf(replicas.auditOf(0) ?? stretchOf(claimOf(), 0))).toEqual(intervalOf(stretchOf(claimOf(), at)));
      const { convicted, audited } = audit(replicas, 0, 'own', { kind: 'trusted' });
      expect(convicted).toEqual(['a']);
      expect(audited).toEqual([{ host: 'own', fuel: FUEL }]);
    }
  });

  test("a tab's result is never believed alone, and is compared mark by mark with one that differs", () => {
    const replicas = open(4, { trustedHosts: true });
    const tab = { owner: 'anonymous', kind: 'anonymous' } as const;
    replicas.deliver(0, from('tab', claimOf(5), tab));
    expect(replicas.wantedOf(0)).toEqual({ from: 0, to: 1, not: ['anonymous'], check: true, trusted: false });
    replicas.deliver(0, from('a', claimOf()));
    expect(replicas.wantedOf(0)).toMatchObject({ trusted: true, audit: 1 });
    expect(audit(replicas, 0, 'own', { kind: 'trusted' }).convicted).toEqual(['tab']);
  });

  test('nothing is compared between versions of the rewriter', () => {
    expect(firstDifference(claimOf(3), { ...claimOf(), rewriter: 2 })).toBeUndefined();
  });
});

test('two claims part where the first of their common marks differs, whatever marks either leaves out', () => {
  const places = fc.integer({ min: 0, max: PARTS });
  const kept = fc.array(fc.boolean(), { minLength: PARTS - 1, maxLength: PARTS - 1 });
  fc.assert(
    fc.property(places, kept, kept, (at, ours, theirs) => {
      const some = (claim: Claim, keep: readonly boolean[]) => ({
        ...claim,
        marks: claim.marks.filter((_, place) => keep[place]),
      });
      const [one, other] = [some(claimOf(at), ours), some(claimOf(), theirs)];
      const parted = firstDifference(one, other);
      const common = one.marks.map(([step]) => step / 10 - 1).filter((place) => theirs[place]);
      if (parted === undefined)
        return common.length === 0 || at === PARTS ? true : common.every((place) => place >= at);
      const start = (parted.from?.[0] ?? 0) / 10;
      const end = parted.to === null ? PARTS : parted.to[0] / 10;
      expect(answerIn(one, parted)).toBeDefined();
      return start <= at && (at < end || at === PARTS);
    }),
  );
});

test('as many intervals are drawn on the average as whole checks would cost, and more where the need is high', () => {
  const terms = { wait: true, deterministic: true, trustedHosts: false, progress: 0.5, closing: false } as const;
  const standing = { kind: 'known', checks: 3, checksEver: 50, late: false, banned: false } as const;
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 33 }), fc.integer({ min: 1, max: 1_000 }), (parts, results) => {
      const run = { standing: { ...standing, results, intervals: results * parts }, seen: 0, parts };
      const draws = Array.from({ length: 1_000 }, (_, at) => (at + 0.5) / 1_000);
      const due = draws.map((draw) => intervalsDue(run, { ...terms, confidence: 0.9 }, draw));
      const mean = due.reduce((sum, each) => sum + each, 0) / due.length / parts;
      expect(mean).toBeGreaterThanOrEqual(BELIEF.checksShare / 2);
      expect(mean).toBeLessThan(0.5);
      const late = (confidence: number) => intervalsDue(run, { ...terms, confidence, closing: true }, 0);
      const needs = [0.5, 0.99, 0.999, 0.9999, 0.999999].map(late);
      expect(needs).toEqual([...needs].sort((a, b) => a - b));
      expect(needs[0]).toBe(0);
      return needs.every((count) => count <= parts);
    }),
  );
});

test.each([
  [
    'steps that go back',
    [
      [2, 5, 's', 'i'],
      [2, 6, 's', 'i'],
    ],
  ],
  [
    'fuel that goes back',
    [
      [1, 5, 's', 'i'],
      [2, 4, 's', 'i'],
    ],
  ],
  ['more fuel than the whole', [[1, 11, 's', 'i']]],
])('marks with %s are no marks', (_, marks) => {
  expect(() => checkMarks(marks as Mark[], 10)).toThrow('marks go back');
});

test('whatever hosts say in whatever order, every task becomes final once, no honest host is convicted, and a replay ends the same', () => {
  const HOSTS = ['a', 'b', 'c', 'd', 'e', 'own'];
  const TASKS = 6;
  const acts = fc.array(fc.tuple(fc.nat(TASKS - 1), fc.nat(HOSTS.length - 1), fc.nat(9)), { maxLength: 60 });
  fc.assert(
    fc.property(
      acts,
      fc.integer(),
      fc.constantFrom(0.9, 0.999, 0.999999),
      fc.boolean(),
      (script, seed, confidence, wait) => {
        const change = { confidence, wait, trustedHosts: true, draw: createDraw(seed) };
        const told: ((replicas: Replicas) => Effects)[] = [];
        const finals = new Map<number, string>();
        const convicted = new Set<string>();
        const replicas = open(TASKS, change);
        const tell = (act: (each: Replicas) => Effects) => {
          told.push(act);
          const effects = act(replicas);
          for (const host of effects.convicted) convicted.add(host);
          for (const { task, answer } of effects.accepted) {
            expect(finals.has(task)).toBe(false);
            finals.set(task, answer);
          }
        };
        /** a and b lie now and then, of one mind only at a confidence that two newcomers do not reach; own is the site's. */
        const act = (task: number, host: string, chance: number) => {
          const wanted = replicas.wantedOf(task);
          if (!wanted || wanted.not.includes(host) || convicted.has(host) || (wanted.trusted && host !== 'own')) return;
          const kind = host === 'own' ? ('trusted' as const) : ('known' as const);
          const lies = (host === 'a' || host === 'b') && chance < 4;
          const lie = confidence > 0.999 ? chance : 2 * Number(host === 'b') + (chance % 2);
          const question = replicas.auditOf(task);
          if (question && chance === 9 && host !== 'own')
            return tell((each) => each.audit(task, intervalOf(question), null));
          if (question) {
            const said = lies ? { answer: answerOf({ output: `a lie of ${host}`, fuel: FUEL }) } : {};
            return tell((each) =>
              each.auditOf(task) ? audit(each, task, host, { kind, ...said }) : each.audit(task, [0, 0], null),
            );
          }
          if ((chance === 5 || chance === 6) && host !== 'own' && replicas.runsOf(task).length === 0) {
            // b goes on from a, honest ones from b, who was wrong before it left; some images are of no use later.
            const before = host === 'b' ? 'a' : 'b';
            const run = goneOn(host, before, claimOf(before === 'b' ? chance - 5 : undefined));
            const { claim: _, ...bare } = run;
            return tell((each) => each.deliver(task, seed % 3 === 0 ? bare : run));
          }
          const claim = host === 'own' || chance === 8 ? undefined : claimOf(lies ? lie : undefined);
          const answer = answerOf({ output: lies ? `wrong ${lie} output` : 'right output', fuel: FUEL * PARTS });
          tell((each) => each.deliver(task, from(host, claim, { kind, answer })));
        };
        for (const [task, host, chance] of script) act(task, HOSTS[host] as string, chance);
        for (let round = 0; round < 100 && finals.size < TASKS; round++)
          for (let task = 0; task < TASKS; task++) for (const host of ['c', 'd', 'e', 'own']) act(task, host, 7);
        expect(finals.size).toBe(TASKS);
        for (const host of ['c', 'd', 'e', 'own']) expect(convicted.has(host)).toBe(false);
        const again = open(TASKS, change);
        const repeated = told.flatMap((each) => each(again).accepted.map(({ task, answer }) => [task, answer]));
        expect(repeated).toEqual([...finals]);
      },
    ),
    { numRuns: 300 },
  );
});
