// Results of steppers that went from host to host: each is held to its own part.
import { describe, expect, test } from 'vitest';
import { intervalOf, stretchOf } from '../../host/coordinator/intervals.ts';
import type { Replicas } from '../../host/coordinator/replicas.ts';
import { audit, claimOf, from, goneOn, open, PARTS } from './claims.ts';

describe('a result that went from host to host', () => {
  const ask = (replicas: Replicas) => intervalOf(replicas.auditOf(0) ?? stretchOf(claimOf(), 0));

  test('counts for each of them by what it did, and is checked by neither', () => {
    const replicas = open(10);
    replicas.deliver(0, goneOn('b', 'a', claimOf()));
    expect(replicas.wantedOf(0)?.not).toEqual(['a', 'b']);
    expect(audit(replicas, 0, 'a').dropped).toBe(true);
    while (replicas.auditOf(0)) audit(replicas, 0, 'c');
    expect(replicas.stateOf(0)).toBe('provisional');
    expect(replicas.standingOf('a')).toMatchObject({ results: 3 / PARTS, checks: 3 / PARTS });
    const { results = 0, checks = 0 } = replicas.standingOf('b') ?? {};
    expect(results).toBe(5 / PARTS);
    expect(checks).toBeGreaterThan(0);
    expect(checks).toBeLessThan(results);
  });

  test.each([
    ['before it was left', 1, 'a'],
    ['after it was gone on with', 4, 'b'],
  ])('is void where it was wrong %s, and only whoever was is convicted', (_, wrongFrom, liar) => {
    const replicas = open(10, { confidence: 0.999, wait: false });
    replicas.deliver(0, goneOn('b', 'a', claimOf(wrongFrom)));
    const convicted: string[] = [];
    for (let round = 0; round < 30 && convicted.length === 0; round += 1)
      for (const host of ['c', 'd']) if (replicas.auditOf(0)) convicted.push(...audit(replicas, 0, host).convicted);
    expect(convicted).toEqual([liar]);
    expect(replicas.runsOf(0)).toEqual([]);
    expect(replicas.wantedOf(0)?.audit).toBeUndefined();
  });

  test('is never believed alone where its intervals cannot be run, and nobody is convicted where a whole run differs', () => {
    const replicas = open(10);
    const { claim: _, ...bare } = goneOn('b', 'a', claimOf(1));
    replicas.deliver(0, bare);
    expect(replicas.stateOf(0)).toBe('checking');
    const effects = ['c', 'd'].map((host) => replicas.deliver(0, from(host)));
    expect(effects.flatMap(({ convicted }) => convicted)).toEqual([]);
    expect(effects.flatMap(({ accepted }) => accepted)).toMatchObject([{ hosts: ['c', 'd'] }]);
  });

  test('is void where one who made some of it is banned, held or delivered later', () => {
    const replicas = open(10);
    replicas.deliver(0, goneOn('b', 'a', claimOf()));
    while (replicas.auditOf(0)) audit(replicas, 0, 'c');
    const { wanted } = replicas.stand('a', 'banned');
    expect(wanted.map((range) => range.from)).toEqual([0]);
    expect(replicas.runsOf(0)).toEqual([]);
    expect(replicas.deliver(1, goneOn('b', 'a', claimOf())).dropped).toBe(true);
  });

  test('is run as a whole where an image of it is of no use', () => {
    const replicas = open(10);
    replicas.deliver(0, goneOn('b', 'a', claimOf()));
    replicas.audit(0, ask(replicas), null);
    expect(replicas.wantedOf(0)).toMatchObject({ not: ['a', 'b'], check: true });
    expect(replicas.wantedOf(0)?.audit).toBeUndefined();
  });
});
