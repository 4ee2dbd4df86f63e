// The life of a job's tasks: from any order of deliveries and convictions every task becomes final, once, and a replay ends the same.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delivery, Effects } from '../../host/coordinator/delivery.ts';
import { createReplicas, type Replicas } from '../../host/coordinator/replicas.ts';
import { BELIEF } from '../../host/coordinator/trust.ts';
import { createDraw } from '../grid/chance.ts';

const from = (host: string, answer = 'right', change: Partial<Delivery> = {}): Delivery => ({
  ...{ host, owner: host, kind: 'known', late: false, before: 0, answer },
  ...change,
});
const old = (host: string, answer = 'right') => from(host, answer, { before: 1_000 });

/** Nothing is drawn by chance unless a test says so. */
function open(tasks: number, change: Partial<Parameters<typeof createReplicas>[0]> = {}): Replicas {
  const replicas = createReplicas({
    ...{ confidence: 0.999, wait: true, deterministic: true, trustedHosts: false, draw: () => 0.99 },
    ...change,
  });
  replicas.grow(tasks, true);
  return replicas;
}

describe('belief, a task at a time', () => {
  test('the result of a newcomer is checked by another owner before it is believed', () => {
    const replicas = open(10);
    expect(replicas.deliver(0, from('a')).wanted).toEqual([
      { from: 0, to: 1, not: ['a'], check: true, trusted: false },
    ]);
    expect(replicas.deliver(0, from('b')).passed.map(({ host }) => host)).toEqual(['a', 'b']);
  });

  test('the result of an established host is held until the job ends, or checked if it is drawn', () => {
    expect(open(10).deliver(0, old('a')).held).toEqual([0]);
    expect(open(10, { draw: () => 0 }).deliver(0, old('a')).wanted).toHaveLength(1);
  });

  test('a stranger among hosts of earlier jobs is checked as one that came late; where all are new nobody is', () => {
    const passed = (before: number) => {
      const replicas = open(100);
      for (let at = 0; at < 30; at += 1) replicas.deliver(at, from(`h${at}`, 'right', { before }));
      for (let at = 30; at < 30 + BELIEF.probation; at += 1) {
        replicas.deliver(at, from('stranger'));
        replicas.deliver(at, from('checker', 'right', { before }));
      }
      replicas.deliver(99, from('stranger'));
      return replicas.stateOf(99);
    };
    expect(passed(1_000)).toBe('checking');
    expect(passed(0)).toBe('provisional');
  });

  test('what a tenth leaves at the end of the job is spent on checks, and no more than that', () => {
    const replicas = open(1_000);
    const checksOf = (host: string) => replicas.standingOf(host)?.checks ?? 0;
    for (let task = 0; task < 1_000; task += 1) replicas.deliver(task, old(task % 2 ? 'a' : 'b'));
    let extra = 0;
    for (let round = 0; round < 10; round += 1)
      for (let task = 0; task < 1_000; task += 1) {
        const wanted = replicas.wantedOf(task);
        if (!wanted) continue;
        extra += 1;
        replicas.deliver(task, old(wanted.not.includes('a') ? 'b' : 'a'));
      }
    expect(replicas.counts().final).toBe(1_000);
    expect(extra / 1_000).toBeGreaterThan(0.95 * BELIEF.overhead);
    // A check of each of the two may be rounded up.
    expect(extra / 1_000).toBeLessThanOrEqual(BELIEF.overhead + 2 / 1_000);
    expect(Math.abs(checksOf('a') - checksOf('b'))).toBeLessThan(10);
  });

  test('anonymous tabs are one owner and never believed alone, however many checks they passed', () => {
    const replicas = open(10);
    const tab = (host: string) => from(host, 'right', { owner: 'anonymous', kind: 'anonymous', before: 1_000 });
    expect(replicas.deliver(0, tab('t1')).wanted[0]?.not).toEqual(['anonymous']);
    expect(replicas.deliver(0, tab('t2')).dropped).toBe(true);
    expect(replicas.deliver(0, old('a')).accepted).toHaveLength(1);
  });

  test('a trusted host is believed at once, and whoever says otherwise is convicted', () => {
    const replicas = open(10);
    replicas.deliver(0, from('liar', 'wrong'));
    const { accepted, convicted } = replicas.deliver(0, from('own', 'right', { kind: 'trusted' }));
    expect(accepted).toEqual([{ task: 0, answer: 'right', wrong: 0, host: 'own', hosts: ['own'] }]);
    expect(convicted).toEqual(['liar']);
  });

  test('a host that is trusted later is believed for what it has delivered, and whoever said otherwise is convicted', () => {
    const replicas = open(10);
    for (const task of [0, 1]) replicas.deliver(task, from('own'));
    replicas.deliver(1, from('liar', 'wrong'));
    expect([0, 1].map(replicas.stateOf)).toEqual(['checking', 'disputed']);
    const { accepted, convicted, wanted } = replicas.stand('own', 'trusted');
    expect(accepted.map(({ task, answer }) => [task, answer])).toEqual([0, 1].map((task) => [task, 'right']));
    expect({ convicted, wanted }).toEqual({ convicted: ['liar'], wanted: [] });
    expect(replicas.deliver(2, from('own')).accepted).toHaveLength(1);
    expect(replicas.stand('own', 'known')).toMatchObject({ accepted: [], wanted: [] });
    expect(replicas.deliver(3, from('own')).accepted).toHaveLength(0);
  });

  test("a caught liar's held results are wanted again, and so is what only banned hosts agreed on", () => {
    const replicas = open(100);
    replicas.deliver(0, old('liar'));
    replicas.deliver(1, old('liar', 'wrong'));
    expect(replicas.stand('liar', 'banned').wanted.map(({ from }) => from)).toEqual([0, 1]);
    expect(replicas.deliver(2, old('liar')).dropped).toBe(true);
    const sure = open(100, { confidence: 0.999999 });
    for (const host of ['x', 'y']) sure.deliver(0, from(host, 'wrong'));
    expect(sure.stateOf(0)).toBe('provisional');
    sure.stand('x', 'banned');
    sure.stand('y', 'banned');
    expect(sure.wantedOf(0)?.not).toEqual(['x', 'y']);
  });

  test('claiming more fuel than the others is a wrong result; another version of the rewriter is none', () => {
    const replicas = open(10);
    replicas.deliver(0, from('a', '!ERR_FUEL_SPENT@3'));
    replicas.deliver(0, from('b', '!ERR_TRAP@4'));
    expect(replicas.stateOf(0)).toBe('checking');
    expect(replicas.deliver(0, from('c', '!ERR_FUEL_SPENT@3')).convicted).toEqual([]);
    expect(replicas.stateOf(0)).toBe('done');
  });

  test('an established host is outvoted by a lead of two only, and the last word has a trusted host', () => {
    const replicas = open(10);
    replicas.deliver(0, old('a', 'other'));
    for (const host of ['x', 'y']) expect(replicas.deliver(0, from(host)).convicted).toEqual([]);
    expect(replicas.stateOf(0)).toBe('disputed');
    expect(replicas.deliver(0, from('z')).convicted).toEqual(['a']);
    const split = open(10);
    for (let at = 0; at < BELIEF.runsMax; at += 1) split.deliver(0, from(`h${at}`, `answer ${at}`));
    expect(split.wantedOf(0)?.trusted).toBe(true);
  });

  test('where there is a trusted host, two newcomers of one mind convict nobody without it, and one that has passed checks does', () => {
    const replicas = open(10, { trustedHosts: true });
    replicas.deliver(0, from('honest'));
    for (const host of ['x', 'y']) expect(replicas.deliver(0, from(host, 'wrong')).convicted).toEqual([]);
    expect(replicas.wantedOf(0)?.trusted).toBe(true);
    expect(replicas.deliver(0, from('own', 'right', { kind: 'trusted' })).convicted).toEqual(['x', 'y']);
    replicas.deliver(1, from('liar', 'wrong'));
    replicas.deliver(1, from('n'));
    expect(replicas.deliver(1, old('a')).convicted).toEqual(['liar']);
  });

  test("at once, an unknown host's word is not enough, and a host with a long record is believed", () => {
    const replicas = open(10, { wait: false });
    expect(replicas.deliver(0, old('a')).accepted).toHaveLength(1);
    expect(replicas.deliver(1, from('n', 'right', { before: 3 })).accepted).toHaveLength(0);
  });

  test('trusted and non-deterministic jobs take the word of trusted hosts alone', () => {
    for (const change of [{ confidence: 'trusted' }, { deterministic: false }] as const) {
      expect(open(10, change).deliver(0, old('a')).wanted[0]?.trusted).toBe(true);
      expect(open(10, change).deliver(0, from('own', 'x', { kind: 'trusted' })).accepted).toHaveLength(1);
    }
  });

  test('checks that are due when the job ends are drawn from what is held, then all is final', () => {
    const replicas = open(100);
    const wanted = new Set<number>();
    for (let task = 0; task < 100; task += 1) {
      for (const range of replicas.deliver(task, old('a')).wanted) wanted.add(range.from);
    }
    expect(wanted.size).toBe(Math.ceil(BELIEF.checks * 10));
    const accepted = [...wanted].flatMap((task) => replicas.deliver(task, old('b')).accepted);
    expect(accepted.map(({ task }) => task).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, task) => task),
    );
  });
});

const HOSTS = 7;
const TASKS = 12;
const step = fc.record({
  host: fc.nat(HOSTS - 1),
  pick: fc.nat(),
  lies: fc.boolean(),
  what: fc.oneof(
    { weight: 20, arbitrary: fc.constant('run') },
    { weight: 2, arbitrary: fc.constantFrom('banned', 'trusted', 'known') },
  ),
});

/** Plays the steps, then lets a trusted host do what is wanted until all is final. Gives what became final, in order. */
function play(
  steps: readonly { host: number; pick: number; lies: boolean; what: 'run' | 'banned' | 'trusted' | 'known' }[],
  seed: number,
  confidence: number,
) {
  const replicas = createReplicas({
    ...{ confidence, wait: seed % 2 === 0, deterministic: true, trustedHosts: true, draw: createDraw(seed) },
  });
  const final: Effects['accepted'][number][] = [];
  const note = (effects: Effects) => void final.push(...effects.accepted);
  note(replicas.grow(TASKS, true));
  const wanted = () =>
    Array.from({ length: TASKS }, (_, task) => replicas.wantedOf(task)).filter((range) => range !== undefined);
  for (const { host, pick, lies, what } of steps) {
    const owner = `owner ${host % 5}`;
    if (what !== 'run') note(replicas.stand(`h${host}`, what));
    const may = wanted().filter(({ not, trusted }) => !not.includes(owner) && !trusted);
    const range = may[pick % Math.max(1, may.length)];
    if (!range) continue;
    expect(replicas.runsOf(range.from).some((run) => run.owner === owner)).toBe(false);
    note(replicas.deliver(range.from, from(`h${host}`, lies ? `wrong ${pick}` : 'right', { owner, before: host })));
  }
  for (let turns = 0; wanted().length > 0; turns += 1) {
    if (turns > 10 * TASKS) throw new Error('a task is wanted for ever');
    note(replicas.deliver(wanted()[0]?.from ?? 0, from('own', 'right', { owner: 'site', kind: 'trusted' })));
  }
  return { final, counts: replicas.counts() };
}

test('whatever hosts deliver and whoever is banned or trusted, every task becomes final exactly once, and a replay gives the same', () => {
  const confidences = fc.constantFrom(0.5, 0.999, 0.9999, 0.999999);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(1_000), confidences, (steps, seed, confidence) => {
      const { final, counts } = play(steps, seed, confidence);
      expect(final.map(({ task }) => task).sort((a, b) => a - b)).toEqual(
        Array.from({ length: TASKS }, (_, task) => task),
      );
      expect(counts).toEqual({ tasks: TASKS, held: 0, final: TASKS });
      expect(play(steps, seed, confidence).final).toEqual(final);
    }),
  );
});
