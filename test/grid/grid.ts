// The simulated site and its machines: who comes and goes, who is given what, what they say, and what the site makes of it.
import type { Range, Standing } from '../../host/coordinator/contracts.ts';
import type { Delivery, Effects } from '../../host/coordinator/delivery.ts';
import type { Question } from '../../host/coordinator/exams.ts';
import { intervalOf } from '../../host/coordinator/intervals.ts';
import { drop, reopen, take } from '../../host/coordinator/open.ts';
import { canAudit, schedule } from '../../host/coordinator/schedule.ts';
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import { AWAY_NOW, createCrowd, NOBODY } from './crowd.ts';
import { answerOf, createMachine, type Machine, meet, RIGHT, saidOf } from './fleet.ts';
import { type Job, openJob } from './job.ts';
import { countFinal, type Score, scoreOf } from './score.ts';
import type { Simulation } from './simulate.ts';
import { auditAnswer, claimOf, honestAnswer, rightClaim, shareOf } from './steps.ts';
import { createView, type Place } from './views.ts';
import { createWaiting } from './waiting.ts';

/** Minutes that a machine is there and away on average, until a lost run is noticed, until a Sybil is back. */
const THERE = 40 / Math.LN2;
const AWAY = 60;
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

export function createGrid(simulation: Simulation, chance: Chance, clock: Clock) {
  const { hosts, tasks, parts = 1 } = simulation;
  const right = rightClaim(parts);
  const rule = simulation.rule();
  const crowd = createCrowd((machine) => standing(machine));
  const moment = {
    now: 0,
    used: () => 0,
    hosts: 1,
    trust: rule.trust,
    awake: () => auditors,
    crowd: () => (simulation.everybody ? NOBODY : crowd.is),
  };
  const byId = new Map<string, number>();
  const waiting = createWaiting(chance);
  const lost: { readonly task: number; readonly host: string; readonly job: number }[] = [];
  let names = hosts;
  let job: Job;

  const places = Array.from({ length: hosts }, (_, number): Place => {
    const machine = createMachine(number, chance, simulation.honest ?? false);
    byId.set(machine.id, number);
    const view = createView(machine, () => standing(machine));
    return { machine, view, question: undefined, until: 0, task: -1, begun: 0, due: 0, idle: false, counted: AWAY_NOW };
  });
  // Of those who can run a part some are always there: it is enough to show the scheduler a few.
  const auditors = places
    .filter(({ machine }) => !machine.anonymous)
    .slice(0, 4)
    .map(({ view }) => view);
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

  const workOf = (task: number, question: Question | undefined): number =>
    (job.weights[task] ?? 0) * (question ? shareOf(question, parts) : 1);

  /** A run, or of a question the part that it is about. */
  function give(task: number, run: Delivery, question: Question | undefined): void {
    apply(question ? job.replicas.audit(task, intervalOf(question), run) : job.replicas.deliver(task, run));
  }

  /** Runs of the site's own machines take no time. */
  function audit(task: number): void {
    const question = job.replicas.auditOf(task);
    job.count.audits += workOf(task, question);
    const answer = question ? honestAnswer(question, parts) : RIGHT;
    give(task, { host: 'own', owner: 'site', kind: 'trusted', late: false, before: 0, answer }, question);
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
    crowd.look(placeOf(number));
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
    const tried = waiting.tryEach((number) => {
      placeOf(number).idle = false;
      return isFree(placeOf(number)) ? ask(number) : undefined;
    });
    for (const number of tried) rest(number);
  }

  const isFree = (place: Place) => place.until > clock.now() && place.task < 0 && !place.machine.banned;

  function rest(number: number): void {
    const place = placeOf(number);
    if (place.idle || !isFree(place)) return;
    place.idle = true;
    const { kind, results, checksEver } = standing(place.machine);
    waiting.add(number, kind === 'known' && results + checksEver === 0);
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
    meet(machine, task, job.lies);
    place.task = task;
    place.begun = clock.now();
    const question = job.replicas.auditOf(task);
    place.question = question && canAudit(place.view, job.view.id, question.rewriter) ? question : undefined;
    place.due = place.begun + workOf(task, place.question) / machine.speed;
    if (place.due <= place.until) clock.at(place.due, number * 4 + DELIVERS);
    crowd.look(placeOf(number));
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
    const { machine, view, task, question } = placeOf(number);
    job.count.delivered += workOf(task, question);
    job.out[task] = (job.out[task] ?? 1) - 1;
    const { kind, late } = newcomer(machine);
    const host = { host: machine.id, owner: view.owner, kind, late, before: machine.checksEver };
    const lie = { parts, wrongAt: task % parts };
    if (question) {
      give(task, { ...host, answer: auditAnswer(question, lie, saidOf(machine, task, job.lies)) }, question);
    } else {
      const answer = answerOf(machine, task, job.lies);
      if (answer !== RIGHT) job.count.lies += 1;
      machine.results += 1;
      const claim = parts > 1 && kind === 'known' && (answer === RIGHT ? right : claimOf(answer, lie));
      give(task, { ...host, answer, ...(claim && { claim }) }, undefined);
    }
    if (job.replicas.stateOf(task) === 'done' && (job.out[task] ?? 0) > 0) job.open = drop(job.open, task, task + 1);
  }

  function finish(number: number): void {
    const place = placeOf(number);
    const { task } = place;
    if (task < 0 || place.due !== clock.now()) return;
    if (chance.share() < LOST) {
      job.count.lost += workOf(task, place.question);
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
    crowd.look(placeOf(number));
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
      crowd.look(placeOf(number));
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
    crowd.look(placeOf(number));
  }

  function start(number: number): void {
    job = openJob(simulation, rule, { number, now: clock.now(), chance, standing });
    waiting.clear();
    for (const place of places) {
      Object.assign(place, { task: -1, idle: false });
      crowd.look(place);
    }
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
