// The simulated site and its machines: who comes and goes, who is given what, what they say, and what the site makes of it.
import type { JobView, Range, Standing } from '../../host/coordinator/contracts.ts';
import type { Effects } from '../../host/coordinator/delivery.ts';
import { drop, reopen, take } from '../../host/coordinator/open.ts';
import { createReplicas, type Replicas } from '../../host/coordinator/replicas.ts';
import { schedule } from '../../host/coordinator/schedule.ts';
import { type Chance, createDraw } from './chance.ts';
import type { Clock } from './clock.ts';
import { answerOf, createCoalition, createMachine, hasSlept, type Lies, type Machine, RIGHT } from './fleet.ts';
import { type Count, countFinal, createCount, type Score, scoreOf } from './score.ts';
import type { Simulation } from './simulate.ts';
import { createJobView, createView, type Place } from './views.ts';

/** Minutes that a machine is there and away on average, that a task takes at speed 1, until a lost run is noticed, until a Sybil is back. */
const THERE = 40 / Math.LN2;
const AWAY = 60;
const TASK = { mean: 5, sigma: 0.5 };
const LEASE = 60;
const REJOIN = 10;
/** Share of runs that get lost on their way. */
const LOST = 0.02;
/** Acts between two looks at the progress. */
const ACTS_A_LOOK = 50_000;

/** Acts of the clock: four times the machine's number and one of these, or the number of a lost run below 0. */
const COMES = 0;
const LEAVES = 1;
const DELIVERS = 2;
const REJOINS = 3;

interface Job {
  readonly number: number;
  readonly begun: number;
  readonly replicas: Replicas;
  readonly view: JobView;
  readonly weights: Float64Array;
  /** Runs of each task that are open or at a machine. */
  readonly out: Uint8Array;
  readonly draw: (task: number, nth: number) => number;
  readonly count: Count;
  readonly lies: Lies;
  /** Copies that are still to go out with a task's first run. */
  readonly copies: Map<number, number>;
  open: readonly Range[];
}

export function createGrid(simulation: Simulation, chance: Chance, clock: Clock) {
  const { hosts, tasks, seed } = simulation;
  const rule = simulation.rule();
  const moment = { now: 0, used: () => 0, hosts: 1, trust: rule.trust };
  const byId = new Map<string, number>();
  const idle: number[] = [];
  const lost: { readonly task: number; readonly host: string; readonly job: number }[] = [];
  let names = hosts;
  let job: Job;

  const places = Array.from({ length: hosts }, (_, number): Place => {
    const machine = createMachine(number, chance, simulation.honest ?? false);
    byId.set(machine.id, number);
    const view = createView(machine, () => standing(machine));
    return { machine, view, until: 0, task: -1, begun: 0, due: 0, idle: false };
  });
  const power = places.reduce((sum, { machine }) => sum + machine.speed, 0) * (THERE / (THERE + AWAY));
  for (const number of places.keys()) {
    const isThere = chance.share() < THERE / (THERE + AWAY);
    clock.at(isThere ? chance.share() * 0.1 : chance.wait(AWAY), number * 4 + COMES);
  }

  const placeOf = (number: number): Place => places[number] as Place;

  function newcomer(machine: Machine): Standing {
    const { checksEver, banned } = machine;
    const kind = machine.anonymous ? 'anonymous' : 'known';
    return { kind, checks: 0, checksEver, results: 0, late: machine.since > job.begun, banned };
  }

  const standing = (machine: Machine): Standing => job.replicas.standingOf(machine.id) ?? newcomer(machine);

  function open(number: number): Job {
    const draw = createDraw(seed * 8_191 + number);
    const weights = Float64Array.from(
      { length: tasks },
      () => TASK.mean * chance.spread(TASK.sigma) * Math.exp(-(TASK.sigma ** 2) / 2),
    );
    const count = createCount();
    count.work = weights.reduce((sum, each) => sum + each, 0);
    const { confidence, wait, gamble = 0 } = simulation;
    const { trust, trustedHosts } = rule;
    const replicas = createReplicas({ confidence, wait, deterministic: true, trustedHosts, draw, trust });
    const feelsSafe = (machine: Machine, task: number) =>
      rule.feelsSafe?.(standing(machine), (job.out[task] ?? 0) > 0 || replicas.runsOf(task).length > 0) ??
      hasSlept(machine);
    const coalitions = { coalitionA: createCoalition(), coalitionB: createCoalition() };
    return {
      ...{ number, replicas, weights, draw, count, begun: clock.now(), open: [], copies: new Map() },
      view: createJobView({ confidence, wait }, { open: () => job.open, progress: () => replicas.terms().progress }),
      out: new Uint8Array(tasks),
      lies: { chance, coalitions, gamble, feelsSafe },
    };
  }

  /** Runs of the site's own machines take no time. */
  function audit(task: number): void {
    job.count.audits += job.weights[task] ?? 0;
    const own = { host: 'own', owner: 'site', kind: 'trusted', late: false, before: 0, answer: RIGHT } as const;
    apply(job.replicas.deliver(task, own));
  }

  function apply({ wanted, accepted, convicted, passed }: Effects): void {
    for (const { host, share } of passed) {
      const number = byId.get(host);
      if (number !== undefined) placeOf(number).machine.checksEver += share;
    }
    for (const { answer, wrong, host } of accepted) {
      countFinal(job.count, answer, wrong, places[byId.get(host) ?? -1]?.machine);
    }
    for (const host of convicted) ban(byId.get(host) ?? -1);
    job.count.reopened += convicted.length > 0 ? wanted.length : 0;
    for (const range of wanted) {
      if (range.trusted) audit(range.from);
      else if (range.to - range.from > 1 || job.out[range.from] === 0) put(range);
    }
  }

  function ban(number: number): void {
    const { machine } = placeOf(number);
    machine.banned = true;
    job.count.banned += 1;
    if (machine.kind === 'honest') job.count.honestBanned += 1;
    if (machine.kind === 'sybil') clock.at(clock.now() + REJOIN, number * 4 + REJOINS);
  }

  function put(range: Range): void {
    for (let task = range.from; task < range.to; task += 1) job.out[task] = (job.out[task] ?? 0) + 1;
    job.open = reopen(job.open, range);
    wake();
  }

  /** Lets machines that had nothing ask again, until one takes something. */
  function wake(): void {
    const tried: number[] = [];
    while (idle.length > 0) {
      const at = chance.below(idle.length);
      const number = idle[at] ?? 0;
      idle[at] = idle.at(-1) ?? 0;
      idle.pop();
      placeOf(number).idle = false;
      if (isFree(placeOf(number)) && ask(number)) break;
      tried.push(number);
    }
    for (const number of tried) rest(number);
  }

  const isFree = (place: Place) => place.until > clock.now() && place.task < 0 && !place.machine.banned;

  function rest(number: number): void {
    const place = placeOf(number);
    if (place.idle || !isFree(place)) return;
    place.idle = true;
    idle.push(number);
  }

  /** Gives a machine a task, if there is one for it. */
  function ask(number: number): boolean {
    const place = placeOf(number);
    const [part] = schedule([job.view], place.view, 1, moment);
    if (!part) return false;
    const range = job.open[part.range] as Range;
    job.open = take(job.open, [part]);
    const task = part.from;
    const { machine } = place;
    if (machine.kind === 'coalitionA' || machine.kind === 'coalitionB') {
      const { has } = job.lies.coalitions[machine.kind];
      has.set(task, (has.get(task) ?? new Set()).add(machine.id));
    }
    place.task = task;
    place.begun = clock.now();
    place.due = place.begun + (job.weights[task] ?? 0) / machine.speed;
    if (place.due <= place.until) clock.at(place.due, number * 4 + DELIVERS);
    copy(task, range, place);
    return true;
  }

  /** Sends out the copies that the rule wants beside a first run. */
  function copy(task: number, range: Range, { machine, view }: Place): void {
    const left = range.check ? (job.copies.get(task) ?? 0) : rule.copies(standing(machine), job.draw(task, 1));
    if (left === 0) return;
    job.copies.set(task, left - 1);
    put({ from: task, to: task + 1, not: [...range.not, view.owner], check: true, trusted: false });
  }

  /** A machine's run of a task ended without a result: somebody else is to do it, if nobody does already. */
  function giveBack(task: number): void {
    job.out[task] = (job.out[task] ?? 1) - 1;
    const range = job.out[task] === 0 ? job.replicas.wantedOf(task) : undefined;
    if (range) put(range);
  }

  function deliver(number: number): void {
    const { machine, view, task } = placeOf(number);
    job.count.delivered += job.weights[task] ?? 0;
    job.out[task] = (job.out[task] ?? 1) - 1;
    const answer = answerOf(machine, task, job.lies);
    if (answer !== RIGHT) job.count.lies += 1;
    machine.results += 1;
    const { kind, late } = newcomer(machine);
    const run = { host: machine.id, owner: view.owner, kind, late, before: machine.checksEver, answer };
    apply(job.replicas.deliver(task, run));
    if (job.replicas.stateOf(task) === 'done' && (job.out[task] ?? 0) > 0) job.open = drop(job.open, task, task + 1);
  }

  function finish(number: number): void {
    const place = placeOf(number);
    const { task } = place;
    if (task < 0 || place.due !== clock.now()) return;
    if (chance.share() < LOST) {
      job.count.lost += job.weights[task] ?? 0;
      lost.push({ task, host: place.machine.id, job: job.number });
      clock.at(clock.now() + LEASE, -lost.length);
    } else deliver(number);
    place.task = -1;
    if (!ask(number)) rest(number);
  }

  function leave(number: number): void {
    const place = placeOf(number);
    const { task } = place;
    place.until = 0;
    place.task = -1;
    clock.at(clock.now() + chance.wait(AWAY), number * 4 + COMES);
    if (task < 0) return;
    job.count.churn += (clock.now() - place.begun) * place.machine.speed;
    giveBack(task);
  }

  function act(what: number): void {
    if (what < 0) {
      const run = lost[-what - 1];
      if (run?.job !== job.number) return;
      const lender = job.replicas.standingOf(run.host);
      if (lender) rule.lost(lender);
      giveBack(run.task);
      return;
    }
    const number = Math.floor(what / 4);
    const place = placeOf(number);
    const kind = what % 4;
    if (kind === COMES) {
      place.until = clock.now() + chance.wait(THERE);
      clock.at(place.until, number * 4 + LEAVES);
    } else if (kind === LEAVES) leave(number);
    else if (kind === DELIVERS) finish(number);
    else if (kind === REJOINS) rename(place, number);
    if (kind !== DELIVERS && isFree(place) && !place.idle && !ask(number)) rest(number);
  }

  function rename({ machine }: Place, number: number): void {
    machine.id = `h${names++}`;
    machine.since = clock.now();
    machine.banned = false;
    machine.checksEver = 0;
    machine.results = 0;
    byId.set(machine.id, number);
  }

  function start(number: number): void {
    job = open(number);
    idle.length = 0;
    for (const place of places) Object.assign(place, { task: -1, idle: false });
    apply(job.replicas.grow(tasks, true));
    for (const [at, place] of places.entries()) if (isFree(place) && !ask(at)) rest(at);
  }

  return {
    /** Runs one job to its end; undefined if it was broken off. */
    run(number: number): Score | undefined {
      start(number);
      for (let acts = 1; job.replicas.counts().final < tasks; acts += 1) {
        const what = clock.next();
        if (what === undefined) throw new Error('the grid stands still');
        job.count.events += 1;
        act(what);
        if (acts % ACTS_A_LOOK !== 0) continue;
        const { held, final } = job.replicas.counts();
        if (simulation.onProgress?.(number, held + final) === false) return undefined;
      }
      return scoreOf(job.count, { tasks, hosts, minutes: clock.now() - job.begun, power });
    },
  };
}
